"""What a mock of each server must do, point by point: the tests that show it, or where it is named as not modelled."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["POINTS", "Point", "tally"]


@dataclass(frozen=True)
class Point:
    """One thing that a program meets at a server.

    Attributes:
        told: What it is.
        tests: The tests that show it, under `tests/`; one of a recording has its case in brackets.
        named: Words of the list of what is not modelled in docs/mock-servers.md, where all of it or a part is named.
    """

    told: str
    tests: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def tally(points: tuple[Point, ...]) -> tuple[int, int, int]:
    """How many are shown by tests alone, in part, and not at all."""
    whole = sum(not point.named for point in points)
    return whole, sum(bool(point.tests and point.named) for point in points), sum(not point.tests for point in points)


_RECORDED = "fidelity/test_recorded.py::test_a_recorded_request_gets_the_recorded_answer"
_ODD = "fidelity/test_recorded.py::test_an_odd_request_is_refused_in_the_same_words"
_SWITCHES = "fidelity/test_switches.py::"
_KNOWN = "fidelity/test_known_for.py::"
_CUTS = "fidelity/test_cuts.py::"
_OUTPUT = "testing/test_model_output.py::"
_FAULTS = "testing/test_faults.py::"
_COUNTS = "counting/test_mock_counts.py::"
_FIELD = "fidelity/test_validator.py::test_one_field"
_HOSTED = "providers/test_nvidia_states.py::"


def _recorded(server: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{_RECORDED}[{server}-{name}]" for name in names)


def _odd(server: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{_ODD}[{server}-{name}]" for name in names)


_VLLM = (
    Point(
        "health, version, names, counting routes, measures",
        (
            *_recorded("vllm", "health", "version", "tokenize_text", "tokenize_chat", "detokenize"),
            _KNOWN + "test_names_of_one_model_at_vllm",
            _SWITCHES + "test_measures_of_vllm",
        ),
    ),
    Point(
        "a key on some paths",
        (*_recorded("vllm", "error_no_key", "error_wrong_key"), _SWITCHES + "test_keys_guard_some_paths"),
    ),
    Point(
        "the table of errors",
        (
            *_recorded("vllm", "error_bad_json", "error_unknown_model", "error_temperature", "error_messages_missing"),
            *_odd("vllm", "raw_path", "raw_method", "raw_content_type", "role_unknown", "image"),
            _SWITCHES + "test_flags_of_vllm",
        ),
        ("the 503 that is a bare text while it is scaled", "vLLM's bound on the characters", "`render` routes"),
    ),
    Point(
        "unknown fields pass",
        (
            *_recorded("vllm", "chat_ignore_unknown_field"),
            _KNOWN + "test_fields_of_other_servers_do_nothing_at_vllm",
        ),
    ),
    Point(
        "thinking by default, the two switches, efforts, older versions",
        (
            _SWITCHES + "test_thinking_by_the_version_of_vllm",
            _SWITCHES + "test_the_oldest_vllm_knows_fewer_efforts",
            *_recorded("vllm", "chat_effort_max", "chat_effort_none"),
        ),
    ),
    Point(
        "what an effort adds to the prompt",
        (
            _SWITCHES + "test_thinking_by_the_version_of_vllm",
            _COUNTS + "test_usage_is_the_local_count",
            *_recorded("vllm", "tokenize_chat", "tokenize_chat_thinking_off"),
        ),
    ),
    Point(
        "the shape of an answer, and ids",
        (*_recorded("vllm", "chat_thinking_default", "chat_stop", "tools_auto"), _SWITCHES + "test_flags_of_vllm"),
    ),
    Point(
        "the shape of a stream",
        (
            *_recorded("vllm", "chat_thinking_default_stream", "tools_auto_stream", "chat_stream_no_usage"),
            _OUTPUT + "test_deltas_of_the_same_keys_in_the_same_order",
            _FAULTS + "test_keepalive",
        ),
        ("the time that a call of vLLM is silent in a long argument", "how a server under load joins deltas"),
    ),
    Point(
        "finish reasons",
        (
            _KNOWN + "test_the_reason_hangs_on_the_choice_at_vllm",
            _KNOWN + "test_an_answer_that_somebody_else_aborted",
            _OUTPUT + "test_a_call_that_was_cut",
            _CUTS + "test_a_cut_as_the_real_server_has_it",
        ),
    ),
    Point(
        "errors in streams, cuts, overload, pauses, a dead engine",
        (
            _KNOWN + "test_overload_and_failure_at_vllm",
            _FAULTS + "test_bytes",
            _FAULTS + "test_what_the_client_makes_of_it",
        ),
        ("overload, pauses, dead engines", "503 while an engine starts or has died"),
    ),
    Point(
        "limits of an answer and of a prompt",
        (
            _SWITCHES + "test_limits_beyond_the_room_are_cut",
            *_recorded("vllm", "error_max_tokens_too_many", "error_prompt_too_long", "accepted_prompt_plus_max_tokens"),
        ),
        ("vLLM's bound on the characters",),
    ),
    Point(
        "flags",
        (
            _SWITCHES + "test_flags_of_vllm",
            _SWITCHES + "test_reports_of_the_cache",
        ),
    ),
    Point(
        "markup that leaks, empty turns, unknown tools, developers",
        (
            _FAULTS + "test_leak_dsml",
            _OUTPUT + "test_other_bars_are_text",
            _FAULTS + "test_what_the_client_makes_of_it",
            _OUTPUT + "test_values_are_copied_and_not_checked",
            _KNOWN + "test_developers_are_dropped_at_vllm",
        ),
    ),
    Point(
        "one call where one is allowed, reasoning left out",
        (
            _OUTPUT + "test_one_call_where_the_server_allows_but_one",
            _SWITCHES + "test_reasoning_that_is_not_included_is_counted",
        ),
    ),
    Point(
        "who goes away ends the work",
        (
            _SWITCHES + "test_measures_of_vllm",
            "testing/test_server.py::test_the_client_that_closes_a_stream_is_noticed",
        ),
    ),
)

_SGLANG = (
    Point(
        "which bodies it takes",
        (
            *_recorded("sglang", "unknown_model", "error_bad_param_type"),
            *_odd("sglang", "effort_unknown", "role_unknown", "role_function", "raw_content_type", "structured_two"),
        ),
    ),
    Point("the switch of thinking", (_KNOWN + "test_thinking_at_sglang",)),
    Point(
        "the shape of an answer", (*_recorded("sglang", "chat_plain", "think_kwargs_on", "tool_auto", "stop_string"),)
    ),
    Point(
        "the order of a stream",
        (
            *_recorded("sglang", "think_kwargs_on_stream", "tool_auto_think_stream", "chat_stream_no_usage"),
            _SWITCHES + "test_calls_by_the_version_of_sglang",
            _OUTPUT + "test_deltas_of_the_same_keys_in_the_same_order",
        ),
    ),
    Point("silence, and a gateway's comments", (_FAULTS + "test_bytes", _FAULTS + "test_keepalive")),
    Point(
        "errors over HTTP and in streams",
        (
            _KNOWN + "test_errors_of_sglang",
            *_recorded("sglang", "error_no_key", "error_wrong_key", "error_bad_param_type", "queue_full"),
            *_odd("sglang", "raw_path"),
            _SWITCHES + "test_options_of_sglang",
        ),
        ("the usage that SGLang sends after an error event",),
    ),
    Point(
        "finish reasons, broken calls, markup in the text",
        (
            _KNOWN + "test_an_answer_that_somebody_else_aborted",
            _KNOWN + "test_what_sglang_leaves_in_the_text_without_its_parsers",
            _OUTPUT + "test_calls_that_were_not_asked_for",
            _OUTPUT + "test_a_call_that_was_cut",
            _OUTPUT + "test_values_are_copied_and_not_checked",
            *_recorded("sglang", "length"),
        ),
    ),
    Point(
        "usage",
        (
            *_recorded("sglang", "cache_report"),
            _SWITCHES + "test_reports_of_the_cache",
            _SWITCHES + "test_calls_by_the_version_of_sglang",
        ),
    ),
    Point(
        "other routes",
        (
            *_recorded(
                "sglang", "models", "model_retrieve", "health", "tokenize_messages", "tokenize_prompt", "detokenize"
            ),
            _KNOWN + "test_routes_of_sglang",
        ),
        ("`/v1/completions`", "`/abort_request`", "SGLang's `/metrics`", "a health that is slow"),
    ),
    Point("keys", (_SWITCHES + "test_keys_guard_some_paths", *_recorded("sglang", "error_no_key")), ("its admin key",)),
    Point(
        "refusals of conversations, formats and schemas",
        (
            *_odd("sglang", "tool_orphan", "call_unanswered", "tool_name_bad", "tools_twice", "task_bad"),
            *_odd("sglang", "format_json_object", "format_schema_strict_empty", "format_and_forced"),
        ),
    ),
    Point("the window", (*_recorded("sglang", "error_prompt_too_long", "error_prompt_plus_max_tokens"),)),
    Point(
        "reasoning joined or held back, a last word of the assistant",
        (
            *_recorded("sglang", "separate_reasoning_false"),
            _SWITCHES + "test_options_of_sglang",
            _SWITCHES + "test_a_last_word_of_the_assistant_at_sglang",
        ),
    ),
    Point(
        "failures between prefill and decode",
        (_KNOWN + "test_errors_of_sglang", _FAULTS + "test_bytes"),
        ("transfers between prefill and decode",),
    ),
)

_BUILD = (
    Point("keys", (_SWITCHES + "test_the_hosted_gateway",)),
    Point(
        "the list has the ended ones too, and one twice",
        (_KNOWN + "test_models_of_the_hosted_gateway", _SWITCHES + "test_the_hosted_gateway"),
    ),
    Point(
        "models that have ended, are another's or unknown",
        (_KNOWN + "test_models_of_the_hosted_gateway", _SWITCHES + "test_the_hosted_gateway"),
    ),
    Point("so many requests a minute", (_SWITCHES + "test_the_hosted_gateway",)),
    Point(
        "overload and lost answers",
        (
            _KNOWN + "test_models_of_the_hosted_gateway",
            _HOSTED + "TestStates::test_an_empty_504_keeps_the_id",
            _HOSTED + "TestStates::test_an_overloaded_worker_is_waited_for",
        ),
        ("random 503s of build.nvidia.com",),
    ),
    Point("accepted, and asked for again", (_FAULTS + "test_accepted_then",)),
    Point("unknown keys, in two shapes", (_SWITCHES + "test_the_hosted_gateway",)),
    Point(
        "the switch of thinking",
        (_KNOWN + "test_models_of_the_hosted_gateway", _SWITCHES + "test_the_hosted_gateway"),
    ),
    Point("requests that hang or fail without their switch", named=("that hung or failed on build.nvidia.com",)),
    Point(
        "limits by the model",
        (
            _KNOWN + "test_models_of_the_hosted_gateway",
            _SWITCHES + "test_the_hosted_gateway",
            _COUNTS + "test_a_prompt_beyond_the_window",
        ),
        ("beyond the window of build.nvidia.com",),
    ),
    Point(
        "Dynamo's shapes, the other name of reasoning, leaks",
        (
            _KNOWN + "test_answers_of_dynamo",
            _KNOWN + "test_models_of_the_hosted_gateway",
            _FAULTS + "test_leak_dsml",
        ),
        ("how a server under load joins deltas",),
    ),
    Point("headers of the gateway", (_SWITCHES + "test_the_hosted_gateway",)),
)

_NIM = (
    Point("live before it is ready", (_SWITCHES + "test_containers",)),
    Point("names, an adapter", (_SWITCHES + "test_containers", "testing/test_mock.py::test_models_and_health")),
    Point("routes of management", (_SWITCHES + "test_containers",), ("SGLang's `/metrics`",)),
    Point(
        "two engines, and the older line",
        (
            _SWITCHES + "test_containers",
            _KNOWN + "test_engines_in_a_container",
            _KNOWN + "test_guides_of_an_older_container",
        ),
        ("`/v1/messages`", "grammars: they do not shape your script's answer"),
    ),
    Point("no key, no waiting, no throttling", (_SWITCHES + "test_containers", _KNOWN + "test_engines_in_a_container")),
    Point("without a parser for calls", (_KNOWN + "test_engines_in_a_container",)),
    Point(
        "schemas, and guides that are passed over",
        (_KNOWN + "test_engines_in_a_container", _SWITCHES + "test_containers"),
        ("grammars: they do not shape your script's answer",),
    ),
    Point(
        "the window, and a proxy before it is ready",
        (_KNOWN + "test_engines_in_a_container", _SWITCHES + "test_containers"),
    ),
)

_DYNAMO = (
    Point("health, models, a model's readiness", (_KNOWN + "test_answers_of_dynamo", _SWITCHES + "test_dynamo")),
    Point("no such route", (_SWITCHES + "test_dynamo",)),
    Point("extensions are closed", (_SWITCHES + "test_dynamo",)),
    Point("the switch of thinking", (_KNOWN + "test_thinking_at_dynamo",)),
    Point("errors flat over HTTP, wrapped in streams", (_SWITCHES + "test_dynamo",)),
    Point("annotations", (_SWITCHES + "test_dynamo",), ("annotations of Dynamo other than",)),
    Point("fields beside the answer", (_SWITCHES + "test_dynamo",)),
    Point("the request's id comes back", (_SWITCHES + "test_dynamo",)),
    Point("no word of how long", (_KNOWN + "test_answers_of_dynamo",)),
    Point("no worker yet", (_KNOWN + "test_answers_of_dynamo",)),
    Point("who goes away ends the work", ("testing/test_server.py::test_the_client_that_closes_a_stream_is_noticed",)),
)

_SHAPES = _KNOWN + "test_shapes_of_deepseek"
_REFUSED = (
    "max_tokens out of range",
    "sampling out of range",
    "several choices",
    "top_logprobs",
    "texts that stop",
    "stream_options alone",
    "messages that are none",
    "an unknown model",
    "a result without a call",
    "results that are missing",
    "results of another call",
    "names of tools",
    "an assistant who says nothing",
    "a body that cannot be read",
    "unknown fields",
)
_DEEPSEEK = (
    Point("the shape of an answer", (_SHAPES,)),
    Point("usage", (_SHAPES,)),
    Point("finish reasons", (_SHAPES,)),
    Point(
        "the shape of a stream",
        (_SHAPES, "providers/test_deepseek_recipe.py::test_the_mock_streams_as_the_vendor_does"),
    ),
    Point("a text that is never null", (_SHAPES,)),
    *(Point(told, (_FIELD,)) for told in _REFUSED),
    Point("the window", ("fidelity/test_validator.py::test_the_limit_of_an_answer",)),
    Point("limits that were not given", ("fidelity/test_validator.py::test_the_limit_of_an_answer",)),
    Point(
        "the prefix cache", (_SWITCHES + "test_the_cache_of_deepseek_keeps_ends",), ("evictions from the prefix cache",)
    ),
    Point("comments while it waits", (_FAULTS + "test_keepalive",), ("the empty lines of its plain answers",)),
    Point("its statuses", ("testing/test_mock.py::test_errors_have_the_shape_of_the_flavor", _FAULTS + "test_bytes")),
    Point("so many requests at a time", named=("several of DeepSeek's requests at a time",)),
    Point("Responses", named=("DeepSeek's routes for Responses",)),
    Point("Anthropic's messages", named=("for Anthropic's messages",)),
)

POINTS: dict[str, tuple[Point, ...]] = {
    "vLLM": _VLLM,
    "SGLang": _SGLANG,
    "build.nvidia.com": _BUILD,
    "NIM": _NIM,
    "Dynamo": _DYNAMO,
    "DeepSeek's API": _DEEPSEEK,
}
"""The points of each server."""
