"""The rest of chat-proxy's surface: bad input, the bot's card, health, settings."""

import json

import pytest
from chat_proxy.settings import Settings
from pydantic import ValidationError

BOT = "/v1/bots/bot-1"


@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "BAD_JSON"),
        (b"[]", 422, "VALIDATION_ERROR"),
        (b"{}", 422, "VALIDATION_ERROR"),
        (b'{"message": 7}', 422, "VALIDATION_ERROR"),
        (b'{"message": "  "}', 422, "VALIDATION_ERROR"),
        (b'{"message": "a\\u0000b"}', 422, "VALIDATION_ERROR"),
        (b'{"message": "x", "user_id": "a b"}', 422, "VALIDATION_ERROR"),
        (b'{"message": "x", "parameters": []}', 422, "VALIDATION_ERROR"),
        (b'{"message": "' + b"x" * 70_000 + b'"}', 413, "BODY_TOO_LARGE"),
    ],
)
async def test_bad_bodies_are_refused_in_the_envelope(
    chat, state, path, body, status, code
) -> None:
    headers = {"Content-Type": "application/json"}
    async with chat.http.post(chat.url + path, data=body, headers=headers) as response:
        assert response.status == status
        answer = await response.json()
    assert (answer["success"], answer["error"]["code"]) == (False, code)
    assert answer["request_id"]
    assert state.asked == []


async def test_another_content_type_is_415(chat) -> None:
    async with chat.http.post(chat.url + "/api/chat", data=b"message=x") as response:
        assert response.status == 415


async def test_unknown_fields_of_old_clients_are_passed_over(chat) -> None:
    assert (await chat.ask("Hi", stream=True, bot_id="x"))[0] == 200


async def test_the_card_comes_from_the_configuration(start_chat, chat_settings) -> None:
    settings = chat_settings(bot_name="Fifi", bot_suggested_questions="One?| Two? |")
    async with start_chat(settings) as chat, chat.http.get(chat.url + "/api/bot/info") as response:
        answer = await response.json()
    assert answer["success"] is True
    assert answer["bot"]["name"] == "Fifi"
    assert answer["bot"]["suggested_questions"] == ["One?", "Two?"]
    assert set(answer["bot"]) == {
        "name",
        "description",
        "icon_url",
        "welcome",
        "suggested_questions",
    }


async def test_a_named_bot_tells_its_own_card_and_is_asked_once(
    start_chat, chat_settings, coze_bytes, wire
) -> None:
    onboarding = {"prologue": "Welcome!", "suggested_questions": ["Where?"]}
    bot = {"bot_id": "bot-1", "name": "Coze's", "icon_url": "", "onboarding_info": onboarding}
    coze_bytes.on(BOT, wire.reply({"code": 0, "data": bot}))
    async with start_chat(chat_settings(coze_bot_id="bot-1")) as chat:
        for _ in range(2):
            async with chat.http.get(chat.url + "/api/bot/info") as response:
                card = (await response.json())["bot"]
    assert (card["name"], card["welcome"]) == ("Coze's", "Welcome!")
    assert card["suggested_questions"] == ["Where?"]
    assert len(coze_bytes.asked(BOT)) == 1


async def test_a_bot_that_does_not_answer_leaves_the_configured_card(
    start_chat, chat_settings, coze_bytes, wire
) -> None:
    coze_bytes.on(BOT, wire.reply(b"", status=500))
    settings = chat_settings(coze_bot_id="bot-1", bot_name="Fifi")
    async with start_chat(settings) as chat, chat.http.get(chat.url + "/api/bot/info") as response:
        assert (await response.json())["bot"]["name"] == "Fifi"


async def ready(chat) -> tuple[int, dict]:
    async with chat.http.get(chat.url + "/health/ready") as response:
        return response.status, await response.json()


async def test_health_says_whether_coze_takes_us_and_which_it_is(
    start_chat, chat_settings, until
) -> None:
    async with start_chat(chat_settings(coze_kind="simulator")) as chat:

        async def connected() -> dict | None:
            status, body = await ready(chat)
            return body if status == 200 and body["coze_connected"] else None

        assert (await until(connected))["coze"] == "simulator"


