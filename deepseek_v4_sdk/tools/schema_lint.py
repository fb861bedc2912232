"""The parts of a tool's schema that a provider's grammar or strict mode refuses, named before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from deepseek_v4_sdk.chat import is_list, is_mapping
from deepseek_v4_sdk.tools.forms import as_spec
from deepseek_v4_sdk.tools.json_schema import fault_of
from deepseek_v4_sdk.tools.places import schemas_in
from deepseek_v4_sdk.tools.refusal import path_of

if TYPE_CHECKING:
    pass

__all__ = ["HasLints", "lint_schema"]


class HasLints(Protocol):
    """A provider's data, or any object with its checks of schemas."""

    @property
    def schema_lints(self) -> Sequence[str]:
        """The checks for every tool."""
        ...

    @property
    def strict_schema_lints(self) -> Sequence[str]:
        """The checks for strict tools, in addition."""
        ...


_Schema: TypeAlias = Mapping[str, object]
_Finding: TypeAlias = tuple[tuple[str, ...], str]
_Lint: TypeAlias = Callable[[_Schema], Iterator[_Finding]]


def lint_schema(tool: object, provider: str | HasLints) -> list[str]:
    """List the parts of a tool's schema that a provider would refuse, or not enforce; each line begins with the place.

    Args:
        tool: The tool in any form that `as_tool` takes.
        provider: The provider's name or its data. For DeepSeek's own API and for Dynamo's closed objects only tools
            with `strict=True` matter; for the grammars of vLLM and SGLang any tool does, because they also constrain
            forced calls.

    Raises:
        ConfigurationError: There is no such provider.
        InvalidRequestError: `tool` does not describe a tool.
    """
    if isinstance(provider, str):
        from deepseek_v4_sdk.providers import find_provider  # loaded for a name; data needs no other module

        provider = find_provider(provider).data
    spec = as_spec(tool)
    schema = spec.parameters or {}
    fault = fault_of(schema)
    if fault is not None:
        return [f"parameters: {fault}"]
    lines: list[str] = []
    for place, node in schemas_in(schema):
        for name in (*provider.schema_lints, *(provider.strict_schema_lints if spec.strict else ())):
            lines += [f"{path_of(('parameters', *place, *at))}: {text}" for at, text in _LINTS[name](node)]
    return lines


# DeepSeek's guide to strict tools (api-docs.deepseek.com, guides/tool_calls), November 2026.
_DEEPSEEK_TAKES = {
    *("type", "description", "title", "enum", "const", "default", "anyOf", "$ref", "$defs", "$def", "items"),
    *("properties", "required", "additionalProperties", "pattern", "format", "multipleOf"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
_DEEPSEEK_FORMATS = ("email", "hostname", "ipv4", "ipv6", "uuid")


def _deepseek(node: _Schema) -> Iterator[_Finding]:
    for key in node:
        if key not in _DEEPSEEK_TAKES:
            yield (key,), f"strict tools of DeepSeek's API take no {key}"
    if "format" in node and node["format"] not in _DEEPSEEK_FORMATS:
        yield ("format",), f"strict tools of DeepSeek's API take only {', '.join(_DEEPSEEK_FORMATS)}"
    if "object" not in _types(node):
        return
    names = list(cast("Mapping[str, object]", node.get("properties", {})))
    if not names:
        yield (), "strict tools of DeepSeek's API take no object without properties"
    optional = [name for name in names if name not in cast("list[str]", node.get("required", []))]
    if optional:
        yield ("required",), f"strict tools require every property; missing: {', '.join(optional)}"
    yield from _closed(node)


def _closed(node: _Schema) -> Iterator[_Finding]:
    if "object" in _types(node) and node.get("additionalProperties") is not False:
        yield ("additionalProperties",), "an object of a strict tool must say false here"


# The keywords that vLLM 0.33.0 refuses for its grammar engine, and those that this engine (xgrammar 0.2.7) lets pass.
_GRAMMAR_IGNORES = (
    *("not", "if", "dependentRequired", "dependentSchemas"),
    *("multipleOf", "uniqueItems", "contains", "minContains", "maxContains"),
)
_GRAMMAR_FORMATS = {
    *("email", "date", "time", "date-time", "duration", "ipv4", "ipv6", "hostname", "uuid"),
    *("uri", "uri-reference", "uri-template", "json-pointer", "relative-json-pointer"),
}


def _grammar(node: _Schema) -> Iterator[_Finding]:
    for key in _GRAMMAR_IGNORES:
        if key in node:
            yield (key,), f"the server's grammar refuses or ignores {key}"
    if "format" in node and node["format"] not in _GRAMMAR_FORMATS:
        yield ("format",), "the server's grammar does not know this format"
    for key in ("minLength", "maxLength"):
        if key in node and ("pattern" in node or "format" in node):
            yield (key,), f"the server's grammar drops {key} next to a pattern or format"
    branches = node.get("allOf")
    if is_list(branches) and len(branches) > 1:
        yield ("allOf",), "the server's grammar takes only an allOf of one"
    patterns = node.get("patternProperties")
    if is_mapping(patterns) and (len(patterns) > 1 or "properties" in node):
        yield ("patternProperties",), "the server's grammar takes one pattern, and no properties next to it"
    if "propertyNames" in node and ("properties" in node or patterns is not None):
        yield ("propertyNames",), "the server's grammar takes it only without others"


def _types(node: _Schema) -> list[object]:
    kind = node.get("type")
    if is_list(kind):
        return list(kind)
    return [kind] if kind is not None else ["object"] if "properties" in node else []


_LINTS: Mapping[str, _Lint] = {"grammar": _grammar, "closed": _closed, "deepseek": _deepseek}
