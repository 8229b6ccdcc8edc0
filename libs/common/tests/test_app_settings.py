"""Settings are read once, frozen, and refused by name."""

import pytest
from common.security.tokens import generate_key_pair
from common.settings import ServiceSettings, is_weak, load_settings
from pydantic import SecretStr, ValidationError


class WithMore(ServiceSettings):
    smtp_password: SecretStr | None = None
    wait_timeout_seconds: float = 600


@pytest.fixture
def environment(monkeypatch, test_keys):
    for name in ("PORT", "HOST", "LOG_FILE", "APP_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INTERNAL_SECRET", generate_key_pair()[0])
    monkeypatch.setenv("VISITOR_TOKEN_PUBLIC_KEY", test_keys.visitor[1])
    monkeypatch.setenv("AGENT_TOKEN_PUBLIC_KEY", f"{test_keys.agent[1]},{test_keys.visitor[1]}")
    return monkeypatch


def test_the_variable_of_a_field_is_its_name_in_capitals(environment):
    environment.setenv("WAIT_TIMEOUT_SECONDS", "12.5")
    settings = load_settings(WithMore)
    assert settings.wait_timeout_seconds == 12.5
    assert settings.app_env == "development"


def test_settings_are_frozen(environment):
    settings = load_settings(WithMore)
    with pytest.raises(ValidationError):
        settings.port = 1


def test_all_wrong_variables_are_named_at_once_and_no_value(environment, capsys):
    environment.setenv("PORT", "99999-port")
    environment.setenv("LOG_LEVEL", "loud-level")
    environment.setenv("INTERNAL_SECRET", "short-secret")
    environment.delenv("AGENT_TOKEN_PUBLIC_KEY")
    with pytest.raises(SystemExit) as caught:
        load_settings(WithMore)
    assert caught.value.code == 2
    told = capsys.readouterr().err
    for name in ("PORT", "LOG_LEVEL", "INTERNAL_SECRET", "AGENT_TOKEN_PUBLIC_KEY"):
        assert name in told
    for value in ("99999", "loud-level", "short-secret"):
        assert value not in told


def test_production_looks_at_every_secret_a_service_has(environment, capsys):
    environment.setenv("APP_ENV", "production")
    load_settings(WithMore)
    environment.setenv("SMTP_PASSWORD", "short")
    with pytest.raises(SystemExit):
        load_settings(WithMore)
    assert "SMTP_PASSWORD" in capsys.readouterr().err


@pytest.mark.parametrize(
    "secret", ["", "short", "a" * 64, "change-me-change-me-change-me-now", "abcabcabc" * 5]
)
def test_weak_secrets_of_ours(secret):
    assert is_weak(secret)


@pytest.mark.parametrize("secret", ["short", "Password1", "aaaaaaaaaaaa", "changeme-now"])
def test_weak_secrets_of_others(secret):
    assert is_weak(secret, ours=False)


def test_what_a_mail_server_gives_is_taken():
    assert not is_weak("xkcd wfrm opqz ybnt", ours=False)
    assert is_weak("xkcd wfrm opqz ybnt")


def test_made_keys_are_strong():
    assert not any(is_weak(generate_key_pair()[0]) for _ in range(2000))


def test_secrets_are_listed_for_logging_and_shown_nowhere(environment):
    environment.setenv("SMTP_PASSWORD", "of-the-mail-server")
    environment.setenv("REDIS_URL", "redis://:of-redis@127.0.0.1/0")
    settings = load_settings(WithMore)
    assert "of-the-mail-server" in settings.secrets()
    for shown in (repr(settings), str(settings)):
        assert "of-the-mail-server" not in shown
        assert "of-redis" not in shown
