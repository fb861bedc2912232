"""The pieces of vLLM's answers: deltas of its streams, and what it makes of a call that was cut."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic_core import from_json

from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.testing.flavors.base import sse
from deepseek_v4_sdk.testing.model_markup import DSML, INVOKE_OPENS, THINK_ENDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, Token

__all__ = [
    "call_id",
    "finish",
    "joined",
    "opening",
    "plain_calls",
    "streamed",
    "with_border",
    "with_fingerprint",
    "with_ids",
]


def call_id(number: int, index: int) -> str:
    """The id of a call, by the number of its chat and its place."""
    return f"chatcmpl-tool-{number:012x}{index:04x}"


def _delta_of(token: Token, number: int) -> dict[str, JsonValue]:
    """The delta that a token is."""
    if token.kind == "reasoning":
        return {"reasoning": token.text}
    return {"content": token.text} if token.kind == "text" else {"tool_calls": [_entry(token, number)]}


def _entry(token: Token, number: int) -> JsonValue:
    if token.name is None:
        return {"index": token.index, "function": {"arguments": token.text}}
    # the first delta of a call has no arguments key
    function: JsonValue = {"name": token.name}
    return {"id": call_id(number, token.index), "type": "function", "index": token.index, "function": function}


def opening(frame: dict[str, JsonValue], role: JsonValue) -> dict[str, JsonValue]:
    """The first event of a stream, without the fields after its choice."""
    delta: JsonValue = {"role": role, "content": ""}
    return {**frame, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}


def plain_calls(generated: GeneratedOutput, number: int) -> Iterator[JsonValue]:
    """The calls of a plain answer; the last one is closed where the answer was cut."""
    cut = generated.finish_reason == "length" or generated.stop is not None or _unclosed(generated.raw)
    last = len(generated.calls) - 1
    for index, (name, arguments) in enumerate(generated.calls):
        function: JsonValue = {"name": name, "arguments": _closed(arguments) if cut and index == last else arguments}
        yield {"id": call_id(number, index), "type": "function", "function": function}


def streamed(generated: GeneratedOutput) -> tuple[Token, ...]:
    """The tokens that a stream shows.

    A stop text that reaches over the end of the thinking leaves the blanks before it: there they wait for nothing.
    """
    blanks = generated.raw[len(generated.raw.rstrip()) :]
    if not blanks or generated.stop is None or THINK_ENDS not in generated.stop or not generated.tokens:
        return generated.tokens
    last = generated.tokens[-1]
    if last.kind != "reasoning" or last.text.endswith(blanks):
        return generated.tokens
    return (*generated.tokens[:-1], replace(last, text=last.text + blanks))


def with_border(tokens: Sequence[Token], generated: GeneratedOutput) -> Iterator[list[Token]]:
    """The tokens of each delta: one by one, but where characters are held back for a stop text.

    There the end of the thinking comes after the model wrote its mark, together with the first text after it. Blanks
    wait for what follows them.
    """
    late: list[Token] = []
    for token in tokens:
        if token.kind == "reasoning" and generated.reasoning_whole and token.count > generated.reasoning_tokens > 0:
            late.append(token)
            continue
        if late and token.kind == "text" and token.text.strip():
            yield [token, *late]
        else:
            yield from ([each] for each in (*late, token))
        late = []
    yield from ([each] for each in late)


def with_ids(
    groups: Iterable[list[Token]], ids: Sequence[int] | None
) -> Iterator[tuple[list[Token], int, list[JsonValue] | None]]:
    """The tokens of each delta, their number so far, and the ids of `return_token_ids`: hidden tokens come as well."""
    sent = 0
    for group in groups:
        count = group[-1].count
        if ids is None:
            yield group, count, None
            continue
        for hidden in range(sent, count - 1):
            yield [], hidden + 1, [ids[hidden]]
        yield group, count, [*ids[max(sent, count - 1) : count]] or None
        sent = max(sent, count)


def joined(tokens: list[Token], number: int) -> dict[str, JsonValue]:
    """The text of a cut answer's last token comes together with the finish reason."""
    delta: dict[str, JsonValue] = {}
    entries: list[JsonValue] = []
    pending: list[Token] = []
    for token in tokens:
        if token.kind == "text" or token.kind == "reasoning":
            delta |= _delta_of(replace(token, text=_before(delta, token.kind) + token.text), number)
        elif pending and token.name is None and pending[-1].name is None and pending[-1].index == token.index:
            pending[-1] = replace(pending[-1], text=pending[-1].text + token.text)
        else:
            pending.append(token)
    entries += [_entry(token, number) for token in pending]
    if entries:
        delta["tool_calls"] = entries
    return delta


def _before(delta: dict[str, JsonValue], kind: str) -> str:
    value = delta.get("content" if kind == "text" else kind)
    return value if isinstance(value, str) else ""


def _unclosed(output: str) -> bool:
    """Whether the last call in what the model wrote has no end."""
    return output.rfind(INVOKE_OPENS) > output.rfind(f"</{DSML}invoke>")


def with_fingerprint(block: bytes, fingerprint: str) -> bytes:
    """The last chunk names the server, where no usage follows."""
    event = read_json(block.removeprefix(b"data: "))
    if not isinstance(event, dict):
        return block
    # `kv_transfer_params` of 0.33 comes after it.
    last = {key: event.pop(key) for key in ("kv_transfer_params",) if key in event}
    return sse({**event, "system_fingerprint": fingerprint, **last})


def _closed(arguments: str) -> str:
    """The complete parameters of a cut call: in a plain answer it reads like a call with only these."""
    try:
        come: JsonValue = from_json(arguments or "{}", allow_partial=True)
    except ValueError:
        return arguments
    return json.dumps(come, ensure_ascii=False)


def finish(generated: GeneratedOutput, body: dict[str, JsonValue], *, plain: bool) -> str:
    """`tool_calls` for calls the model chose to make, even where a stop text cut one; `stop` for a named tool.

    Before 0.33 a plain answer has the finish reason `tool_calls` even for a call that the limit cut.
    """
    choice = body.get("tool_choice")
    if generated.stop is not None and generated.calls and choice in ("auto", None):
        return "tool_calls"
    if plain and generated.calls and generated.finish_reason == "length" and choice in ("auto", None):
        return "tool_calls"
    return "stop" if generated.finish_reason == "tool_calls" and isinstance(choice, dict) else generated.finish_reason
