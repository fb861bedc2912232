"""The requests of the kinds that the first recordings had not: odd outputs, odd histories, and options of one server.

In a text, `{say}` stands where SGLang gets the marker that tells its model what to say, and `{fill}` for a long text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["cases"]

_TAG = "\uff5cDSML\uff5c"
_THINKS = {"chat_template_kwargs": {"thinking": True}}
_CALM = {"chat_template_kwargs": {"thinking": False}}


def _tool(name: str, **fields: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in fields.items()}}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}


_TOOLS = [_tool("find", city="string", days="integer", more="object"), _tool("now")]


def _parameter(name: str, value: str, kind: str = ' string="true"') -> str:
    return f'<{_TAG}parameter name="{name}"{kind}>{value}</{_TAG}parameter>\n'


def _invoke(*parameters: str, name: str = "find") -> str:
    return f'<{_TAG}invoke name="{name}">\n{"".join(parameters)}</{_TAG}invoke>\n'


def _block(*invokes: str, name: str = "tool_calls") -> str:
    return f"\n\n<{_TAG}{name}>\n{''.join(invokes)}</{_TAG}{name}>"


_PARIS = _invoke(_parameter("city", "Paris"))
_NOW = _invoke(name="now")
_JSON = ' string="false"'


def _outputs() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Kind, name, output and options of what is asked plain and streamed."""
    thinks, calm, tools = _THINKS, _CALM, {"tools": _TOOLS}
    for name, output in {
        "second_thought": "One.</think>Two.<think>Three.</think>Four.",
        "end_twice": "One.</think>Two.</think>Three.",
        "begins_inside": "One.<think>Two.</think>Three.",
        "begins_itself": "<think>One.</think>Two.",
        "left_open": "One.</think>Two.<think>Three.",
    }.items():
        yield "think tags again", name, output, thinks
    yield "think tags again", "calm_thought", "One.<think>Two.</think>Three.", calm
    yield "think tags again", "calm_end", "One.</think>Two.", calm
    yield "think tags again", "calm_begin", "One.<think>Two.", calm
    yield "think tags again", "thought_call", f"One.</think>Two.<think>Three.</think>{_block(_PARIS)}", thinks | tools
    yield "think tags again", "end_call", f"One.</think>Two.</think>{_block(_PARIS)}", thinks | tools
    for name, value in {
        "bare": "Paris",
        "unquoted": "{a: 1}",
        "zero": "01",
        "empty": "",
        "python": "True",
        "half": "[1,",
        "blanks": " 5 ",
        "quotes": 'say "hi"\n',
        "nan": "NaN",
    }.items():
        call = _block(_invoke(_parameter("days", value, _JSON), _parameter("city", "Rome")))
        yield "values that are no JSON", f"value_{name}", call, calm | tools
    yield "values that are no JSON", "value_unmarked", _block(_invoke(_parameter("days", "3", ""))), calm | tools
    for name, key, kind in (("arguments", "arguments", _JSON), ("input", "input", _JSON), ("text", "arguments", "")):
        told = _parameter(key, '{"city": "Paris"}', kind or ' string="true"')
        yield "wrapped arguments", f"wrapped_{name}", _block(_invoke(told)), calm | tools
    both = _parameter("arguments", '{"city": "Paris"}', _JSON) + _parameter("days", "2", _JSON)
    yield "wrapped arguments", "wrapped_and_more", _block(_invoke(both)), calm | tools
    listed = _parameter("arguments", "[1]", _JSON)
    yield "wrapped arguments", "wrapped_list", _block(_invoke(listed)), calm | tools
    for name in ("function_calls", "toolcalls", "tool", "tools", "tool_call", "calls"):
        yield "other block names", f"block_{name}", f"Look.{_block(_PARIS, name=name)}", calm | tools
    yield "other block names", "block_none", f"Look.\n\n{_PARIS}", calm | tools
    yield "other block names", "block_twice", f"Look.{_block(_PARIS)}{_block(_NOW)}", calm | tools
    yield "other block names", "block_and_text", f"Look.{_block(_PARIS)} There.", calm | tools
    for name, output in {
        "blank_call": _block(_PARIS),
        "text_call": f"Look.{_block(_PARIS)}",
        "blank": "\n\n",
        "blank_text": "\n\nLook.",
    }.items():
        yield "tool_choice none", f"none_{name}", output, calm | tools | {"tool_choice": "none"}
    told = f"One two three.</think>\n\nFour five six.{_block(_PARIS)}"
    for name, stop in {
        "in_thought": "two th",
        "whole_thought": "One two three.",
        "over_border": "three.</think>",
        "think_end": "</think>",
        "in_text": "ur five",
        "last_token": "six.",
        "in_call": "Paris",
        "in_markup": "parameter",
    }.items():
        yield "stop texts", f"stop_{name}", told, thinks | tools | {"stop": [stop]}
    yield "stop texts", "stop_two", told, thinks | tools | {"stop": ["six", "five s"]}
    yield "stop texts", "stop_calm", "One two three.", calm | {"stop": "ee."}
    yield "stop texts", "stop_emoji", "One \U0001f914 two.", calm | {"stop": "\U0001f914"}
    whole = _block(_PARIS)
    for name, mark in {
        "block": f"</{_TAG}tool_calls>",
        "invoke": f"</{_TAG}invoke>",
        "parameter": f"</{_TAG}parameter>",
        "value": "is</",
        "name": 'y" string',
        "opening": _TAG + 'invoke name="find">',
    }.items():
        yield "cut and unclosed blocks", f"unclosed_{name}", f"Look.{whole.partition(mark)[0]}", calm | tools
    mixed = f"Look.{_block(_PARIS + _NOW).partition(f'</{_TAG}tool_calls>')[0]}"
    yield "cut and unclosed blocks", "unclosed_two", mixed, calm | tools
    for limit in (3, 9, 20, 30):
        yield "cut and unclosed blocks", f"limit_{limit}", f"Look.{whole}", calm | tools | {"max_tokens": limit}
    two = f"Look.{_block(_PARIS, _NOW)}"
    yield "one call only", "one_of_two", two, calm | tools | {"parallel_tool_calls": False}
    yield "one call only", "one_of_two_thinking", f"Hm.</think>{two}", thinks | tools | {"parallel_tool_calls": False}
    yield "one call only", "one_of_two_bare", _block(_NOW, _PARIS), calm | tools | {"parallel_tool_calls": False}
    yield "byte-wise deltas", "bytes_text", "\U0001f9ff\U0001fae0 \u1e9e\u0f3a", calm
    yield "byte-wise deltas", "bytes_thought", "\U0001f9ff\U0001fae0</think>\U0001fae0", thinks
    yield "byte-wise deltas", "bytes_call", _block(_invoke(_parameter("city", "\U0001fae0 \U0001f9ff"))), calm | tools


