"""Which part of a growing Markdown text is finished: what is printed for good never changes afterwards."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk.cli.blocks import blocks

TEXT = """# Title

A paragraph
of two lines.

- one

- two
  - deeper

1. first
2. second

```python
x = 1

# no heading
```

| a | b |
|---|---|
| 1 | 2 |

> a quote

Setext
======

The end."""


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", [""]),
        ("One", ["One"]),
        ("\n\nOne\n\n", ["\n\nOne\n\n"]),
        ("One\n\nTwo", ["One\n\n", "Two"]),
        ("# A\nb", ["# A\n", "b"]),
        ("- a\n\n- b", ["- a\n\n- b"]),
        ("```\na\n\nb", ["```\na\n\nb"]),
        ("```\na\n```\nb\n\nc", ["```\na\n```\n", "b\n\n", "c"]),
        ("| a |\n|---|\n| 1 |", ["| a |\n|---|\n| 1 |"]),
    ],
)
def test_blocks(text: str, pieces: list[str]) -> None:
    assert blocks(text) == pieces


def test_growing_by_characters_gives_whole_blocks() -> None:
    """What is finished when it is looked at after each character stays so, and nothing is lost between two looks."""
    whole: list[str] = []
    pending = ""
    for character in TEXT:
        *done, pending = blocks(pending + character)
        whole += done
    assert "".join([*whole, pending]) == TEXT
    assert [block.split("\n")[0] for block in (*whole, pending)] == [
        "# Title",
        "A paragraph",
        "- one",
        "1. first",
        "```python",
        "| a | b |",
        "> a quote",
        "Setext",
        "The end.",
    ]
