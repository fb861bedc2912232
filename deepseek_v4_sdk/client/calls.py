"""The calls of both clients: from arguments to steps. No I/O happens here."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from deepseek_v4_sdk.call.call_settings import CallSettings
from deepseek_v4_sdk.call.chat_call import ChatCall
from deepseek_v4_sdk.call.notifier import Notifier
from deepseek_v4_sdk.chat import ChatRequest, Thinking, Timeouts, as_timeouts, check_prompt_options, is_mapping
from deepseek_v4_sdk.client.preflight import counter_of_server, most_output, reserves, sent_as
from deepseek_v4_sdk.client.profiled import ProfiledClient
from deepseek_v4_sdk.config.settings import check_spends
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.redaction import forgets, hide_headers
from deepseek_v4_sdk.transport.clock import Clock

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from deepseek_v4_sdk.batch.settings import MapSettings
    from deepseek_v4_sdk.call.call import Call
    from deepseek_v4_sdk.call.fetch import Fetch
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.chat import Conversation, JsonValue, MessagesInput, PromptOptions, Reply, ToolInput
    from deepseek_v4_sdk.chat.served import Health
    from deepseek_v4_sdk.context import ContextBudget
    from deepseek_v4_sdk.probe import ProbeReport
    from deepseek_v4_sdk.structured import Asked, MechanismChoice, Parsed, Plan
    from deepseek_v4_sdk.tools.loop import ToolLoop
    from deepseek_v4_sdk.tools.loop_steps import AskModel

__all__ = ["ClientCalls"]

RowsT = TypeVar("RowsT")
StreamT = TypeVar("StreamT")


class ClientCalls(ProfiledClient):
    """The calls of both clients, as steps; each client runs them with its own I/O.

    Calls load the packages that a program which only chats does not use.
    """

    @property
    def context_window(self) -> int | None:
        """The window of the client's model in tokens, as far as it is known without a request; None where it is not.

        It is your `window`; else the size that the server reported, or named in a refusal; else the published one of a
        hosted model.
        """
        return self._endpoint.known_window(self._request("?", {}))

    @forgets
    def _request(self, messages: MessagesInput, options: Mapping[str, object]) -> ChatRequest:
        if options.get("tools") is not None:
            from deepseek_v4_sdk.tools import as_specs

            options = {**options, "tools": as_specs(options["tools"])}
        return ChatRequest.build(messages, options, self._settings.defaults)

    def _for_probing(self) -> Self:
        """Make the same client, whose refusals open no circuit: it finds out how many requests the server takes."""
        client = self.with_options()
        client._replica_set = client._replica_set.never_opening()
        client._replica_sets = tuple(each.never_opening() for each in client._replica_sets)
        return client

    def _with_accounts(self, options: Mapping[str, object]) -> Mapping[str, object]:
        """Options with the accounts that pay for all the requests of one call or run: the client's, and the call's."""
        given = options.get("spend")
        if given is None and not self._spends:
            return options
        from deepseek_v4_sdk.traffic.spend import Accounts

        if isinstance(given, Accounts):
            return options
        return {**options, "spend": Accounts(each.opened() for each in (*self._spends, *check_spends(given)))}

    def _chat(
        self,
        messages: MessagesInput,
        options: Mapping[str, object],
        call_settings: CallSettings | None = None,
        *,
        alone: bool = False,
    ) -> ChatCall:
        """Begin a chat with its own call settings, or those of several calls. With `alone`, there is no failover."""
        hide_headers(options)
        options = self._with_accounts(options)
        request = self._request(messages, options)
        named = cast("str | None", options.get("model"))
        replica_sets = (self._replica_set,) if alone else self._replica_sets
        call = ChatCall(
            request, named, replica_sets, call_settings or self._call_settings(request.timeout), _count_text
        )
        call.client = self
        return call

    def _begin_loop(
        self,
        messages: MessagesInput,
        tools: Sequence[object],
        options: Mapping[str, object],
        stream: Callable[..., StreamT],
    ) -> tuple[ToolLoop, Callable[[AskModel], StreamT]]:
        """Begin a tool loop, and return a function that sends each of its requests with `stream`."""
        from deepseek_v4_sdk.tools.loop import ToolLoop
        from deepseek_v4_sdk.tools.loop_options import split_options

        hide_headers(options)
        if options.get("on_event") is not None:
            raise ConfigurationError("on_event is for run_tools and tool_rounds: iterate over stream_tools")
        limits, shared = split_options(options)
        shared = self._with_accounts(shared)
        thinking = shared.get("thinking") or self._settings.defaults.get("thinking")

        def count(conversation: Conversation, reply: Reply) -> int:
            texts = (reply.reasoning or "", reply.text, *(call.arguments for call in reply.tool_calls))
            same = ("model", "on_unsupported")
            options = {"tools": loop.specs, "thinking": thinking, **{name: shared.get(name) for name in same}}
            return self._endpoint.count_here(self._request(conversation, options)).total + sum(map(_count_text, texts))

        extra = shared.get("extra_body")
        chosen = extra.get("tool_choice") if is_mapping(extra) else None
        runs = shared.get("tool_choice") != "none" and chosen != "none"
        prices = self._arguments.get("prices")
        loop = ToolLoop.begin(messages, tools, limits, cast("Thinking", thinking), runs, time.monotonic, count, prices)

        def send(ask: AskModel) -> StreamT:
            chat: dict[str, Any] = {**shared, "tools": loop.specs}
            if loop.rounds and chat.get("tool_choice") not in (None, "auto", "none"):
                del chat["tool_choice"]  # if each turn forced a call, the loop would never end
            if loop.rounds:
                chat.pop("continue_from", None)  # the first answer goes on with it
            if ask.thinking is not None:
                chat["thinking"] = ask.thinking
                chat["on_unsupported"] = chat.get("on_unsupported") or "nearest"
            if ask.seconds is not None:
                given = as_timeouts(chat.get("timeout")).over(self._settings.timeouts)
                chat["timeout"] = replace(given, total=min(ask.seconds, given.total_seconds))
            return stream(ask.messages, **chat)

        return loop, send

    def _parse(
        self,
        messages: MessagesInput,
        schema: object,
        mechanism: MechanismChoice,
        retries: int,
        options: Mapping[str, object],
    ) -> tuple[Steps[Parsed[Any]], Clock]:
        """The requests of a structured answer."""
        _, steps, clock = self._structured(messages, schema, mechanism, retries, options)
        return steps, clock

    def _structured(
        self,
        messages: MessagesInput,
        schema: object,
        mechanism: MechanismChoice,
        retries: int,
        options: Mapping[str, object],
        handing_out: Literal["nothing", "partials", "items"] = "nothing",
    ) -> tuple[Asked, Steps[Parsed[Any]], Clock]:
        """Choose the request for a structured answer. All requests share one clock."""
        from deepseek_v4_sdk.structured import Asked, ItemsShape, Shape, parse_steps, watched, watcher_of

        hide_headers(options)
        options = self._with_accounts(options)
        plan = self._plan(mechanism, options)
        by_call = plan.mechanism == "tool"
        shape: Shape[Any] = (ItemsShape if handing_out == "items" else Shape)(schema, require_all=by_call)
        watcher = None if handing_out == "nothing" else watcher_of(shape, by_call=by_call)
        thinks = self._thinks(options)
        call_settings = self._call_settings(as_timeouts(options.get("timeout")))
        asked = Asked()

        def ask(conversation: Conversation, chat: Mapping[str, object]) -> Steps[Reply]:
            call = self._chat(conversation, chat, call_settings)
            asked.begin(call)
            return call.steps() if watcher is None else watched(call.steps(), watcher, call.tell)

        steps = parse_steps(messages, shape, plan, ask, thinks=thinks, retries=retries, watcher=watcher)
        return asked, steps, call_settings.clock

    def _map_settings(
        self, schema: object, options: Mapping[str, object], *, off_peak: bool, **others: Any
    ) -> MapSettings:
        """The arguments of a map, except for its rows."""
        from deepseek_v4_sdk.batch.off_peak import OffPeak
        from deepseek_v4_sdk.batch.requests import MapRequest
        from deepseek_v4_sdk.batch.settings import MapSettings

        hide_headers(options)
        shared = {name: value for name, value in options.items() if name != "tools"}
        tools = cast("Sequence[object] | None", options.get("tools")) or ()
        model = cast("str | None", options.get("model")) or self.model
        pause = OffPeak(self.flavor, model, self._arguments.get("prices")) if off_peak else None
        row = MapRequest("", schema=schema, tools=tools, options=shared)
        return MapSettings(shared=row, off_peak=pause, **others)

    def _map_rows(self, kind: Callable[..., RowsT], settings: MapSettings) -> RowsT:
        """The client as a map sees it."""
        asks = self._for_probing() if settings.concurrency == "auto" else self
        return kind(asks, self._request, self._endpoint.target.catalogue, self._arguments.get("prices"))

    def _count_request(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None,
        model: str | None,
        schema: object,
        options: PromptOptions,
    ) -> ChatRequest:
        given: dict[str, Any] = {**check_prompt_options(options), "tools": tools, "model": model}
        if schema is not None:
            from deepseek_v4_sdk.structured import Shape

            plan = self._plan("auto", given)
            shape: Shape[Any] = Shape(schema, require_all=plan.mechanism == "tool")
            plan.check(shape.schema)
            messages = plan.conversation(messages, shape.schema)
            given = plan.asked(shape.name, shape.schema, thinks=self._thinks(given))
        return self._request(messages, given)

    def _plan(self, mechanism: MechanismChoice, options: Mapping[str, object]) -> Plan:
        """The way to a structured answer."""
        from deepseek_v4_sdk.structured import Plan

        provider, _ = self._endpoint.server()
        engine_known = provider.engine is not None  # an engine that is not known yet may not show a schema
        return Plan.make(provider.data, mechanism, options, engine_known=engine_known)

    def _thinks(self, options: Mapping[str, object]) -> bool:
        return (options.get("thinking") or self._settings.defaults.get("thinking")) != "off"

    def _budget(
        self,
        window: int | None,
        model: str | None,
        reserve_output: int | None,
        reserve_reasoning: int | None,
        thinking: Thinking | None,
        low_water: float,
        limits_file: str | os.PathLike[str] | None,
    ) -> tuple[Steps[ContextBudget], Clock]:
        """Make a budget; it requests the window from the server unless that is given."""
        from deepseek_v4_sdk.context import ContextBudget
        from deepseek_v4_sdk.context.window import Window

        given = {"model": model, "thinking": thinking}
        if window is None:
            window = cast("int | None", self._settings.defaults.get("window"))
        endpoint, call_settings, request = self._endpoint, self._call_settings(), self._request("?", given)

        def steps() -> Steps[ContextBudget]:
            if limits_file is not None:
                endpoint.server()[1].limits.keep_in(limits_file)
            found = (
                Window(window, "configured")
                if window is not None
                else (yield from endpoint.window(request, call_settings, anew=True))
            )
            output, reasoning = reserves(found.tokens, thinks=request.thinking != "off")
            provider, target = endpoint.server()
            return ContextBudget(
                found.tokens,
                output if reserve_output is None else reserve_output,
                reasoning if reserve_reasoning is None else reserve_reasoning,
                low_water=low_water,
                window_source=found.source,
                max_output=most_output(provider.data, target, sent_as(request, provider, target).model),
                counter=counter_of_server(
                    endpoint.server, lambda messages, options: self._request(messages, {**given, **_given(options)})
                ),
                trim_memory=endpoint.trim_memory,
            )

        return steps(), call_settings.clock

    def _health(self, *, deep: bool) -> tuple[Steps[Health], Clock]:
        from deepseek_v4_sdk.call.readiness import health_steps

        if deep:
            question: Call[Any, Any] = self._chat(
                "Say: yes", {"thinking": "off", "max_tokens": 8}, self._call_settings(max_retries=0), alone=True
            )
        else:
            question = self._endpoint.is_up(self._call_settings(Timeouts(total=30.0), max_retries=0))
        return health_steps(question, question.call_settings.clock), question.call_settings.clock

    def _readiness(self, seconds: float) -> tuple[Steps[Health], Clock]:
        from deepseek_v4_sdk.call.readiness import readiness_steps

        call_settings = self._call_settings(max_retries=0)

        def ask(left: float) -> Fetch[None]:
            return self._endpoint.is_up(
                replace(call_settings, timeouts=Timeouts(total=left).over(call_settings.timeouts))
            )

        return readiness_steps(ask, call_settings.clock, seconds), call_settings.clock

    def _probe(self, on_question: Callable[[str], None] | None) -> tuple[Steps[ProbeReport], Clock]:
        """Make the requests of a probe. All of them share one clock and one set of results."""
        from deepseek_v4_sdk.probe import ProbedServer, RequestCounter, probe_steps

        counter, endpoint = RequestCounter(), self._endpoint
        call_settings = replace(self._call_settings(), notifier=Notifier((*self._arguments.get("hooks", ()), counter)))

        def read(path: str) -> Fetch[JsonValue]:
            return endpoint.fetch(path, lambda exchange: exchange.json(), call_settings)

        site = ProbedServer(
            chat=lambda messages, options: self._chat(messages, options, call_settings, alone=True),
            models=lambda: endpoint.models(call_settings),
            read=read,
            count=lambda messages, options: endpoint.count_here(self._request(messages, options)),
            server=endpoint.server,
            model=self._arguments.get("model"),
            counter=counter,
            on_question=on_question or (lambda _: None),
        )
        return probe_steps(site), call_settings.clock


def _count_text(text: str) -> int:
    from deepseek_v4_sdk.tokens import count_text  # loaded when something is counted, and the vocabulary with it

    return count_text(text)


def _given(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}
