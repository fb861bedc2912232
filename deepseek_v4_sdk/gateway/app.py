"""The gateway: its options, its routes, and the way of a request to the route that answers it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from pydantic_core import from_json, to_json

from deepseek_v4_sdk import (
    AssistantMessage,
    AsyncDeepSeekV4,
    ConfigurationError,
    RateLimits,
    Spend,
    Thinking,
)
from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.openai_form import EFFORTS, is_mapping
from deepseek_v4_sdk.gateway.callers import Caller, Callers
from deepseek_v4_sdk.gateway.chat_route import ChatRoute
from deepseek_v4_sdk.gateway.errors import Refusal
from deepseek_v4_sdk.gateway.limits import CallerLimits, CallerSpends
from deepseek_v4_sdk.gateway.memory import ReasoningMemory
from deepseek_v4_sdk.gateway.messages_route import MessagesRoute
from deepseek_v4_sdk.gateway.metrics import Metrics
from deepseek_v4_sdk.gateway.models import Models, Upstream
from deepseek_v4_sdk.gateway.relay import LOG, Relay, caller_error, note_headers
from deepseek_v4_sdk.gateway.responses_route import ResponsesRoute
from deepseek_v4_sdk.gateway.seal import Seal
from deepseek_v4_sdk.gateway.turn import Asked, Asking, Context, Route, count_tokens, loosen
from deepseek_v4_sdk.support.installed import install_command
from deepseek_v4_sdk.support.redaction import never_raises

try:
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route as Path
except ImportError:
    raise ConfigurationError(
        f"the gateway needs starlette: {install_command('server', 'starlette', 'uvicorn')}"
    ) from None

if TYPE_CHECKING:
    from pydantic import SecretStr

    from deepseek_v4_sdk import Message
else:
    SecretStr = late_type("pydantic", "SecretStr")

__all__ = ["Gateway"]

_REASONING_MAY_BE_EMPTY = frozenset({"nvidia", "nim"})
"""Servers that were reported to refuse calls without their reasoning, and take an empty one."""

_CHAT, _MESSAGES, _RESPONSES = ChatRoute(), MessagesRoute(), ResponsesRoute()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A request that was admitted and read."""

    asked: Asked
    context: Context
    upstream: Upstream
    body: Mapping[str, object]


