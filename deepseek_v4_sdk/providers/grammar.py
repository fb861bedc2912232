"""What the grammars of servers refuse of a JSON Schema: each of these is a 400 there, whatever the model would say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

__all__ = ["EITHER", "SGLANG", "VLLM", "Grammar"]


@dataclass(slots=True, eq=False, kw_only=True)
class Grammar:
    """A server's grammar for JSON Schema.

    Attributes:
        refuses: The keywords it refuses.
        refuses_beside: Those it refuses beside others, with the others.
        formats: The formats it knows; any other is refused.
        refuses_in_patterns: What it refuses in a regular expression: a regular expression, and what it finds.
    """

    refuses: frozenset[str]
    refuses_beside: tuple[tuple[str, frozenset[str]], ...] = ()
    formats: frozenset[str]
    refuses_in_patterns: tuple[tuple[str, str], ...] = field(default=())


# Asked of vLLM 0.32.0 (which falls back from xgrammar to llguidance) and of SGLang 0.5.23 (xgrammar 0.2.7), one schema
# for each line. Where a name of the engine is not known, what both refuse is refused.
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