def _histories() -> Iterator[tuple[str, str, list[dict[str, Any]], dict[str, Any]]]:
    asks = {"role": "user", "content": "Weather?{say}"}
    tools: dict[str, Any] = {"tools": _TOOLS} | _CALM
    for name, arguments in {
        "half": '{"city": ',
        "empty": "",
        "list": "[1]",
        "null": "null",
        "words": "Paris",
        "text": '"Paris"',
        "good": '{"city": "Paris"}',
    }.items():
        call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": arguments}}
        turns = [{"role": "assistant", "content": "", "tool_calls": [call]}]
        yield "bad histories", f"arguments_{name}", [asks, *turns, _result(tool_call_id="c1")], tools
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [call]}
    yield "bad histories", "result_without_id", [asks, turn, _result()], tools
    yield "bad histories", "result_of_another", [asks, turn, _result(tool_call_id="c2")], tools
    yield "bad histories", "result_of_none", [asks, _result(tool_call_id="c1")], tools
    yield "bad histories", "result_missing", [asks, turn, {"role": "user", "content": "So?"}], tools
    yield "bad histories", "arguments_object", [asks, _with({"city": "Rome"}), _result(tool_call_id="c1")], tools
    yield "empty histories", "no_messages", [], _CALM
    yield "empty histories", "system_only", [{"role": "system", "content": "Be.{say}"}], _CALM
    yield (
        "empty histories",
        "empty_user",
        [{"role": "system", "content": "{say}"}, {"role": "user", "content": ""}],
        _CALM,
    )
    yield "empty histories", "no_content", [asks, {"role": "assistant"}, {"role": "user", "content": "So?"}], _CALM
    yield "empty histories", "empty_parts", [asks, {"role": "user", "content": []}], _CALM
    yield "trailing answers", "answer_last", [asks, {"role": "assistant", "content": "It is"}], _CALM
    yield "trailing answers", "answer_last_thinks", [asks, {"role": "assistant", "content": "It is"}], _THINKS
    yield "trailing answers", "empty_answer_last", [asks, {"role": "assistant", "content": ""}], _CALM
    yield "trailing answers", "call_last", [asks, turn], tools
    yield "trailing answers", "answer_alone", [{"role": "assistant", "content": "It is{say}"}], _CALM
    goes_on = {"continue_final_message": True, "add_generation_prompt": False}
    yield "continue_final_message", "goes_on", [asks, {"role": "assistant", "content": "It is"}], _CALM | goes_on
    yield (
        "continue_final_message",
        "goes_on_thinks",
        [asks, {"role": "assistant", "content": "It is"}],
        _THINKS | goes_on,
    )
    yield "continue_final_message", "goes_on_user", [asks], _CALM | goes_on
    yield "continue_final_message", "no_prompt", [asks], _CALM | {"add_generation_prompt": False}
    for field in ("reasoning", "reasoning_content"):
        for thinking in (_THINKS, _CALM):
            before = [asks, {"role": "assistant", "content": "Sun.", field: "Let me think of it."}]
            said = [*before, {"role": "user", "content": "And?"}]
            name = f"{field}_{'on' if thinking is _THINKS else 'off'}"
            yield "history field", name, said, thinking
            yield "history field", f"{name}_tools", said, thinking | {"tools": _TOOLS}


