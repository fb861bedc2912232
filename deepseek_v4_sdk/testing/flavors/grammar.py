"""Errors of servers' grammar engines about a JSON Schema, in their words (vLLM 0.32, SGLang 0.5.23)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.providers.grammar import SGLANG, VLLM
from deepseek_v4_sdk.testing.flavors.json_schema import missing_reference

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.providers.grammar import Grammar

__all__ = ["pattern_fault", "schema_fault", "sglang_fault", "sglang_pattern_fault"]

_LOOK_AROUND = "look-around, including look-ahead and look-behind, is not supported"
_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


def schema_fault(schema: dict[str, JsonValue]) -> str | None:
    """The error of vLLM's grammar engine for a schema; None when it takes it, empty when the engine crashes (500)."""
    found = missing_reference(schema, schema)
    if found is not None and found.startswith("Pointer"):
        return found
    return next((fault for _, node in _nodes(schema, "#") if (fault := _vllm_fault(node)) is not None), None)


def _vllm_fault(node: dict[str, JsonValue]) -> str | None:
    kind, pattern, required = node.get("type"), node.get("pattern"), node.get("required")
    if isinstance(kind, str) and kind not in _TYPES:
        return f"Invalid type: {kind}"
    if "properties" in node and not isinstance(node["properties"], dict):
        return "properties must be an object"
    if required is not None and not isinstance(required, list):
        return f"Expected array for 'required', got {json.dumps(required)}"
    if unknown := _refused(node, VLLM):
        return f"Unimplemented keys: {json.dumps(unknown)}"
    shape = node.get("format")
    if isinstance(shape, str) and shape not in VLLM.formats:
        return f"Unknown format: {shape}"
    if isinstance(pattern, str) and (fault := pattern_fault(pattern)) is not None:
        return fault
    properties = node.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        if isinstance(required, list) and name in required and _impossible(inner):
            return f"Unsatisfiable schema: required property '{name}' is unsatisfiable"
    return None


def _impossible(node: JsonValue) -> bool:
    if not isinstance(node, dict):
        return False
    low, high = node.get("minimum"), node.get("maximum")
    crossed = isinstance(low, int | float) and isinstance(high, int | float) and low > high
    short = node.get("format") == "email" and isinstance(size := node.get("maxLength"), int) and size < 3
    return node.get("enum") == [] or crossed or short


def pattern_fault(pattern: str) -> str | None:
    """The error of vLLM's grammar engine for a regular expression; an empty text when the engine crashes (500)."""
    if re.search(r"(?<!\\)(?:\\\\)*\\[pP]\{", pattern):
        return ""
    for detail, found in (
        ("backreferences are not supported", re.search(r"(?<!\\)(?:\\\\)*(\\[1-9])", pattern)),
        (_LOOK_AROUND, re.search(r"(?<!\\)(?:\\\\)*(\(\?<?[=!])", pattern)),
    ):
        if found is not None:
            mark = " " * found.start(1) + "^" * len(found[1])
            return f"regex parse error:\n    {pattern}\n    {mark}\nerror: {detail}"
    if re.search(r"(?<!\\)(?:\\\\)*\\[bB]", pattern):
        return f"lookarounds not supported yet; WordUnicode in regex /{pattern}/"
    try:
        re.compile(pattern)
    except re.error as error:
        if "unterminated subpattern" in error.msg:
            mark = " " * (error.pos or 0) + "^"
            return f"regex parse error:\n    {pattern}\n    {mark}\nerror: unclosed group"
        return f"regex parse error:\n    {pattern}\nerror: {error.msg}"
    return None


_XGRAMMAR = (
    (r"(?<!\\)(?:\\\\)*(\\[1-9])", 1, "Backreference is not supported yet."),
    (r"(?<!\\)(?:\\\\)*(\\[bB])", 1, "Word boundary is not supported yet."),
    (r"(?<!\\)(?:\\\\)*(\(\?<[=!])", 3, "Lookbehind is not supported yet."),
    (r"(?<!\\)(?:\\\\)*(\\[pP]\{)", 1, "Unicode character class escape sequence is not supported yet."),
)
_STAMP = "[00:00:00] /project/cpp"


def sglang_fault(schema: dict[str, JsonValue]) -> str | None:
    """The error of SGLang's grammar engine, xgrammar, for a schema; None when it takes it."""
    for where, node in _nodes(schema, "#"):
        beside = f"JSON Schema at {where} is not supported by xgrammar:"
        if unknown := _refused(node, SGLANG):
            return f"{beside} keyword(s) {', '.join(unknown)} would be ignored"
        shape, pattern = node.get("format"), node.get("pattern")
        if isinstance(shape, str) and shape not in SGLANG.formats:
            return f"{beside} string format '{shape}' is not implemented"
        if node.keys() & {"minLength", "maxLength"} and (both := [key for key in ("format", "pattern") if key in node]):
            return f"{beside} constraints {', '.join(both)}, minLength/maxLength cannot be enforced together"
        if isinstance(pattern, str) and (fault := sglang_pattern_fault(pattern)) is not None:
            return fault
        if node.get("enum") == []:
            return f"{_STAMP}/json_schema_converter.cc:4175: enum array must not be empty\n"
        low, high = node.get("minimum"), node.get("maximum")
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            return f"{_STAMP}/json_schema_converter.cc:4175: Invalid range: minimum greater than maximum\n"
    return None


def sglang_pattern_fault(pattern: str) -> str | None:
    """The error of xgrammar for a regular expression."""
    file = f"{_STAMP}/regex_converter.cc:83: Regex parsing error at position"
    for found, offset, detail in _XGRAMMAR:
        if (match := re.search(found, pattern)) is not None:
            return f"{file} {match.start(1) + offset}: {detail}\n"
    try:
        re.compile(pattern)
    except re.error as error:
        detail = "The parenthesis is not closed." if "unterminated subpattern" in error.msg else f"{error.msg}."
        return f"{file} {len(pattern) + 1}: {detail}\n"
    return None


def _refused(node: dict[str, JsonValue], grammar: Grammar) -> list[str]:
    """The keywords that an engine would pass over, in their order."""
    beside = {
        key for key, others in grammar.refuses_beside if key not in {"minLength", "maxLength"} and others & node.keys()
    }
    return [key for key in node if key in grammar.refuses | beside or (key == "then" and "if" in grammar.refuses)]


def _nodes(node: JsonValue, where: str) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """A schema and all that are in it, each with its place."""
    if not isinstance(node, dict):
        return
    yield where, node
    for key in ("properties", "$defs", "definitions", "patternProperties"):
        inner = node.get(key)
        for name, each in inner.items() if isinstance(inner, dict) else ():
            yield from _nodes(each, f"{where}/{key}/{name}")
    for key in ("items", "additionalProperties"):
        yield from _nodes(node.get(key), f"{where}/{key}")
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        several = node.get(key)
        for index, each in enumerate(several if isinstance(several, list) else []):
            yield from _nodes(each, f"{where}/{key}/{index}")
