"""Prometheus metrics of one app: a registry of its own, no module state, bounded labels."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class Metrics:
    """`metrics.counter("turns", "AI turns.", ["outcome"]).labels("stored").inc()` is exposed as
    `kefu_turns_total{outcome="stored"}`. Asking again for a name gives the
    same metric. Label values must come from a bounded set: never ids, names or addresses."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self._known: dict[str, Counter | Gauge | Histogram] = {}
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        known = self._known.get(name)
        if not isinstance(known, Counter):
            known = Counter(f"kefu_{name}", text, labels, registry=self.registry)
            self._known[name] = known
        return known

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        known = self._known.get(name)
        if not isinstance(known, Gauge):
            known = Gauge(f"kefu_{name}", text, labels, registry=self.registry)
            self._known[name] = known
        return known

    def histogram(
        self,
        name: str,
        text: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float] = SECONDS,
    ) -> Histogram:
        known = self._known.get(name)
        if not isinstance(known, Histogram):
            known = Histogram(f"kefu_{name}", text, labels, registry=self.registry, buckets=buckets)
            self._known[name] = known
        return known

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)
