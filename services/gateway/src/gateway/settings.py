"""What the gateway reads from the environment; every limit is a number here, 0 switches it off."""

from dataclasses import dataclass
from pathlib import Path

from common.settings import ServiceSettings
from pydantic import Field, SecretStr


@dataclass(frozen=True, slots=True)
class Rates:
    """Calls a minute, a session (`_session`) and an address (`_address`)."""

    chat_session: int
    chat_address: int
    chat_vip: int
    new_address: int
    guess_address: int
    escalate_session: int
    escalate_address: int
    message_session: int
    message_address: int
    typing_session: int
    typing_address: int
    other_session: int
    other_address: int
    login_address: int
    agent: int


class GatewaySettings(ServiceSettings):
    """Settings of the gateway on top of those of every service."""

    visitor_token_private_key: SecretStr

    session_state_url: str = "http://127.0.0.1:8002"
    chat_proxy_url: str = "http://127.0.0.1:8001"
    auth_url: str = "http://127.0.0.1:8003"
    # only looked at by /api/health/detailed
    notifier_url: str = ""

    allowed_origins: str = ""  # exact origins, comma-separated
    shops: str = ""  # JSON, or the path of a JSON file
    trusted_proxies: str = ""  # networks whose X-Forwarded-For counts, comma-separated
    # who may read /metrics and /health/ready on the public port, and only directly
    scrape_networks: str = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
    web_dir: Path = Path("web/dist")

    max_headers: int = Field(default=64, ge=8)
    max_header_bytes: int = Field(default=16_384, ge=1024)
    upstream_timeout_seconds: float = Field(default=10.0, gt=0)
    conversation_timeout_seconds: float = Field(default=60.0, gt=0)
    chat_timeout_seconds: float = Field(default=150.0, gt=0)
    # chat streams carry a comment every 15 s: three missing mean that chat-proxy is gone
    chat_silence_seconds: float = Field(default=45.0, gt=0)

    rate_chat_session: int = Field(default=20, ge=0)
    rate_chat_address: int = Field(default=60, ge=0)
    rate_chat_vip: int = Field(default=100, ge=0)
    rate_new_address: int = Field(default=10, ge=0)
    rate_guess_address: int = Field(default=5, ge=0)
    rate_escalate_session: int = Field(default=5, ge=0)
    rate_escalate_address: int = Field(default=20, ge=0)
    rate_message_session: int = Field(default=30, ge=0)
    rate_message_address: int = Field(default=120, ge=0)
    rate_typing_session: int = Field(default=60, ge=0)
    rate_typing_address: int = Field(default=240, ge=0)
    rate_other_session: int = Field(default=120, ge=0)
    rate_other_address: int = Field(default=600, ge=0)
    rate_login_address: int = Field(default=10, ge=0)
    rate_agent: int = Field(default=1200, ge=0)

    streams_max: int = Field(default=1000, ge=1)
    streams_reserved: int = Field(default=50, ge=0)
    streams_per_visitor: int = Field(default=3, ge=1)
    chats_per_visitor: int = Field(default=3, ge=0)
    lease_seconds: float = Field(default=30.0, gt=0)
    lease_renew_seconds: float = Field(default=10.0, gt=0)
    heartbeat_seconds: float = Field(default=30.0, gt=0)
    idle_close_seconds: float = Field(default=300.0, gt=0)
    send_deadline_seconds: float = Field(default=15.0, gt=0)
    stream_queue: int = Field(default=100, ge=1)
    stream_send_buffer_bytes: int = Field(default=32_768, ge=4096)
    # older than this many bus entries an agents' stream reloads instead of replaying
    agent_replay_entries: int = Field(default=20_000, ge=1)
    drain_chat_seconds: float = Field(default=20.0, ge=0)
    drain_retry_seconds: float = Field(default=10.0, ge=0)
    presence_seconds: float = Field(default=20.0, gt=0)
    generation_check_seconds: float = Field(default=1.0, gt=0)

    max_message_chars: int = Field(default=5000, ge=1)
    # what the widget offers; `-name` switches one off
    widget_features: str = "escalate,rating,transcript,typing,suggestions,sound"
    languages: str = "zh,en"

    def origin_list(self) -> list[str]:
        return [part.strip() for part in self.allowed_origins.split(",") if part.strip()]

    def features(self) -> dict[str, bool]:
        """Feature → on."""
        names = [part.strip() for part in self.widget_features.split(",") if part.strip()]
        return {name.removeprefix("-"): not name.startswith("-") for name in names}

    def language_list(self) -> list[str]:
        return [part.strip() for part in self.languages.split(",") if part.strip()]

    def rates(self) -> Rates:
        """The `rate_…` settings as one value."""
        return Rates(**{name: getattr(self, f"rate_{name}") for name in Rates.__annotations__})