async def test_without_a_token_coze_is_not_connected_but_the_service_serves(
    start_chat, chat_settings, coze_bytes, wire, until
) -> None:
    refused = {"error_code": "invalid_client", "error_message": "kid not been registred"}
    coze_bytes.on("/api/permission/oauth2/token", wire.reply(refused, status=400))
    async with start_chat(chat_settings()) as chat:
        await until(lambda: coze_bytes.requests)

        async def serving() -> dict | None:
            status, body = await ready(chat)
            return body if status == 200 else None

        body = await until(serving)
        assert (body["coze_connected"], body["coze"]) == (False, "real")


async def test_tokens_and_faults_are_counted(chat, coze_bytes, wire) -> None:
    await chat.ask("Hi")
    coze_bytes.on("/v1/workflows/chat", wire.reply({"code": 4000, "msg": "x"}))
    await chat.ask("Hi")
    async with chat.http.get(chat.url + "/metrics") as response:
        text = await response.text()
    assert 'kefu_coze_faults_total{kind="input"} 1.0' in text
    assert 'kefu_turns_total{outcome="answered"} 1.0' in text
    assert 'kefu_turns_total{outcome="failed"} 1.0' in text
    assert "kefu_coze_token_refreshes_total" in text
    assert "kefu_coze_first_delta_seconds_count 1.0" in text


# --- settings --------------------------------------------------------------------------------


@pytest.fixture
def coze_env(monkeypatch, private_key, test_keys) -> dict[str, str]:
    env = {
        "COZE_API_BASE": "https://api.coze.cn",
        "COZE_APP_ID": "1110",
        "COZE_WORKFLOW_ID": "74",
        "COZE_PUBLIC_KEY_ID": "kid",
        "COZE_PRIVATE_KEY": private_key.replace("\n", "\\n"),
        "INTERNAL_SECRET": "f3nG8sQz!x0LwP7rK2mVt9bYc5hJd4Ua",
        "VISITOR_TOKEN_PUBLIC_KEY": test_keys.visitor[1],
        "AGENT_TOKEN_PUBLIC_KEY": test_keys.agent[1],
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


def test_the_environment_is_read(coze_env, monkeypatch, private_key) -> None:
    monkeypatch.setenv("COZE_READ_TIMEOUT", "45")
    monkeypatch.setenv("COZE_TURN_TIMEOUT", "90")
    settings = Settings()
    assert settings.private_key_pem == private_key
    assert settings.coze_oauth_client_id == "1110"
    assert settings.deadlines.read == 45
    assert settings.coze_turn_timeout_seconds == 90


def test_the_oauth_app_may_have_an_id_of_its_own(coze_env, monkeypatch) -> None:
    monkeypatch.setenv("COZE_OAUTH_CLIENT_ID", "2220")
    settings = Settings()
    assert (settings.coze_oauth_client_id, settings.coze_app_id) == ("2220", "1110")


def test_the_key_may_lie_in_a_file(coze_env, monkeypatch, tmp_path, private_key) -> None:
    file = tmp_path / "coze.pem"
    file.write_text(private_key)
    monkeypatch.delenv("COZE_PRIVATE_KEY")
    monkeypatch.setenv("COZE_PRIVATE_KEY_FILE", str(file))
    assert Settings().private_key_pem == private_key


def test_a_key_that_is_none_is_refused_without_being_shown(coze_env, monkeypatch) -> None:
    monkeypatch.setenv("COZE_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----hush")
    with pytest.raises(ValidationError, match="COZE_PRIVATE_KEY") as refused:
        Settings()
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "missing",
    ["COZE_API_BASE", "COZE_WORKFLOW_ID", "COZE_PUBLIC_KEY_ID", "COZE_PRIVATE_KEY", "COZE_APP_ID"],
)
def test_without_coze_the_service_refuses_to_start(coze_env, monkeypatch, missing) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize(
    "change",
    [
        {"COZE_API_BASE": "http://api.coze.cn"},
        {"COZE_API_BASE": "https://127.0.0.1:8020"},
        {"COZE_API_BASE": "https://localhost"},
        {"COZE_KIND": "simulator"},
    ],
)
def test_production_takes_no_simulator(coze_env, monkeypatch, change) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    Settings()
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


def test_the_private_key_is_a_secret(coze_env, private_key) -> None:
    settings = Settings()
    assert private_key[40:80] not in repr(settings)
    assert coze_env["COZE_PRIVATE_KEY"] in settings.secrets()
    assert json.dumps(private_key)[1:-1] in settings.secrets()
