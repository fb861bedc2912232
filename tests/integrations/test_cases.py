"""Every case of every framework on every server, through our adapters; the table of the other path is whole."""

from __future__ import annotations

import agents
import pytest

from tests.integrations.cases import CASES, KEPT, shown, verdict
from tests.integrations.model import FLAVORS
from tests.integrations.paths import FRAMEWORKS

agents.set_tracing_disabled(True)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_case(framework: str, flavor: str, case: str) -> None:
    assert verdict(case, framework, flavor, ours=True) == KEPT


def test_the_page_shows_the_other_path_beside_it() -> None:
    head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in shown().splitlines())
    assert head[2:] == list(CASES)
    assert [tuple(line[:2]) for line in lines] == [(name, flavor) for name in FRAMEWORKS for flavor in FLAVORS]
