"""The courses of the calls of both clients: from arguments to steps. No I/O happens here."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from deepseek_v4_sdk.base import BaseClient
from deepseek_v4_sdk.chat import ChatRequest, Thinking, Timeouts, as_timeouts, is_mapping
from deepseek_v4_sdk.preflight import meter_of_server, most_output, reserves, sent_as
from deepseek_v4_sdk.shown import forgets, hide_headers
from deepseek_v4_sdk.transport.chat_course import ChatCourse
from deepseek_v4_sdk.transport.clock import Clock
from deepseek_v4_sdk.transport.course import Terms
from deepseek_v4_sdk.transport.watch import Watch

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from deepseek_v4_sdk.chat import Conversation, JsonValue, MessagesInput, Reply, ToolChoice, ToolInput
    from deepseek_v4_sdk.chat.served import Health
    from deepseek_v4_sdk.context import ContextBudget
    from deepseek_v4_sdk.probe import ProbeReport
    from deepseek_v4_sdk.structured import Asked, MechanismChoice, Parsed
    from deepseek_v4_sdk.tools.loop import ToolLoop
    from deepseek_v4_sdk.tools.loop_steps import Ask
    from deepseek_v4_sdk.transport.course import Course
    from deepseek_v4_sdk.transport.fetch import Fetch
    from deepseek_v4_sdk.transport.steps import Steps

__all__ = ["ClientCalls"]


class ClientCalls(BaseClient):
    """What both clients can be asked for, as courses and steps; either runs them in its own way.

    What a program that only chats does not use is loaded by the calls that do.
    """

    @forgets
    def _request(self, messages: MessagesInput, options: Mapping[str, object]) -> ChatRequest:
        if options.get("tools") is not None:
            from deepseek_v4_sdk.tools import as_specs

            options = {**options, "tools": as_specs(options["tools"])}
        return ChatRequest.build(messages, options, self._settings.defaults)

    def _chat(
        self,
        messages: MessagesInput,
        options: Mapping[str, object],
        terms: Terms | None = None,
        *,
        alone: bool = False,
    ) -> ChatCourse:
        """The course of a chat; on terms of its own, or on those of several calls. Alone, nobody takes over."""
        hide_headers(options)
        request = self._request(messages, options)
        named = cast("str | None", options.get("model"))
        pools = (self._pool,) if alone else self._pools
        course = ChatCourse(request, named, pools, terms or self._terms(request.timeout), _count_text)
        course.client = self
        return course

    def _begin_loop(
        self, messages: MessagesInput, tools: Sequence[object], options: Mapping[str, object]
    ) -> tuple[ToolLoop, Callable[[Ask], tuple[Conversation, dict[str, Any]]]]:
        """A tool loop, and what makes a chat of each of its questions."""
        from deepseek_v4_sdk.tools.loop import ToolLoop
        from deepseek_v4_sdk.tools.loop_options import split_options

        hide_headers(options)
        limits, shared = split_options(options)
        thinking = shared.get("thinking") or self._settings.defaults.get("thinking")

        def count(conversation: Conversation, reply: Reply) -> int:
            said = (reply.reasoning or "", reply.text, *(call.arguments for call in reply.tool_calls))
            same = ("model", "on_unsupported")
            options = {"tools": loop.specs, "thinking": thinking, **{name: shared.get(name) for name in same}}
            return self._endpoint.count_here(self._request(conversation, options)).total + sum(map(_count_text, said))

        extra = shared.get("extra_body")
        chosen = extra.get("tool_choice") if is_mapping(extra) else None
        runs = shared.get("tool_choice") != "none" and chosen != "none"
        prices = self._arguments.get("prices")
        loop = ToolLoop.begin(messages, tools, limits, cast("Thinking", thinking), runs, time.monotonic, count, prices)

        def chat_of(ask: Ask) -> tuple[Conversation, dict[str, Any]]:
            chat: dict[str, Any] = {**shared, "tools": loop.specs}
            if loop.rounds and chat.get("tool_choice") not in (None, "auto", "none"):
                del chat["tool_choice"]  # forced in each turn, calls would never end
            if ask.thinking is not None:
                chat["thinking"] = ask.thinking
                chat["on_unsupported"] = chat.get("on_unsupported") or "nearest"
            if ask.seconds is not None:
                given = as_timeouts(chat.get("timeout")).over(self._settings.timeouts)
                chat["timeout"] = replace(given, total=min(ask.seconds, given.total_seconds))
            return ask.messages, chat

        return loop, chat_of

    def _parse(
        self,
        messages: MessagesInput,
        schema: object,
        mechanism: MechanismChoice,
        retries: int,
        options: Mapping[str, object],
    ) -> tuple[Steps[Parsed[Any]], Clock]:
        """The questions of a structured answer."""
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
        """The questions of a structured answer, and which of them is asked. All of them go by one clock."""
        from deepseek_v4_sdk.structured import Asked, ItemsShape, Plan, Shape, parse_steps, watched, watcher_of

        hide_headers(options)
        provider, _ = self._endpoint.server()
        settled = provider.engine is not None  # an engine that is not known yet may show nothing
        plan = Plan.make(provider.data, mechanism, options, settled=settled)
        by_call = plan.mechanism == "tool"
        shape: Shape[Any] = (ItemsShape if handing_out == "items" else Shape)(schema, require_all=by_call)
        watcher = None if handing_out == "nothing" else watcher_of(shape, by_call=by_call)
        thinks = (options.get("thinking") or self._settings.defaults.get("thinking")) != "off"
        terms = self._terms(as_timeouts(options.get("timeout")))
        asked = Asked()

        def ask(conversation: Conversation, chat: Mapping[str, object]) -> Steps[Reply]:
            course = self._chat(conversation, chat, terms)
            asked.begin(course)
            return course.steps() if watcher is None else watched(course.steps(), watcher, course.tell)

        steps = parse_steps(messages, shape, plan, ask, thinks=thinks, retries=retries, watcher=watcher)
        return asked, steps, terms.clock

    def _count_request(
        self,
        messages: MessagesInput,
        tools: Sequence[ToolInput] | None,
        thinking: Thinking | None,
        tool_choice: ToolChoice | None,
        response_format: Mapping[str, object] | None,
        model: str | None,
    ) -> ChatRequest:
        options = {
            "tools": tools,
            "thinking": thinking,
            "tool_choice": tool_choice,
            "response_format": response_format,
            "model": model,
        }
        return self._request(messages, options)

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
        """A budget; the server is asked for its window unless that is given."""
        from deepseek_v4_sdk.context import ContextBudget, Window

        given = {"model": model, "thinking": thinking}
        endpoint, terms, request = self._endpoint, self._terms(), self._request("?", given)

        def steps() -> Steps[ContextBudget]:
            if limits_file is not None:
                endpoint.server()[1].limits.keep_in(limits_file)
            found = (
                Window(window, "configured")
                if window is not None
                else (yield from endpoint.window(request, terms, anew=True))
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
                meter=meter_of_server(
                    endpoint.server, lambda messages, options: self._request(messages, {**given, **_told(options)})
                ),
                cuts=endpoint.cuts,
            )

        return steps(), terms.clock

    def _health(self, *, deep: bool) -> tuple[Steps[Health], Clock]:
        from deepseek_v4_sdk.transport.readiness import health_steps

        if deep:
            question: Course[Any, Any] = self._chat(
                "Say: yes", {"thinking": "off", "max_tokens": 8}, self._terms(max_retries=0), alone=True
            )
        else:
            question = self._endpoint.is_up(self._terms(Timeouts(total=30.0), max_retries=0))
        return health_steps(question, question.terms.clock), question.terms.clock

    def _readiness(self, seconds: float) -> tuple[Steps[Health], Clock]:
        from deepseek_v4_sdk.transport.readiness import readiness_steps

        terms = self._terms(max_retries=0)

        def ask(left: float) -> Fetch[None]:
            return self._endpoint.is_up(replace(terms, timeouts=Timeouts(total=left).over(terms.timeouts)))

        return readiness_steps(ask, terms.clock, seconds), terms.clock

    def _probe(self, on_question: Callable[[str], None] | None) -> tuple[Steps[ProbeReport], Clock]:
        """The questions of a probe. All of them go by one clock, and are told to one tally."""
        from deepseek_v4_sdk.probe import Site, Tally, probe_steps

        tally, endpoint = Tally(), self._endpoint
        terms = replace(self._terms(), watch=Watch((*self._arguments.get("hooks", ()), tally)))

        def read(path: str) -> Fetch[JsonValue]:
            return endpoint.fetch(path, lambda transfer: transfer.json(), terms)

        site = Site(
            chat=lambda messages, options: self._chat(messages, options, terms, alone=True),
            models=lambda: endpoint.models(terms),
            read=read,
            count=lambda messages, options: endpoint.count_here(self._request(messages, options)),
            server=endpoint.server,
            model=self._arguments.get("model"),
            tally=tally,
            told=on_question or (lambda _: None),
        )
        return probe_steps(site), terms.clock


def _count_text(text: str) -> int:
    from deepseek_v4_sdk.tokens import count_text  # loaded when something is counted, and the vocabulary with it

    return count_text(text)


def _told(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}
