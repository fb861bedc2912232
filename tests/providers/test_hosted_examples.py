"""The example program runs on every provider by the profile's name alone, and means the same on each."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.testing.flavors import FLAVOR_NAMES
from tests.examples.test_examples import EXAMPLES, run_here
from tests.support.address import serve

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = (EXAMPLES / "deepseek_v4.toml").read_text("utf-8")


def meaning(shown: str) -> list[str]:
    """What was thought, called and answered; not the address, and not the counts, which each server has of its own."""
    return [line for line in shown.splitlines()[1:] if " tokens in, " not in line]


def test_there_is_a_profile_for_each_provider_and_each_flavor() -> None:
    profiles = tomllib.loads(PROFILES)["profiles"]
    assert {name: profiles[name]["provider"] for name in PROVIDER_NAMES} == {name: name for name in PROVIDER_NAMES}
    assert {name: profiles[f"mock-{name}"]["flavor"] for name in FLAVOR_NAMES} == {name: name for name in FLAVOR_NAMES}


@pytest.mark.parametrize("flavor", FLAVOR_NAMES)
def test_it_runs_on_the_mock(flavor: str) -> None:
    shown = run_here("chat.py", "--profile", f"mock-{flavor}")
    assert "[thinking] The tool get_weather fits" in shown
    assert '[call] get_weather {"city": "Paris"}' in shown
    assert "[answer] According to the tools: 18 °C and sunny in Paris." in shown
    assert shown.rstrip().splitlines()[-1].startswith("[stop] ")


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
def test_it_runs_on_a_server_of_that_kind_and_means_the_same(provider: str, tmp_path: Path) -> None:
    mock, config, key = MockProvider(flavor=provider), tmp_path / "deepseek_v4.toml", tmp_path / "key"
    key.write_text("given-by-hand", "utf-8")
    key.chmod(0o600)
    with serve(mock) as url:
        head, name, rest = PROFILES.partition(f"[profiles.{provider}]\n")
        lines = [line for line in rest.splitlines() if not line.startswith("base_url")]
        given = f'base_url = "{url}/v1"\napi_key_file = "{key}"\n'
        config.write_text(head + name + given + "\n".join(lines) + "\n", "utf-8")
        shown = run_here("chat.py", "--profile", provider, "--config", str(config))
    assert meaning(shown) == meaning(run_here("chat.py", "--profile", "mock"))
    assert len(mock.requests) == 2
    # The second request carries the whole of the first answer.
    messages: Any = mock.requests[1].body["messages"]
    call, result = messages[1:]
    assert "The tool get_weather fits" in str(call)
    assert result["tool_call_id"] == call["tool_calls"][0]["id"]
