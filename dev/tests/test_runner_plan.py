"""Ports, keys and environments, before anything starts."""

import socket
import stat

import jwt
import pytest
from common.security.tokens import public_key_of
from cryptography.hazmat.primitives import serialization

from dev.runner import first_admin, guard, keys
from dev.runner.choices import WrongConfigurationError
from dev.runner.plan import SERVICES, Wishes
from dev.runner.ports import OFFSETS, PortsTakenError, anywhere, next_to
from dev.runner.stack import make_stack

ONE_OF_EACH = dict.fromkeys(OFFSETS, 1)


def free_run(length=40):
    """The first of so many free ports in a row."""
    for base in range(21000, 60000, length):
        try:
            next_to(base, ONE_OF_EACH)
        except PortsTakenError:
            continue
        return base
    raise AssertionError("no free ports on this machine")


def test_the_others_stand_next_to_the_gateway():
    base = free_run()
    ports = next_to(base, {**ONE_OF_EACH, "gateway": 2})
    assert ports.of["gateway"][0] == base
    assert ports.of["chat-proxy"] == (base + 1,)
    assert ports.of["gateway"][1] >= base + 10
    everything = [port for own in ports.of.values() for port in own]
    assert len(set(everything)) == len(everything)


def test_a_taken_port_is_named_with_who_wants_it():
    base = free_run()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", base + 3))
        holder.listen()
        with pytest.raises(PortsTakenError, match=rf"{base + 3} \(auth\)"):
            next_to(base, ONE_OF_EACH)


def test_what_is_real_elsewhere_needs_no_port():
    base = free_run()
    assert "redis" not in next_to(base, {**ONE_OF_EACH, "redis": 0}).of


def test_free_ports_are_all_different():
    ports = anywhere({"gateway": 5, "auth": 5})
    assert len({*ports.of["gateway"], *ports.of["auth"]}) == 10


def test_keys_are_made_once_for_the_owner_only(tmp_path):
    folder = tmp_path / "keys"
    first = keys.load_or_make(folder, {})
    assert keys.load_or_make(folder, {}) == first
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for pair in keys.PAIRS:
        private = first.values[f"{pair}_PRIVATE_KEY"]
        assert public_key_of(private) == first.values[f"{pair}_PUBLIC_KEY"]
    assert len(first.values["INTERNAL_SECRET"]) >= 32


def test_keys_of_the_environment_win_and_half_a_pair_is_refused(tmp_path):
    other = keys.load_or_make(tmp_path / "other", {}).values
    given = {"AGENT_TOKEN_PRIVATE_KEY": other["AGENT_TOKEN_PRIVATE_KEY"]}
    made = keys.load_or_make(tmp_path / "own", given).values
    assert made["AGENT_TOKEN_PUBLIC_KEY"] == other["AGENT_TOKEN_PUBLIC_KEY"]
    with pytest.raises(WrongConfigurationError, match="AGENT_TOKEN_PRIVATE_KEY"):
        keys.load_or_make(tmp_path / "own", {"AGENT_TOKEN_PUBLIC_KEY": "x"})
    with pytest.raises(WrongConfigurationError, match="VISITOR_TOKEN_PRIVATE_KEY"):
        keys.load_or_make(tmp_path / "own", {"VISITOR_TOKEN_PRIVATE_KEY": "not a key"})


def test_every_service_gets_what_it_needs_and_no_others_secret(tmp_path):
    env = {"ADMIN_PASSWORD": "a long admin password", "RATE_CHAT_SESSION": "0"}
    stack = make_stack(Wishes(data_dir=tmp_path, env=env))
    of = {name: stack.plan.service_env(name) for name in SERVICES}
    for name, told in of.items():
        assert told["RATE_CHAT_SESSION"] == "0"
        assert told["REDIS_URL"] == stack.redis_url
        assert told["PORT"] == stack.url(name).rpartition(":")[2]
        assert ("VISITOR_TOKEN_PRIVATE_KEY" in told) is (name == "gateway")
        assert ("AGENT_TOKEN_PRIVATE_KEY" in told) is (name == "auth")
        assert ("ADMIN_PASSWORD" in told) is (name == "auth")
        assert ("COZE_PRIVATE_KEY_FILE" in told) is (name == "chat-proxy")
        assert ("SMTP_HOST" in told) is (name == "notifier")
    assert of["chat-proxy"]["COZE_KIND"] == "simulator"
    assert of["gateway"]["SESSION_STATE_URL"] == stack.url("session-state")


