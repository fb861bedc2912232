"""What an editor or a notebook offers behind `client.chat(`: the options, by name."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Iterator
from typing import Any

import jedi  # type: ignore[import-untyped]
import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.chat import ChatOptions
from deepseek_v4_sdk.client.arguments import ClientArguments
from deepseek_v4_sdk.tools.loop_options import LoopLimits, LoopOptions
from tests.support.profiles import paired

OF_A_CHAT = ["chat", "stream", "parse", "stream_parse", "iter_parse"]
OF_A_LOOP = ["run_tools", "stream_tools", "tool_rounds"]
both = pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])


@pytest.fixture(scope="module", autouse=True)
def _no_shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what jedi has parsed away from other processes: it fails on a file that another one is writing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jedi.settings, "cache_directory", str(tmp_path_factory.mktemp("jedi")))
        yield


@both
@pytest.mark.parametrize("name", [*OF_A_CHAT, *OF_A_LOOP])
def test_every_option_is_in_the_signature(kind: Any, name: str) -> None:
    options = ChatOptions if name in OF_A_CHAT else LoopOptions
    for method in (getattr(kind, name), getattr(kind("mock"), name)):
        shown = inspect.signature(method).parameters
        assert options.__annotations__.keys() <= shown.keys()
        assert all(shown[option].kind is inspect.Parameter.KEYWORD_ONLY for option in options.__annotations__)
        assert not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in shown.values())
        assert shown["temperature"].annotation == "float | None"
        assert ("self" in shown) == (method is getattr(kind, name))
    assert "temperature: " in pydoc.plain(pydoc.render_doc(getattr(kind, name)))


def test_its_own_parameters_come_first_and_defaults_are_told() -> None:
    parsed = inspect.signature(DeepSeekV4("mock").parse)
    assert list(parsed.parameters)[:4] == ["messages", "schema", "mechanism", "retries"]
    assert parsed.parameters["temperature"].default is None
    run = inspect.signature(DeepSeekV4("mock").run_tools)
    assert run.parameters["max_rounds"].default == LoopLimits().max_rounds
    assert run.return_annotation == "ToolRun"
    assert str(run).startswith("(messages: ")
    assert inspect.signature(DeepSeekV4.chat) == inspect.signature(DeepSeekV4.chat)
    assert run.bind("x", [], max_rounds=3).arguments["max_rounds"] == 3


@both
@pytest.mark.parametrize("name", ["from_profile", "explain_profile", "with_options"])
def test_the_arguments_of_a_client_are_in_the_signature(kind: Any, name: str) -> None:
    for method in (getattr(kind, name), getattr(kind("mock"), name)):
        shown = inspect.signature(method).parameters
        assert ClientArguments.__annotations__.keys() <= shown.keys()
        assert not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in shown.values())
        assert shown["thinking"].default is ...  # it stays as it is
    assert "max_retries: " in pydoc.plain(pydoc.render_doc(getattr(kind, name)))
    if name != "with_options":
        assert list(inspect.signature(getattr(kind, name)).parameters)[:3] == ["name", "path", "provider"]


OFFERS = {
    "client.chat('x', temp": "temperature=",
    "client.stream(messages, thin": "thinking=",
    "client.run_tools('x', [], max_r": "max_rounds=",
    "client.parse('x', int, seed": "seed=",
    "client.iter_parse('x', int, mech": "mechanism=",
    "client.with_options(max_ret": "max_retries=",
    "Client.from_profile('prod', thin": "thinking=",
    "client.explain_profile('prod', base": "base_url=",
}


@pytest.mark.parametrize(("typed", "kind"), paired(OFFERS, [DeepSeekV4, AsyncDeepSeekV4]))
def test_a_notebook_completes_them(kind: Any, typed: str) -> None:
    found = jedi.Interpreter(typed, [{"client": kind("mock"), "Client": kind}]).complete()
    assert OFFERS[typed] in [each.name for each in found]
