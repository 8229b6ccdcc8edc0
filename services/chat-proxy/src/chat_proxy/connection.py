"""Builds what speaks with Coze from the settings: pools, tokens, client, and its patience."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack

from common.clients.lines import Upstream
from common.clock import Clock
from common.ids import new_id

from chat_proxy.assistant import Assistant, Patience
from chat_proxy.coze.auth import OAuthApp, TokenCache, TokenKeeper
from chat_proxy.coze.breaker import Breaker
from chat_proxy.coze.calls import Calls, client_of
from chat_proxy.coze.client import CozeClient, Workflow, exchange_of
from chat_proxy.coze.streams import AnswerStreams
from chat_proxy.metrics import CozeMetrics
from chat_proxy.settings import Settings


async def connect(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    cache: Callable[[OAuthApp], TokenCache],
    metrics: CozeMetrics,
    now: Clock,
) -> tuple[CozeClient, TokenKeeper]:
    """Client and tokens on two pools that close with `stack`."""
    deadlines, base, pool = settings.deadlines, settings.coze_api_base, settings.coze_pool_size
    app = OAuthApp.at(
        base,
        client_id=settings.coze_oauth_client_id,
        key_id=settings.coze_public_key_id,
        private_key=settings.private_key_pem,
    )
    httpx_client = await stack.enter_async_context(client_of(deadlines, connections=pool))
    upstream = Upstream(base, connect_seconds=deadlines.connect)
    stack.callback(upstream.close)
    calls = Calls(httpx_client, base, deadlines)
    tokens = TokenKeeper(
        exchange_of(
            calls,
            app,
            seconds=settings.coze_token_seconds,
            now=now,
            new_id=lambda: new_id() + new_id(),  # Coze wants over 32 bytes
        ),
        cache(app),
        now=now,
        capacity=settings.coze_token_memory,
        on_refresh=metrics.tokens.inc,
    )
    workflow = Workflow(
        settings.coze_workflow_id, app_id=settings.coze_app_id, bot_id=settings.coze_bot_id
    )
    streams = AnswerStreams(upstream, deadlines, settings.limits, places=pool)
    return CozeClient(calls, streams, tokens, workflow), tokens


def make_assistant(settings: Settings, coze: CozeClient, metrics: CozeMetrics) -> Assistant:
    loop = asyncio.get_running_loop()
    breaker = Breaker(
        loop.time,
        failures=settings.coze_breaker_failures,
        window_seconds=settings.coze_breaker_window_seconds,
        open_seconds=settings.coze_breaker_open_seconds,
    )
    metrics.watch_breaker(lambda: float(breaker.state))
    return Assistant(
        coze,
        breaker,
        metrics,
        patience=Patience(
            attempts=settings.coze_attempts,
            first_seconds=settings.coze_backoff_seconds,
            longest_seconds=settings.coze_backoff_max_seconds,
        ),
        clock=loop.time,
        chance=random.random,
        sleep=asyncio.sleep,
    )
