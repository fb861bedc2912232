"""What each server makes of what the model writes: parsed as its parser does, or left where that leaves it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Reply, TruncatedToolCallError
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from deepseek_v4_sdk.testing.server import MockServer
from tests.recordings import make_sglang_index
from tests.support.recorded import Recording, recordings
from tests.testing.places import FLAVORS, MODELS, PLACES, TOOL, ask, fetch, request_body

BAR = "\N{FULLWIDTH VERTICAL LINE}"
MARK = f"{BAR}DSML{BAR}"

on_each_flavor = pytest.mark.parametrize("flavor", FLAVORS)
in_each_form = pytest.mark.parametrize("stream", [True, False])


def call(name: str = "get_weather", /, **arguments: object) -> str:
    """One call as the model writes it."""
    lines = [f'<{MARK}invoke name="{name}">']
    for key, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        kind = "true" if isinstance(value, str) else "false"
        lines.append(f'<{MARK}parameter name="{key}" string="{kind}">{text}</{MARK}parameter>')
    return "\n".join([*lines, f"</{MARK}invoke>"])


def block(*calls: str, wrapper: str = "tool_calls") -> str:
    return "\n".join([f"<{MARK}{wrapper}>", *calls, f"</{MARK}{wrapper}>"])


PARIS = call(city="Paris", days=3)


def answer(
    flavor: str,
    output: str,
    *,
    stream: bool = True,
    cuts: int = 5,
    finish_reason: str | None = None,
    **body: object,
) -> dict[str, Any]:
    """What a client reads in the answer, joined in the plainest way."""
    mock = MockProvider(script.raw_model_output(output, cuts=cuts, finish_reason=finish_reason), flavor=flavor)
    given = {"tools": [TOOL], **body}
    sent = request_body(flavor, stream=stream, **{key: value for key, value in given.items() if value is not None})
    return joined(flavor, mock, sent)


def joined(flavor: str, mock: MockProvider, sent: object) -> dict[str, Any]:
    seen = fetch(MockServer(), "process", "sync", mock, sent)
    names = ("reasoning", "stop_reason") if flavor == "vllm" else ("reasoning_content", "matched_stop")
    if flavor in {"deepseek", "dynamo", "nvidia"}:  # they have no such field
        raw = seen.body.replace(b'"logprobs":null', b'"logprobs":null,"matched_stop":null')
    else:
        raw = seen.body
    choice = make_sglang_index.outcome(seen.status, raw, *names)["choices"][0]
    calls = [(each["name"], each["arguments"] or "") for each in choice["tool_calls"]]
    return {
        "reasoning": choice["reasoning"] or "",
        "content": choice["content"] or "",
        "calls": calls,
        "finish_reason": choice["finish_reason"],
        "stop_reason": choice["stop_reason"],
    }


def parts(flavor: str, output: str, **options: Any) -> tuple[str, str, list[tuple[str, str]], str]:
    got = answer(flavor, output, **options)
    return got["reasoning"], got["content"], got["calls"], got["finish_reason"]


@in_each_form
@on_each_flavor
def test_thinking_text_and_calls(flavor: str, stream: bool) -> None:
    output = f"Hm.</think>Look:\n\n{block(PARIS, call(city='東京'))}dropped"
    calls = [("get_weather", '{"city": "Paris", "days": 3}'), ("get_weather", '{"city": "東京"}')]
    text = "Look:\n\n" if flavor == "vllm" else "Look:"  # vLLM keeps the empty line before the block
    assert parts(flavor, output, stream=stream) == ("Hm.", text, calls, "tool_calls")


@pytest.mark.parametrize("choice", ["no tools", "none"])
@in_each_form
@on_each_flavor
def test_calls_that_were_not_asked_for(flavor: str, stream: bool, choice: str) -> None:
    """vLLM takes them out, the others leave them in the text."""
    options = {"tools": None} if choice == "no tools" else {"tool_choice": "none"}
    output = f"Hm.</think>Look:\n\n{block(PARIS)}"
    text = "Look:\n\n" if flavor == "vllm" else f"Look:\n\n{block(PARIS)}"
    assert parts(flavor, output, stream=stream, **options) == ("Hm.", text, [], "stop")


@pytest.mark.parametrize("bars", ["|DSML|", f"{BAR}{BAR}DSML{BAR}{BAR}"])
@in_each_form
@on_each_flavor
def test_other_bars_are_text(flavor: str, stream: bool, bars: str) -> None:
    text = f"Look:\n\n{block(PARIS)}".replace(MARK, bars)
    assert parts(flavor, f"Hm.</think>{text}", stream=stream) == ("Hm.", text, [], "stop")


@pytest.mark.parametrize("wrapper", ["toolcalls", "tool"])
@on_each_flavor
def test_other_spellings_of_the_wrapper(flavor: str, wrapper: str) -> None:
    """Two are known to vLLM, any to the vendor's parser in SGLang."""
    text = block(PARIS, wrapper=wrapper)
    calls = [("get_weather", '{"city": "Paris", "days": 3}')]
    knows = flavor in {"vllm", "sglang", "nim"}
    expected = ("", "", calls, "tool_calls") if knows else ("", text, [], "stop")
    assert parts(flavor, f"</think>{text}") == expected