def test_the_simulators_key_is_the_one_that_chat_proxy_signs_with(tmp_path):
    stack = make_stack(Wishes(data_dir=tmp_path))
    told, simulated = stack.plan.service_env("chat-proxy"), stack.plan.simulator().env
    private = (tmp_path / "keys" / "coze_simulator.pem").read_text()
    public = serialization.load_pem_public_key(
        (tmp_path / "keys" / "coze_simulator.pub.pem").read_bytes()
    )
    signed = jwt.encode({"a": 1}, private, algorithm="RS256")
    assert jwt.decode(signed, public, algorithms=["RS256"]) == {"a": 1}
    assert told["COZE_PRIVATE_KEY_FILE"] == str(tmp_path / "keys" / "coze_simulator.pem")
    assert told["COZE_PUBLIC_KEY_ID"] == simulated["SIM_KEY_ID"]
    assert told["COZE_APP_ID"] == simulated["SIM_APP_ID"]


def test_replicas_are_paired_with_those_of_their_peers(tmp_path):
    counts = {"gateway": 3, "session-state": 2}
    stack = make_stack(Wishes(data_dir=tmp_path, counts=counts))
    used = [stack.plan.service_env("gateway", n)["SESSION_STATE_URL"] for n in range(3)]
    assert used == [*stack.urls("session-state"), stack.url("session-state")]
    assert len(stack.urls("gateway")) == 3


def test_a_real_redis_coze_and_mail_server_start_nothing_in_their_place(tmp_path):
    env = {
        "REDIS_URL": "redis://r:6379/0",
        "COZE_API_BASE": "https://api.coze.cn",
        "COZE_APP_ID": "1",
        "COZE_PUBLIC_KEY_ID": "kid",
        "COZE_PRIVATE_KEY": "pem",
        "COZE_WORKFLOW_ID": "2",
        "SMTP_HOST": "mail.example.org",
        "SMTP_FROM": "a@example.org",
        "MAIL_TO": "b@example.org",
    }
    stack = make_stack(Wishes(data_dir=tmp_path, env=env))
    assert {part.name for part in stack.plan.parts()} == set(SERVICES)
    told = stack.plan.service_env("chat-proxy")
    assert (told["COZE_KIND"], told["COZE_API_BASE"]) == ("real", "https://api.coze.cn")
    assert stack.plan.service_env("notifier")["MAIL_FROM"] == "a@example.org"
    assert stack.plan.service_env("gateway")["REDIS_URL"] == "redis://r:6379/0"


def test_the_redis_keeps_every_acknowledged_write_and_evicts_nothing(tmp_path):
    words = " ".join(make_stack(Wishes(data_dir=tmp_path)).plan.redis().command)
    for option in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"):
        assert option in words


def test_the_first_password_is_read_once_and_masked_in_the_log(tmp_path):
    log = tmp_path / "auth.log"
    log.write_bytes(b"x\nfirst admin: username=admin password=s3cret-Word\n{}\n")
    assert first_admin.take(log) == ("admin", "s3cret-Word")
    assert b"s3cret" not in log.read_bytes()
    assert log.read_bytes().endswith(b"\n{}\n")
    assert first_admin.take(log, start=20) is None
    assert first_admin.take(tmp_path / "none.log") is None


def test_one_runner_a_data_directory(tmp_path):
    assert guard.running(tmp_path) is None
    with guard.holding(tmp_path, {"redis_port": 1}):
        assert guard.running(tmp_path) == {"redis_port": 1}
        with pytest.raises(guard.AlreadyRunningError), guard.holding(tmp_path, {}):
            pass
    assert guard.running(tmp_path) is None
    with guard.holding(tmp_path, {}):
        pass
