"""Which part of a growing Markdown text is finished: what is printed for good never changes afterwards."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk.cli.blocks import finished

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
    ("text", "done"),
    [
        ("", ""),
        ("One", ""),
        ("One\n\n", ""),
        ("One\n\nTwo", "One\n\n"),
        ("# A\nb", "# A\n"),
        ("- a\n\n- b", ""),
        ("```\na\n\nb", ""),
        ("```\na\n```\nb", "```\na\n```\n"),
        ("| a |\n|---|\n| 1 |", ""),
    ],
)
def test_finished(text: str, done: str) -> None:
    assert text[: finished(text)] == done


def test_growing_by_pieces_gives_whole_blocks() -> None:
    """Cut after any character, the finished parts join to the same blocks."""
    whole: list[str] = []
    pending = ""
    for character in TEXT:
        pending += character
        if done := finished(pending):
            whole.append(pending[:done])
            pending = pending[done:]
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
