"""Where a client's values come from: each kind of origin, and no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Timeouts
from deepseek_v4_sdk.client.base import ClientArguments
from tests.support.seen import trust

if TYPE_CHECKING:
    from pathlib import Path

KEY = "canary-key-4d7a"
FILE = """\
default = "dev"

[profiles.dev]
provider = "mock"
flavor = "sglang"

[profiles.prod]
provider = "vllm"
base_url = "http://localhost:8000/v1"
api_key_env = "PROD_KEY"
proxy = "http://me:canary-key-4d7a@proxy.example:3128"
default_headers = { x-team = "canary-key-4d7a" }

[profiles.prod.timeout]
idle = 5
first_event = 900

[[models]]
provider = "nvidia"
id = "mine"
family = "pro"
generation = "2026-08"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROD_KEY", KEY)
    path = tmp_path / "deepseek_v4.toml"
    path.write_text(FILE, "utf-8")
    trust(path)
    return path


@pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])
def test_a_profile_with_arguments_over_it(file: Path, kind: type[DeepSeekV4 | AsyncDeepSeekV4]) -> None:
    told = kind.from_profile("prod", model="m").with_options(thinking="low").explain()
    assert told.profile == "prod (argument)"
    assert told.file == f"{file} (working directory)"
    values = {value.name: (value.value, value.origin) for value in told.values}
    given = {
        "provider": ("vllm", f"profile prod, {file}:8"),
        "base_url": ("http://localhost:8000", f"profile prod, {file}:9"),
        "api_key": ("********", f"api_key_env, profile prod, {file}:10"),
        "model": ("m", "argument"),
        "thinking": ("low", "with_options"),
        "timeout.connect": ("10 s", "default"),
        "timeout.first_event": ("900 s", f"profile prod, {file}:16"),
        "timeout.idle": ("5 s", f"profile prod, {file}:15"),
        "timeout.total": ("21600 s", "default"),
        "max_retries": ("2", "default"),
        "default_headers": ("x-team: ********", f"profile prod, {file}:12"),
        "proxy": ("http://proxy.example:3128", f"profile prod, {file}:11"),
        "catalogue": ("Catalogue", f"{file}:18"),
        "strict_model": ("no", "default"),
    }
    assert given.items() <= values.items()
    assert {origin for name, (_, origin) in values.items() if name not in given} == {"default"}
    assert KEY not in str(told) + repr(told) + str(told.to_dict())


def test_the_variable_that_switches_an_application(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DeepSeekV4.from_profile().explain().profile == "dev (default of the file)"
    monkeypatch.setenv("DEEPSEEK_V4_PROFILE", "prod")
    client = DeepSeekV4.from_profile()
    assert client.explain().profile == "prod (DEEPSEEK_V4_PROFILE)"
    assert client.base_url == "http://localhost:8000"


def test_a_mock_with_a_flavor(file: Path) -> None:
    told = DeepSeekV4.from_profile().explain()
    assert (told["provider"].value, told["provider"].origin) == ("mock", f"flavor, profile dev, {file}:5")


def test_limits_that_processes_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is shown, and never the URL in it, which may hold a password."""
    path = tmp_path / "own.toml"
    path.write_text('[profiles.p]\nprovider = "mock"\nshared_limits_env = "SHARED_LIMITS"\n', "utf-8")
    monkeypatch.setenv("SHARED_LIMITS", f"redis://:{KEY}@localhost:1")
    told = DeepSeekV4.explain_profile("p", path=path)
    shown = [(value.name, value.value, value.origin) for value in told.values if "limits" in value.name]
    row = ("shared_limits_env", "SHARED_LIMITS", f"profile p, {path}:3")
    assert shown == [("limits", "provider", "default"), row]
    assert KEY not in str(told) + repr(told) + str(told.to_dict())
    overridden = DeepSeekV4.explain_profile("p", path=path, limits="off")
    assert [value.name for value in overridden.values if "limits" in value.name] == ["limits"]


def test_the_client_of_a_profile_whose_limits_are_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        '[profiles.p]\nprovider = "nvidia"\napi_key_env = "K"\nshared_limits_env = "SHARED_LIMITS"\n', "utf-8"
    )
    monkeypatch.setenv("K", KEY)
    monkeypatch.setenv("SHARED_LIMITS", f"redis://:{KEY}@localhost:1")
    with DeepSeekV4.from_profile("p", path=path) as client:
        told, off = client.explain(), client.with_options(limits="off").explain()
    assert (told["limits"].value, told["limits"].origin) == ("RedisLimits", f"shared_limits_env, profile p, {path}:4")
    assert told["shared_limits_env"].value == "SHARED_LIMITS"
    assert KEY not in str(told) + repr(told)
    assert [value.name for value in off.values if "limits" in value.name] == ["limits"]


def test_a_client_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_NIM_API_KEY", KEY)
    told = DeepSeekV4("nvidia", model="pro", timeout=Timeouts(idle=5), api_key=None).explain()
    assert (told.profile, told.file) == (None, None)
    assert (told["base_url"].value, told["base_url"].origin) == ("https://integrate.api.nvidia.com", "nvidia's own")
    assert (told["api_key"].value, told["api_key"].origin) == ("********", "NVIDIA_NIM_API_KEY")
    assert (told["model"].value, told["model"].origin) == ("pro", "argument")
    assert (told["timeout.idle"].value, told["timeout.idle"].origin) == ("5 s", "argument")
    assert told["timeout.first_event"].value == "600 s, and 1 s more for each 3,000 bytes"
    assert KEY not in str(told)


def test_keys_that_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    here = "http://localhost:8000"
    assert DeepSeekV4("vllm", base_url=here).explain()["api_key"].value == "none"
    assert DeepSeekV4("vllm", base_url=here, api_key=KEY).explain()["api_key"].value == "********"

    def asked() -> str:
        raise AssertionError("explaining asks for no key")

    assert DeepSeekV4("vllm", base_url=here, api_key=asked).explain()["api_key"].value == "asked for at each request"


def test_every_argument_is_explained() -> None:
    names = {value.name.partition(".")[0] for value in DeepSeekV4("mock").explain().values}
    assert names == set(ClientArguments.__annotations__)


def test_a_name_that_is_no_argument() -> None:
    with pytest.raises(KeyError, match="modle"):
        DeepSeekV4("mock").explain()["modle"]


def test_the_table(file: Path) -> None:
    lines = str(DeepSeekV4.from_profile("prod").explain()).splitlines()
    top = ["profile  prod (argument)", f"file     {file} (working directory)"]
    assert lines[:4] == [*top, "trust    given: deepseek-v4 config trust", ""]
    assert f"max_retries          2 {' ' * 20}" in lines[4 + 9]
    starts = {line.index(word) for line in lines[4:] for word in ("default", f"profile prod, {file}") if word in line}
    assert len(starts) <= 3