@in_each_form
def test_a_wrapper_that_vllm_does_not_know(stream: bool) -> None:
    """Its opening stays in the text, and the call inside is found."""
    got = parts("vllm", f"Hm.</think>{block(PARIS, wrapper='toolcall')}", stream=stream)
    opening = f"<{MARK}toolcall>\n"
    assert got == ("Hm.", opening, [("get_weather", '{"city": "Paris", "days": 3}')], "tool_calls")


@pytest.mark.parametrize("rest", ["", "</think>Later text."])
@in_each_form
@on_each_flavor
def test_a_call_inside_the_thinking_ends_it(flavor: str, stream: bool, rest: str) -> None:
    got = parts(flavor, f"I need a tool.\n\n{block(PARIS)}{rest}", stream=stream)
    assert got == ("I need a tool.", "", [("get_weather", '{"city": "Paris", "days": 3}')], "tool_calls")


@in_each_form
@on_each_flavor
def test_thinking_without_an_end(flavor: str, stream: bool) -> None:
    assert parts(flavor, "I think and think", stream=stream) == ("I think and think", "", [], "stop")


@on_each_flavor
def test_without_thinking_the_output_begins_with_the_text(flavor: str) -> None:
    mock = MockProvider(script.raw_model_output("a </think> b"), flavor=flavor)
    got = joined(flavor, mock, request_body(flavor, thinking=False))
    """An end of thinking that ends nothing is dropped by vLLM and SGLang."""
    shown = "a  b" if flavor in {"vllm", "sglang", "nim"} else "a </think> b"
    assert (got["reasoning"], got["content"]) == ("", shown)


_CUTS = {  # where, and the arguments in a stream, in one of vLLM, and in a plain answer of vLLM
    "in a text": (PARIS.partition("ris")[0], '{"city": "Pa', '{"city": "', "{}"),
    "in a number": (
        PARIS.partition("3<")[0],
        '{"city": "Paris", "days": ',
        '{"city": "Paris"}',
        '{"city": "Paris"}',
    ),
    "between two": (
        PARIS.partition(f'\n<{MARK}parameter name="days')[0],
        '{"city": "Paris"',
        '{"city": "Paris"}',
        '{"city": "Paris"}',
    ),
    "before any": (PARIS.partition(f"\n<{MARK}parameter")[0], "", "{}", "{}"),
}


