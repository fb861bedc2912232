"""Servers with every flag, and with one flag off: the probe finds that one, and names what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.testing.flavors.deepseek import FLAVOR as DEEPSEEK
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from deepseek_v4_sdk.testing.flavors.nim import NimFlavor
from deepseek_v4_sdk.testing.flavors.nvidia import NvidiaFlavor
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.support.modes import connect, in_both_modes

if TYPE_CHECKING:
    from deepseek_v4_sdk import ProbeReport
    from deepseek_v4_sdk.testing.flavors.base import Flavor
    from tests.support.replay import Mode

CHATS = ["window", "prompt_format", "thinking", "reasoning", "tools", "structured_output", "streamed_usage"]
CHATS += ["cached_tokens"]
EVERYTHING = ["window", "version", *CHATS[1:]]


def vllm(**flags: bool) -> VLLMFlavor:
    return VLLMFlavor(**{"prompt_tokens_details": True, **flags})


def sglang(**flags: bool) -> SGLangFlavor:
    return SGLangFlavor(**{"cache_report": True, **flags})


def probe(mode: Mode, flavor: Flavor) -> ProbeReport:
    hosted = flavor.name in {"nvidia", "deepseek"}
    report: Any = connect(mode, MockProvider(flavor=flavor), model="pro" if hosted else None).probe()
    return report


def broken(report: ProbeReport) -> dict[str, str]:
    """What does not work, and what mends it."""
    assert {finding.status for finding in report.findings} <= {"works", "fails"}
    assert all(bool(finding.remedy) == (finding.status == "fails") for finding in report.findings)
    return {finding.feature: finding.remedy for finding in report.findings if finding.status == "fails"}


@in_both_modes
@pytest.mark.parametrize(
    ("flavor", "features", "requests"),
    [
        (vllm(), EVERYTHING, 7),
        (sglang(), EVERYTHING, 8),
        (NimFlavor(sglang()), EVERYTHING, 8),
        (NimFlavor(vllm()), EVERYTHING, 8),
        (DynamoFlavor(), CHATS, 7),
        (NvidiaFlavor(), CHATS, 6),
        (DEEPSEEK, CHATS, 6),
    ],
    ids=["vllm", "sglang", "nim-sglang", "nim-vllm", "dynamo", "nvidia", "deepseek"],
)
def test_a_server_with_every_flag(mode: Mode, flavor: Flavor, features: list[str], requests: int) -> None:
    """Five chats and the list of models. Three kinds tell a version, SGLang also of its parsers; from Dynamo and NIM
    the first chat must learn what to ask for."""
    report = probe(mode, flavor)
    assert report.ok, str(report)
    assert [finding.feature for finding in report.findings] == features
    assert report.provider == flavor.name
    assert report.requests == requests
    assert 1_500 < report.prompt_tokens < 3_000
    assert 0 < report.completion_tokens < 200


ONE_FLAG_OFF = [
    (vllm(prompt_tokens_details=False), {"cached_tokens": "--enable-prompt-tokens-details"}),
    (vllm(reasoning_parser=False), {"reasoning": "--reasoning-parser deepseek_v4"}),
    (vllm(tool_call_parser=False), {"tools": "--enable-auto-tool-choice --tool-call-parser deepseek_v4"}),
    (sglang(cache_report=False), {"cached_tokens": "--enable-cache-report"}),
    (sglang(reasoning_parser=False), {"reasoning": "--reasoning-parser deepseek-v4"}),
    (sglang(tool_call_parser=False), {"tools": "--tool-call-parser deepseekv4"}),
    (
        sglang(reasoning_parser=False, tool_call_parser=False),
        {"reasoning": "--reasoning-parser deepseek-v4", "tools": "--tool-call-parser deepseekv4"},
    ),
    (DynamoFlavor(reasoning_parser=False), {"reasoning": "--dyn-reasoning-parser deepseek_v4 on each worker"}),
    (DynamoFlavor(tool_call_parser=False), {"tools": "--dyn-tool-call-parser deepseek_v4 on each worker"}),
    (NimFlavor(sglang(cache_report=False)), {"cached_tokens": 'NIM_PASSTHROUGH_ARGS="--enable-cache-report"'}),
    (
        NimFlavor(vllm(reasoning_parser=False)),
        {"reasoning": 'NIM_PASSTHROUGH_ARGS="--reasoning-parser deepseek_v4"'},
    ),
]


@in_both_modes
@pytest.mark.parametrize(("flavor", "missing"), ONE_FLAG_OFF)
def test_a_server_without_a_flag(mode: Mode, flavor: Flavor, missing: dict[str, str]) -> None:
    assert broken(probe(mode, flavor)) == missing


@in_both_modes
@pytest.mark.parametrize("flavor", [vllm(streams_usage=False), sglang(streams_usage=False)])
def test_streams_without_usage(mode: Mode, flavor: Flavor) -> None:
    """Without the usage there is nothing to compare either, and nothing about the cache."""
    report = probe(mode, flavor)
    found = {finding.feature: finding for finding in report.findings if finding.status != "works"}
    assert {feature: finding.status for feature, finding in found.items()} == {
        "prompt_format": "unknown",
        "streamed_usage": "fails",
        "cached_tokens": "unknown",
    }
    assert "-include-usage" in found["streamed_usage"].remedy
    assert (report.prompt_tokens, report.completion_tokens) == (0, 0)


@in_both_modes
def test_a_switch_that_does_not_arrive(mode: Mode) -> None:
    report = probe(mode, vllm(reads_switch=False))
    assert set(broken(report)) == {"thinking"}
    finding = report.finding("thinking")
    assert finding is not None
    assert finding.detail == "it thinks although thinking is off"
    assert "chat_template_kwargs" in finding.remedy


@in_both_modes
def test_another_prompt_format(mode: Mode) -> None:
    """Without V4's encoding nothing switches thinking on, and the same flag mends both."""
    report = probe(mode, VLLMFlavor(encoding="template", prompt_tokens_details=True))
    found = {finding.feature: finding for finding in report.findings if finding.status != "works"}
    assert {feature: finding.status for feature, finding in found.items()} == {
        "prompt_format": "fails",
        "thinking": "fails",
        "reasoning": "unknown",
    }
    assert found["prompt_format"].remedy == "--tokenizer-mode deepseek_v4"
    assert found["thinking"].remedy.startswith("--tokenizer-mode deepseek_v4;")
    assert "19 and 98 were counted here" in found["prompt_format"].detail


@in_both_modes
@pytest.mark.parametrize(
    ("flavor", "remedy"),
    [
        (VLLMFlavor(encoding="none"), "--tokenizer-mode deepseek_v4"),
        (sglang(v4_encoding=False), "--tool-call-parser deepseekv4"),
    ],
    ids=["vllm", "sglang"],
)
def test_no_prompt_format_at_all(mode: Mode, flavor: Flavor, remedy: str) -> None:
    """Where every chat is refused, one thing is wrong, and nothing is known of the rest."""
    report = probe(mode, flavor)
    statuses = {finding.feature: finding.status for finding in report.findings}
    assert statuses.pop("window") == statuses.pop("version") == "works"
    assert statuses.pop("prompt_format") == "fails"
    assert set(statuses.values()) == {"unknown"}
    finding = report.finding("prompt_format")
    assert finding is not None
    assert "template" in finding.detail
    assert finding.remedy == remedy
