"""What others publish and this repository runs is named by its hash: tools of the suite, actions of workflows."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LOCK = "requirements-dev.txt"
LINES = (ROOT / LOCK).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
LOCKED = [line for line in LINES if not line.startswith("#")]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_each_locked_line_is_one_version_with_its_hashes() -> None:
    """And nothing else: no option, no address of an index, no path."""
    line = re.compile(r"[a-z0-9.-]+==[\w.+!]+( ; [\w\s'.<>=!()]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [each for each in LOCKED if not line.fullmatch(each)] == []
    assert "make lock" in LINES[1]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_lock_has_what_the_project_asks_for(python: str, platform: str) -> None:
    """A dependency that is new or bounded anew needs `make lock`."""
    here = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": platform, "extra": ""}
    versions: dict[str, str] = {}
    for text in LOCKED:
        locked = Requirement(text.partition("--hash")[0])
        if locked.marker is None or locked.marker.evaluate(here):
            assert locked.name not in versions, f"{locked.name} twice on Python {python}"
            versions[locked.name] = next(iter(locked.specifier)).version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # These have environments of their own: the NeMo Agent Toolkit excludes versions that the suite needs; Ray is large.
    extras = [each for name, each in project["optional-dependencies"].items() if name not in {"nat", "ray"}]
    lists = [project["dependencies"], *extras]
    asked = [Requirement(text) for each in lists for text in each]
    missing = [
        str(each)
        for each in asked
        if canonicalize_name(each.name) != "deepseek-v4-sdk"
        and (each.marker is None or each.marker.evaluate(here))
        and not each.specifier.contains(versions.get(canonicalize_name(each.name), "0.dev0"))
    ]
    assert missing == []


@pytest.mark.parametrize("workflow", [pytest.param(each, id=each.name) for each in WORKFLOWS])
def test_each_action_is_named_by_its_commit(workflow: Path) -> None:
    used = re.findall(r"uses:(.*)", workflow.read_text(encoding="utf-8"))
    assert used
    assert [each for each in used if not re.fullmatch(r" [\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", each)] == []
