"""Where a profile's key comes from, and what is said of a key that stands in the file itself."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import DeepSeekV4, errors
from tests.support.seen import Seen, trust

if TYPE_CHECKING:
    from pathlib import Path

KEY = "canary-key-9c1e"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "deepseek_v4.toml"


def write(file: Path, source: str) -> None:
    file.write_text(
        f'default = "p"\n[profiles.p]\nprovider = "vllm"\nbase_url = "http://localhost:8000"\n{source}\n', "utf-8"
    )
    trust(file)


def sent() -> str | None:
    """The key that a client of the profile sends."""
    seen = Seen()
    with DeepSeekV4.from_profile(http_client=seen.client()._arguments["http_client"]) as client:
        client.health()
    return seen.key


def command(program: str) -> str:
    return f"api_key_command = ['{sys.executable}', '-c', '''{program}''']"


def test_a_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", KEY)
    write(file, 'api_key_env = "MINE"')
    assert sent() == KEY


def test_a_file_beside_the_profiles_that_may_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "key").write_text(f"{KEY}\n", "utf-8")
    write(file, 'api_key_file = "key"')
    (file.parent / "deeper").mkdir()
    monkeypatch.chdir(file.parent / "deeper")
    assert sent() == KEY
    seen = Seen()
    with DeepSeekV4.from_profile(http_client=seen.client()._arguments["http_client"]) as client:
        (file.parent / "key").write_text("another", "utf-8")
        client.health()
    assert seen.key == "another"


def test_a_command(file: Path) -> None:
    write(file, command(f'print("{KEY}")'))
    assert sent() == KEY
    write(file, f"""api_key_command = '"{sys.executable}" -c "print(5)"'""")  # a text is split as a shell splits it
    assert sent() == "5"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (command("raise SystemExit(3)"), f"api_key_command failed: {sys.executable} ended with 3"),
        (command("pass"), "api_key_command gave no key: "),
        ('api_key_command = "no-such-program --now"', "api_key_command does not run: no-such-program: "),
        ('api_key_command = "\'open"', "api_key_command is not a command: No closing quotation"),
        ("api_key_command = []", "api_key_command is empty: give a command that prints the key"),
        ("api_key_command = 5", "api_key_command is int: give a text"),
        ('api_key_file = "gone"', "which cannot be read: No such file or directory"),
        ('api_key_file = "."', "which cannot be read: Is a directory"),
    ],
)
def test_a_source_without_a_key(file: Path, source: str, told: str) -> None:
    write(file, source)
    with pytest.raises(errors.ConfigurationError) as caught:
        sent()
    assert str(caught.value).startswith(f"{file}:5, profile 'p': ")
    assert told in str(caught.value)


def test_a_source_is_left_alone_when_the_caller_gives_a_key(file: Path) -> None:
    write(file, command("raise SystemExit(3)"))
    with DeepSeekV4.from_profile(api_key=KEY) as client:
        assert client.explain()["api_key"].origin == "argument"


def test_a_key_in_the_file_is_warned_about(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(file, f'api_key = "{KEY}"')
    file.chmod(0o600)
    with pytest.warns(UserWarning, match="deepseek_v4.toml:5 holds a key: name where it is with api_key_env") as caught:
        assert sent() == KEY
    (warning,) = caught
    assert warning.filename == __file__
    assert KEY not in str(warning.message)
    assert "other users" not in str(warning.message)
    assert caplog.records == []


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such bits there")
def test_it_is_told_louder_when_others_can_read_it(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(file, f'api_key = "{KEY}"')
    file.chmod(0o644)
    with pytest.warns(UserWarning, match="other users of this machine can read it: change the key, and run chmod 600"):
        assert sent() == KEY
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert KEY not in record.getMessage()


def test_where_keys_are_named_nothing_is_warned_about(file: Path) -> None:
    write(file, command("print(5)"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sent()
