"""Records a conversation on a running product: its events, and what a fetch answers after each step.

The reducer's law is tested on it: stale state and the missed events give what a fresh fetch gives.

    python web/scripts/record.py http://127.0.0.1:8000 ADMIN_PASSWORD > web/protocol/test/recorded.json
"""

import json
import sys
import threading
import time

import httpx


class Recorder:
    """One visitor whose stream is read all the while, and an agent who serves."""

    def __init__(self, base: str, password: str) -> None:
        self.http = httpx.Client(base_url=base, timeout=30)
        answer = self.http.post("/api/agent/login", json={"username": "admin", "password": password})
        self.agent = {"Authorization": f"Bearer {answer.json()['token']}"}
        self.http.put("/api/agent/status", json={"status": "online"}, headers=self.agent)
        self.visitor: dict[str, str] = {}
        self.name = ""
        self.events: list[dict] = []
        self.fetches: list[dict] = []

    def follow(self) -> None:
        with httpx.stream("GET", f"{self.http.base_url}/api/sessions/{self.name}/events",
                          headers={**self.visitor, "Last-Event-ID": ""}, timeout=None) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    event = json.loads(line[5:])
                    if "seq" in event and event["type"] != "ready":
                        self.events.append(event)

    def ask(self, text: str, client_id: str) -> None:
        body = {"message": text, "client_message_id": client_id, "language": "en"}
        if self.name:
            body["user_id"] = self.name
        answer = self.http.post("/api/chat/stream", json=body, headers=self.visitor)
        token = answer.headers.get("X-Visitor-Token")
        self.visitor = {"X-Visitor-Token": token} if token else self.visitor
        self.name = answer.headers.get("X-Session-Name", self.name)

    def act(self, path: str, body: dict | None = None, who: dict | None = None) -> None:
        self.http.post(path, json=body or {}, headers=who or self.agent).raise_for_status()
        time.sleep(0.4)

    def fetch(self) -> None:
        """After the step has settled: its newest event is in the stream and in the answers."""
        time.sleep(0.6)
        messages = self.http.get(f"/api/sessions/{self.name}/messages?limit=100", headers=self.visitor).json()["data"]
        session = self.http.get(f"/api/sessions/{self.name}", headers=self.visitor).json()["data"]["session"]
        seen = self.events[-1]["seq"] if self.events else messages["messages"][-1]["seq"]
        self.fetches.append({"seq": max(seen, messages["messages"][-1]["seq"]), "session": session,
                             "messages": messages["messages"]})


def main(base: str, password: str) -> None:
    it = Recorder(base, password)
    it.ask("How far does the battery go?", "c-1")
    time.sleep(0.5)
    threading.Thread(target=it.follow, daemon=True).start()
    it.fetch()
    it.ask("Where is my order?", "c-2")
    it.fetch()
    it.ask("I want a human", "c-3")
    it.fetch()
    session, manual = f"/api/sessions/{it.name}", "/api/manual/messages"
    it.act(manual, {"session_name": it.name, "role": "user", "content": "Hello?", "client_message_id": "c-4"}, it.visitor)
    it.fetch()
    it.act(f"{session}/takeover")
    it.fetch()
    it.act(manual, {"session_name": it.name, "role": "agent", "content": "Hello, a person"})
    it.fetch()
    it.act(f"{session}/requeue", {"reason": "lunch"})
    it.fetch()
    it.act(f"{session}/takeover")
    it.act(manual, {"session_name": it.name, "role": "agent", "content": "Back again"})
    it.fetch()
    it.act(f"{session}/release")
    it.fetch()
    it.ask("And in winter?", "c-5")
    it.fetch()
    it.act(f"{session}/rating", {"score": 5, "comment": "Kind"}, it.visitor)
    it.fetch()
    escalated = {"session_name": it.name}
    it.act("/api/manual/escalate", escalated, it.visitor)
    it.act("/api/manual/cancel", escalated, it.visitor)
    it.fetch()
    it.act("/api/manual/escalate", escalated, it.visitor)
    it.act(f"{session}/takeover")
    it.fetch()
    it.act(f"{session}/release")
    it.fetch()
    print(json.dumps({"events": it.events, "fetches": it.fetches}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
