"""The linter of prose: each rule finds its own example and passes its counter-example.

`make lint` runs it over all texts that people read.
"""

from __future__ import annotations

import pytest

from tests.house import prose
from tests.house.passages import Passage, of_markdown, of_python, prose_files
from tests.support.tree import ROOT

RULES = prose.rules()


def found(rule: str, text: str) -> list[str]:
    kind = (RULES[rule].kinds or ("markdown",))[0]
    passage = Passage(kind, text, ((0, 1),))
    return [each.sentence for each in prose.check("README.md", [passage]) if each.rule == rule]


def test_all_that_people_read_is_linted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path the command of `make lint` reads the package, the examples, the pages and the README."""
    lint = (ROOT / "Makefile").read_text("utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    assert "\n\t@$(BIN)/python -m tests.house.prose\n" in f"{lint}\n"
    read: list[str] = []
    monkeypatch.setattr(prose, "check", lambda path, _: read.append(path) or [])
    prose.check_files()
    areas = {"/".join(path.split("/")[:2]) for path in read}
    assert {"README.md", "CONTRIBUTING.md", "docs/batch.md", "deepseek_v4_sdk/chat", "deepseek_v4_sdk/cli"} <= areas
    assert set(read) == {file.relative_to(ROOT).as_posix() for file in prose_files()}


@pytest.mark.parametrize(("rule", "text"), [(name, text) for name, rule in RULES.items() for text in rule.bad])
def test_a_rule_finds_its_example(rule: str, text: str) -> None:
    assert found(rule, text)


@pytest.mark.parametrize(("rule", "text"), [(name, text) for name, rule in RULES.items() for text in rule.good])
def test_a_rule_passes_its_counter_example(rule: str, text: str) -> None:
    assert found(rule, text) == []


def test_each_rule_has_words_for_people() -> None:
    for rule in RULES.values():
        assert rule.message, rule.name
        assert rule.reason, rule.name
        assert rule.bad, rule.name
        assert rule.good, rule.name
        assert bool(rule.pattern) != bool(rule.words), rule.name


def test_each_accepted_sentence_has_a_reason() -> None:
    """A comment above it, and nothing but other accepted sentences between the two."""
    reason = False
    _, _, lines = (ROOT / "tests/house/prose_accepted.txt").read_text("utf-8").partition("\n\n")  # after the head
    for line in lines.splitlines():
        reason = bool(line.strip()) and (reason or line.startswith("#"))
        if line.strip() and not line.startswith("#"):
            assert reason, line
            assert ": " in line, line


SOURCE = '''\
"""The head of the module.

The second paragraph goes on
in two lines with `the key is no code`.

```python
there is no prose here
```
"""

# a comment of
# two lines
VALUE = 1  # noqa: S105  # a reason behind it
"""A value."""


def ask(first: int) -> str:
    """Return an answer.

    Args:
        first: The number,
            and more of it.

    Raises:
        ValueError: It is wrong.
    """
    if first:
        raise ValueError(f"the number {first} is no right one: give another")
    return "a key"
'''


def test_a_python_file_is_taken_apart() -> None:
    texts = {(each.kind, each.line(0), each.text) for each in of_python(SOURCE)}
    assert texts == {
        ("head", 1, "The head of the module."),
        ("docstring", 3, "The second paragraph goes on in two lines with `the key is no code`."),
        ("comment", 11, "a comment of two lines"),
        ("comment", 13, "a reason behind it"),
        ("head", 14, "A value."),
        ("head", 18, "Return an answer."),
        ("entry", 21, "The number, and more of it."),
        ("entry", 25, "It is wrong."),
        ("message", 28, "the number {…} is no right one: give another"),
    }


def test_a_message_may_end_in_a_name() -> None:
    assert [each.text for each in of_python('raise ValueError(f"{name} is no JSON")')] == ["{…} is no JSON"]


def test_a_page_is_taken_apart() -> None:
    page = (
        "# The title\n\nA paragraph with `code` in\ntwo lines.\n\n"
        "| head | b |\n|---|---|\n| a cell | yes |\n\n"
        "- one item\n- another, [linked](x.md)\n\n"
        "```sh\nis no prose\n```\n\n<p>is no prose</p>\n"
    )
    texts = [(each.kind, each.line(0), each.text) for each in of_markdown(page)]
    assert texts == [
        ("heading", 1, "The title"),
        ("markdown", 3, "A paragraph with `code` in two lines."),
        ("heading", 6, "head"),
        ("markdown", 8, "a cell"),
        ("markdown", 8, "yes"),
        ("markdown", 10, "one item"),
        ("markdown", 11, "another, linked"),
    ]


def test_code_and_quotations_are_not_checked() -> None:
    text = "Write `it is no key` or \"it is no key\" or 'it is no key', see https://no.example/alone."
    assert found("is-no", text) == []
    assert found("alone", text) == []
    apostrophes = "The server's key is no key, and the servers' keys are."
    assert found("is-no", apostrophes) == [apostrophes]


def test_a_breach_names_its_line_and_its_sentence() -> None:
    page = "The first sentence is fine. The second\nis no whole one. A third\nfollows.\n\nIt works by name\nalone.\n"
    breaches = list(prose.check("docs/page.md", of_markdown(page)))
    assert [(each.line, each.rule, each.sentence) for each in breaches] == [
        (2, "is-no", "The second is no whole one."),
        (6, "alone", "It works by name alone."),
    ]


def test_nothing_reaches_from_one_passage_into_the_next() -> None:
    cells = [Passage("markdown", text, ((0, line),)) for line, text in enumerate(("yes", "yes", "it is", "no key"), 1)]
    assert list(prose.check("README.md", cells)) == []


def test_a_word_said_twice_is_found_by_proselint() -> None:
    passage = Passage("markdown", "It reads the the file.", ((0, 7),))
    assert [each.line for each in prose.check("README.md", [passage])] == [7]


def test_a_folder_can_be_left_out_of_a_rule() -> None:
    passage = Passage("markdown", "Each room imports those below.", ((0, 1),))
    assert [each.rule for each in prose.check("README.md", [passage])] == ["room"]
    assert list(prose.check("docs/architecture.md", [passage])) == []


def test_the_command_fails_on_a_breach_and_gives_a_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    breach = prose.Breach("docs/page.md", 3, "alone", "By name alone.", "write only")
    monkeypatch.setattr(prose, "check_files", lambda _: ([breach], prose.accepted()))
    assert prose.main(["--fix-hints"]) == 1
    assert "docs/page.md:3: alone: By name alone.\n    write only\n" in capsys.readouterr().out
    monkeypatch.setattr(prose, "check_files", lambda _: ([], prose.accepted()))
    assert prose.main([]) == 0
    monkeypatch.setattr(prose, "accepted", lambda: frozenset({("alone", "It is gone.")}))
    monkeypatch.setattr(prose, "check_files", lambda _: ([], set()))
    assert prose.main([]) == 1
    assert "delete it: alone: It is gone." in capsys.readouterr().out