class Gateway:
    """One address in front of a client, as an ASGI application.

    It serves `/v1/chat/completions`, `/v1/responses`, `/v1/messages`, `/v1/messages/count_tokens`, `/v1/models`,
    `/health` and `/metrics`. The clients it is given are not closed by it.

    Args:
        client: The client for every model that `models` does not name.
        models: Further clients by the name of their model.
        api_keys: The keys of callers. Without any, only programs on this machine may call.
        allowed_hosts: Host names, without a port, that are accepted in addition to the loopback ones.
        allowed_origins: Origins of web pages that may call it, such as `https://app.example`; "*" is any.
        any_content_type: Whether bodies need not be `application/json`.
        efforts: The thinking level for effort words, over those of the built-in table.
        both_reasoning_keys: Whether reasoning goes out as `reasoning`, in addition to `reasoning_content`.
        recovered: "error" or "run", for a call that was read from markup in ASCII bars.
        unknown_models: "serve" sends an unknown name to `client`, "refuse" answers it with 404.
        salt_callers: Whether the prefix caches of callers are kept apart.
        caller_limits: The limits of each caller; its `refusals` is not used.
        caller_spend: A limit of money or tokens for each caller, or a list of them, in addition to those of the
            clients. Without keys all callers share it.
        seal_key: The key that proves that reasoning in a history came from here; without it one that lives as long as
            this object. See `kept_key`.
        memory: Keeps reasoning for clients that drop it.
        keep_alive: Seconds of silence after which a stream gets a comment or a ping.
        max_body: The most bytes a body may have.

    Raises:
        ConfigurationError: An option is wrong, or the extra `server` is not installed.

    Attributes:
        metrics: The counts of its requests, tokens and errors.
    """

    def __init__(
        self,
        client: AsyncDeepSeekV4,
        *,
        models: Mapping[str, AsyncDeepSeekV4] | None = None,
        api_keys: Sequence[str | SecretStr] = (),
        allowed_hosts: Sequence[str] = (),
        allowed_origins: Sequence[str] = (),
        any_content_type: bool = False,
        efforts: Mapping[str, Thinking] | None = None,
        both_reasoning_keys: bool = False,
        recovered: Literal["error", "run"] = "error",
        unknown_models: Literal["serve", "refuse"] = "serve",
        salt_callers: bool = False,
        caller_limits: RateLimits | None = None,
        caller_spend: Spend | Sequence[Spend] | None = None,
        seal_key: bytes | None = None,
        memory: ReasoningMemory | None = None,
        keep_alive: float = 10.0,
        max_body: int = 64 * 2**20,
    ) -> None:
        if recovered not in ("error", "run"):
            raise ConfigurationError(f"recovered is {recovered!r}: give 'error' or 'run'")
        if keep_alive <= 0:
            raise ConfigurationError(f"keep_alive is {keep_alive!r}: give seconds above 0")
        for word, level in (efforts or {}).items():
            if level not in ("off", "low", "high", "max"):
                raise ConfigurationError(f"efforts has {word!r} as {level!r}: give 'off', 'low', 'high' or 'max'")
        self.metrics = Metrics()
        self._callers = Callers(api_keys, allowed_hosts, allowed_origins, any_content_type=any_content_type)
        self._limits = CallerLimits(caller_limits)
        self._spends = CallerSpends(caller_spend, by_key=self._callers.has_keys)
        self._models = Models(client, models or {}, unknown_models)
        self._efforts: Mapping[str, Thinking] = {**EFFORTS, **(efforts or {})}
        self._both_keys = both_reasoning_keys
        self._recovered: Literal["error", "run"] = recovered
        self._salts = salt_callers
        self._seal = Seal(seal_key)
        self._memory = memory if memory is not None else ReasoningMemory()
        self._keep_alive = keep_alive
        self._max_body = max_body
        self._app = self._routes(allowed_origins)

    async def __call__(
        self,
        scope: MutableMapping[str, object],
        receive: Callable[[], Awaitable[MutableMapping[str, object]]],
        send: Callable[[MutableMapping[str, object]], Awaitable[None]],
    ) -> None:
        """Serve a connection, as ASGI has it."""
        await self._app(scope, receive, send)

    @property
    def has_keys(self) -> bool:
        """Whether callers need a key."""
        return self._callers.has_keys

    @never_raises
    def __repr__(self) -> str:
        return f"Gateway({self._models.first.client!r})"

    def _routes(self, origins: Sequence[str]) -> Starlette:
        routes = [Path("/", self._show_routes, methods=["GET"]), Path("/health", self._health, methods=["GET"])]
        routes.append(Path("/metrics", self._show_metrics, methods=["GET"]))
        for base in ("/v1", "", "/v1/v1"):  # tools put the version into their base URL, before each path, or both
            routes += [
                Path(f"{base}/chat/completions", self._answering(_CHAT), methods=["POST"]),
                Path(f"{base}/messages", self._answering(_MESSAGES), methods=["POST"]),
                Path(f"{base}/messages/count_tokens", self._count, methods=["POST"]),
                Path(f"{base}/responses", self._answering(_RESPONSES), methods=["POST"]),
                Path(f"{base}/models", self._list, methods=["GET"]),
                Path(f"{base}/models/{{name:path}}", self._list, methods=["GET"]),
            ]
        shared = Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "x-deepseek-v4-ignored", "x-deepseek-v4-notes"],
        )
        return Starlette(
            routes=routes,
            middleware=[shared] if origins else [],
            exception_handlers={HTTPException: self._unknown},  # type: ignore[dict-item]  # narrower than its type says
        )

    def _answering(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await self._answer(route, request)

        return answer

    async def _answer(self, route: Route, request: Request) -> Response:
        began, number = time.monotonic(), uuid4().hex
        caller: Caller | None = None
        try:
            caller = self._callers.admit(request.scope, request.headers)
            self._limits.enter(caller)
        except Refusal as refusal:
            if caller is not None:
                self.metrics.limited(refusal.failure.code or "")
            return self._refused(route, refusal, number, began)
        try:
            ready = await self._read(route, request, caller)
        except Exception as error:  # noqa: BLE001  # every error goes to the caller in the shape of the API
            self._limits.leave(caller, None)
            return self._refused(route, error, number, began)
        asking = Asking(asked=ready.asked, context=ready.context, id=number, created=int(time.time()), body=ready.body)
        self.metrics.in_flight += 1
        return Relay(  # type: ignore[return-value]  # Starlette only calls it
            route,
            asking,
            ready.upstream,
            memory=self._memory,
            recovered=self._recovered,
            silence=self._keep_alive,
            headers=_ids(number),
            ended=lambda relay: self._ended(route, caller, relay),
        )

    def _ended(self, route: Route, caller: Caller, relay: Relay) -> None:
        usage, upstream = relay.usage, relay.upstream
        self.metrics.in_flight -= 1
        self._limits.leave(caller, usage.total_tokens if usage is not None else None)
        self.metrics.ended(
            route=route.name,
            status=relay.status,
            seconds=relay.seconds,
            model=upstream.model,
            provider=upstream.client.flavor,
            error=relay.error,
            first_token=relay.first_token,
            usage=usage,
        )
        if relay.error == "SpendLimitError":
            self.metrics.limited("spend")
        _log(route.name, relay.status, relay.seconds, relay.error)

    def _refused(self, route: Route, error: Exception, number: str, began: float) -> Response:
        failure = caller_error(error)
        seconds = time.monotonic() - began
        self.metrics.ended(route=route.name, status=failure.status, seconds=seconds)
        _log(route.name, failure.status, seconds, failure.kind)
        return _json(failure.status, route.error(failure, number), {**_ids(number), **failure.headers()})

    async def _read(self, route: Route, request: Request, caller: Caller) -> _Ready:
        body = await self._body(request)
        asked_model = body.get("model")
        upstream = await self._models.find(asked_model if isinstance(asked_model, str) and asked_model else None)
        client = upstream.client
        context = Context(
            caller=caller,
            seal=self._seal,
            model=upstream.label,
            efforts=self._efforts,
            thinking=client.thinking,
            flavor=client.flavor,
            both_keys=self._both_keys,
        )
        asked = route.read(body, context)
        if not asked.model:
            asked.model = await upstream.name() or "deepseek-v4"
        loosen(asked, client.flavor)
        self._restore(asked, context, upstream)
        if accounts := self._spends.of(caller):
            asked.options["spend"] = accounts
        if self._salts:
            asked.options["cache_salt"] = caller.id[:32]
        return _Ready(asked=asked, context=context, upstream=upstream, body=body)

    def _restore(self, asked: Asked, context: Context, upstream: Upstream) -> None:
        """Put back the reasoning that the client dropped from earlier turns."""
        restored = self._memory.restore(context.caller, asked.messages)
        asked.messages = restored.messages
        thinks = asked.options.get("thinking", context.thinking) != "off"
        if restored.missing and thinks:
            asked.noted.note(f"reasoning of {restored.missing} earlier turn(s) is not known")
            if upstream.client.history_rules.needs_reasoning or upstream.client.flavor in _REASONING_MAY_BE_EMPTY:
                asked.messages = [_with_empty_reasoning(message) for message in asked.messages]

    async def _body(self, request: Request) -> Mapping[str, object]:
        blocks: list[bytes] = []
        size = 0
        try:
            async for block in request.stream():
                size += len(block)
                if size > self._max_body:
                    raise Refusal(413, f"the body has more than {self._max_body} bytes", code="body_too_large")
                blocks.append(block)
        except ClientDisconnect:
            raise Refusal(499, "the caller left") from None
        try:
            body: object = from_json(b"".join(blocks), allow_inf_nan=False)
        except ValueError as error:
            raise Refusal(400, f"the body is not valid JSON: {error}", code="invalid_json") from None
        if not is_mapping(body):
            raise Refusal(400, "the body is not a JSON object", code="invalid_json")
        return body

    async def _count(self, request: Request) -> Response:
        """`/v1/messages/count_tokens`: the prompt is rendered and counted here."""
        began, number = time.monotonic(), uuid4().hex
        try:
            ready = await self._read(_MESSAGES, request, self._callers.admit(request.scope, request.headers))
            count = await count_tokens(ready.upstream.client, ready.asked)
        except Exception as error:  # noqa: BLE001  # every error goes to the caller in the shape of the API
            return self._refused(_MESSAGES, error, number, began)
        self.metrics.ended(route="count_tokens", status=200, seconds=time.monotonic() - began)
        _log("count_tokens", 200, time.monotonic() - began, None)
        return _json(200, {"input_tokens": count.total}, {**_ids(number), **note_headers(ready.asked.noted)})

    async def _list(self, request: Request) -> Response:
        began, number = time.monotonic(), uuid4().hex
        try:
            self._callers.admit(request.scope, request.headers)
            entries = await self._models.listed()
            name = request.path_params.get("name")
            if name is None:
                ids = [entry["id"] for entry in entries]
                ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None, "has_more": False}
                return _json(200, {"object": "list", "data": entries, **ends}, _ids(number))
            found = next((entry for entry in entries if entry["id"] == name), None)
            if found is None:
                raise Refusal(404, f"the model {name[:100]!r} is not one of this gateway's", code="model_not_found")
            return _json(200, found, _ids(number))
        except Exception as error:  # noqa: BLE001  # every error goes to the caller in the shape of the API
            route = _MESSAGES if "anthropic-version" in request.headers else _CHAT
            return self._refused(route, error, number, began)

    async def _show_routes(self, request: Request) -> Response:
        try:
            self._callers.admit(request.scope, request.headers)
        except Refusal as refusal:
            return self._refused(_CHAT, refusal, uuid4().hex, time.monotonic())
        routes = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/models", "/health", "/metrics"]
        return _json(200, {"name": "deepseek-v4 gateway", "routes": routes}, {})

    async def _health(self, request: Request) -> Response:
        del request  # open to everybody: it reveals nothing
        return _json(200, {"status": "ok"}, {})

    async def _show_metrics(self, request: Request) -> Response:
        try:
            self._callers.admit(request.scope, request.headers)
        except Refusal as refusal:
            return self._refused(_CHAT, refusal, uuid4().hex, time.monotonic())
        turns, size = self._memory.size
        gauges = {"deepseek_v4_gateway_remembered_turns": turns, "deepseek_v4_gateway_remembered_bytes": size}
        return PlainTextResponse(self.metrics.text(gauges), media_type="text/plain; version=0.0.4")

    async def _unknown(self, request: Request, error: HTTPException) -> Response:
        """A path or a method that does not exist."""
        route = _MESSAGES if "/messages" in request.url.path else _CHAT
        number, began = uuid4().hex, time.monotonic()
        try:
            self._callers.admit(request.scope, request.headers)
        except Refusal as refusal:
            return self._refused(route, refusal, number, began)
        problem = "there is no such path here" if error.status_code == 404 else "this path does not take that method"
        code = "unknown_path" if error.status_code == 404 else "unknown_method"
        return self._refused(route, Refusal(error.status_code, problem, code=code), number, began)


def _with_empty_reasoning(message: Message) -> Message:
    """Return the turn, with an empty reasoning where it has none: the server only checks that the field is present."""
    if isinstance(message, AssistantMessage) and message.tool_calls and message.reasoning is None:
        return replace(message, reasoning="")
    return message


def _ids(number: str) -> dict[str, str]:
    return {"x-request-id": f"req_{number}", "request-id": f"req_{number}"}  # OpenAI's name, and Anthropic's


def _json(status: int, body: object, headers: Mapping[str, str]) -> Response:
    return Response(to_json(body), status, dict(headers), media_type="application/json")


def _log(route: str, status: int, seconds: float, error: str | None) -> None:
    LOG.info("%s %d %.3f s%s", route, status, seconds, f" {error}" if error else "")
