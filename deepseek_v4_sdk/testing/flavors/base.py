"""The parts that flavors share: a server's interface, and the frame in which servers send their events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import JsonValue, write_json
from deepseek_v4_sdk.testing.script import Error, Raw

if TYPE_CHECKING:
    from deepseek_v4_sdk.prompt import Dialect, Generation
    from deepseek_v4_sdk.testing.flavors.completions import CompletionRoute, GivenPrompt
    from deepseek_v4_sdk.testing.generated_output import GeneratedOutput, OutputSpan
    from deepseek_v4_sdk.testing.output_parser import OutputParser
    from deepseek_v4_sdk.testing.prefix_cache import CacheRule
else:
    CompletionRoute = late_type("deepseek_v4_sdk.testing.flavors.completions", "CompletionRoute")
    GivenPrompt = late_type("deepseek_v4_sdk.testing.flavors.completions", "GivenPrompt")
    Dialect = late_type("deepseek_v4_sdk.prompt", "Dialect")
    Generation = late_type("deepseek_v4_sdk.prompt", "Generation")
    GeneratedOutput = late_type("deepseek_v4_sdk.testing.generated_output", "GeneratedOutput")
    OutputSpan = late_type("deepseek_v4_sdk.testing.generated_output", "OutputSpan")
    OutputParser = late_type("deepseek_v4_sdk.testing.output_parser", "OutputParser")
    CacheRule = late_type("deepseek_v4_sdk.testing.prefix_cache", "CacheRule")

__all__ = [
    "DONE",
    "JSON",
    "STREAM",
    "Chat",
    "Counts",
    "Flavor",
    "Refusal",
    "as_uuid",
    "level_of",
    "refusal",
    "same_key",
    "sse",
    "wanted",
]

DONE = b"data: [DONE]\n\n"
JSON = "application/json"
"""The content type of every request."""
STREAM = "text/event-stream; charset=utf-8"
"""The content type of every stream."""

Refusal: TypeAlias = Error | Raw
"""A server's answer to a request that it refuses."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that a server has taken.

    Attributes:
        body: Its body.
        number: The number in the ids of its answer, below 2**48: another one for each chat.
        window: The context window, in tokens.
        prompt: The tokens of its prompt.
        cached: Tokens that the prefix cache had.
        ids: The prompt, where the body asks for it or the prefix cache needs it.
        headers: Its headers, names in lower case.
        given: The rendered prompt, where it came as such.
    """

    body: dict[str, JsonValue]
    number: int
    window: int
    prompt: int
    cached: int = 0
    ids: Sequence[int] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    given: GivenPrompt | None = None

    @property
    def streams_usage(self) -> bool:
        """Whether it asks for the usage at the end of its stream."""
        options = self.body.get("stream_options")
        return isinstance(options, dict) and bool(options.get("include_usage"))


@dataclass(frozen=True, slots=True)
class Counts:
    """A server's counters, for its metrics.

    Attributes:
        running: The requests that it is answering.
        finished: Chats that it has answered, by finish reason.
        prompt_tokens: The tokens of their prompts.
        completion_tokens: The tokens of their answers.
        cache_queries: The tokens that were looked up in the prefix cache.
        cache_hits: Tokens that were found.
    """

    running: int = 0
    finished: Mapping[str, int] = field(default_factory=dict[str, int])
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_queries: int = 0
    cache_hits: int = 0


class Flavor:
    """The server's side of one wire. A flavor overrides what its server does otherwise.

    Attributes:
        name: The provider whose wire it is.
        chat_paths: Paths that take chats.
        count_paths: Paths that count the tokens of a prompt.
        completions: The route for rendered prompts; None where there is none.
        dialect: The encoder with which it makes a prompt.
        parser: How it reads what the model wrote.
        prefix_cache: How it keeps the beginnings of prompts; None when it does not tell of them.
        requests_per_minute: How many chats it takes in a minute; None takes all.
        keeps_stop: The option with which the text that ended an answer stays in it.
        holds_back: Whether its streams keep back what may yet become a text that ends the answer.
        stops_in_order: Whether of two such texts the first in the list counts, where one token ends both.
        needs_type: Whether it refuses a body whose type is not declared.
        takes_known: Whether it serves every alias and published id of V4, though it lists only one.
        encoder_refuses: Whether its encoder refuses odd conversations; otherwise their prompts are counted roughly.
    """

    name: str
    chat_paths: tuple[str, ...] = ("/v1/chat/completions",)
    count_paths: tuple[str, ...] = ()
    completions: CompletionRoute | None = None
    dialect: Dialect = "vllm"
    parser: OutputParser
    prefix_cache: CacheRule | None = None
    requests_per_minute: int | None = None
    keeps_stop: str = ""
    holds_back: bool = False
    stops_in_order: bool = False
    needs_type: bool = False
    encoder_refuses: bool = True
    takes_known: bool = False

    @property
    def engine(self) -> Flavor:
        """The server that answers chats: itself, or the engine inside."""
        return self

    def admit(self, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """Its answer to a caller without the right key; None when the key is right."""
        del path, headers
        return None

    def read(self, path: str, window: int) -> JsonValue:
        """Its answer to a GET of that path: JSON, `""` for an empty body, None for an unknown path."""
        raise NotImplementedError

    def no_such_path(self, path: str) -> Refusal | None:
        """Its answer at an unknown path; None for its framework's answer."""
        del path
        return None

    def unreadable(self, path: str, body: bytes, content_type: str) -> Refusal:
        """Its answer to a body that is not a JSON object, or not declared as JSON."""
        del path, body, content_type
        return Error(400, "JSON decode error")

    def refuse(self, body: dict[str, JsonValue], window: int) -> Refusal | None:
        """The server's answer to a chat that it refuses before it makes a prompt of it."""
        raise NotImplementedError

    def refuse_length(self, body: dict[str, JsonValue], window: int, prompt: int) -> Refusal | None:
        """Its answer to a prompt, or a prompt and its answer, that exceed the window."""
        raise NotImplementedError

    def refuse_tokens(self, body: dict[str, JsonValue]) -> Refusal | None:
        """The server's answer to tokens of which it makes no text."""
        del body
        return None

    def refuse_count(self, body: dict[str, JsonValue]) -> Refusal | None:
        """Its answer to a refused request for a count."""
        del body
        return None

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """The level that a request asks for, as this server understands it: "off", "low", "high" or "max"."""
        raise NotImplementedError

    def generation(self, body: dict[str, JsonValue]) -> Generation:
        """The format of the prompt."""
        del body
        return "2026-08"

    def prompt_body(self, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """The body as its encoder gets it."""
        return body

    def prefix_of(self, body: dict[str, JsonValue]) -> str | None:
        """The beginning of the output that a last message gives, to be continued; None where there is none."""
        del body
        return None

    def count_prompt(self, body: dict[str, JsonValue]) -> int | None:
        """The tokens of a prompt in its own format; None where it writes V4's."""
        del body
        return None

    def cache_salt(self, body: dict[str, JsonValue]) -> str:
        """The salt of its prefix cache: prompts of two salts share nothing."""
        return str(body.get("cache_salt") or "")

    def limit(self, body: dict[str, JsonValue], window: int, prompt: int) -> int:
        """The limit of tokens for the answer."""
        asked = wanted(body, "max_completion_tokens", "max_tokens")
        room = max(1, window - prompt)
        return room if asked is None else min(asked, room)

    def shown(self, spans: list[OutputSpan], body: dict[str, JsonValue]) -> list[OutputSpan]:
        """The model's output as its parsers, with its launch options, leave it."""
        del body
        return spans

    def stream(self, generated: GeneratedOutput, chat: Chat) -> Iterator[bytes]:
        """An answer as the blocks of a stream."""
        raise NotImplementedError

    def plain(self, generated: GeneratedOutput, chat: Chat) -> JsonValue:
        """An answer as one JSON value."""
        raise NotImplementedError

    def error(self, status: int, message: str) -> JsonValue:
        """The body of an error."""
        raise NotImplementedError

    def error_event(self, status: int, message: str) -> bytes:
        """An error inside a stream."""
        raise NotImplementedError

    def tokenized(self, ids: list[int], body: dict[str, JsonValue], window: int) -> JsonValue:
        """The answer of the routes that count tokens."""
        del ids, body, window
        return None

    def tokenized_batch(self, ids: list[list[int]], body: dict[str, JsonValue], window: int) -> JsonValue:
        """The same of several texts at once."""
        del ids, body, window
        return None

    def detokenized(self, text: str) -> JsonValue:
        """The answer of the routes that turn tokens into text."""
        return {"prompt": text}

    def detokenized_batch(self, texts: list[str]) -> JsonValue:
        """The same of several texts at once."""
        return {"prompt": [*texts]}

    def headers(self, request: Mapping[str, str], number: int) -> dict[str, str]:
        """The headers that it adds to an answer to a chat."""
        del request, number
        return {}

    def measures(self, counts: Counts) -> str | None:
        """Its metrics in the text form of Prometheus; None where it has none."""
        del counts
        return None


def refusal(status: int, value: JsonValue) -> Raw:
    """A refusal with that body."""
    body = write_json(value)
    return Raw((body,), status, {"content-type": JSON, "content-length": str(len(body))})


def same_key(headers: Mapping[str, str], key: str | None) -> bool:
    """Whether a request has the key, as a bearer; with None every request has it."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return key is None or (scheme.lower() == "bearer" and given == key)


def wanted(body: dict[str, JsonValue], *names: str) -> int | None:
    """The first of these limits that a body has."""
    return next((value for name in names if isinstance(value := body.get(name), int)), None)


def level_of(effort: JsonValue) -> str:
    """The level that an effort's name means on the servers that render with the vendor's encoder."""
    levels = {"minimal": "low", "low": "low", "ultra": "max", "max": "max"}
    return levels.get(effort, "high") if isinstance(effort, str) else "high"


def sse(payload: JsonValue) -> bytes:
    """One event."""
    return b"data: " + write_json(payload) + b"\n\n"


def as_uuid(number: int) -> str:
    """The number of a chat in the form of a UUID."""
    return f"{number & 0xFFFF_FFFF:08x}-{number >> 32:04x}-4000-8000-000000000000"
