"""The whole service as an ASGI application: the routes, and the guard around them. Any ASGI server can run it."""

from starlette.routing import Route, Router

from seefar.serving.guard import App, Guard
from seefar.serving.pages import PLAYGROUND, Pages
from seefar.serving.service import Service
from seefar.serving.v1 import Plain
from seefar.serving.v2 import OpenInference


def application(service: Service) -> App:
    """The routes of a service whose models were started."""
    plain, protocol, pages = Plain(service), OpenInference(service), Pages(service)
    one = "/v2/models/{name}"
    version = one + "/versions/{version}"
    routes = [
        Route("/v1/predict", plain.predict, methods=["POST"]),
        *[Route(path + "/infer", protocol.infer, methods=["POST"]) for path in (one, version)],
        Route("/healthz", pages.healthz),
        Route("/readyz", pages.readyz),
        Route("/metrics", pages.metrics),
        Route("/v2/health/live", protocol.live),
        Route("/v2/health/ready", protocol.ready),
        *[Route(path + "/ready", protocol.model_ready) for path in (one, version)],
        *[Route(path, protocol.model) for path in (one, version)],
        Route("/v2", protocol.server),
        Route("/v1/models", plain.models),
        Route("/v1/models/{name}", plain.model, methods=["GET", "PUT"]),
        Route("/", pages.front),
        *[Route(f"/{name}", pages.playground) for name in (PLAYGROUND if service.playground else ())],
        Route("/docs", pages.docs),
        Route("/openapi.json", pages.openapi),
    ]
    router = Router(routes, redirect_slashes=False)
    return Guard(router, service.settings, service.metrics, service.log, lambda: service.stopping, service.models.are_full)
