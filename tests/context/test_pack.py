"""Packing: nothing exceeds the budget, everything given is in the pack or in the report, and the order stays."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import (
    BudgetError,
    ContextBudget,
    DeepSeekV4,
    Document,
    InvalidRequestError,
    Pack,
    cache_report,
    count_text,
    pack,
)
from deepseek_v4_sdk.context import PromptCounter
from deepseek_v4_sdk.context import documents as finding
from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.tokens.texts import spells_special
from tests.support.profiles import examples

PROSE = "The quick brown fox jumps over the lazy dog.\n"
_OPENER = re.compile(r'<(document(?:-\d+)?) name=("(?:[^"\\]|\\.)*")( clipped)?>\n')


def unpacked(text: str) -> tuple[list[tuple[str, str, bool]], str]:
    """The documents and the question, read back by the form alone."""
    found: list[tuple[str, str, bool]] = []
    while match := _OPENER.match(text):
        closer = f"\n</{match[1]}>\n"
        end = text.index(closer, match.end() - 1)
        found.append((json.loads(match[2]), text[match.end() : end], match[3] is not None))
        text = text[end + len(closer) :]
    return found, text


def in_or_out(packed: Pack) -> list[str]:
    return sorted([item.name for item in packed.documents] + [item.name for item in packed.left_out])


content = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from('<>/document-2 \n"你é'), max_size=40),
    st.sampled_from(
        [
            "",
            "\n",
            "</document>",
            "a\n</document>\n<document-2 name=",
            "</document>\n</document-2>",
            PROSE * 3,
            "<think></think>",
            "x" * 300,
        ]
    ),
)
documents = st.lists(st.builds(Document, st.text(max_size=8), content), max_size=6)


@examples(30)
@given(given_=documents, limit=st.integers(0, 200), policy=st.sampled_from(["whole", "clip"]))
def test_laws(given_: list[Document], limit: int, policy: Any) -> None:
    packed = pack(given_, limit, policy=policy)
    assert packed.tokens == count_text(packed.text) <= limit == packed.limit
    assert sum(item.tokens for item in packed.documents) == packed.tokens
    assert in_or_out(packed) == sorted(item.name for item in given_)
    # What is in it comes back, and is what was given or its beginning.
    read, rest = unpacked(packed.text)
    assert rest == ""
    assert [name for name, _, _ in read] == [item.name for item in packed.documents]
    left = list(given_)
    for (name, text, clipped), item in zip(read, packed.documents, strict=True):
        source = next(
            source
            for source in left
            if source.name == name and len(source.text) == len(text) + item.clipped and source.text.startswith(text)
        )
        del left[: left.index(source) + 1]  # in the order given
        assert clipped is (item.clipped > 0)
    assert all(item.reason == "no_room" for item in packed.left_out)


@examples(20)
@given(
    given_=documents, last=content, other=content, limit=st.integers(0, 200), policy=st.sampled_from(["whole", "clip"])
)
def test_what_comes_later_changes_nothing_before_it(
    given_: list[Document], last: str, other: str, limit: int, policy: Any
) -> None:
    short = pack(given_, limit, policy=policy)
    longer, changed = (pack([*given_, Document("last", text)], limit, policy=policy) for text in (last, other))
    assert longer.text.startswith(short.text)
    assert changed.text.startswith(short.text)
    assert longer.documents[: len(short.documents)] == short.documents


@pytest.mark.parametrize("dialect", ["vllm", "recipe"])
@pytest.mark.parametrize("policy", ["whole", "clip"])
def test_the_whole_prompt_stays_within_the_room(dialect: Any, policy: Any) -> None:
    """With all that the server writes around it, and to the token."""
    budget = ContextBudget(2_000, 500, counter=PromptCounter.rendering(dialect))
    given_ = [Document(f"{number}.txt", PROSE * number + "<think>" * 5) for number in range(1, 30)]
    packed = pack(given_, budget, question="\n What do foxes do?", policy=policy)
    assert packed.text.endswith("</document>\nWhat do foxes do?")
    total = budget.measure(packed.text).total
    assert total - packed.tokens == budget.room - packed.limit > 0
    assert total <= budget.room
    if policy == "clip":
        assert budget.room - total < 15  # the last one was cut at the end of a line
        assert packed.documents[-1].clipped > 0
    assert pack(given_, budget, reserve=300).tokens <= packed.limit - 300 + count_text("What do foxes do?")


def test_the_cache_hits_up_to_what_changed() -> None:
    given_ = [Document(f"{number}.txt", PROSE * 5) for number in range(9)]
    budget = ContextBudget(10_000, 500)
    before = pack([*given_, Document("last", "as it was")], budget, question="What?")
    after = pack([*given_, Document("last", "as it is now")], budget, question="What?")
    report = cache_report(before.text, after.text, budget)
    assert report.common > sum(item.tokens for item in before.documents[:-1])
    assert report.lost < 30


def test_a_client_sends_it() -> None:
    mock = MockProvider(window=10_000)
    with DeepSeekV4(mock, server_version="0.33.0") as client:
        packed = pack([Document("a.txt", PROSE)], 1_000, question="What do foxes do?")
        reply = client.chat(packed.text, thinking="low")
    assert reply.usage.prompt_tokens == packed.tokens + 4
    assert mock.requests[0].text == packed.text


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a bit of everything."""
    home = tmp_path / "tree"
    for name, text in {
        "b.py": "b = 1\n",
        "a.md": "Grüße, 你好\n",
        "empty": "",
        "sub/c.py": PROSE,
        "sub/deep/d.txt": "d",
        "sub.txt": "s",
        ".git/config": "no",
        "sub/__pycache__/c.pyc": "no",
        "sub/notes.map": "no",
    }.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    (home / "picture.png").write_bytes(b"\x89PNG\r\n\x00\x01")
    (home / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    (home / "sub" / "loop").symlink_to(home, target_is_directory=True)
    (home / "sub" / "again.py").symlink_to(home / "b.py")
    (home / "sub" / "broken").symlink_to(home / "nothing")
    (tmp_path / "secret").write_text("no", encoding="utf-8")
    (home / "sub" / "out").symlink_to(tmp_path / "secret")
    os.mkfifo(home / "pipe")
    with (home / "huge.txt").open("wb") as file:
        file.truncate(finding.MAX_BYTES + 1)
    monkeypatch.chdir(tmp_path)
    return home


LEFT_OUT = {
    "tree/.git/": ("excluded", "by '.*'"),
    "tree/huge.txt": ("too_big", "16,777,217 bytes; more than 16,777,216 are not read"),
    "tree/latin.txt": ("no_utf8", "byte 2 is not valid in UTF-8"),
    "tree/picture.png": ("binary", "it holds a zero byte"),
    "tree/pipe": ("no_file", "it is not a regular file"),
    "tree/sub/__pycache__/": ("excluded", "by '__pycache__'"),
    "tree/sub/again.py": ("twice", "it is the same file as tree/b.py"),
    "tree/sub/broken": ("unreadable", "No such file or directory"),
    "tree/sub/loop": ("link", "a link to a folder is not followed"),
    "tree/sub/notes.map": ("excluded", "by '*.map'"),
    "tree/sub/out": ("link", "it leads out of the folder"),
}
TAKEN = ["tree/a.md", "tree/b.py", "tree/empty", "tree/sub.txt", "tree/sub/c.py", "tree/sub/deep/d.txt"]


@pytest.mark.parametrize("how", ["relative", "absolute", "string"])
def test_a_folder(tree: Path, how: str) -> None:
    packed = pack({"relative": Path("tree"), "absolute": tree, "string": "tree"}[how], 10_000)
    assert [item.name for item in packed.documents] == TAKEN
    assert {item.name: (item.reason, item.detail) for item in packed.left_out} == LEFT_OUT
    assert "secret" not in packed.text
    assert str(tree.parent) not in packed.text + str(packed)
    read, _ = unpacked(packed.text)
    assert {name: text for name, text, _ in read}["tree/a.md"] == "Grüße, 你好\n"


def test_what_is_named_itself_is_not_excluded(tree: Path) -> None:
    packed = pack(["tree/.git", "tree/sub/notes.map", tree / "b.py", "tree/b.py", "none"], 10_000)
    assert [item.name for item in packed.documents] == ["tree/.git/config", "tree/sub/notes.map", "b.py"]
    assert [(item.name, item.reason) for item in packed.left_out] == [("tree/b.py", "twice"), ("none", "unreadable")]


def test_a_file_that_grows_is_not_read_without_end(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with files of the system, whose size is told as 0."""
    real = os.fstat

    def told(number: int) -> Any:
        values = list(real(number))
        values[6] = 0
        return os.stat_result(values)

    monkeypatch.setattr(finding.os, "fstat", told)
    (item,) = pack("tree/sub/c.py", 10_000, max_bytes=10).left_out
    assert item.reason == "too_big"


def test_other_patterns(tree: Path) -> None:
    packed = pack("tree", 10_000, exclude=["sub/deep", "*.py", ".git", "huge.txt"])
    assert "tree/sub/deep/" in {item.name for item in packed.left_out if item.reason == "excluded"}
    assert [item.name for item in packed.documents] == [
        "tree/a.md",
        "tree/empty",
        "tree/sub.txt",
        "tree/sub/notes.map",
        "tree/sub/__pycache__/c.pyc",
    ]


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"bad\xff.txt")).write_text("text", encoding="utf-8")
    except OSError:
        pytest.skip("this file system has names in UTF-8 alone")
    packed = pack(tmp_path, 1_000)
    assert [item.name for item in packed.documents] == [f"{tmp_path.name}/bad\ufffd.txt"]


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    scan = os.scandir

    def refuse(path: Path) -> Any:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(finding.os, "scandir", refuse)
    (item,) = pack(tmp_path, 1_000).left_out
    assert (item.reason, item.detail) == ("unreadable", "Permission denied")
    assert item.name == f"{tmp_path.name}/closed"


def test_what_does_not_fit(tree: Path) -> None:
    given_ = [Document("first", PROSE), Document("large", PROSE * 100), Document("small", PROSE)]
    whole = pack(given_, 60)
    assert [item.name for item in whole.documents] == ["first", "small"]
    (left,) = whole.left_out
    assert (left.name, left.reason) == ("large", "no_room")
    assert left.tokens is not None
    assert left.tokens > 1_000
    clip = pack(given_, 60, policy="clip")
    (_, large) = clip.documents
    read, _ = unpacked(clip.text)
    assert read[1] == ("large", (PROSE * 100)[: len(read[1][1])], True)
    assert large.clipped == len(PROSE * 100) - len(read[1][1])
    assert read[1][1].endswith("dog.")
    assert "left out  large: " in str(whole)
    assert "clipped   large: " in str(clip)
    assert pack([Document("a", "\n" + "one word after the other " * 50)], 40, policy="clip").documents[0].clipped > 0
    assert json.loads(json.dumps(clip.to_dict()))["left_out"][0]["reason"] == "no_room"


def test_control_tokens_in_documents_are_named() -> None:
    packed = pack([Document("a", "plain"), Document("b", "a </think> b")], 1_000)
    assert [item.special for item in packed.documents] == [False, True]
    assert not spells_special("".join(text for text in ("<document name=", "</document>")))


def test_progress() -> None:
    seen: list[tuple[int, int]] = []
    pack([Document("a", "a"), Document("b", "b")], 1_000, on_progress=lambda *told: seen.append(told))
    assert seen == [(1, 2), (2, 2)]


def test_nothing_given() -> None:
    packed = pack([], 100, question="Well?")
    assert (packed.text, packed.documents, packed.left_out) == ("Well?", (), ())


def test_wrong_arguments() -> None:
    with pytest.raises(InvalidRequestError, match=r"documents\[1\] is int"):
        pack(["a", 1], 100)  # type: ignore[list-item]
    with pytest.raises(InvalidRequestError, match="policy"):
        pack([], 100, policy="some")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="exclude"):
        pack([], 100, exclude="*.py")
    with pytest.raises(BudgetError, match="room for 5"):
        pack([], 5, question="a question that is much too long")
    with pytest.raises(InvalidRequestError, match="surrogate"):
        pack([Document("a", "\ud800")], 100)


def test_it_is_linear() -> None:
    """Ten times the documents take about ten times as long; a square would be a hundred."""

    def seconds(count: int) -> float:
        given_ = [Document(f"{number}", PROSE * 4) for number in range(count)]
        began = time.process_time()
        pack(given_, 10**9)
        return time.process_time() - began

    seconds(100)
    small = min(seconds(300) for _ in range(3))
    assert seconds(3_000) < 40 * small + 0.2
