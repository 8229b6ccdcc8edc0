"""What operators watch of Coze: latency, failures, token refreshes, the breaker."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class CozeMetrics:
    """Registered once a process; the two callables are read at each scrape."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        breaker_state: Callable[[], float],
        turns_running: Callable[[], float],
    ) -> None:
        self.first_delta = Histogram(
            "coze_first_delta_seconds",
            "From the attempt's start to its first delta.",
            buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30),
            registry=registry,
        )
        self.answer = Histogram(
            "coze_answer_seconds",
            "From an attempt's start to its whole answer.",
            buckets=(0.5, 1, 2, 5, 10, 20, 40, 80, 120),
            registry=registry,
        )
        self.faults = Counter(
            "coze_faults_total", "Failed calls by kind.", ("kind",), registry=registry
        )
        state = Gauge("coze_breaker_state", "0 closed, 1 probing, 2 open.", registry=registry)
        state.set_function(breaker_state)
        running = Gauge("turns_running", "AI turns in flight in this process.", registry=registry)
        running.set_function(turns_running)
        self.tokens = Counter(
            "coze_token_refreshes_total", "Tokens got from Coze.", registry=registry
        )
        self.turns = Counter(
            "turns_total", "Ended turns by outcome.", ("outcome",), registry=registry
        )
