"""The package as it is shipped: one version, its types, its licence, and nothing that belongs to a machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest

import deepseek_v4_sdk
from tests.support.tree import PACKAGE, ROOT, files

VERSION = deepseek_v4_sdk.__version__


def test_the_version_stands_in_one_place() -> None:
    assert metadata.version("deepseek-v4-sdk") == VERSION
    sources = [*PACKAGE.rglob("*.py"), ROOT / "pyproject.toml"]
    holders = [file for file in sources if f'"{VERSION}"' in file.read_text(encoding="utf-8")]
    assert holders == [PACKAGE / "_version.py"]


def test_the_changelog_has_the_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == VERSION


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built here and without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_package_and_its_types(wheel: zipfile.ZipFile) -> None:
    with wheel:
        names = set(wheel.namelist())
        info = f"deepseek_v4_sdk-{VERSION}.dist-info"
        described = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    sources = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py")}
    assert "deepseek_v4_sdk/py.typed" in names
    assert sources <= names
    assert {name.partition("/")[0] for name in names} == {"deepseek_v4_sdk", info}
    assert f"{info}/licenses/LICENSE" in names
    assert described["Version"] == VERSION
    assert described["Requires-Python"] == ">=3.11"
    assert described["License-Expression"] == "MIT"
    assert "# deepseek-v4-sdk" in str(described.get_payload())


def test_each_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    justified = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Dependencies")[2]
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=\[]", requirement)[0]
        assert f"| `{name}` |" in justified


# Written so that this file does not hold what it looks for.
_FORBIDDEN = {
    "a path of somebody's machine": r"/(?:root|work)/(?=\w)|/(?:home|Users)/(?!user\b)\w+/",
    "a key": r"\b(?:sk-[A-Za-z0-9]{32}|nvapi-[\w-]{40}|hf_[A-Za-z0-9]{20}|gh[pousr]_[A-Za-z0-9]{20}|AKIA[0-9A-Z]{16})",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE " + "KEY-----",
    "a mark of an unfinished merge": r"^(?:<{7}|>{7}) ",
}


@pytest.mark.parametrize("what", _FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(_FORBIDDEN[what], re.MULTILINE)
    found: list[str] = []
    for file in files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if file != Path(__file__) and (match := pattern.search(text)):
            found.append(f"{file.relative_to(ROOT)}: {match[0]!r}")
    assert found == []


def test_every_source_file_says_what_it_is() -> None:
    for folder in ("deepseek_v4_sdk", "examples", "benchmarks"):
        for file in (ROOT / folder).rglob("*.py"):
            assert file.read_text(encoding="utf-8").startswith(('"""', 'r"""')), (
                f"{file.relative_to(ROOT)} has no docstring"
            )
