"""What operators watch of Coze: latency, failures, token refreshes, the breaker, turns."""

from collections.abc import Callable

from common.metrics import Metrics


class CozeMetrics:
    """Made once a process; the gauges are read at each scrape."""

    def __init__(self, metrics: Metrics) -> None:
        self.first_delta = metrics.histogram(
            "coze_first_delta_seconds",
            "From an attempt's start to its first delta.",
            buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30),
        )
        self.answer = metrics.histogram(
            "coze_answer_seconds",
            "From an attempt's start to its whole answer.",
            buckets=(0.5, 1, 2, 5, 10, 20, 40, 80, 120),
        )
        self.faults = metrics.counter("coze_faults", "Failed attempts by kind.", ["kind"])
        self.tokens = metrics.counter("coze_token_refreshes", "Tokens got from Coze.")
        self.turns = metrics.counter("turns", "Ended turns by outcome.", ["outcome"])
        self.unpublished = metrics.counter(
            "turns_unpublished", "Ends of turns that never reached the bus."
        )
        self._breaker = metrics.gauge("coze_breaker_state", "0 closed, 1 probing, 2 open.")
        self._running = metrics.gauge("turns_running", "AI turns in flight in this process.")

    def watch_breaker(self, state: Callable[[], float]) -> None:
        self._breaker.set_function(state)

    def watch_turns(self, running: Callable[[], float]) -> None:
        self._running.set_function(running)
