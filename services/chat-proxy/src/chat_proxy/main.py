"""chat-proxy: one AI turn from question to end, spoken with Coze."""

from functools import partial

from common.app import bare, build_app
from common.clock import Clock, system_clock
from common.settings import load_settings
from fastapi import FastAPI

from chat_proxy.routes import chat, conversations, others
from chat_proxy.settings import Settings
from chat_proxy.wiring import NAME, wire


def create_app(settings: Settings | None = None, *, clock: Clock = system_clock) -> FastAPI:
    settings = settings or load_settings(Settings)
    return build_app(
        name=NAME,
        settings=settings,
        wire=partial(wire, settings),
        clock=clock,
        routers=[conversations.router, others.router],
        hot=[
            bare("POST", "/api/chat", chat.chat),
            bare("POST", "/api/chat/stream", chat.chat_stream),
        ],
    )
