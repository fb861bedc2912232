"""Profiles: which file and which table a client is made from, and how a mistake in them is named."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Timeouts, errors
from deepseek_v4_sdk.config import user_file
from tests.support.seen import Seen, trust

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
    """A profile file; it is trusted, if it can be read at all."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text, "utf-8")
    with contextlib.suppress(errors.ConfigurationError):
        trust(file)
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


def test_the_users_own_file_comes_last(here: Path) -> None:
    write(user_file().parent, TWO.replace("one:8000", "own"))
    assert where() == "http://own"
    write(here.parent, TWO)
    assert where() == "http://one:8000"


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
        control_tokens = "mark"
        on_interrupt = ["resume", "restart"]
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
    assert settings.defaults == {
        "model": "m",
        "thinking": "max",
        "control_tokens": "mark",
        "on_interrupt": ("resume", "restart"),
    }


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
    ("lines", "line", "text"),
    [
        ('base_url = "http://a"', 2, 'provider is missing: write provider = "vllm" or another'),
        ('provider = "vllm"\nbase_ulr = "x"', 4, "there is no setting 'base_ulr' (did you mean 'base_url'?)"),
        ('provider = "vllm"\ntemperature = 1', 4, "there is no setting 'temperature'"),
        ('provider = "vllm"\nflavor = "sglang"', 4, 'flavor goes only with provider = "mock"'),
        ('provider = "mock"\nflavor = 5', 4, "flavor is 5: give a text"),
        ('provider = "mock"\nflavor = "vlm"', 4, "there is no flavor 'vlm' (did you mean 'vllm'?)"),
        ('provider = "nim"\nengine = "vlm"', 4, "engine is 'vlm': give 'vllm', 'sglang' or '1.x'"),
        ('provider = "vllm"\nengine = "vllm"', 4, 'engine goes only with provider = "nim"'),
        ('provider = "vllm"\napi_key_env = "NOT_SET"', 4, "api_key_env names NOT_SET, which is not set"),
        ('provider = "vllm"\napi_key_env = 5', 4, "api_key_env is 5: give a text"),
        ('provider = "vllm"\napi_key_file = "a"\napi_key_env = "A"', 5, "api_key_env and api_key_file are both given"),
        ('provider = "vllm"\ntimeout = { first = 5 }', 4, "timeout has no 'first' (did you mean 'first_event'?)"),
        ('provider = "vllm"\n[profiles.p.timeout]\n\nfirst = 5', 6, "timeout has no 'first' (did you mean"),
        ('provider = "vllm"\ntimeout = { idle = "5" }', 4, "timeout.idle is '5': give a number"),
        ('provider = "vllm"\ntimeout.idle = 0', 4, "timeout.idle is 0: give a number above 0"),
        ('provider = "vllm"\ntimeout.idle = 1e300', 4, "timeout.idle is 1e+300: give seconds above 0"),
        ('provider = "vllm"\ntimeout = true', 4, "timeout is True: give a number"),
        ('# a remark\nprovider = "vlm"', 4, "there is no provider 'vlm' (did you mean 'vllm'?)"),
        ("provider = 5", 3, "provider is 5: give a text"),
        ('provider = "vllm"', 2, "vllm has no default address: give base_url"),
        ('base_url = "localhost"\nprovider = "vllm"', 3, "base_url is 'localhost': give one such as"),
        ('provider = "mock"\nmax_retries = "2"', 4, "max_retries is '2': give a whole number"),
        ('provider = "mock"\nmax_retries = -1', 4, "max_retries is -1: give a number from 0"),
        ('provider = "mock"\nthinking = "hi"', 4, "thinking is 'hi': give 'off', 'low', 'high' or 'max'"),
        ('provider = "mock"\nstrict_model = "yes"', 4, "strict_model is 'yes': give true or false"),
        ('provider = "mock"\ndefault_headers = "private"', 4, "default_headers is str: give a table"),
        ('provider = "mock"\ndefault_headers = { "a b" = "private" }', 4, "default_headers is dict: give a mapping"),
        ('provider = "mock"\nproxy = ["private"]', 4, "proxy is list: give a text"),
        ('provider = "mock"\nproxy = "http://me:private@"', 4, "proxy is not a URL with http, https or socks5"),
        ('provider = "mock"\nca_bundle = "none.pem"', 4, "none.pem': there is no such file"),
        ('provider = "vllm"\nbase_url = "http://a"\napi_key_env = "BLANK"', 5, "api_key is not a usable key"),
        (
            'provider = "vllm"\nlimits = { concurency = 4 }',
            4,
            "limits has no 'concurency' (did you mean 'concurrency'?)",
        ),
        ('provider = "vllm"\nlimits = { concurrency = 0 }', 4, "limits.concurrency is 0: give a number from 1"),
        ('provider = "vllm"\nlimits = "of"', 4, "limits is 'of': give 'provider' or 'off'"),
        ('provider = "vllm"\nbalance = "sticki"', 4, "balance is 'sticki': give 'sticky' or 'least_busy'"),
        ('provider = "vllm"\nendpoints = "http://a"', 4, "endpoints is 'http://a': give a list"),
        ('provider = "vllm"\nendpoints = ["http://a", "b"]', 4, "base_url is 'b': give one such as"),
        ('provider = """vllm"""\nbase_url = """\nlocalhost"""\nproxy = 5', 6, "proxy is int: give a text"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    here: Path, lines: str, line: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line of the setting that is wrong, or of the table that lacks one."""
    monkeypatch.setenv("BLANK", "private key")
    file = profile(here, lines)
    said = complaint()
    assert said.startswith(f"{file}:{line}, profile 'p': ")
    assert text in said
    assert "private" not in said


def test_what_the_caller_gave_is_not_blamed_on_the_file(here: Path) -> None:
    profile(here, 'provider = "vllm"\nbase_url = "http://a"')
    assert complaint(base_url="localhost") == "base_url is 'localhost': give one such as http://localhost:8000"
    assert complaint(thinking="hi").startswith("thinking is 'hi': ")


@pytest.mark.parametrize(
    ("content", "line", "text"),
    [
        ("defualt = 'p'\n[profiles.p]", 1, "there is no setting 'defualt' (did you mean 'default'?); known: "),
        ("[profile.p]\nprovider = 'mock'", 1, "there is no setting 'profile' (did you mean 'profiles'?)"),
        ("\ndefault = 5\n[profiles.p]", 2, "default is 5: give the name of a profile"),
        ("[profiles]\np = 5", 2, "profile 'p' is not a table: write it as [profiles.p]"),
        ("# top\ndefault = 'q'\n[profiles.p]", 2, "no profile 'q'"),
        ("default = 'p'\n[profiles.p]\nprovider = 'mock'\n[[models]]\n[[models]]", 4, "models[0] needs provider"),
    ],
)
def test_a_mistake_outside_of_profiles_is_named_with_its_line(here: Path, content: str, line: int, text: str) -> None:
    file = write(here, content)
    said = complaint("p" if "'p'" in text else None)
    assert said.startswith(f"{file}:{line}")
    assert text in said


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[profiles.p\n", " is not valid TOML: "),
        ("", " has no profiles: write a table such as [profiles.dev]"),
        ("profiles = 5", " has no profiles"),
        ("[profiles]", " has no profiles"),
        ('[profiles.dev]\nprovider = "mock"', " has no profile 'prod'; it has dev"),
        ('[profiles.prode]\nprovider = "mock"', " has no profile 'prod' (did you mean 'prode'?); it has prode"),
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
        f"there is no deepseek_v4.toml in {here} or above, nor {user_file()}: "
        "write one (deepseek-v4 config init), give path, or set DEEPSEEK_V4_CONFIG"
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


CHAIN = """
[profiles.prod]
provider = "mock"
fallback = ["nim", "dev"]
[profiles.nim]
provider = "mock"
fallback = ["{}"]
[profiles.dev]
provider = "mock"
"""


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("prod", ":7, profile 'nim': fallback goes in a circle: prod -> nim -> prod"),
        ("nim", ":7, profile 'nim': fallback goes in a circle: nim -> nim"),
        ("dve", ":7, profile 'nim': fallback names 'dve', which is not a profile here (did you mean 'dev'?)"),
    ],
)
def test_fallbacks_that_lead_nowhere(here: Path, last: str, told: str) -> None:
    file = write(here, CHAIN.format(last))
    assert complaint("prod").startswith(f"{file}{told}")


def test_a_fallback_with_a_mistake_of_its_own(here: Path) -> None:
    file = write(here, CHAIN.format("dev") + "thinkin = 'high'\n")
    assert complaint("prod").startswith(f"{file}:10, profile 'dev': there is no setting 'thinkin'")


FALLBACK = """
[profiles.prod]
provider = "vllm"
base_url = "http://127.0.0.1:1"
fallback = ["nim", "dev"]
limits = { concurrency = 4 }
[profiles.nim]
provider = "nim"
base_url = "http://127.0.0.1:2"
api_key_env = "NIM_KEY"
fallback = ["dev"]
[profiles.dev]
provider = "mock"
flavor = "sglang"
"""


def test_fallbacks_are_asked_in_order(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIM_KEY", "token-1")
    file = write(here, FALLBACK)
    with DeepSeekV4.from_profile("prod") as client:
        reply = client.chat("Tell me about owls.")
        told = client.explain()
    assert "owls" in reply.text
    assert (reply.provider, reply.flavor) == ("mock", "sglang")
    assert [attempt.provider for attempt in reply.attempts] == ["vllm", "nim", "mock"]
    assert told["fallback"].origin == f"profile prod, {file}:5"
    assert told["fallback"].value.count("DeepSeekV4(") == 2
    assert "token-1" not in str(told)
    with DeepSeekV4.from_profile("prod", fallback=[]) as alone:
        assert alone.explain()["fallback"].value == "none"


def test_a_fallback_without_its_key(here: Path) -> None:
    file = write(here, FALLBACK)
    assert complaint("prod") == f"{file}:10, profile 'nim': api_key_env names NIM_KEY, which is not set"


def test_replicas(here: Path) -> None:
    profile(here, 'provider = "vllm"\nendpoints = ["http://one:8000", "http://two:8000"]\nbalance = "least_busy"')
    with DeepSeekV4.from_profile() as client:
        assert client.explain()["endpoints"].value == "http://one:8000, http://two:8000"
        assert client.explain()["balance"].value == "least_busy"
