"""Profiles: which file and which table a client is made from, and how a mistake in them is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Timeouts, errors
from tests.config.seen import Seen

if TYPE_CHECKING:
    from pathlib import Path

TWO = """
default = "one"
[profiles.one]
provider = "vllm"
base_url = "http://one:8000/v1"
[profiles.two]
provider = "sglang"
base_url = "http://two:30000"
"""


def write(folder: Path, text: str, name: str = "deepseek_v4.toml") -> Path:
    """A profile file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def profile(folder: Path, lines: str) -> Path:
    """A file with one profile, which is the default."""
    return write(folder, f'default = "p"\n[profiles.p]\n{lines}\n')


def complaint(name: str | None = None, *, path: Path | None = None, **overrides: Any) -> str:
    """What is said about a profile."""
    with pytest.raises(errors.ConfigurationError) as caught:
        DeepSeekV4.from_profile(name, path=path, **overrides)
    return str(caught.value)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, a few folders deep."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def where(name: str | None = None, **arguments: Any) -> str:
    """The address of a client made from a profile."""
    return DeepSeekV4.from_profile(name, **arguments).base_url


def test_the_file_is_looked_for_here_and_above(here: Path) -> None:
    write(here.parent.parent, '[profiles.p]\nprovider = "vllm"\nbase_url = "http://above"\n')
    assert where("p") == "http://above"
    write(here, '[profiles.p]\nprovider = "vllm"\nbase_url = "http://here"\n')
    assert where("p") == "http://here"


def test_a_variable_wins_over_the_folder_and_a_path_over_both(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, TWO)
    other = write(here / "other", TWO.replace("one:8000", "variable"), "x.toml")
    monkeypatch.setenv("DEEPSEEK_V4_CONFIG", str(other))
    assert where() == "http://variable"
    given = write(here / "given", TWO.replace("one:8000", "given"), "y.toml")
    assert where(path=given) == where(path=str(given)) == "http://given"


def test_a_name_wins_over_the_variable_and_the_variable_over_the_default(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, TWO)
    assert where() == "http://one:8000"
    monkeypatch.setenv("DEEPSEEK_V4_PROFILE", "two")
    assert where() == "http://two:30000"
    assert where("one") == "http://one:8000"


