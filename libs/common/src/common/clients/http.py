"""Calls from service to service: pooled, with a deadline, failures as this process's own errors."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from yarl import URL

from common.clients.lines import Upstream
from common.contracts.common import Headers
from common.errors import ServiceError, Unavailable, error_from
from common.logging import request_id, traceparent
from common.security.internal import InternalSigner

M = TypeVar("M", bound=BaseModel)


class ServiceClient:
    """A client of the service called `audience`. Made in the wiring, inside the running loop;
    closed at its end. Nothing is retried: who calls knows what may be done twice.

    Answers are the contract's model itself or the success envelope around it. Failures come back
    as the ServiceError the provider named; no connection, no answer in time, or one that can't be
    read is Unavailable.
    """

    def __init__(
        self,
        base_url: str,
        *,
        audience: str,
        signer: InternalSigner,
        timeout_seconds: float = 10.0,
        pool: int = 100,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.audience = audience
        self._signer = signer
        self._timeout_seconds = timeout_seconds
        self._targets: dict[str, bytes] = {}
        self._places = asyncio.Semaphore(pool)
        self.upstream = Upstream(self.base_url)

    async def close(self) -> None:
        self.upstream.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def headers(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What every call between services carries: credential, request id, trace."""
        headers = {Headers.INTERNAL_TOKEN: self._signer.header(self.audience)}
        if request_id.get():
            headers[Headers.REQUEST_ID] = request_id.get()
        if traceparent.get():
            headers[Headers.TRACEPARENT] = traceparent.get()
        if more:
            headers.update(more)
        return headers

    async def get(
        self,
        path: str,
        answer: type[M],
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> M:
        return _read(await self.call("GET", path, params=params, headers=headers), answer)

    async def post(
        self,
        path: str,
        body: BaseModel | None,
        answer: type[M],
        *,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> M:
        raw = await self.call(
            "POST", path, body=body, headers=headers, timeout_seconds=timeout_seconds
        )
        return _read(raw, answer)

    async def tell(
        self, path: str, body: BaseModel, *, headers: Mapping[str, str] | None = None
    ) -> None:
        """POST where only the success counts."""
        await self.call("POST", path, body=body, headers=headers)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: BaseModel | None = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> bytes:
        """The raw answer of a success; raises ServiceError for everything else."""
        raw_headers = [(n.encode(), v.encode()) for n, v in self.headers(headers).items()]
        data = _encoded(body)
        if data is not None:
            raw_headers.append((b"Content-Type", b"application/json"))
        target = self._target(path, params)
        try:
            async with asyncio.timeout(timeout_seconds or self._timeout_seconds), self._places:
                answer = await self.upstream.ask(method.encode(), target, raw_headers, data or b"")
                try:
                    raw = await answer.read()
                finally:
                    answer.close()
        except OSError as error:
            raise Unavailable(service=self.audience, reason=type(error).__name__) from error
        if answer.status >= 300:
            raise failure(raw, answer.status)
        return raw

    def _target(self, path: str, params: Mapping[str, str | int] | None) -> bytes:
        """Path and query as they go over the line, below the base's own path."""
        if params:
            return URL(path).with_query(params).raw_path_qs.encode()
        target = self._targets.get(path)
        if target is None:
            # paths are templates filled with checked names; few enough to keep
            target = URL(path).raw_path_qs.encode()
            if len(self._targets) < 1000:
                self._targets[path] = target
        return target


def _encoded(body: BaseModel | None) -> bytes | None:
    if body is None:
        return None
    return orjson.dumps(body.model_dump(mode="json", by_alias=True, exclude_none=True))


def failure(raw: bytes, status: int) -> ServiceError:
    """The failure in an answer; whatever is not the envelope is Unavailable."""
    try:
        error = orjson.loads(raw)["error"]
        code, details = error["code"], error.get("details", {})
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return Unavailable(upstream_status=status)
    if not isinstance(code, str) or not isinstance(details, dict):
        return Unavailable(upstream_status=status)
    return error_from(code, details, status=status)


def _read(raw: bytes, answer: type[M]) -> M:
    try:
        found: Any = orjson.loads(raw)
        if isinstance(found, dict) and found.get("success") is True and "data" in found:
            found = found["data"]
        return answer.model_validate(found)
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise Unavailable(reason="unreadable answer") from error