@pytest.mark.parametrize("where", _CUTS)
@on_each_flavor
def test_a_call_that_was_cut(flavor: str, where: str, server: MockServer) -> None:
    """Its arguments are no whole JSON, except that vLLM closes what had come; the client knows both."""
    cut, arguments, closed, plain = _CUTS[where]
    streamed, plain = (closed, plain) if flavor == "vllm" else (arguments, arguments)
    output = f"</think>\n\n{block(call(city='Oslo')).removesuffix(f'</{MARK}tool_calls>')}{cut}"
    whole = ("get_weather", '{"city": "Oslo"}')
    for stream, told in ((True, streamed), (False, plain)):
        assert parts(flavor, output, finish_reason="length", stream=stream)[2:] == (
            [whole, ("get_weather", told)],
            "length",
        )
        # A model that ends by itself there made a call, as far as the server can tell.
        assert parts(flavor, output, stream=stream)[2:] == ([whole, ("get_weather", told)], "tool_calls")
    for wire in ("stream", "plain"):
        mock = MockProvider(script.raw_model_output(output, finish_reason="length"), flavor=flavor)
        got = ask(server, "process", "sync", mock, flavor, {"tools": [TOOL], "wire": wire})
        assert isinstance(got, TruncatedToolCallError)
        assert got.partial is not None
        assert [each.parsed for each in got.partial.tool_calls] == [{"city": "Oslo"}]
        assert len(got.partial.partial_tool_calls) == 1


@on_each_flavor
def test_a_block_that_was_cut_behind_a_whole_call(flavor: str) -> None:
    output = f"</think>{block(PARIS).removesuffix(f'</{MARK}tool_calls>')}"
    assert parts(flavor, output)[2:] == ([("get_weather", '{"city": "Paris", "days": 3}')], "tool_calls")


@on_each_flavor
def test_an_opening_that_was_cut(flavor: str) -> None:
    mock = MockProvider(
        script.raw_model_output(f"</think>Look:\n\n<{MARK}tool_ca", finish_reason="length"), flavor=flavor
    )
    got = joined(flavor, mock, request_body(flavor, tools=[TOOL]))
    kept = "" if flavor in {"sglang", "nim", "deepseek"} else f"\n\n<{MARK}tool_ca"  # the vendor's parser drops it
    assert (got["content"], got["finish_reason"]) == (f"Look:{kept}", "length")


@on_each_flavor
def test_values_are_copied_and_not_checked(flavor: str) -> None:
    """What is said to be JSON and is none makes arguments that are none, but on vLLM a text; texts are escaped."""
    odd = call(city='a "b"\n</x> & c').replace(
        f"</{MARK}invoke>", f'<{MARK}parameter name="n" string="false">no</{MARK}parameter></{MARK}invoke>'
    )
    value = '"no"' if flavor == "vllm" else "no"
    arguments = f'{{"city": "a \\"b\\"\\n</x> & c", "n": {value}}}'
    assert parts(flavor, f"</think>{block(odd)}")[2] == [("get_weather", arguments)]
    unknown = block(call("no_such_tool"))
    assert parts(flavor, f"</think>{unknown}")[2:] == ([("no_such_tool", "{}")], "tool_calls")


@pytest.mark.parametrize("flavor", ["vllm", "dynamo", "nvidia"])
def test_one_call_where_the_server_allows_but_one(flavor: str) -> None:
    two = f"</think>{block(PARIS, PARIS)}"
    assert len(parts(flavor, two, parallel_tool_calls=False)[2]) == 1


@pytest.mark.parametrize("flavor", ["sglang", "nim", "deepseek"])
def test_both_calls_where_the_server_does_not_look(flavor: str) -> None:
    two = f"</think>{block(PARIS, PARIS)}"
    assert len(parts(flavor, two, parallel_tool_calls=False)[2]) == 2


@pytest.mark.parametrize("cuts", [1, 3, (2, 7), 1000])
@on_each_flavor
def test_the_pieces_change_nothing(flavor: str, cuts: int | tuple[int, ...], server: MockServer) -> None:
    output = f"Grüße 🤔</think>Look 👩‍🚀\n\n{block(PARIS)}"
    for place in PLACES:
        mock = MockProvider(script.raw_model_output(output, cuts=cuts), flavor=flavor)
        got = ask(server, place, "sync", mock, flavor, {"tools": [TOOL]})
        assert isinstance(got, Reply)
        assert (got.reasoning, got.text.rstrip("\n")) == ("Grüße 🤔", "Look 👩‍🚀")
        assert got.tool_calls[0].parsed == {"city": "Paris", "days": 3}


def test_pieces_have_the_length_asked_for() -> None:
    mock = MockProvider(script.raw_model_output("</think>abcdefg", cuts=3))
    with DeepSeekV4(mock, model=MODELS["vllm"]) as client, client.stream("Hi") as stream:
        assert list(stream.text_deltas()) == ["abc", "def", "g"]


