"""The dialect of vLLM 0.33: messages rendered in their place, calls in their order, tools as they were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt.call_markup import CallStyle, calls_block
from deepseek_v4_sdk.prompt.definitions import tools_block
from deepseek_v4_sdk.prompt.json_text import python_json, read_python
from deepseek_v4_sdk.prompt.literals import (
    ASSISTANT,
    BLANK_LINE,
    BOS,
    EOS,
    REMINDER,
    SCHEMA_INTRO,
    TASKS,
    THINK_CLOSE,
    THINK_OPEN,
    USER,
    V4_TAGS,
    Piece,
)
from deepseek_v4_sdk.prompt.render_job import RenderJob
from deepseek_v4_sdk.prompt.render_turns import RenderTurn, folded, read_turns, sort_results, user_text
from deepseek_v4_sdk.prompt.rendered import SegmentDraft

_STYLE: Final = CallStyle(tags=V4_TAGS, read=read_python, write=python_json, raw_arguments=False, empty_line=True)


def render_vllm(job: RenderJob) -> list[SegmentDraft]:
    """Make the unfinished segments of a prompt like vLLM 0.33.

    Raises:
        InvalidRequestError: vLLM's encoder fails on it.
        UnsupportedOptionError: vLLM's encoder does not support it.
    """
    _check_options(job)
    turns = folded(read_turns(job.messages, null_is_empty=False))
    _check_turns(job, turns)
    _sort(turns)
    turns, system = _with_definitions(job, turns)
    drops = job.thinks and job.drop_thinking and not job.tools
    if drops:
        turns = _without_developers(turns)
    body = _render(job, turns, system, drops=drops)
    return [SegmentDraft([*([BOS] if job.add_bos else []), (job.effort, False)]), *body]


def _check_options(job: RenderJob) -> None:
    if job.generation == "v4.1":
        job.lacks("generation='v4.1'", "V4.1 is rendered with dialect='recipe'")
    if job.answer_format is not None and job.answer_format.schema is None:
        job.lacks("response_format of type json_object", "give a JSON Schema, or ask for JSON in the system text")


def _check_turns(job: RenderJob, turns: Sequence[RenderTurn]) -> None:
    for turn in turns:
        if turn.fields.get("prefix"):
            job.lacks("prefix", f"leave it out of {turn.where}; vLLM cannot continue a message")
        if turn.task is not None and turn.task not in TASKS:
            raise InvalidRequestError(f"{turn.where}.task is {turn.task!r}: one of {', '.join(TASKS)}")
        if turn.role == "developer" and not turn.text:
            raise InvalidRequestError(f"{turn.where}.content is empty: a developer message needs a text")


def _sort(turns: Sequence[RenderTurn]) -> None:
    order: Mapping[str, int] = {}
    for turn in turns:
        if turn.calls:
            order = {call.id: place for place, call in enumerate(turn.calls)}
        elif order and turn.role == "user":
            sort_results(turn, order)


def _with_definitions(job: RenderJob, turns: list[RenderTurn]) -> tuple[list[RenderTurn], RenderTurn | None]:
    """The turns, and the system turn that gets tools and format: the first, wherever it is, or a new one."""
    if not job.tools and job.answer_format is None:
        return turns, None
    system = next((turn for turn in turns if turn.role == "system"), None)
    if system is None:
        system = RenderTurn("system", [])
        turns = [system, *turns]
    return turns, system


def _without_developers(turns: Sequence[RenderTurn]) -> list[RenderTurn]:
    last = _last_user(turns)
    return [turn for place, turn in enumerate(turns) if turn.role != "developer" or place >= last]


def _last_user(turns: Sequence[RenderTurn]) -> int:
    places = (place for place in range(len(turns) - 1, -1, -1) if turns[place].role in {"user", "developer"})
    return next(places, -1)


def _render(
    job: RenderJob, turns: Sequence[RenderTurn], system: RenderTurn | None, *, drops: bool
) -> list[SegmentDraft]:
    last = _last_user(turns)
    drafts: list[SegmentDraft] = []
    header: list[Piece] = []  # the opening of the answer to a turn is at the front of the next one
    task_before = False
    for place, turn in enumerate(turns):
        pieces = [*header]
        match turn.role:
            case "user":
                pieces += (USER, (user_text(turn.blocks), False))
            case "developer":
                pieces += (USER, (turn.text, False))
            case "latest_reminder":
                pieces += (REMINDER, (turn.text, False))
            case "assistant":
                if job.thinks and not task_before and (not drops or place > last):
                    pieces += ((turn.reasoning, False), THINK_CLOSE)
                pieces.append((turn.text, False))
                pieces += calls_block(_STYLE, turn.calls, turn)
                if not turn.fields.get("wo_eos"):
                    pieces.append(EOS)
            case _:
                pieces.append((turn.text, False))
        if turn is system:
            pieces += _definitions(job)
        drafts.append(SegmentDraft(pieces, turn.indices))
        following = turns[place + 1].role if place + 1 < len(turns) else None
        header = _header(turn, following, thinks=job.thinks, opens=job.thinks and (not drops or place >= last))
        task_before = turn.task is not None
    return [*drafts, SegmentDraft(header)]


def _definitions(job: RenderJob) -> list[Piece]:
    pieces = tools_block(V4_TAGS, job.tools, python_json)
    if job.answer_format is not None:
        pieces.append((f"{BLANK_LINE}{SCHEMA_INTRO}{python_json(job.answer_format.schema)}", False))
    return pieces


def _header(turn: RenderTurn, following: str | None, *, thinks: bool, opens: bool) -> list[Piece]:
    if following not in {None, "assistant", "latest_reminder"}:
        return []
    if isinstance(turn.task, str):
        task = TASKS[turn.task]
        return [ASSISTANT, THINK_OPEN if thinks else THINK_CLOSE, task] if turn.task == "action" else [task]
    if turn.role in {"user", "developer"} or (turn.role == "system" and following != "latest_reminder"):
        return [ASSISTANT, THINK_OPEN if opens else THINK_CLOSE]
    return []
