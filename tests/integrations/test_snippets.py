"""Every Python snippet of the pages on frameworks runs as it stands; a mock answers in place of each server."""

from __future__ import annotations

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

from tests.docs.pages import PAGES, name_of
from tests.docs.test_snippets import servers

__all__ = ["servers"]

SNIPPETS = list(find_examples(*(str(page) for page in PAGES if page.parent.name == "integrations")))


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize("example", SNIPPETS, ids=lambda each: f"{name_of(each.path)}:{each.start_line}")
def test_snippet(example: CodeExample, eval_example: EvalExample) -> None:
    eval_example.run(example)


def test_each_page_shows_something_that_runs() -> None:
    assert {example.path.stem for example in SNIPPETS} == {"langchain", "pydantic-ai", "openai-agents", "opentelemetry"}
