"""Rare calls to Coze: one JSON body each way, capped, never decompressed, within one deadline."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from chat_proxy.coze.deadlines import Deadlines
from chat_proxy.coze.faults import CozeError, Fault, FaultKind, fault_of

log = logging.getLogger(__name__)

_MAX_REPLY = 1024 * 1024
LOGID = "x-tt-logid"


class Calls:
    """Posts and gets below one base; every failure leaves as `CozeError`."""

    def __init__(self, http: httpx.AsyncClient, base: str, deadlines: Deadlines) -> None:
        self._http = http
        self._base = base.rstrip("/")
        self._seconds = deadlines.call

    async def post(
        self, path: str, bearer: str, *, body: Mapping[str, Any], params: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """The reply's JSON object, of a 2xx without an error code."""
        return await self._send("POST", path, bearer, body=body, params=params)

    async def get(
        self, path: str, bearer: str, *, params: Mapping[str, str] = {}
    ) -> dict[str, Any]:
        """As `post`, for reads."""
        return await self._send("GET", path, bearer, body=None, params=params)

    async def _send(
        self,
        method: str,
        path: str,
        bearer: str,
        *,
        body: Mapping[str, Any] | None,
        params: Mapping[str, str],
    ) -> dict[str, Any]:
        request = self._http.build_request(
            method,
            self._base + path,
            params=dict(params),
            content=None if body is None else orjson.dumps(body),
            headers={
                "Authorization": f"Bearer {bearer}",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
        )
        try:
            # httpx never times out on a slow drip: its read timeout starts anew with each byte.
            async with asyncio.timeout(self._seconds):
                response = await self._http.send(request, stream=True)
                try:
                    raw = await _capped(response)
                finally:
                    await response.aclose()
        except httpx.PoolTimeout as error:
            raise CozeError(Fault(FaultKind.BUSY, detail="all connections are taken")) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise CozeError(Fault(FaultKind.DEADLINE, detail=path)) from error
        except httpx.RemoteProtocolError as error:
            raise CozeError(Fault(FaultKind.TRUNCATED, detail=path)) from error
        except (httpx.HTTPError, OSError) as error:
            raise CozeError(Fault(FaultKind.UNREACHABLE, detail=type(error).__name__)) from error
        return _reply(path, response, raw)


def client_of(deadlines: Deadlines, *, connections: int) -> httpx.AsyncClient:
    """An httpx client with this product's deadlines; the caller closes it."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(
            connect=deadlines.connect,
            read=deadlines.read,
            write=deadlines.write,
            pool=deadlines.pool,
        ),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        trust_env=False,  # as aiohttp: no proxy by accident
    )


async def _capped(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise CozeError(Fault(FaultKind.GARBAGE, detail="compressed reply"))
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > _MAX_REPLY:
            raise CozeError(Fault(FaultKind.OVERSIZED, detail="reply"))
    return bytes(raw)


def _reply(path: str, response: httpx.Response, raw: bytes) -> dict[str, Any]:
    logid = response.headers.get(LOGID, "")
    body = json_object(raw)
    known = body if body is not None else {}
    log.info("coze call", extra={"path": path, "status": response.status_code, "logid": logid})
    if not response.is_success or known.get("code") not in (None, 0, "0"):
        raise CozeError(fault_of(known, status=response.status_code, logid=logid))
    if body is None:
        raise CozeError(Fault(FaultKind.GARBAGE, detail=path, logid=logid))
    return body


def json_object(raw: bytes) -> dict[str, Any] | None:
    """The JSON object in `raw`, or None for anything else."""
    try:
        value = orjson.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
