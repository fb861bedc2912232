"""The options of a chat: what each takes, and what it says to a value that it does not take."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Timeouts, errors
from deepseek_v4_sdk.chat import OPTION_NAMES, ChatOptions, ChatRequest, check_options

HUGE = 10**5000
NUMBERS: dict[str, tuple[list[Any], list[Any], str]] = {
    "temperature": ([0, 0.5, 2, 10], [-0.1, math.inf], "give a number from 0"),
    "top_p": ([0.1, 1, 1.0], [0, -1, 1.01], "give a number above 0 to 1"),
    "min_p": ([0, 1, 0.5], [-0.1, 1.1], "give a number from 0 to 1"),
    "presence_penalty": ([-2, 0, 2], [-2.1, 2.1], "give a number from -2 to 2"),
    "frequency_penalty": ([-2, 0, 2], [-2.1, 2.1], "give a number from -2 to 2"),
    "top_k": ([-1, 0, 50], [-2, 1.5], "give a whole number from -1"),
    "max_tokens": ([1, 1_000_000], [0, -1, 1.0, 2**63], "give a whole number from 1"),
    "window": ([1, 1_048_576], [0, -1, 1.0, 2**63], "give a whole number from 1"),
    "max_reasoning_tokens": ([1], [0, 2.5, 2**63], "give a whole number from 1"),
    "seed": ([0, -(2**63), 2**63 - 1], [2**63, 1.5], "give a whole number from -9223372036854775808 to 92233"),
    "priority": ([0, -5, 5], [2**63, 0.5], "give a whole number from -9223372036854775808"),
    "logprobs": ([0, 20], [-1, 21, 1.5], "give a whole number from 0 to 20"),
}
WORDS: dict[str, tuple[list[Any], str]] = {
    "thinking": (["off", "low", "high", "max"], "give 'off' or 'low' or 'high' or 'max'"),
    "wire": (["stream", "plain", "raw"], "give 'stream' or 'plain' or 'raw'"),
    "overflow": (["raise", "clamp", "fit"], "give 'raise', 'clamp', 'fit' or a ContextBudget"),
    "dsml": (["auto", "off"], "give 'auto' or 'off'"),
    "on_unsupported": (["nearest", "disable_thinking", "auto"], "give 'nearest' or 'disable_thinking' or 'auto'"),
    "control_tokens": (["send", "refuse", "mark"], "give 'send' or 'refuse' or 'mark'"),
    "on_interrupt": (
        ["raise", "restart", "resume", ("resume", "restart")],
        "give 'raise', 'restart', 'resume' or ('resume', 'restart')",
    ),
    "parallel_tool_calls": ([True, False], "give True or False"),
}
TEXTS = ("model", "user", "cache_salt")
MAPPINGS = ("response_format", "metadata", "extra_body")


CONNECTIONS = [
    "Content-Length",
    "transfer-encoding",
    "CONNECTION",
    "TE",
    "Trailer",
    "Upgrade",
    "Expect",
    "Keep-Alive",
]


@pytest.mark.parametrize("name", CONNECTIONS)
def test_headers_of_the_connection_are_its_own(name: str) -> None:
    """A server could else read one request as two."""
    said = f"extra_headers is dict: give a mapping without {name!r}, which the connection itself decides"
    assert complaint(extra_headers={"x": "y", name: "1"}) == said
    with pytest.raises(errors.ConfigurationError, match=f"default_headers is dict: give a mapping without '{name}'"):
        DeepSeekV4("mock", default_headers={name: "1"})


def test_the_host_may_be_set() -> None:
    assert check_options({"extra_headers": {"Host": "v4.example"}}) == {"extra_headers": {"Host": "v4.example"}}


def complaint(**options: object) -> str:
    """What is said about an option."""
    with pytest.raises(errors.InvalidRequestError) as caught:
        check_options(options)
    assert type(caught.value) is errors.InvalidRequestError
    return str(caught.value)


def test_every_option_is_tried_here() -> None:
    tried = {*NUMBERS, *WORDS, *TEXTS, *MAPPINGS, "tools", "tool_choice", "stop", "timeout", "extra_headers"}
    tried.add("spend")  # its values are checked by `Spend`: tests/transport/test_spend.py
    tried |= {"continue_from", "until_done"}  # tests/client/test_continue_from.py, test_until_done.py
    assert tried == OPTION_NAMES == set(ChatOptions.__annotations__)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, row in NUMBERS.items() for value in row[0]])
def test_a_number_in_its_bounds_is_kept(name: str, value: object) -> None:
    assert check_options({name: value}) == {name: value}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, row in NUMBERS.items() for value in row[1]])
def test_a_number_out_of_its_bounds_is_refused(name: str, value: object) -> None:
    text = complaint(**{name: value})
    assert text.startswith(f"{name} is {value!r}: ")
    assert NUMBERS[name][2] in text


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, "1", b"1", [1], {}, Decimal(1), 1j, pytest.param(HUGE, id="huge")])
def test_what_is_no_such_number_is_refused(name: str, value: object) -> None:
    text = complaint(**{name: value})
    assert text.startswith(f"{name} is ")
    assert text.endswith(NUMBERS[name][2]) or NUMBERS[name][2] in text
    assert len(text) < 120


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "logprobs"])
def test_true_is_no_number(name: str) -> None:
    assert f"{name} is True: give a" in complaint(**{name: True})


@pytest.mark.parametrize(("given", "kept"), [(True, {"logprobs": 0}), (5, {"logprobs": 5}), (0, {"logprobs": 0})])
def test_logprobs_may_be_true_or_a_number(given: object, kept: object) -> None:
    assert check_options({"logprobs": given}) == kept


def test_logprobs_may_be_false() -> None:
    assert ChatRequest.build("Hi", {"logprobs": False}, {}).logprobs is None


@pytest.mark.parametrize(("name", "word"), [(name, word) for name, row in WORDS.items() for word in row[0]])
def test_a_known_word_is_kept(name: str, word: object) -> None:
    assert check_options({name: word}) == {name: word}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("value", ["", "High", 0, 1.0, [], {"type": "disabled"}, b"off", print])
def test_an_unknown_word_is_refused(name: str, value: object) -> None:
    text = complaint(**{name: value})
    assert text.startswith(f"{name} is ")
    assert text.endswith(WORDS[name][1])


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", ["", 5, b"x", ["x"]])
def test_a_text_is_a_text_that_is_not_empty(name: str, value: object) -> None:
    assert complaint(**{name: value}).endswith("give a text that is not empty")
    assert check_options({name: "x y"}) == {name: "x y"}


@pytest.mark.parametrize("name", MAPPINGS)
@pytest.mark.parametrize("value", ["x", 5, [("a", 1)], {1: 2}, {"a": 1, None: 2}])
def test_a_mapping_has_texts_as_keys(name: str, value: object) -> None:
    assert complaint(**{name: value}).endswith("give a mapping with texts as keys")


@pytest.mark.parametrize("name", ["response_format", "extra_body"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": {"b": {1, 2}}}, ".a.b is set, which JSON does not have: give a list, text or dict"),
        ({"a": [0, b"x"]}, ".a[1] is bytes, which JSON does not have"),
        ({"a": math.nan}, ".a is nan: JSON has no such number"),
        ({"a": -math.inf}, ".a is -inf: JSON has no such number"),
        ({"a": {"b": {1: 2}}}, ".a.b has the key 1: keys are texts in JSON"),
        ({"a": object()}, ".a is object, which JSON does not have"),
    ],
)
def test_a_value_that_is_no_json_is_named_by_its_place(name: str, value: object, text: str) -> None:
    assert complaint(**{name: value}).startswith(name + text)


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    assert "lies more than 100 levels deep, or holds itself" in complaint(extra_body=endless)


def test_metadata_is_local_and_may_hold_anything() -> None:
    assert check_options({"metadata": {"span": print}}) == {"metadata": {"span": print}}


@pytest.mark.parametrize(("given", "kept"), [("END", ("END",)), (["a", "b"], ("a", "b")), (iter("ab"), ("a", "b"))])
def test_stop_is_a_text_or_several(given: object, kept: object) -> None:
    assert check_options({"stop": given}) == {"stop": kept}


@pytest.mark.parametrize("value", ["", [], [""], ["a", ""], ["a", 1], 5, {"a": 1}, b"x"])
def test_stop_is_never_empty(value: object) -> None:
    assert complaint(stop=value).split(": give ")[1].startswith("a text or a list of texts")


NAMED = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(("given", "kept"), [("auto", "auto"), ("none", "none"), ("f", "f"), (NAMED, "f")])
def test_tool_choice_is_a_word_a_name_or_openais_mapping(given: object, kept: object) -> None:
    assert check_options({"tool_choice": given}) == {"tool_choice": kept}


@pytest.mark.parametrize(
    "value", ["", 5, {}, {"type": "function"}, {"type": "tool", "function": {"name": "f"}}, {"name": "f"}, ["f"]]
)
def test_any_other_tool_choice_is_refused(value: object) -> None:
    assert complaint(tool_choice=value).endswith("the name of a tool, or OpenAI's mapping for one")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tool_choice": "required"}, "tool_choice is 'required', but there are no tools: give tools, or leave it out"),
        ({"tool_choice": "f", "tools": []}, "tool_choice is 'f', but there are no tools"),
        ({"tool_choice": "any", "tools": [{"name": "f"}]}, "tool_choice names 'any', which is none of the tools: f"),
        ({"max_reasoning_tokens": 5, "wire": "plain"}, "max_reasoning_tokens needs wire='stream'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(errors.InvalidRequestError) as caught:
        ChatRequest.build("Hi", options, {})
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Bearer private", "extra_headers is str: give a mapping of texts"),
        ({"authorization": "Bearer private\n"}, "in printable ASCII, which that of 'authorization' is not"),
        ({"x": "privaté"}, "in printable ASCII, which that of 'x' is not"),
        ({"x": 5}, "which that of 'x' is not"),
        ({"x y": "private"}, "'x y' is not the name of a header"),
        ({"": "private"}, "'' is not the name of a header"),
        ({"x:": "private"}, "'x:' is not the name of a header"),
        ({"é": "private"}, "'é' is not the name of a header"),
        ({1: "private"}, "1 is not the name of a header"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_and_its_value_not_shown(value: object, text: str) -> None:
    said = complaint(extra_headers=value)
    assert text in said
    assert "privat" not in said


def test_blanks_around_a_header_mean_nothing() -> None:
    assert check_options({"extra_headers": {"X-A": " b c "}}) == {"extra_headers": {"X-A": "b c"}}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5", "timeout is str: give total seconds or Timeouts(...)"),
        (True, "timeout is bool"),
        (0, "timeout.total is 0: give seconds above 0, or None for the default"),
        (-1.5, "timeout.total is -1.5"),
        (math.nan, "timeout.total is nan"),
        (math.inf, "timeout.total is inf"),
        pytest.param(HUGE, "timeout.total is too large", id="huge"),
    ],
)
def test_a_timeout_is_seconds(value: object, text: str) -> None:
    assert text in complaint(timeout=value)
    assert check_options({"timeout": 2}) == {"timeout": Timeouts(total=2)}


@pytest.mark.parametrize("timer", ["connect", "first_event", "idle", "total"])
def test_each_timer_is_checked_by_name(timer: str) -> None:
    wrong: dict[str, Any] = {timer: "soon"}
    with pytest.raises(errors.InvalidRequestError, match=rf"timeout\.{timer} is 'soon': give seconds above 0"):
        Timeouts(**wrong)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("temprature", "(did you mean 'temperature'?)"),
        ("max_token", "(did you mean 'max_tokens'?)"),
        ("reasoning_effort_level_of_mine", "fields of one server go into extra_body"),
    ],
)
def test_an_unknown_option_is_named_with_its_neighbour(name: str, hint: str) -> None:
    text = complaint(**{name: 1})
    assert text.startswith(f"there is no option {name!r}")
    assert hint in text


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("max_completion_tokens", "max_tokens"),
        ("max_output_tokens", "max_tokens"),
        ("reasoning_effort", "thinking: 'off', 'low', 'high' or 'max'"),
        ("enable_thinking", "thinking"),
        ("thinking_budget", "max_reasoning_tokens"),
        ("stream", "client.stream(messages)"),
        ("n", "call again for more"),
        ("system", "SystemMessage"),
        ("functions", "tools"),
        ("top_logprobs", "logprobs=5"),
        ("response_model", "client.parse(messages, Model)"),
        ("base_url", "with_options(base_url=...)"),
    ],
)
def test_the_words_of_others_lead_to_those_of_this_package(name: str, word: str) -> None:
    text = complaint(**{name: 1})
    assert text.startswith(f"there is no option {name!r}: ")
    assert word in text
    assert "extra_body" not in text  # nobody is sent to where it would do harm


def test_none_is_not_given() -> None:
    assert check_options(dict.fromkeys(OPTION_NAMES)) == {}


@pytest.mark.parametrize("name", ["model", "thinking", "parallel_tool_calls"])
def test_a_long_value_is_not_repeated(name: str) -> None:
    secret = "a long prompt " * 50
    for value in (secret if name != "model" else [secret], {"text": secret}):
        text = complaint(**{name: value})
        assert len(text) < 150


def test_the_call_wins_over_the_client() -> None:
    defaults = check_options({"thinking": "max", "model": "a", "timeout": Timeouts(connect=1, total=2)})
    request = ChatRequest.build("Hi", {"thinking": "off", "model": None, "timeout": 9}, defaults)
    assert (request.thinking, request.model) == ("off", "a")
    assert request.timeout == Timeouts(connect=1, total=9)


def test_a_request_does_not_show_its_headers() -> None:
    request = ChatRequest.build("Hi", {"extra_headers": {"authorization": "Bearer private"}}, {})
    assert "private" not in repr(request)