def _with(arguments: object) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _result(**fields: str) -> dict[str, Any]:
    return {"role": "tool", "content": "18 degrees", **fields}


def _options(server: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Of one answer, streamed or not as they say."""
    streams: dict[str, Any] = {"stream": True}
    counted = streams | {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
    yield "continuous_usage_stats", "counted_text", "One two.", _CALM | counted
    yield "continuous_usage_stats", "counted_thought", "One.</think>Two.", _THINKS | counted
    yield "continuous_usage_stats", "counted_call", f"Look.{_block(_NOW)}", _CALM | counted | {"tools": _TOOLS}
    alone = streams | {"stream_options": {"continuous_usage_stats": True}}
    yield "continuous_usage_stats", "counted_alone", "One two.", _CALM | alone
    kept = "include_stop_str_in_output" if server == "vllm" else "no_stop_trim"
    for name, more in (("plain", {}), ("stream", streams)):
        for place, stop in (("text", "two"), ("thought", "Hm")):
            asked = _THINKS | {"stop": [stop], kept: True, **more}
            yield "stop text kept", f"kept_{place}_{name}", "Hm, so.</think>One two three.", asked
    if server == "sglang":
        for name, more in (("plain", {}), ("stream", streams)):
            yield "sglext", f"cached_{name}", "One.", _CALM | {"return_cached_tokens_details": True, **more}
            yield "sglext", f"experts_{name}", "One.", _CALM | {"return_routed_experts": True, **more}
    else:
        for name, more in (("ids", {"return_token_ids": True}), ("tier", {"service_tier": "auto"})):
            yield "other options", f"asked_{name}", "One.", _CALM | more


def cases(server: str) -> list[dict[str, Any]]:
    """The requests for a server, in order: name, kind, what the model says, and path with body or raw bytes."""
    asks = [{"role": "user", "content": "Go.{say}"}]
    found: list[dict[str, Any]] = []

    def add(kind: str, name: str, output: str, body: dict[str, Any], path: str = "/v1/chat/completions") -> None:
        found.append({"name": name, "kind": kind, "path": path, "output": output, "body": body})

    for kind, name, output, options in _outputs():
        add(kind, name, output, {"messages": asks, **options})
        streams = {"stream": True, "stream_options": {"include_usage": True}}
        add(kind, f"{name}_stream", output, {"messages": asks, **options, **streams})
    for kind, name, messages, options in _histories():
        add(kind, name, "Sun." if "THINK" not in name else "Hm.</think>Sun.", {"messages": messages, **options})
    for kind, name, output, options in _options(server):
        add(kind, name, output, {"messages": asks, **options})
    for words, limit in ((4060, 200), (4074, 4), (4082, None), (4087, 1), (4088, 5), (4089, 1), (4091, 1), (4092, 9)):
        long = [{"role": "user", "content": "{say}{fill}"}]
        limits = {} if limit is None else {"max_tokens": limit}
        add(
            "a full window",
            f"full_{words}_{limit}",
            "One two three.",
            {"messages": long, "fill": words, **_CALM, **limits},
        )
    prefix = "" if server == "vllm" else "/v1"
    add("batch tokenize", "tokenize_two", "", {"prompt": ["One", "Two three"]}, f"{prefix}/tokenize")
    add("batch tokenize", "tokenize_none", "", {"prompt": []}, f"{prefix}/tokenize")
    add("batch tokenize", "tokenize_empty", "", {"prompt": ""}, f"{prefix}/tokenize")
    add("batch tokenize", "tokenize_special", "", {"prompt": "One", "add_special_tokens": False}, f"{prefix}/tokenize")
    add("batch tokenize", "detokenize_two", "", {"tokens": [[5, 6], [7]]}, f"{prefix}/detokenize")
    add("batch tokenize", "detokenize_none", "", {"tokens": []}, f"{prefix}/detokenize")
    good = json.dumps({"messages": [{"role": "user", "content": "Go."}]})
    raws = {
        "half": (good[:30], "application/json"),
        "blank": ("", "application/json"),
        "words": ("Hello", "application/json"),
        "list": ("[1]", "application/json"),
        "nothing": ("null", "application/json"),
        "comma": (good[:-1] + ",}", "application/json"),
        "as_text": (good, "text/plain"),
        "as_form": (good, "application/x-www-form-urlencoded"),
        "untyped": (good, ""),
        "charset": (good[:30], "application/json; charset=utf-8"),
    }
    for name, (raw, kind) in raws.items():
        for path in ("/v1/chat/completions", f"{prefix}/tokenize"):
            case = {"name": f"raw_{name}{'' if 'chat' in path else '_count'}", "kind": "bad JSON and content types"}
            found.append({**case, "path": path, "raw": raw, "content_type": kind})
    return found
