"""Every case of every framework on every server, through our adapters: the page shows what is measured here."""

from __future__ import annotations

import pytest

from tests.integrations import table
from tests.integrations.cases import CASES, verdict
from tests.integrations.model import FLAVORS
from tests.integrations.paths import FRAMEWORKS, here

SHOWN = table.cells(table.ADAPTERS)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("framework", here())
def test_case(framework: str, flavor: str, case: str) -> None:
    assert verdict(case, framework, flavor, ours=True) == SHOWN[framework, flavor][list(CASES).index(case)]


@pytest.mark.parametrize("name", [table.ADAPTERS, table.OWN])
def test_both_tables_have_every_framework_and_server(name: str) -> None:
    every = {(framework, flavor) for framework in FRAMEWORKS for flavor in FLAVORS}
    assert {place for place, row in table.cells(name).items() if len(row) == len(CASES)} == every


def test_rows_of_servers_that_give_the_same_are_one() -> None:
    values = {("LangChain", "vllm"): ["✓"], ("LangChain", "sglang"): ["✓"], ("LangChain", "nim"): ["lost"]}
    assert table.written(values).splitlines()[2:] == ["| LangChain | vllm, sglang | ✓ |", "| LangChain | nim | lost |"]
