"""A caller of the simulator who signs, streams, and can bend everything it sends."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt

from dev.simulator.testing import Simulator

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class Caller:
    """Calls the simulator as chat-proxy would, with everything bendable."""

    simulator: Simulator
    http: aiohttp.ClientSession

    def assertion(self, session: str | None = "visitor_a", *, key: str = "", **bent: Any) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.simulator.app_id,
            "aud": f"127.0.0.1:{self.simulator.port}",
            "iat": now,
            "exp": now + 600,
            "jti": secrets.token_urlsafe(32),
            **({"session_name": session} if session else {}),
        }
        kid = bent.pop("kid", self.simulator.key_id)
        claims.update(bent)
        claims = {name: value for name, value in claims.items() if value is not None}
        pem = key or self.simulator.private_key_pem
        return jwt.encode(claims, pem, algorithm="RS256", headers={"kid": kid})

    async def exchange(self, assertion: str, **body: Any) -> tuple[int, dict[str, Any]]:
        payload = {"grant_type": GRANT, "duration_seconds": 900, "scope": None, **body}
        headers = {"Authorization": f"Bearer {assertion}"}
        url = f"{self.simulator.base_url}/api/permission/oauth2/token"
        async with self.http.post(url, json=payload, headers=headers) as answer:
            return answer.status, await answer.json()

    async def token(self, session: str = "visitor_a") -> str:
        status, body = await self.exchange(self.assertion(session))
        assert status == 200, body
        return str(body["access_token"])

    async def call(self, method: str, path: str, token: str = "", **more: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.simulator.base_url + path
        async with self.http.request(method, url, headers=headers, **more) as answer:
            assert answer.headers["x-tt-logid"]
            body: dict[str, Any] = await answer.json()
            return {"status": answer.status, **body}

    async def conversation(self, token: str) -> str:
        body = await self.call("POST", "/v1/conversation/create", token, json={})
        return str(body["data"]["id"])

    def open_chat(self, token: str, text: str, conversation: str = "", **more: Any) -> Any:
        body = {
            "workflow_id": self.simulator.workflow_id,
            "app_id": "123",
            "parameters": {},
            "conversation_id": conversation or None,
            "ext": None,
            "unknown_key": [1],
            "additional_messages": [
                {"role": "user", "type": "question", "content": text, "content_type": "text"}
            ],
            **more,
        }
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self.simulator.base_url}/v1/workflows/chat"
        return self.http.post(url, json=body, headers=headers)

    async def chat(self, token: str, text: str, conversation: str = "", **more: Any) -> bytes:
        async with self.open_chat(token, text, conversation, **more) as answer:
            assert answer.status == 200
            return bytes(await answer.read())

    async def ask(self, token: str, text: str, conversation: str = "") -> str:
        """The answer's text, put together of its deltas."""
        return deltas(frames(await self.chat(token, text, conversation)))


def frames(stream: bytes) -> list[tuple[str, Any]]:
    """(event, data) of an honest stream, read by the exact framing."""
    out = []
    for block in stream.decode().split("\n\n"):
        if block:
            event, data = block.split("\n")
            assert event.startswith("event: ")
            assert data.startswith("data: ")
            out.append((event[7:], json.loads(data[6:])))
    return out


def deltas(found: list[tuple[str, Any]]) -> str:
    return "".join(
        data["content"]
        for event, data in found
        if event == "conversation.message.delta" and data["type"] == "answer"
    )
