"""A scripted model that answers what frameworks ask of models in their conformance suites."""

from __future__ import annotations

import json
import re
from typing import Any

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, MockRequest, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor

THOUGHT = "I have to find out what is wanted. "


def answered(request: MockRequest) -> Any:
    """A turn that does what the request asks for."""
    body: dict[str, Any] = request.body
    tools = {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in body.get("tools", [])}
    choice = body.get("tool_choice")
    question = request.text
    schema = _schema(request)
    thought = script.think(THOUGHT)
    if request.messages[-1]["role"] == "tool":
        return thought + script.text(f"The tools say: {question or 'nothing'}. That is all.")
    if choice == "none" or not tools:
        said = f"You said: {question[:60]}." if schema is None else json.dumps(_filled(schema))
        return thought + script.text(said)
    first = request.messages[0]
    told = re.search(r"Answer by calling (?:one of the tools|the tool (\w+))", str(first["content"]))
    if told is not None and first["role"] == "system":
        choice = {"function": {"name": told[1]}} if told[1] else "required"
    if isinstance(choice, dict):
        return thought + _call(choice["function"]["name"], tools, question)
    asked = {word.lower() for word in re.findall(r"\w+", question)}
    fitting = [name for name in tools if name == "answer" or asked & {*name.lower().split("_")}]
    if choice == "required" and not fitting:
        fitting = list(tools)
    if fitting:
        return thought + _call(fitting[0], tools, question)
    return thought + script.text(f"You said: {question[:60]}.")


MODELS = {
    "vllm": "deepseek-ai/DeepSeek-V4-Pro",
    "sglang": "deepseek-ai/DeepSeek-V4-Pro",
    "deepseek": "deepseek-v4-pro",
    "nvidia": "deepseek-ai/deepseek-v4-pro-0813",
    "nim": "deepseek-ai/deepseek-v4-pro",
    "dynamo": "deepseek-ai/DeepSeek-V4-Pro",
}
FLAVORS: dict[str, Any] = {
    "vllm": lambda: VLLMFlavor(prompt_tokens_details=True),
    "sglang": lambda: SGLangFlavor(cache_report=True),
    "deepseek": lambda: "deepseek",
    "nvidia": lambda: "nvidia",
    "nim": lambda: "nim",
    "dynamo": lambda: "dynamo",
}


def mock(flavor: str = "vllm", *steps: Any, **arguments: Any) -> MockProvider:
    """A mock of a server that counts what it has cached; without steps such a model answers."""
    default = None if steps else script.from_function(answered)
    return MockProvider(*steps, default=default, flavor=FLAVORS[flavor](), **arguments)


def model(flavor: str = "vllm", **arguments: Any) -> DeepSeekV4:
    """A client of such a model."""
    return DeepSeekV4(mock(flavor), model=MODELS[flavor], **arguments)


def _call(name: str, tools: dict[str, Any], question: str) -> Any:
    arguments = _filled(tools[name])
    numbers = re.findall(r"\d+", question)
    for key, value in arguments.items():
        if isinstance(value, int) and not isinstance(value, bool) and numbers:
            arguments[key] = int(numbers.pop(0))
    if (text := re.search(r"'([^']+)'", question)) is not None:
        arguments = {key: text[1] if isinstance(value, str) else value for key, value in arguments.items()}
    return script.tool_call(name, arguments)


def _schema(request: MockRequest) -> Any:
    """The schema that the answer is held to, or that the prompt tells; None without one."""
    asked = request.body.get("response_format")
    if not isinstance(asked, dict):
        return None
    inner = asked.get("json_schema")
    if isinstance(inner, dict):
        return inner.get("schema")
    first = request.messages[0]
    lines = str(first.get("content")).splitlines() if first["role"] == "system" else []
    return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


def _filled(schema: Any) -> dict[str, Any]:
    """Values that a schema accepts."""
    definitions = schema.get("$defs", {})

    def value(shape: Any) -> Any:
        if "$ref" in shape:
            return value(definitions[shape["$ref"].removeprefix("#/$defs/")])
        if "enum" in shape:
            return shape["enum"][0]
        if "anyOf" in shape:
            return value(shape["anyOf"][0])
        kind = shape.get("type", "string")
        if kind == "object":
            return {name: value(each) for name, each in shape.get("properties", {}).items()}
        if kind == "array":
            return [value(shape.get("items", {}))]
        return {"integer": 3, "number": 1.5, "boolean": True, "null": None}.get(kind, "some text")

    return {name: value(each) for name, each in schema.get("properties", {}).items()}