def test_only_from_profile_reads_files(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(here, TWO)
    monkeypatch.setenv("DEEPSEEK_V4_CONFIG", str(file))
    monkeypatch.setenv("DEEPSEEK_V4_PROFILE", "one")
    with pytest.raises(errors.ConfigurationError, match="give base_url"):
        DeepSeekV4("vllm")


def test_every_setting_of_a_profile_arrives(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_OWN_KEY", "token-1")
    ca = write(here, "", "ca.pem")
    profile(
        here,
        f"""provider = "vllm"
        base_url = "http://localhost:8000"
        model = "m"
        thinking = "max"
        max_retries = 0
        proxy = "http://localhost:3128"
        ca_bundle = '{ca}'
        api_key_env = "MY_OWN_KEY"
        timeout = {{ connect = 5, first_event = 900.5 }}
        default_headers = {{ "x-team" = "a" }}""",
    )
    seen = Seen()
    made = DeepSeekV4.from_profile(http_client=seen.client()._arguments["http_client"])
    with pytest.raises(errors.AuthenticationError):
        made.chat("Hi")
    assert seen.key == "token-1"
    assert seen.requests[0].headers["x-team"] == "a"
    settings = made._settings
    assert settings.timeouts == Timeouts(connect=5, first_event=900.5)
    assert (settings.max_retries, settings.proxy, settings.ca_bundle) == (0, "http://localhost:3128", str(ca))
    assert settings.defaults == {"model": "m", "thinking": "max"}


def test_overrides_win_and_what_they_replace_may_be_missing(here: Path) -> None:
    profile(here, 'provider = "vllm"\nbase_url = "http://one"\napi_key_env = "NOT_SET"\nmodel = "m"')
    made = DeepSeekV4.from_profile(api_key="token-1", base_url="http://two", model="n")
    assert made.base_url == "http://two"
    assert made._settings.defaults["model"] == "n"
    profile(here, 'base_url = "http://one"')
    assert AsyncDeepSeekV4.from_profile(provider="sglang").provider == "sglang"


def test_seconds_may_be_one_number(here: Path) -> None:
    profile(here, 'provider = "mock"\ntimeout = 30')
    assert DeepSeekV4.from_profile()._settings.timeouts == Timeouts(total=30)


@pytest.mark.parametrize("flavor", ["vllm", "sglang"])
def test_the_flavor_of_a_mock(here: Path, flavor: str) -> None:
    profile(here, f'provider = "mock"\nflavor = "{flavor}"')
    with DeepSeekV4.from_profile() as client:
        reply = client.chat("Hi")
    assert (reply.provider, reply.flavor) == ("mock", flavor)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ('base_url = "http://a"', 'provider is missing: write provider = "vllm" or another'),
        ('provider = "vllm"\nbase_ulr = "x"', "there is no setting 'base_ulr' (did you mean 'base_url'?)"),
        ('provider = "vllm"\ntemperature = 1', "there is no setting 'temperature'"),
        ('provider = "vllm"\nflavor = "sglang"', 'flavor goes with provider = "mock" alone'),
        ('provider = "mock"\nflavor = 5', 'flavor goes with provider = "mock" alone'),
        ('provider = "vllm"\napi_key_env = "NOT_SET"', "api_key_env names NOT_SET, which is not set"),
        ('provider = "vllm"\napi_key_env = 5', "api_key_env is the name of one variable, and stands without api_key"),
        ('provider = "vllm"\napi_key = "private"\napi_key_env = "A"', "api_key_env is the name of one variable"),
        (
            'provider = "vllm"\ntimeout = { first = 5 }',
            "timeout has no 'first' (did you mean 'first_event'?); it has connect, first_event, idle, total",
        ),
        ('provider = "vllm"\ntimeout = { idle = "5" }', "timeout.idle is '5': give seconds above 0"),
        ('provider = "vllm"\ntimeout = { idle = 0 }', "timeout.idle is 0: give seconds above 0"),
    ],
)
def test_a_mistake_in_a_profile_is_named_with_its_place(here: Path, lines: str, text: str) -> None:
    file = profile(here, lines)
    said = complaint()
    assert said.startswith(f"{file}, profile 'p': ")
    assert text in said
    assert "private" not in said


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ('provider = "vlm"', "there is no provider 'vlm' (did you mean 'vllm'?)"),
        ("provider = 5", "provider is int: give a name such as 'vllm'"),
        ('provider = "vllm"', "vllm has no address of its own: give base_url"),
        ('provider = "mock"\nmax_retries = "2"', "max_retries is '2': give a whole number from 0"),
        ('provider = "mock"\nthinking = "hi"', "thinking is 'hi': give 'off' or 'low' or 'high' or 'max'"),
        ('provider = "mock"\ntimeout = "5"', "timeout is str: give total seconds"),
        ('provider = "mock"\ndefault_headers = "a"', "default_headers is str: give a mapping of texts"),
        ('provider = "vllm"\nbase_url = "http://a"\napi_key = "private key"', "api_key is no usable key"),
    ],
)
def test_a_wrong_value_is_told_as_for_the_argument(here: Path, lines: str, text: str) -> None:
    profile(here, lines)
    said = complaint()
    assert text in said
    assert "private" not in said


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[profiles.p\n", " is no TOML: "),
        ("", " has no profiles: write a table such as [profiles.dev]"),
        ("profiles = 5", " has no profiles"),
        ("[profiles]", " has no profiles"),
        ('[profiles.dev]\nprovider = "mock"', " has no profile 'prod'; it has dev"),
        ('[profiles.prode]\nprovider = "mock"', " has no profile 'prod' (did you mean 'prode'?); it has prode"),
        ("[profiles]\nprod = 5", " has no profile 'prod'"),
    ],
)
def test_a_wrong_file_is_named(here: Path, content: str, text: str) -> None:
    file = write(here, content)
    assert complaint("prod").startswith(f"{file}{text}")


def test_a_file_that_is_no_text_is_named(here: Path) -> None:
    file = here / "deepseek_v4.toml"
    file.write_bytes(b"\xff\xfe\x00")
    assert complaint("p").startswith(f"{file} cannot be read: ")


def test_a_missing_file_tells_where_it_was_looked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaint() == (
        f"there is no deepseek_v4.toml in {here} or above: write one, give path, or set DEEPSEEK_V4_CONFIG"
    )
    gone = here / "gone.toml"
    assert complaint(path=gone) == f"path names {gone}: there is no such file"
    assert complaint(path=here) == f"path names {here}: there is no such file"
    monkeypatch.setenv("DEEPSEEK_V4_CONFIG", str(gone))
    assert complaint() == f"DEEPSEEK_V4_CONFIG names {gone}: there is no such file"


def test_without_a_name_the_ways_to_give_one_are_told(here: Path) -> None:
    file = write(here, '[profiles.p]\nprovider = "mock"')
    said = f"no profile is named: give one, set DEEPSEEK_V4_PROFILE, or write default = ... into {file}"
    assert complaint() == said