_HELD = {
    "vllm": """chat_thinking_off chat_thinking_off_stream chat_thinking_default chat_thinking_default_stream tools_auto
        tools_auto_stream tools_noargs tools_parallel tools_parallel_stream tools_with_text tools_with_text_stream
        tools_types tools_types_stream chat_unicode_stream chat_max_tokens_length""",
    "sglang": """chat_plain chat_plain_stream think_kwargs_on think_kwargs_on_stream tool_auto tool_auto_stream
        tool_auto_think tool_auto_think_stream tool_parallel tool_parallel_stream tool_noargs tool_nested_args
        tool_nested_args_stream unicode_stream length think_length_cut""",
}
HELD = [
    pytest.param(flavor, recording, id=f"{flavor}-{recording.name}")
    for server, flavors in {"vllm": ["vllm"], "sglang": ["sglang", "nim"]}.items()
    for flavor in flavors
    for recording in recordings(server)
    if recording.name in _HELD[server].split()
]


def _written(choice: dict[str, Any], *, thinking: bool) -> str:
    """What the model must have written for this answer."""
    reasoning, content = choice["reasoning"] or "", choice["content"] or ""
    begin = f"{reasoning}</think>" if content or choice["tool_calls"] else reasoning
    output = f"{begin if thinking else ''}{content}"
    if choice["tool_calls"]:
        calls = [call(each["name"], **json.loads(each["arguments"])) for each in choice["tool_calls"]]
        output = f"{output.rstrip()}\n\n{block(*calls)}"
    return output


@pytest.mark.parametrize(("flavor", "recording"), HELD)
def test_as_the_real_server(flavor: str, recording: Recording) -> None:
    """The recorded request, answered with the same model output, gives what the real server gave."""
    (real,) = recording.expected["choices"]
    body = {key: value for key, value in (recording.request_body or {}).items() if key != "max_tokens"}
    body["model"] = MODELS[flavor]
    output = _written(real, thinking=real["reasoning"] is not None)
    reason = "length" if real["finish_reason"] == "length" else None  # tokens of the mock are not the model's
    mock = MockProvider(script.raw_model_output(output, finish_reason=reason), flavor=flavor)
    got = joined(flavor, mock, body)
    assert got == {
        "reasoning": real["reasoning"] or "",
        "content": real["content"] or "",
        "calls": [(each["name"], each["arguments"]) for each in real["tool_calls"]],
        "finish_reason": real["finish_reason"],
        "stop_reason": real["stop_reason"],
    }


@pytest.mark.parametrize(("flavor", "recording"), [param for param in HELD if param.values[1].streamed])  # type: ignore[attr-defined]
def test_deltas_of_the_same_keys_in_the_same_order(flavor: str, recording: Recording) -> None:
    (real,) = recording.expected["choices"]
    output = _written(real, thinking=real["reasoning"] is not None)
    body = {**(recording.request_body or {}), "model": MODELS[flavor]}
    recorded_with = VLLMFlavor(prompt_tokens_details=True) if flavor == "vllm" else flavor
    mock = MockProvider(script.raw_model_output(output), flavor=recorded_with)
    seen = fetch(MockServer(), "process", "sync", mock, body)
    assert _shapes(seen.body) == _shapes(recording.body)


_NEWER = {"weight_versions"}  # of vLLM 0.33; the recorded one is 0.32


def _shapes(stream: bytes) -> list[object]:
    """What keys the deltas have, each shape once in a row."""
    shapes: list[object] = []
    for line in stream.splitlines():
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line.removeprefix(b"data: "))
        shape: list[object] = (
            [sorted(chunk["choices"][0].keys() - _NEWER)] if chunk["choices"] else ["usage", sorted(chunk["usage"])]
        )
        if chunk["choices"]:
            delta = chunk["choices"][0]["delta"]
            shape.append(sorted(delta))
            for each in delta.get("tool_calls") or []:
                shape += [sorted(each), sorted(each["function"]), each["id"] is None if "id" in each else "no id"]
        if shapes[-1:] != [shape]:
            shapes.append(shape)
    return shapes
