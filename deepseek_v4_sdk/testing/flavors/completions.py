"""The route for rendered prompts from the server's side: the prompt taken apart, the rest of a script, raw text out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.testing.flavors.base import DONE, Chat, Refusal, sse
from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, OutputSpan, Token, say
from deepseek_v4_sdk.testing.prompt_tokens import token_ends
from deepseek_v4_sdk.testing.script import Error
from deepseek_v4_sdk.tokens import decode, encode, special_tokens

__all__ = ["CompletionRoute", "GivenPrompt", "left_of", "read_prompt"]

_ASSISTANT = "<\N{FULLWIDTH VERTICAL LINE}Assistant\N{FULLWIDTH VERTICAL LINE}>"
_CREATED = 1_795_282_197
_MODEL = "deepseek-ai/DeepSeek-V4-Pro"
_DEFAULT_LIMIT = 16
"""Most tokens of an answer where the request has no limit."""


@dataclass(frozen=True, slots=True)
class GivenPrompt:
    """A rendered prompt, taken apart.

    Attributes:
        ids: Its tokens.
        text: Its text.
        thinks: Whether the answer's header opens the reasoning.
        begun: The beginning of the answer, after that header.
    """

    ids: tuple[int, ...]
    text: str
    thinks: bool
    begun: str


def read_prompt(value: JsonValue) -> GivenPrompt | None:
    """Read the prompt of a body: tokens, or a text in which spellings of control tokens are such; None for others."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | list):
        value = value[0]
    if isinstance(value, str):
        ids = encode(value)
    elif isinstance(value, list) and value and all(isinstance(each, int) for each in value):
        ids = [each for each in value if isinstance(each, int)]
    else:
        return None
    known = special_tokens()
    last = max((place for place, each in enumerate(ids) if each == known[_ASSISTANT]), default=-1)
    thinks = last >= 0 and ids[last + 1 : last + 2] == [known["<think>"]]
    begun = decode(ids[last + 2 :]) if last >= 0 else ""
    return GivenPrompt(tuple(ids), decode(ids), thinks, begun)


def left_of(output: str, begun: str) -> str:
    """The rest of an output after a beginning; all of it where that is not one.

    A client does not have the blanks that a server's parsers take away. They do not count in the comparison.
    """
    if output.startswith(begun):
        return output[len(begun) :]
    place = 0
    for letter in begun:
        if letter.isspace():
            continue
        while place < len(output) and output[place].isspace():
            place += 1
        if output[place : place + 1] != letter:
            return output
        place += 1
    while begun[-1:].isspace() and output[place : place + 1].isspace():
        place += 1
    return output[place:]


