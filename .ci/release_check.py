"""Everything between the repository and a user.

The package is built, installed where nothing else is, and used as the README says, word by word. It needs a package
registry, and no other network.

    python .ci/release_check.py            # without the two lines of the README that run the suite
    python .ci/release_check.py --suite    # with them
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_SUITE = re.compile(r"make test|-m pytest")


def main() -> None:
    """Build, check, install, follow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", action="store_true", help="also run the suite where the README says so")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel, source = build(folder)
        check_wheel(wheel, folder)
        follow_readme(source, folder, suite=arguments.suite)
    print("release check: all is well")


def build(folder: Path) -> tuple[Path, Path]:
    """The wheel and the source archive, built and checked."""
    run([sys.executable, "-m", "hatchling", "build", "-d", str(folder / "dist")], ROOT)
    (wheel,), (source,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(source)], ROOT)
    return wheel, source


def check_wheel(wheel: Path, folder: Path) -> None:
    """Install the wheel where nothing else is, and run the demo where the repository is not."""
    empty = folder / "empty"
    empty.mkdir()
    python = environment(folder / "wheel")
    run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"{wheel}[cli]"], empty)
    run([python, "-c", "import sys, deepseek_v4_sdk as sdk; sys.exit(sys.prefix not in sdk.__file__)"], empty)
    command = str(Path(python).with_name("deepseek-v4"))
    run([command, "demo"], empty)
    run([command, "config", "init"], empty)
    run([command, "chat", "Why do cats purr?"], empty)


def follow_readme(source: Path, folder: Path, *, suite: bool) -> None:
    """Run each shell block and each Python block of the README, in its order, in what a clone would hold."""
    with tarfile.open(source) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (clone,) = (folder / "unpacked").iterdir()
    python = environment(folder / "user")
    bin_folder = str(Path(python).parent)
    work = folder / "work"
    work.mkdir()
    blocks = _FENCE.findall((clone / "README.md").read_text(encoding="utf-8"))
    for text in (text for language, text in blocks if language == "toml"):
        (work / "deepseek_v4.toml").write_text(text, encoding="utf-8")
    for language, text in blocks:
        if language == "sh":
            for line in text.splitlines():
                if suite or not _SUITE.search(line):
                    run(["sh", "-ec", line], clone, PATH=f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(clone)], work)
    for text in (text for language, text in blocks if language == "python"):
        (work / "snippet.py").write_text(text, encoding="utf-8")
        run([python, "-W", "error", "snippet.py"], work)


def environment(folder: Path) -> str:
    """An environment with pip and nothing else; gives its Python."""
    venv.create(folder, with_pip=True)
    return str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")


def run(command: list[str], folder: Path, **variables: str) -> None:
    """Run a command as a user would who has nothing of this repository around; what it says is shown when it fails."""
    shown = (
        command[-1] if command[0] == "sh" else " ".join(Path(word).name if os.sep in word else word for word in command)
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "DEEPSEEK_V4", "VIRTUAL_ENV"))
    }
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=folder,
        env={**kept, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"{time.monotonic() - began:7.1f} s  {shown[:100]}", flush=True)
    if done.returncode:
        sys.exit(f"{shown}\nfailed with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    if shutil.which("make") is None:
        sys.exit("make is needed: the README names it")
    main()
