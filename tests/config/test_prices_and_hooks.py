"""Prices and hooks in a profile: prices are data, and hooks are code, which a file that was found may never bring."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, Hooks, Ledger
from deepseek_v4_sdk.config import json_schema
from deepseek_v4_sdk.config.file import ProfileFile
from deepseek_v4_sdk.support.files import own_folder

LEDGER = Ledger()
TEXT = "not a hook"
PRICES = """
[[profiles.p.prices]]
models = ["deepseek-ai/DeepSeek-V4-Flash"]
miss = 1
output = 2
as_of = 2026-11-30

[[profiles.p.prices]]
hit = "0.25"
miss = 0.5
output = 4
since = 2026-01-01
as_of = 2026-11-30
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is found from the working directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work" / "deepseek_v4.toml"


class Counting(Hooks):
    """Hooks that are made from their class."""


class Unwilling(Hooks):
    """Hooks that cannot be made."""

    def __init__(self) -> None:
        raise ValueError("two\nlines")


def write(file: Path, setting: str = "", rest: str = "") -> Path:
    """A file with a profile `p` on the mock."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'default = "p"\n[profiles.p]\nprovider = "mock"\n{setting}\n{rest}', "utf-8")
    return file


def test_prices_of_a_found_file(file: Path) -> None:
    write(file, rest=PRICES)
    with DeepSeekV4.from_profile() as client:
        cost = client.chat("Hello").cost()
        flash = client.chat("Hello", model="flash").cost()
    assert cost is not None
    assert flash is not None
    assert (cost.currency, cost.miss % Decimal("0.0000005"), cost.as_of.isoformat()) == ("USD", 0, "2026-11-30")
    assert flash.output % Decimal("0.000002") == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("miss = 1\noutput = 1", "prices.0.as_of is missing"),
        ("mis = 1\nmiss = 1\noutput = 1\nas_of = 2026-11-30", "prices.0 has no 'mis' (did you mean 'miss'?)"),
        ("miss = -1\noutput = 1\nas_of = 2026-11-30", "prices.0.miss is -1: give a number from 0"),
        ("miss = 1\noutput = 'x'\nas_of = 2026-11-30", "prices.0.output is 'x'"),
        ("miss = 1\noutput = 1\nas_of = 2026-11-30\nsince = 7", "prices.0.since is 7"),
    ],
)
def test_a_wrong_price(file: Path, line: str, reason: str) -> None:
    write(file, rest=f"[[profiles.p.prices]]\n{line}")
    with pytest.raises(ConfigurationError) as caught:
        DeepSeekV4.from_profile()
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"{file}:")


def test_hooks_of_a_file_that_is_named_or_the_users_own(file: Path) -> None:
    named = write(file.parent / "named.toml", f'hooks = ["{__name__}:LEDGER", "{__name__}:Counting"]')
    before = LEDGER.total.requests
    with DeepSeekV4.from_profile(path=named) as client:
        client.chat("Hello")
    folder = own_folder("config")
    assert folder is not None
    write(folder / file.name, f'hooks = ["{__name__}:LEDGER"]')
    with DeepSeekV4.from_profile() as client:
        client.chat("Hello")
    assert LEDGER.total.requests == before + 2


@pytest.mark.parametrize("trusted", [False, True])
def test_hooks_of_a_found_file_are_refused(file: Path, trusted: bool) -> None:
    write(file, 'hooks = ["no_such_module:hook"]')
    if trusted:
        ProfileFile.read_to_trust(None).trust()
    with pytest.raises(ConfigurationError, match="may never have them, trusted or not: put the profile into") as caught:
        DeepSeekV4.from_profile()
    assert str(caught.value).startswith(f"{file}:4, profile 'p': hooks run code")
    assert DeepSeekV4.explain_profile()["hooks"].value == "no_such_module:hook"
    assert DeepSeekV4.explain_profile().trust == "impossible for hooks"
    DeepSeekV4.from_profile(hooks=[]).close()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("LEDGER", "hooks has 'LEDGER': give module:object"),
        ("no_such_module:x", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        (f"{__name__}:none", "cannot be loaded: AttributeError: "),
        (f"{__name__}:Unwilling", "cannot be loaded: ValueError: two lines"),
        (f"{__name__}:TEXT", "which is str: give a subclass of Hooks"),
    ],
)
def test_wrong_hooks(file: Path, name: str, reason: str) -> None:
    named = write(file.parent / "named.toml", f'hooks = ["{name}"]')
    with pytest.raises(ConfigurationError) as caught:
        DeepSeekV4.from_profile(path=named)
    assert str(caught.value).startswith(f"{named}:4, profile 'p': hooks has ")
    assert reason in str(caught.value)


def test_a_module_of_the_working_directory_is_no_hook(file: Path) -> None:
    Path("hooks_that_lie_here.py").write_text("raise SystemExit('a stranger ran')\n", "utf-8")
    named = write(file.parent / "named.toml", 'hooks = ["hooks_that_lie_here:x"]')
    with pytest.raises(ConfigurationError, match="No module named 'hooks_that_lie_here'"):
        DeepSeekV4.from_profile(path=named)


def test_editors_know_them() -> None:
    properties = json.dumps(json_schema())
    assert "Hooks as module:object" in properties
    assert "Prompt tokens from the prefix cache" in properties
