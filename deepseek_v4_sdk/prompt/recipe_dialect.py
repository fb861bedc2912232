"""The dialect of deepseek-recipe 0.2.0, which SGLang 0.5.23, NIM on SGLang and DeepSeek's API run: V4 and V4.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from deepseek_v4_sdk.chat import ToolCall
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt.call_markup import CallStyle, calls_block
from deepseek_v4_sdk.prompt.definitions import recipe_tools, tools_block
from deepseek_v4_sdk.prompt.json_text import JsonWriter, read_recipe, recipe_json, recipe_v41_json
from deepseek_v4_sdk.prompt.literals import (
    ASSISTANT,
    BLANK_LINE,
    BOS,
    EOS,
    JSON_INTRO,
    REMINDER,
    SCHEMA_INTRO,
    SYSTEM,
    THINK_CLOSE,
    THINK_OPEN,
    USER,
    V4_TAGS,
    V41_TAGS,
    Piece,
)
from deepseek_v4_sdk.prompt.render_job import AnswerFormat, RenderJob
from deepseek_v4_sdk.prompt.render_turns import RenderTurn, UserBlock, folded, read_turns, sort_results, user_text
from deepseek_v4_sdk.prompt.rendered import SegmentDraft

_Order: TypeAlias = Callable[[Sequence[ToolCall]], Sequence[ToolCall]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Encoding:
    """The differences between the V4 and the V4.1 encoding of deepseek-recipe.

    Attributes:
        style: The way of writing calls.
        ordered: The order of calls and results.
        fronted: Divides the turns into the system texts at the head and the rest; V4.1 leaves out each reminder that
            directly follows another.
        marker: Before system text.
        keeps_empty: Whether empty texts of the user count where texts are joined.
        any_json: The instruction for an answer in any JSON.
        bare_alone: Whether no effort text is written where nothing else is, and no thinking is opened in a message to
            continue that comes first.
    """

    style: CallStyle
    ordered: _Order
    fronted: Callable[[Sequence[RenderTurn]], tuple[list[RenderTurn], list[RenderTurn]]]
    marker: tuple[Piece, ...]
    keeps_empty: bool
    any_json: str
    bare_alone: bool

    @property
    def write(self) -> JsonWriter:
        return self.style.write


def _by_id(calls: Sequence[ToolCall]) -> Sequence[ToolCall]:
    return sorted(calls, key=lambda call: call.id) if len(calls) > 1 else calls


def _as_called(calls: Sequence[ToolCall]) -> Sequence[ToolCall]:
    return calls


def _all_fronted(turns: Sequence[RenderTurn]) -> tuple[list[RenderTurn], list[RenderTurn]]:
    return [turn for turn in turns if turn.role == "system"], [turn for turn in turns if turn.role != "system"]


def _first_fronted(turns: Sequence[RenderTurn]) -> tuple[list[RenderTurn], list[RenderTurn]]:
    count = 1 if turns and turns[0].role == "system" else 0
    rest = turns[count:]
    reminders = [turn.role == "latest_reminder" for turn in rest]
    again = [here and before for here, before in zip(reminders, [False, *reminders], strict=False)]
    return list(turns[:count]), [turn for turn, repeated in zip(rest, again, strict=True) if not repeated]


_V4: Final = _Encoding(
    style=CallStyle(tags=V4_TAGS, read=read_recipe, write=recipe_json, raw_arguments=True, empty_line=False),
    ordered=_by_id,
    fronted=_all_fronted,
    marker=(),
    keeps_empty=False,
    any_json=JSON_INTRO,
    bare_alone=False,
)
_V41: Final = _Encoding(
    style=CallStyle(tags=V41_TAGS, read=read_recipe, write=recipe_v41_json, raw_arguments=True, empty_line=True),
    ordered=_as_called,
    fronted=_first_fronted,
    marker=(SYSTEM,),
    keeps_empty=True,
    any_json=SCHEMA_INTRO + recipe_v41_json({"type": "json_object"}),
    bare_alone=True,
)


def render_recipe(job: RenderJob) -> list[SegmentDraft]:
    """Make the unfinished segments of a prompt like deepseek-recipe 0.2.0.

    Raises:
        InvalidRequestError: deepseek-recipe refuses it.
        UnsupportedOptionError: deepseek-recipe does not support it.
    """
    encoding = _V41 if job.generation == "v4.1" else _V4
    _check_options(job)
    turns = read_turns(job.messages, null_is_empty=True)
    _check_turns(job, turns)
    tools = recipe_tools(job.tools, None if job.tool_choice in _KEYWORDS else job.tool_choice)
    if job.tool_choice == "none":
        tools = []
    for turn in turns:
        if turn.role == "developer":
            turn.role = "system"
    systems, rest = encoding.fronted([turn for turn in turns if turn.role != "system" or turn.text])
    definitions = tools_block(encoding.style.tags, tools, encoding.write) + _format(encoding, job.answer_format)
    forced = encoding.style.tags.forced if tools and job.tool_choice not in {"auto", "none"} else ()
    opens = job.thinks and not (encoding.bare_alone and len(systems) + len(rest) == 1)
    body = _render(encoding, folded(rest), keeps=job.thinks and bool(tools), opens=opens)
    effort = "" if encoding.bare_alone and not (systems or rest or definitions) else job.effort
    return [*_head(encoding, effort, systems, definitions), *body, *_answer(job, turns[-1], forced)]


_KEYWORDS: Final = frozenset({"auto", "none", "required"})


def _check_options(job: RenderJob) -> None:
    if not job.drop_thinking:
        job.lacks("drop_thinking=False", "earlier reasoning is kept where tools are offered, and only there")
    if not job.add_bos:
        job.lacks("add_bos=False", "leave it out")
    if job.tools and job.thinks and job.tool_choice not in {"auto", "none"}:
        raise InvalidRequestError(
            f"tool_choice is {job.tool_choice!r} while the model thinks: give 'auto', or thinking='off' "
            "(SGLang renders 'auto' and holds the answer to the choice by a grammar)"
        )


def _check_turns(job: RenderJob, turns: Sequence[RenderTurn]) -> None:
    for turn in turns:
        for name in ("task", "wo_eos"):
            if turn.fields.get(name):
                job.lacks(name, f"leave it out of {turn.where}")
        if turn.role == "assistant" and turn.fields.get("prefix") is True:
            _check_prefix(job, turn, turns)
    _check_results(turns)
    if job.answer_format is not None and job.answer_format.schema is None and not any(map(_says_json, turns)):
        raise InvalidRequestError("response_format is json_object, and no message has the word 'json': add it")


def _check_prefix(job: RenderJob, turn: RenderTurn, turns: Sequence[RenderTurn]) -> None:
    if turn is not turns[-1]:
        raise InvalidRequestError(f"{turn.where}.prefix is true: only the last message can be continued")
    if job.tools or any(each.calls for each in turns):
        raise InvalidRequestError(f"{turn.where}.prefix is true, which does not go with tools and calls")
    if job.answer_format is not None and job.answer_format.schema is None:
        raise InvalidRequestError(f"{turn.where}.prefix is true, which does not go with json_object")


def _check_results(turns: Sequence[RenderTurn]) -> None:
    caller: RenderTurn | None = None
    open_ids: set[str] = set()
    for turn in turns:
        if turn.role == "tool":
            if turn.call_id not in open_ids:
                raise InvalidRequestError(f"{turn.where}.tool_call_id is {turn.call_id!r}: no open call has that id")
            open_ids.remove(turn.call_id)
            continue
        _check_answered(caller, open_ids)
        caller, open_ids = turn, {call.id for call in turn.calls}
        if len(open_ids) < len(turn.calls):
            raise InvalidRequestError(f"{turn.where}.tool_calls has two calls with one id: ids must be unique")
    _check_answered(caller, open_ids)


def _check_answered(caller: RenderTurn | None, open_ids: set[str]) -> None:
    if caller is not None and open_ids:
        raise InvalidRequestError(
            f"{caller.where}.tool_calls: no tool message answers {', '.join(map(repr, sorted(open_ids)))} "
            "before the next turn"
        )


def _says_json(turn: RenderTurn) -> bool:
    return any("json" in text.lower() for text in (turn.text, *(block.text for block in turn.blocks)))


def _head(
    encoding: _Encoding, effort: str, systems: Sequence[RenderTurn], definitions: list[Piece]
) -> list[SegmentDraft]:
    text = BLANK_LINE.join(turn.text for turn in systems)
    marker = encoding.marker if effort or text or definitions else ()
    indices = [index for turn in systems for index in turn.indices]
    return [SegmentDraft([BOS, *marker, (effort, False)]), SegmentDraft([(text, False), *definitions], indices)]


def _format(encoding: _Encoding, answer_format: AnswerFormat | None) -> list[Piece]:
    if answer_format is None:
        return []
    if answer_format.schema is None:
        return [(BLANK_LINE + encoding.any_json, False)]
    return [(f"{BLANK_LINE}{SCHEMA_INTRO}{encoding.write(answer_format.schema)}", False)]


def _render(encoding: _Encoding, turns: Sequence[RenderTurn], *, keeps: bool, opens: bool) -> list[SegmentDraft]:
    drafts: list[SegmentDraft] = []
    order: Mapping[str, int] = {}
    for turn in turns:
        match turn.role:
            case "assistant":
                calls = encoding.ordered(turn.calls)
                order = {call.id: place for place, call in enumerate(calls)}
                pieces = _assistant(encoding, turn, calls, keeps=keeps, opens=opens)
            case "latest_reminder":
                pieces = [REMINDER, (turn.text, False)]
            case "system":
                pieces = [*encoding.marker, (turn.text, False)]
            case _:
                sort_results(turn, order)
                blocks = turn.blocks if encoding.keeps_empty else _without_empty(turn.blocks)
                pieces = [USER, (user_text(blocks), False)]
        drafts.append(SegmentDraft(pieces, turn.indices))
    return drafts


def _without_empty(blocks: Sequence[UserBlock]) -> list[UserBlock]:
    """The results, and the texts that are not empty as one; that one stays, even when it is empty."""
    results = [block for block in blocks if block.call_id is not None]
    if len(results) == len(blocks):
        return results
    texts = [block.text for block in blocks if block.call_id is None and block.text]
    return [*results, UserBlock(texts[0] if len(texts) == 1 else BLANK_LINE.join(texts))]


def _assistant(
    encoding: _Encoding, turn: RenderTurn, calls: Sequence[ToolCall], *, keeps: bool, opens: bool
) -> list[Piece]:
    if turn.fields.get("prefix") is True:  # the last one, which the answer continues
        if not opens:
            return [ASSISTANT, THINK_CLOSE, (turn.text, False)]
        closed = [THINK_CLOSE, (turn.text, False)] if turn.text else []
        return [ASSISTANT, THINK_OPEN, (turn.reasoning, False), *closed]
    reasoning: list[Piece] = [THINK_OPEN, (turn.reasoning, False)] if keeps else []
    return [
        ASSISTANT,
        *reasoning,
        THINK_CLOSE,
        (turn.text, False),
        *calls_block(encoding.style, calls, turn),
        EOS,
    ]


def _answer(job: RenderJob, last: RenderTurn, forced: Sequence[Piece]) -> list[SegmentDraft]:
    if last.role == "assistant" and last.fields.get("prefix") is True:
        return []
    return [SegmentDraft([ASSISTANT, THINK_OPEN if job.thinks else THINK_CLOSE, *forced])]
