"""What is real and what is embedded; half a configuration is refused with the variable's name."""

import pytest

from dev.runner.choices import WrongConfigurationError, base_port, choose, hours, replicas
from dev.runner.plan import SERVICES

COZE = {
    "COZE_API_BASE": "https://api.coze.cn",
    "COZE_APP_ID": "1",
    "COZE_PUBLIC_KEY_ID": "kid",
    "COZE_PRIVATE_KEY": "pem",
    "COZE_WORKFLOW_ID": "2",
}
SMTP = {"SMTP_HOST": "mail.example.org", "MAIL_FROM": "a@example.org", "MAIL_TO": "b@example.org"}


def problems(env):
    with pytest.raises(WrongConfigurationError) as raised:
        choose(env)
    return "\n".join(raised.value.problems)


def test_with_nothing_set_everything_is_embedded():
    choices = choose({"PATH": "/bin", "COZE_APP_ID": "  "})
    assert (choices.redis_url, choices.real_coze, choices.real_mail) == (None, False, False)


def test_what_is_set_whole_is_real():
    choices = choose({**COZE, **SMTP, "REDIS_URL": "redis://r:6379/0"})
    assert (choices.redis_url, choices.real_coze, choices.real_mail) == (
        "redis://r:6379/0",
        True,
        True,
    )


@pytest.mark.parametrize("missing", sorted(COZE))
def test_a_missing_part_of_coze_is_named(missing):
    assert f"{missing} " in problems({k: v for k, v in COZE.items() if k != missing})


@pytest.mark.parametrize("missing", sorted(SMTP))
def test_a_missing_part_of_the_mail_server_is_named(missing):
    left = {k: v for k, v in SMTP.items() if k != missing}
    assert missing in problems({**left, "SMTP_PORT": "25"})


def test_other_names_of_the_same_settings_count():
    other = {
        **{k: COZE[k] for k in ("COZE_API_BASE", "COZE_WORKFLOW_ID")},
        "COZE_OAUTH_CLIENT_ID": "1",
        "COZE_OAUTH_PUBLIC_KEY_ID": "kid",
        "COZE_PRIVATE_KEY_FILE": "/key.pem",
    }
    assert choose(other).real_coze


def test_patience_alone_does_not_mean_the_real_thing():
    choices = choose({"COZE_READ_TIMEOUT": "60", "COZE_GAP_SECONDS": "9", "SMTP_CA_FILE": "/ca"})
    assert not choices.real_coze
    assert not choices.real_mail


def test_a_misspelt_name_is_named():
    assert "COZE_APPID is not" in problems({**COZE, "COZE_APPID": "1"})
    assert "SMTP_USER is not" in problems({**SMTP, "SMTP_USER": "me"})


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({**COZE, "COZE_API_BASE": "api.coze.cn"}, "COZE_API_BASE"),
        ({**SMTP, "SMTP_PORT": "mail"}, "SMTP_PORT"),
        ({**SMTP, "SMTP_PORT": "70000"}, "SMTP_PORT"),
        ({**SMTP, "SMTP_TLS": "yes"}, "SMTP_TLS"),
        ({**SMTP, "SMTP_USERNAME": "me"}, "SMTP_PASSWORD"),
        ({**SMTP, "SMTP_PASSWORD": "x"}, "SMTP_USERNAME"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
        ({"REDIS_URL": "unix:///run/redis.sock"}, "REDIS_URL"),
    ],
)
def test_wrong_values_are_named(env, named):
    assert named in problems(env)


@pytest.mark.parametrize("kind", ["rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster"])
def test_every_redis_that_services_take_is_taken(kind):
    url = f"{kind}://r:6379/{'kefu' if 'sentinel' in kind else '0'}"
    assert choose({"REDIS_URL": url}).redis_url == url


def test_all_problems_are_told_at_once():
    told = problems({"COZE_APP_ID": "1", "SMTP_HOST": "x", "REDIS_URL": "nothing"})
    for name in ("COZE_WORKFLOW_ID", "MAIL_TO", "REDIS_URL"):
        assert name in told


def test_replicas_for_all_or_by_name():
    assert replicas("", SERVICES) == dict.fromkeys(SERVICES, 1)
    assert replicas("2", SERVICES) == dict.fromkeys(SERVICES, 2)
    assert replicas("gateway:2, session-state:3", SERVICES)["session-state"] == 3


@pytest.mark.parametrize("told", ["0", "many", "redis:2", "gateway:", "gateway:99"])
def test_wrong_replicas_are_refused(told):
    with pytest.raises(WrongConfigurationError):
        replicas(told, SERVICES)


def test_the_base_port():
    assert base_port({}) == 8000
    assert base_port({"PORT": "9000"}) == 9000
    for wrong in ("0", "http", "65530"):
        with pytest.raises(WrongConfigurationError):
            base_port({"PORT": wrong})


def test_a_laptop_that_says_nothing_of_hours_is_staffed_round_the_clock() -> None:
    assert hours({})["HUMAN_SHIFT_END"] == "24:00"
    assert hours({"HUMAN_SHIFT_START": "09:00"}) == {}
    assert hours({"TIMEZONE": "Europe/Berlin"}) == {}
