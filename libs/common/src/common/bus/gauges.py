"""What the bus tells Prometheus."""

from common.metrics import Metrics


class BusGauges:
    """Metrics of one reader; `group` is the consumer group, or `tail`."""

    def __init__(self, metrics: Metrics, group: str) -> None:
        def counter(name: str, text: str) -> "Counted":
            return Counted(metrics, name, text=text, group=group)

        self.handled = counter("bus_handled", "Events applied.")
        self.passed = counter("bus_passed", "Events of no interest to this reader.")
        self.retried = counter("bus_retried", "Deliveries that failed and were tried again.")
        self.dead = counter("bus_dead_letters", "Events given up and put aside.")
        self.claimed = counter("bus_claimed", "Events taken over from a reader that was silent.")
        self.gaps = counter("bus_gaps", "Sequence numbers of sessions that never came.")
        self.alarms = counter("bus_alarms", "Group or stream lost, and what else should not be.")
        self.errors = counter("bus_listener_errors", "Listeners of the tail that raised.")
        label = ["group"]
        self.lag = metrics.gauge(
            "bus_lag_seconds", "Age of the oldest event not yet delivered.", label
        ).labels(group)
        self.pending = metrics.gauge(
            "bus_pending", "Events delivered and not acknowledged.", label
        ).labels(group)


class Counted:
    """A counter of one group, counting from 0 so that a rate sees the first."""

    def __init__(self, metrics: Metrics, name: str, *, text: str, group: str) -> None:
        self._counter = metrics.counter(name, text, ["group"]).labels(group)
        self.total = 0

    def __call__(self, by: int = 1) -> None:
        self._counter.inc(by)
        self.total += by
