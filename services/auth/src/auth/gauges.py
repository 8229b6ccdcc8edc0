"""What operators see of logins."""

from common.metrics import Metrics


class LoginGauges:
    """Outcomes come from fixed sets, so the labels stay few."""

    def __init__(self, metrics: Metrics) -> None:
        self._logins = metrics.counter("logins", "Attempts to log in.", ["outcome"])
        self._refreshes = metrics.counter("token_refreshes", "Refresh tokens shown.", ["outcome"])

    def login(self, outcome: str) -> None:
        """`ok`, `refused` or `locked`."""
        self._logins.labels(outcome).inc()

    def refresh(self, outcome: str) -> None:
        """`rotated`, `again`, `reused`, `unknown` or `forged`."""
        self._refreshes.labels(outcome).inc()
