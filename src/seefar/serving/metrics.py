"""What is counted, for Prometheus. No label has a value that a request could choose, so that there is a fixed number of series."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

TEXT = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
IMAGES = (1, 2, 4, 8, 16, 32, 64)

Gauges = Callable[[], Iterable[tuple[str, str, dict[str, str], float]]]
"""Gives name, meaning, labels and value of what is not counted but looked at."""


class Metrics:
    """The counters of one service.

    Attributes:
        requests: by route and status.
        seconds: from the head of a request to the end of its answer, by route.
        images: answered, by model.
        batches: how many images were computed at once, by model.
        refused: requests that were refused by reason (`Problem.code`).
        undecodable: image files that could not be read.
        gone: clients that left before their answer.
        reloads: by result: "switched", "unchanged", "refused".
        restarts: threads that died and were started again.
        lost: lines of the log that could not be written.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # they would double the number of series
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        kept = self._registry
        self.requests = Counter("seefar_requests", "requests", ["route", "status"], registry=kept)
        self.seconds = Histogram("seefar_request_seconds", "seconds a request", ["route"], buckets=SECONDS, registry=kept)
        self.images = Counter("seefar_images", "images answered", ["model"], registry=kept)
        self.batches = Histogram("seefar_batch_images", "images computed at once", ["model"], buckets=IMAGES, registry=kept)
        self.refused = Counter("seefar_refused", "requests refused, by reason", ["reason"], registry=kept)
        self.undecodable = Counter("seefar_undecodable", "image files that could not be read", registry=kept)
        self.gone = Counter("seefar_clients_gone", "clients that left before their answer", registry=kept)
        self.reloads = Counter("seefar_reloads", "models loaded again, by result", ["result"], registry=kept)
        self.restarts = Counter("seefar_worker_restarts", "threads that died and were started again", registry=kept)
        self.lost = Counter("seefar_log_lines_lost", "lines of the log that could not be written", registry=kept)

    def watch(self, gauges: Gauges) -> None:
        """Ask `gauges` at every scrape."""
        self._registry.register(_Looked(gauges))

    def text(self) -> bytes:
        """What Prometheus scrapes."""
        return generate_latest(self._registry)


class _Looked:
    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> "Iterator[Metric]":
        families: dict[str, GaugeMetricFamily] = {}
        for name, meaning, labels, value in self._gauges():
            family = families.setdefault(name, GaugeMetricFamily(name, meaning, labels=list(labels)))
            family.add_metric(list(labels.values()), value)
        yield from families.values()
