"""Files with byte order marks are read; a home or a working directory that is not there is named."""

from __future__ import annotations

import codecs
import json
import os
from pathlib import Path

import pytest

from deepseek_v4_sdk import ConfigurationError, Conversation, DeepSeekV4, InvalidRequestError
from deepseek_v4_sdk.cli import conversations
from deepseek_v4_sdk.cli import inputs as given
from deepseek_v4_sdk.support.decoding import decoded

PROFILE = 'default = "dev"\n[profiles.dev]\nprovider = "mock"\nmodel = "pro"  # größer\n'
MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
in_each_encoding = pytest.mark.parametrize("encoding", MARKED)


def marked(text: str, encoding: str) -> bytes:
    return MARKED[encoding] + text.encode(encoding)


@in_each_encoding
def test_a_file_of_profiles(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_bytes(marked(PROFILE, encoding))
    assert DeepSeekV4.from_profile(path=file).chat("x").text


@in_each_encoding
def test_a_file_of_profiles_that_is_found(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deepseek_v4.toml").write_bytes(marked(PROFILE, encoding))
    assert DeepSeekV4.from_profile().chat("x").text


def test_places_in_it_are_counted_without_the_mark(tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_bytes(marked(PROFILE.replace("model", "modle"), "utf-8"))
    with pytest.raises(ConfigurationError, match=r"profiles\.toml:4"):
        DeepSeekV4.from_profile(path=file)


@in_each_encoding
def test_a_file_with_a_key(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(marked("key-123\r\n", encoding))
    file = tmp_path / "profiles.toml"
    file.write_text('default = "d"\n[profiles.d]\nprovider = "vllm"\nbase_url = "http://h"\napi_key_file = "key"\n')
    DeepSeekV4.from_profile(path=file).close()  # a mark in the key would be refused


@in_each_encoding
def test_a_conversation(encoding: str, tmp_path: Path) -> None:
    text = json.dumps([{"role": "user", "content": "größer"}], ensure_ascii=False)
    (tmp_path / "c.json").write_bytes(marked(text, encoding))
    assert conversations.load(str(tmp_path / "c.json"))[0].content == "größer"
    assert Conversation.from_json("\ufeff" + text)[0].content == "größer"
    assert "größer" in given.with_files("?", [str(tmp_path / "c.json")], None)  # type: ignore[arg-type]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert decoded(b"") == ""
    with pytest.raises(InvalidRequestError, match="not JSON"):
        Conversation.from_json(b"\xff\xfe[")
    (tmp_path / "p.toml").write_bytes(b"\xff\xfea")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        DeepSeekV4.from_profile(path=tmp_path / "p.toml")


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and a user that the system does not know, as in a container with a uid of its own."""
    for name in [name for name in os.environ if name == "HOME" or name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    if hasattr(os, "getuid"):
        monkeypatch.setattr(os, "getuid", lambda: 987654)
    else:
        for name in ("USERPROFILE", "HOMEPATH", "HOMEDRIVE"):
            monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("homeless")
def test_a_path_in_a_home_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "p.toml"
    entry = 'default = "d"\n[profiles.d]\nprovider = "vllm"\nbase_url = "http://h"\n'
    for setting in ("api_key_file", "ca_bundle"):
        file.write_text(f'{entry}{setting} = "~/file"\n')
        with pytest.raises(ConfigurationError, match=f"{setting} names ~/file, and there is no home folder: set HOME"):
            DeepSeekV4.from_profile(path=file)
    with pytest.raises(ConfigurationError, match=r"path names ~/p\.toml, and there is no home folder"):
        DeepSeekV4.from_profile(path="~/p.toml")
    monkeypatch.setenv("DEEPSEEK_V4_CONFIG", "~/p.toml")
    with pytest.raises(ConfigurationError, match=r"DEEPSEEK_V4_CONFIG names ~/p\.toml, and there is no home folder"):
        DeepSeekV4.from_profile()
    for ask in (lambda: conversations.load("~/c.json"), lambda: given.with_files("?", ["~/f"], None)):  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="there is no home folder"):
            ask()


@pytest.mark.usefixtures("homeless")
def test_without_a_home_the_others_places_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="or above, and there is no home folder"):
        DeepSeekV4.from_profile()


def test_a_working_directory_that_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigurationError, match="in the working directory, which was deleted"):
        DeepSeekV4.from_profile()
    with pytest.raises(ConfigurationError, match=r"path names p\.toml: there is no such file"):
        DeepSeekV4.from_profile(path="p.toml")
    assert given.functions(["json:loads"]) == [json.loads]
    assert DeepSeekV4("mock").chat("x").text
