"""JSON Schema keywords that the grammars of servers refuse: each of these is a 400 there, for any output."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

__all__ = ["EITHER", "SGLANG", "VLLM", "Grammar"]


@dataclass(slots=True, eq=False, kw_only=True)
class Grammar:
    """A server's grammar for JSON Schema.

    Attributes:
        refuses: The keywords it refuses.
        refuses_beside: The keywords that it refuses together with others, with the others.
        formats: The formats it knows; it refuses any other.
        refuses_in_patterns: Parts of a regular expression that it refuses: a pattern, and a name for what it finds.
    """

    refuses: frozenset[str]
    refuses_beside: tuple[tuple[str, frozenset[str]], ...] = ()
    formats: frozenset[str]
    refuses_in_patterns: tuple[tuple[str, str], ...] = field(default=())


# Tested with vLLM 0.32.0 (which falls back from xgrammar to llguidance) and SGLang 0.5.23 (xgrammar 0.2.7), one schema
# for each line. While the engine is not known, the client refuses what both refuse.
EITHER = Grammar(
    refuses=frozenset({"uniqueItems", "contains", "minContains", "maxContains"}),
    formats=frozenset(
        {
            *("email", "date", "time", "date-time", "duration", "ipv4", "ipv6", "hostname", "uuid"),
            *("uri", "uri-reference", "uri-template", "json-pointer", "relative-json-pointer"),
        }
    ),
    refuses_in_patterns=(
        (r"(?<!\\)(?:\\\\)*\\[1-9]", "a reference to a group"),
        (r"(?<!\\)(?:\\\\)*\\[bB]", "a word boundary"),
        (r"(?<!\\)(?:\\\\)*\(\?<[=!]", "a look behind"),
        (r"(?<!\\)(?:\\\\)*\\[pP]\{", "a class of Unicode"),  # vLLM answers 500
    ),
)
VLLM = replace(EITHER, refuses_beside=(("propertyNames", frozenset({"properties"})),))
_LENGTHS = ("minLength", "maxLength")
SGLANG = replace(
    EITHER,
    refuses=EITHER.refuses | {"multipleOf", "not", "if", "dependentRequired", "dependentSchemas"},
    refuses_beside=tuple((key, frozenset({"pattern", "format"})) for key in _LENGTHS),
)
