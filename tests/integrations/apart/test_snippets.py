"""The snippets of LangChain's page run here with Deep Agents, which the suite does not have."""

from __future__ import annotations

import pytest
from pytest_examples import CodeExample, EvalExample

from tests.docs.test_snippets import servers
from tests.integrations.test_snippets import APART, SNIPPETS, needs
from tests.support.pages import name_of

__all__ = ["servers"]


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(
    "example",
    [each for each in SNIPPETS if needs(each) & {APART, "langchain"}],
    ids=lambda each: f"{name_of(each.path)}:{each.start_line}",
)
def test_snippet(example: CodeExample, eval_example: EvalExample) -> None:
    eval_example.run(example)
