"""The same application on Ray Serve (extra `serve-ray`): replicas that come and go with the load, and updates that nobody notices."""

import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from seefar.cluster import connected
from seefar.errors import SeefarError, UsageError
from seefar.serving.settings import Settings, check_exposure
from seefar.serving.sources import sources

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

NAME = "seefar"  # of the application: deploying it again updates it, replica by replica
ONGOING = 0.7  # of the queue: how many requests a replica is to have before another one is started


def serve_on_ray(
    words: Sequence[str],
    address: str,
    host: str = "127.0.0.1",
    port: int = 8000,
    settings: Settings | None = None,
    *,
    replicas: int = 4,
    threads: int | None = None,
    tell: Callable[[str, list[str]], None] = lambda url, names: None,
    until: Callable[[], object] | None = None,
) -> None:
    """Deploy models on a Ray cluster, or replace what is deployed there.

    Args:
        words: as for `serve`; the files are sent to the replicas.
        address: "local", "auto", or "ray://host:port".
        host: on which the cluster's machines listen.
        port: likewise.
        settings: the bounds, of each replica.
        replicas: at most; at least one.
        threads: how many cores a replica has; None: one.
        tell: is told where the service listens, and the names of its models, once it is ready.
        until: waited for where the cluster is "local", since it ends with this process; None: a signal. Other clusters keep the
            application until `serve shutdown`.

    Raises:
        UsageError: Ray Serve is not installed, no cluster answers, or senseless words or numbers.
        ModelFileError: a model is missing, damaged, or fails its self-test; what was deployed before goes on.
    """
    bounds = settings or Settings()
    check_exposure(host, bounds.token)
    if not 1 <= replicas <= 10_000:
        raise UsageError(f"replicas is {replicas}; allowed is 1 to 10000")
    files = {source.name: list(source.versions().items()) for source in sources(words)}
    contents = {name: {version or "1": file.read_bytes() for version, file in found} for name, found in files.items()}
    _check(contents)
    with connected(address):
        serve = _ray_serve()
        serve.start(http_options={"host": host, "port": port})
        deployment = serve.deployment(
            name="Replica",
            max_ongoing_requests=2 * bounds.queue,  # the replica itself refuses what is too much, and says why
            autoscaling_config={
                "min_replicas": 1,
                "max_replicas": replicas,
                "target_ongoing_requests": max(1, int(ONGOING * bounds.queue)),
            },
            ray_actor_options={"num_cpus": threads or 1},
            graceful_shutdown_timeout_s=bounds.grace,
            health_check_period_s=5,
        )(Replica)
        try:
            serve.run(deployment.bind(contents, bounds, threads or 1), name=NAME, route_prefix="/")
        except RuntimeError as error:
            raise SeefarError(f"Ray could not deploy the models: {' '.join(str(error).split())[:300]}") from None
        tell(f"http://{host}:{port}", list(files))
        if address == "local":
            try:
                (until or threading.Event().wait)()
            finally:
                serve.shutdown()


class Replica:
    """One process that answers, with the whole service in it.

    Args:
        contents: the bytes of each model's file, by name and version.
        settings: the bounds.
        threads: how many compute one batch.
    """

    def __init__(self, contents: Mapping[str, Mapping[str, bytes]], settings: Settings, threads: int) -> None:
        from seefar.serving.log import Log
        from seefar.serving.metrics import Metrics
        from seefar.serving.models import Models
        from seefar.serving.service import Service

        metrics = Metrics()
        log = Log(lost=metrics.lost.inc)
        models = Models([], settings, metrics, log, threads)
        models.load_bytes(contents)
        self._service = Service(models, settings, metrics, log)
        self._application: Any = None

    async def __call__(self, request: "Request") -> "Response":
        """Answer one request of Ray's proxy."""
        from starlette.responses import Response

        self._start()
        begun: dict[str, Any] = {}
        body: list[bytes] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                begun.update(message)
            else:
                body.append(message.get("body", b""))

        scope = {name: value for name, value in request.scope.items() if name in SCOPE}
        await self._application(scope, request.receive, send)
        answer = Response(b"".join(body), begun["status"])
        answer.raw_headers = list(begun["headers"])
        return answer

    async def check_health(self) -> None:
        """Ray asks; a replica that is not well is replaced."""
        self._start()
        if not self._service.models.live():
            raise RuntimeError("a thread of this replica has died or is stuck")

    def _start(self) -> None:
        if self._application is None:
            from seefar.serving.application import application

            self._service.models.start()
            self._application = application(self._service)


SCOPE = (
    "type",
    "http_version",
    "method",
    "scheme",
    "path",
    "raw_path",
    "query_string",
    "headers",
    "client",
    "server",
    "root_path",
)


def _check(contents: Mapping[str, Mapping[str, bytes]]) -> None:
    """Every file is opened here first, so that a bad one is a sentence and replaces nothing."""
    from seefar.model.onnx_file import model_from

    for name, versions in contents.items():
        for content in versions.values():
            model_from(content, name, 1)


def _ray_serve() -> Any:
    try:
        from ray import serve
    except ImportError:
        raise UsageError("--ray needs Ray Serve, which is not installed: pip install 'seefar[serve-ray]'") from None
    return serve
