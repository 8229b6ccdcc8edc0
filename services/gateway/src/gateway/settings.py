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
    """Ed25519 private key (base64url) that signs visitors' tokens."""

    session_state_url: str = "http://127.0.0.1:8002"
    """Where session-state answers."""
    chat_proxy_url: str = "http://127.0.0.1:8001"
    """Where chat-proxy answers."""
    auth_url: str = "http://127.0.0.1:8003"
    """Where auth answers."""
    notifier_url: str = ""
    """Where the notifier answers; only looked at by `/api/health/detailed`."""

    allowed_origins: str = ""
    """Exact origins of storefronts that may call, with commas."""
    shops: str = ""
    """Shops with their origins, look and words: JSON, or the path of a JSON file."""
    trusted_proxies: str = ""
    """Networks whose `X-Forwarded-For` counts, with commas."""
    scrape_networks: str = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"
    """Who may read `/metrics` and `/health/ready` on the public port, and only directly."""
    web_dir: Path = Path("web/dist")
    """Folder of the built web."""

    max_headers: int = Field(default=64, ge=8)
    """Requests with more header lines are refused with 431."""
    max_header_bytes: int = Field(default=16_384, ge=1024)
    """The same by size."""
    upstream_timeout_seconds: float = Field(default=10.0, gt=0)
    """Patience with a service for ordinary calls."""
    conversation_timeout_seconds: float = Field(default=60.0, gt=0)
    """Patience where Coze makes a conversation."""
    chat_timeout_seconds: float = Field(default=150.0, gt=0)
    """Patience for a whole `/api/chat` answer."""
    chat_silence_seconds: float = Field(default=45.0, gt=0)
    """A chat stream silent for so long has lost chat-proxy, which comments every 15 s."""

    rate_chat_session: int = Field(default=20, ge=0)
    """Chat calls a minute and session; 0 is off, as for all `RATE_…`."""
    rate_chat_address: int = Field(default=60, ge=0)
    """Chat calls a minute and client address (IPv6: /64)."""
    rate_chat_vip: int = Field(default=100, ge=0)
    """Chat calls a minute of a VIP, who has no limit by address."""
    rate_new_address: int = Field(default=10, ge=0)
    """New sessions and conversations a minute and address."""
    rate_guess_address: int = Field(default=5, ge=0)
    """Wrong `conversation_id`s used as credential, a minute and address."""
    rate_escalate_session: int = Field(default=5, ge=0)
    """Requests for a person and transcripts, a minute and session."""
    rate_escalate_address: int = Field(default=20, ge=0)
    """The same by address."""
    rate_message_session: int = Field(default=30, ge=0)
    """Messages to a person, a minute and session."""
    rate_message_address: int = Field(default=120, ge=0)
    """The same by address."""
    rate_typing_session: int = Field(default=60, ge=0)
    """Typing signs a minute and session."""
    rate_typing_address: int = Field(default=240, ge=0)
    """The same by address."""
    rate_other_session: int = Field(default=120, ge=0)
    """All other calls a minute and session."""
    rate_other_address: int = Field(default=600, ge=0)
    """The same by address."""
    rate_login_address: int = Field(default=10, ge=0)
    """Logins and password changes a minute and address."""
    rate_agent: int = Field(default=1200, ge=0)
    """Calls a minute of an agent or API key: a ceiling that only a runaway reaches."""

    streams_max: int = Field(default=1000, ge=1)
    """Events streams this gateway holds; more get 503 `GATEWAY_FULL`."""
    streams_reserved: int = Field(default=50, ge=0)
    """How many of them are kept for agents."""
    streams_per_visitor: int = Field(default=3, ge=1)
    """Events streams of a visitor over all gateways; one more replaces the oldest."""
    chats_per_visitor: int = Field(default=3, ge=0)
    """Chat calls in flight of a visitor over all gateways; 0 is off."""
    lease_seconds: float = Field(default=30.0, gt=0)
    """A dead gateway's places free themselves after this."""
    lease_renew_seconds: float = Field(default=10.0, gt=0)
    """How often places are renewed."""
    heartbeat_seconds: float = Field(default=30.0, gt=0)
    """A comment goes over a silent events stream so often."""
    idle_close_seconds: float = Field(default=300.0, gt=0)
    """An events stream of an idle visitor ends after this."""
    send_deadline_seconds: float = Field(default=15.0, gt=0)
    """A client that takes a frame slower than this is closed and comes back."""
    stream_queue: int = Field(default=100, ge=1)
    """Frames held for a slow reader; behind that it is caught up from the log."""
    stream_send_buffer_bytes: int = Field(default=32_768, ge=4096)
    """What the kernel may hold unsent for a stream."""
    agent_replay_entries: int = Field(default=20_000, ge=1)
    """A queue's stream that missed more bus entries than this reloads instead."""
    drain_chat_seconds: float = Field(default=20.0, ge=0)
    """After SIGTERM, how long chat streams may go on."""
    drain_retry_seconds: float = Field(default=10.0, ge=0)
    """Streams that are sent away come back within this, jittered."""
    presence_seconds: float = Field(default=20.0, gt=0)
    """How often it is reported who is there."""
    generation_check_seconds: float = Field(default=1.0, gt=0)
    """How often it is looked whether Redis was restored from a backup."""

    max_message_chars: int = Field(default=5000, ge=1)
    """What the chat window is told; session-state's setting of this name decides."""
    widget_features: str = "escalate,rating,transcript,typing,suggestions,sound"
    """What the chat window offers, with commas; `-name` switches one off."""
    languages: str = "zh,en"
    """Languages of the chat window where a shop names none."""

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
