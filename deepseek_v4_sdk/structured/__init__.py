"""Structured answers: request JSON with the server's mechanism, read it wherever it is, and check it here."""

from deepseek_v4_sdk.structured.mechanism import Mechanism, MechanismChoice, Plan
from deepseek_v4_sdk.structured.parse_steps import Parsed, parse_steps, parsed_again
from deepseek_v4_sdk.structured.shape import ItemsShape, Shape
from deepseek_v4_sdk.structured.streams import Asked, AsyncItemStream, AsyncParseStream, ItemStream, ParseStream
from deepseek_v4_sdk.structured.watching import Partial, watched, watcher_of

__all__ = [
    "Asked",
    "AsyncItemStream",
    "AsyncParseStream",
    "ItemStream",
    "ItemsShape",
    "Mechanism",
    "MechanismChoice",
    "ParseStream",
    "Parsed",
    "Partial",
    "Plan",
    "Shape",
    "parse_steps",
    "parsed_again",
    "watched",
    "watcher_of",
]
