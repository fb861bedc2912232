"""What each provider sends, byte for byte, for every option in every frame: see golden/*.json."""

from __future__ import annotations

import json

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.chat import OPTION_NAMES
from deepseek_v4_sdk.providers import PROVIDER_NAMES, find_provider
from deepseek_v4_sdk.testing import MockProvider, script
from tests.providers.golden import FOLDER, Golden, cases, frames_for, outcome
from tests.providers.golden_cases import FRAMES, IN_FRAMES, LOCAL, PROMPT

RECORDED = [name for name in PROVIDER_NAMES if (FOLDER / f"{name}.json").exists()]
HOW = "run make golden, fill in the reasons in tests/providers/golden/{}.json, and review it"


def exact(value: object) -> str:
    """A value as text in which 1, 1.0 and true differ."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
def test_a_provider_has_a_golden_file(provider: str) -> None:
    assert provider in RECORDED, HOW.format(provider)


@pytest.mark.parametrize("provider", RECORDED)
class TestGolden:
    def test_every_option_of_a_chat_has_a_case_and_a_reason(self, provider: str) -> None:
        golden = Golden.read(provider)
        tried = set(golden.cases) | set(IN_FRAMES) | set(LOCAL)
        assert OPTION_NAMES - tried == set(), "add values to golden_cases.OPTIONS, then run make golden"
        assert set(find_provider(provider).data.options) <= tried - set(LOCAL)
        assert [name for name, why in golden.why.items() if not why] == [], "say which fact makes the form right"

    def test_no_case_is_left_over(self, provider: str) -> None:
        written = {name for group in Golden.read(provider).cases.values() for name in group}
        assert written == set(cases())

    @pytest.mark.parametrize("frame", FRAMES)
    def test_the_frame_alone(self, provider: str, frame: str) -> None:
        assert exact(outcome(provider, frame, {})) == exact(Golden.read(provider).frames[frame])

    @pytest.mark.parametrize("case", cases())
    def test_the_case_in_every_frame(self, provider: str, case: str) -> None:
        golden, options = Golden.read(provider), cases()[case]
        for frame in frames_for(options):
            assert exact(outcome(provider, frame, options)) == exact(golden.expected(case, frame)), frame


@pytest.mark.parametrize("flavor", [name for name in RECORDED if name in {"vllm", "sglang"}])
@pytest.mark.parametrize("frame", FRAMES)
def test_a_client_sends_the_same(flavor: str, frame: str) -> None:
    mock = MockProvider(script.text("Hello"), flavor=flavor)
    options = dict(FRAMES[frame])
    with DeepSeekV4(mock, model=options.pop("model"), thinking=options.pop("thinking")) as client:
        client.chat(PROMPT, **options)
    assert exact(mock.requests[0].body) == exact(Golden.read(flavor).frames[frame])
