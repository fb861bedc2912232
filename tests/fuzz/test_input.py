"""Whatever a program gives, what is wrong with it is told by one of the SDK's own errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import ConfigurationError, Conversation, DeepSeekV4, InvalidRequestError
from deepseek_v4_sdk.dsml import Scanner, Text
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.providers.scrub import scrub, scrub_json
from deepseek_v4_sdk.testing import MockProvider, script
from tests.fuzz.values import JSON, MESSAGES, SOME, TOML

SETTINGS = st.sampled_from(
    [
        "provider", "base_url", "api_key", "api_key_env", "max_retries", "default_headers", "proxy", "ca_bundle",
        "timeout", "flavor", "engine", "server_version", "strict_model", "model", "thinking",
    ]
)  # fmt: skip
TIMERS = st.dictionaries(st.sampled_from(["connect", "first_event", "idle", "total", "idel"]), TOML, max_size=3)


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, float) else f"{value:e}"


@pytest.mark.filterwarnings("ignore:.* holds a key:UserWarning")  # so it may, with a warning
@SOME
@given(
    st.dictionaries(SETTINGS, TOML | TIMERS, max_size=6), st.dictionaries(st.sampled_from(["models", "default"]), TOML)
)
def test_any_profile_is_a_client_or_a_configuration_error(
    tmp_path_factory: Any, profile: dict[str, Any], others: dict[str, Any]
) -> None:
    file: Path = tmp_path_factory.getbasetemp() / "fuzzed.toml"
    lines = [f"{key} = {toml(value)}" for key, value in others.items()]
    lines += ["[profiles.a]", *(f"{key} = {toml(value)}" for key, value in {"provider": "mock", **profile}.items())]
    file.write_text("\n".join(lines), encoding="utf-8")
    try:
        DeepSeekV4.from_profile("a", path=file).close()
    except ConfigurationError:
        return


@SOME
@given(st.text(max_size=60) | st.lists(st.sampled_from(["[profiles.a]", "=", "a", "\n", '"', "["])).map("".join))
def test_any_file_is_read_or_refused(tmp_path_factory: Any, text: str) -> None:
    file: Path = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        DeepSeekV4.from_profile("a", path=file).close()
    except ConfigurationError:
        return


@SOME
@given(MESSAGES, st.sampled_from(PROVIDER_NAMES))
def test_any_messages_are_sent_or_refused_here(messages: Any, flavor: str) -> None:
    client = DeepSeekV4(MockProvider(flavor=flavor, default=script.text("Hi"), count_tokens=False), model="pro")
    try:
        assert client.chat(messages).text == "Hi"
    except InvalidRequestError:
        return


@SOME
@given(MESSAGES)
def test_a_conversation_takes_them_or_refuses_them(messages: Any) -> None:
    try:
        talk = Conversation(messages)
    except InvalidRequestError:
        return
    assert Conversation.from_json(talk.to_json()) == talk


PARAMETER = 'parameter name="x" string="true">'
TAGS = ["tool_calls>", 'invoke name="f">', 'invoke name="g">', "invoke>", PARAMETER, "parameter>"]
MARKUP = st.lists(
    st.sampled_from([f"{bar}{tag}" for tag in TAGS for bar in ("<｜DSML｜", "</｜DSML｜", "<|DSML|", "<||DSML||")])
    | st.sampled_from(["\n", "\n\n", "```", "`", "f", " ", "<", "｜", '"', "</"])
    | st.text(max_size=5),
    max_size=25,
)


@SOME
@given(MARKUP)
def test_the_scanner_takes_any_text_in_any_pieces(pieces: list[str]) -> None:
    def scan(blocks: list[str]) -> tuple[str, int, list[str]]:
        scanner = Scanner(["f"])
        found = [piece for block in blocks for piece in scanner.feed(block)] + scanner.finish()
        return "".join(piece.text for piece in found if isinstance(piece, Text)), scanner.calls, list(scanner.lost)

    whole = "".join(pieces)
    text, calls, lost = scan(pieces)
    assert (text, calls, lost) == scan([whole]) == scan([*whole])
    if not calls and not lost:
        assert text == whole


@SOME
@given(JSON, st.text(min_size=6, max_size=20), st.text(max_size=40))
def test_what_is_scrubbed_holds_no_secret_and_is_bounded(value: Any, secret: str, around: str) -> None:
    text = f"{around}{secret}{around}"
    shown = scrub(text, [secret])
    assert len(shown) < 1_100
    if secret not in "<key><path><input><account><function>" and secret not in around:
        assert secret not in shown.replace("<key>", "\0")
    scrub_json(value, [secret])