@dataclass(frozen=True, slots=True)
class CompletionRoute:
    """A server's route.

    Attributes:
        stop_key: The field of a choice for the text that ended the answer.
        end_stop: Its value where the model ended the answer.
        prefix: The beginning of its ids.
        clamps: Whether it cuts a limit to the rest of the window; else it refuses prompt and limit beyond it.
        null_is_default: Whether null is the default limit.
        counts_reasoning: Whether its usage has a number of reasoning tokens: always 0 here.
        gives_ids: Whether it knows `return_token_ids`.
        shows_halves: Whether half a character at the limit becomes U+FFFD.
    """

    stop_key: str | None = None
    end_stop: JsonValue = None
    prefix: str = "cmpl-"
    clamps: bool = True
    null_is_default: bool = True
    counts_reasoning: bool = False
    gives_ids: bool = False
    shows_halves: bool = False

    def refuse(self, body: dict[str, JsonValue], prompt: GivenPrompt | None, window: int) -> Refusal | None:
        """Its answer to a request that it refuses."""
        if prompt is None:
            return Error(400, "prompt must be a string, a list of tokens, or a list with one of these")
        limit = body.get("max_tokens", _DEFAULT_LIMIT)
        if limit is None and not self.null_is_default:
            return Error(400, "max_tokens: Input should be a valid integer")
        limit = _DEFAULT_LIMIT if limit is None else limit
        if not isinstance(limit, int) or limit < 1:
            return Error(400, f"max_tokens must be at least 1, got {limit}.")
        size = len(prompt.ids)
        if self.clamps and (limit > window or size >= window):
            detail = (
                f"This model's maximum context length is {window} tokens. However, you requested {limit} output tokens"
            )
            return Error(400, f"{detail} and your prompt contains {size} input tokens.")
        if not self.clamps and (size + limit > window or size > window - 7):
            return Error(400, f"Requested token count exceeds the model's maximum context length of {window} tokens.")
        return None

    def limit(self, body: dict[str, JsonValue], window: int, prompt: int) -> int:
        """Most tokens of the answer."""
        asked = body.get("max_tokens")
        return max(1, min(asked if isinstance(asked, int) else _DEFAULT_LIMIT, window - prompt))

    def generate(
        self,
        output: str,
        cutter: Callable[[str], list[int]],
        body: dict[str, JsonValue],
        limit: int,
        cuts: tuple[int, ...],
    ) -> GeneratedOutput:
        """Generate the rest of an output, as raw text."""
        given = body.get("stop")
        stops = given if isinstance(given, list) else [given]
        generated = say(
            lambda raw: [OutputSpan(raw, "text", copy=True)],
            output,
            cutter,
            limit=limit,
            stops=[each for each in stops if isinstance(each, str)],
            cuts=cuts,
        )
        if self.shows_halves and generated.finish_reason == "length" and cutter is token_ends:
            half = decode(encode(output)[:limit]).removeprefix(generated.raw)
            if half:
                tokens = (*generated.tokens, Token("text", half, count=limit))
                return replace(generated, tokens=tokens, raw=generated.raw + half)
        return generated

    def stream(self, generated: GeneratedOutput, chat: Chat) -> Iterator[bytes]:
        """The blocks of a stream."""
        ids = generated.ids() if self.gives_ids and chat.body.get("return_token_ids") else None
        sent = 0
        for token in generated.tokens:
            choice = self._choice(token.text, None, None)
            if ids is not None:
                choice["token_ids"] = [*ids[sent : token.count]]
                sent = max(sent, token.count)
            yield sse({**self._frame(chat), "choices": [choice]})
        choice = self._choice("", *self._end(generated))
        yield sse({**self._frame(chat), "choices": [choice if ids is None else {**choice, "token_ids": [*ids[sent:]]}]})
        if chat.streams_usage:
            yield sse({**self._frame(chat), "choices": [], "usage": self._usage(generated, chat)})
        yield DONE

    def plain(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        """One JSON value."""
        choice = self._choice(generated.text, *self._end(generated))
        return {**self._frame(chat), "choices": [choice], "usage": self._usage(generated, chat)}

    def _end(self, generated: GeneratedOutput) -> tuple[str, JsonValue]:
        if generated.finish_reason == "length":
            return "length", None
        return "stop", self.end_stop if generated.stop is None else generated.stop

    def _choice(self, text: str, reason: str | None, stop: JsonValue) -> dict[str, JsonValue]:
        choice: dict[str, JsonValue] = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
        return choice if self.stop_key is None else {**choice, self.stop_key: stop}

    def _frame(self, chat: Chat) -> dict[str, JsonValue]:
        return {
            "id": f"{self.prefix}{chat.number:032x}",
            "object": "text_completion",
            "created": _CREATED,
            "model": chat.body.get("model") or _MODEL,
        }

    def _usage(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        usage: dict[str, JsonValue] = {
            "prompt_tokens": chat.prompt,
            "total_tokens": chat.prompt + generated.completion_tokens,
            "completion_tokens": generated.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": chat.cached},
        }
        return usage | ({"reasoning_tokens": 0} if self.counts_reasoning else {})
