"""The linter of prose: `python -m tests.house.prose [--fix-hints] [paths…]`. The rules are in `prose_rules.toml`.

proselint finds the patterns; its own checks that fit a technical text run as well. Accepted sentences, each with a
reason, are in `prose_accepted.txt`.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proselint.checks import __register__ as proselint_checks
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, CheckFlags
from proselint.registry.checks.engine import Fancy, RegexOptions
from proselint.registry.checks.types import ExistenceSimple, PreferredFormsSimple
from proselint.tools import LintFile

from tests.house.passages import Passage, passages, prose_files
from tests.support.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HERE = Path(__file__).parent
_OURS = "house."
_BETWEEN = "\n·\n"  # so that no pattern reaches from one passage into the next


@dataclass(frozen=True)
class Rule:
    """One rule of `prose_rules.toml`."""

    name: str
    message: str
    reason: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    pattern: str = ""
    words: tuple[tuple[str, str], ...] = ()
    unless: str = ""
    kinds: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    case: bool = False

    @property
    def check(self) -> Check:
        """The rule as proselint runs it."""
        engine = Fancy(RegexOptions(case_insensitive=not self.case, multi_line=True))
        flags = CheckFlags(allow_quotes=True)  # quotations are taken out before
        if not self.words:
            found = ExistenceSimple(_sentence_start(self.pattern))
            return Check(found, engine, _OURS + self.name, self.message, flags)
        forms = {form: better for word, better in self.words for form in (word, f"{word}s")}
        return Check(PreferredFormsSimple(forms), engine, _OURS + self.name, self.message, flags)

    def spares(self, passage: Passage, prose: str, span: tuple[int, int], path: str) -> bool:
        """Whether a match is not one that the rule means."""
        return (
            (bool(self.kinds) and passage.kind not in self.kinds)
            or any(fnmatch(path, each) for each in self.outside)
            or any(found.start() < span[1] and span[0] < found.end() for found in self._exceptions(prose))
        )

    def _exceptions(self, prose: str) -> Iterable[re.Match[str]]:
        flags = 0 if self.case else re.IGNORECASE
        return re.finditer(_sentence_start(self.unless), prose, flags) if self.unless else ()


@dataclass(frozen=True)
class Breach:
    """A sentence that breaks a rule."""

    path: str
    line: int
    rule: str
    sentence: str
    hint: str

    @property
    def folder(self) -> str:
        """The folder it counts for: a room of the package, or a folder of the root."""
        parts = self.path.split("/")
        return "/".join(parts[:2] if parts[0] == "deepseek_v4_sdk" else parts[:1])


def _sentence_start(pattern: str) -> str:
    return pattern.replace("<start>", r"(?:^|(?<=[.:;!?] ))")


@cache
def _settings() -> dict[str, Any]:
    return tomllib.loads((_HERE / "prose_rules.toml").read_text("utf-8"))


@cache
def rules() -> dict[str, Rule]:
    """Return the rules by name."""
    found = {}
    for name, table in _settings()["rule"].items():
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        fields["words"] = tuple(table.get("words", {}).items())
        found[name] = Rule(name, **fields)
    return found


@cache
def _registry() -> dict[str, bool]:
    """Register all checks once, and return the names of those that run."""
    registry = CheckRegistry()
    registry.register_many(proselint_checks)
    registry.register_many(tuple(rule.check for rule in rules().values()))
    chosen: list[str] = _settings()["proselint"]["checks"]
    return dict.fromkeys([_OURS.rstrip("."), *chosen], True)


@cache
def accepted() -> frozenset[tuple[str, str]]:
    """Return the accepted sentences, each with its rule."""
    lines = (_HERE / "prose_accepted.txt").read_text("utf-8").splitlines()
    kept = [line.partition(": ") for line in lines if line.strip() and not line.startswith("#")]
    return frozenset((rule, sentence) for rule, _, sentence in kept)


def check(path: str, found: Iterable[Passage]) -> Iterator[Breach]:
    """Yield the breaches in the passages of a file, accepted ones included."""
    skipped = any(fnmatch(path, each) for each in _settings()["messages"]["outside"])
    texts = [each for each in found if not (skipped and each.kind == "message")]
    proses = [each.prose for each in texts]
    if not texts:
        return
    linted = LintFile(path, _BETWEEN.join(proses)).lint({"max_errors": 10**9, "checks": _registry()})
    starts = [0]
    for each in proses:
        starts.append(starts[-1] + len(each) + len(_BETWEEN))
    seen: set[tuple[str, int, str]] = set()
    for result in linted:
        begin, end = (place - 1 for place in result.check_result.span)  # proselint puts a line end first
        at = bisect_right(starts, begin) - 1
        passage, prose = texts[at], proses[at]
        first, last = begin - starts[at], end - starts[at]
        rule = rules().get(result.check_result.check_path.removeprefix(_OURS))
        if rule and rule.spares(passage, prose, (first, last), path):
            continue
        name = rule.name if rule else result.check_result.check_path
        breach = Breach(path, passage.line(first), name, passage.sentence(first), result.check_result.message)
        if (name, breach.line, breach.sentence) not in seen:
            seen.add((name, breach.line, breach.sentence))
            yield breach


def check_files(paths: Iterable[Path] = ()) -> tuple[list[Breach], set[tuple[str, str]]]:
    """Return the breaches of some files and folders, or of all, and the accepted sentences that were met."""
    found: list[Breach] = []
    met: set[tuple[str, str]] = set()
    for file in prose_files(paths):
        path = file.relative_to(ROOT).as_posix()
        for each in sorted(check(path, passages(file)), key=lambda breach: breach.line):
            if (each.rule, each.sentence) in accepted():
                met.add((each.rule, each.sentence))
            else:
                found.append(each)
    return found, met


def main(arguments: list[str]) -> int:
    """Print each breach, and how many there are of each rule and in each folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.prose", description="Find sentences to rewrite.")
    parser.add_argument("paths", nargs="*", type=Path, help="files and folders; all by default")
    parser.add_argument("--fix-hints", action="store_true", help="print how to rewrite each sentence")
    parser.add_argument("--counts", action="store_true", help="print only the counts")
    given = parser.parse_args(arguments)
    breaches, met = check_files(given.paths)
    stale = set() if given.paths else accepted() - met
    for each in () if given.counts else breaches:
        print(f"{each.path}:{each.line}: {each.rule}: {each.sentence}")
        if given.fix_hints:
            print(f"    {each.hint}")
    for title, counts in (
        ("by rule", Counter(each.rule for each in breaches)),
        ("by folder", Counter(each.folder for each in breaches)),
    ):
        print(f"\n{title}:" if breaches else f"{title}: none")
        for name, count in counts.most_common():
            print(f"{count:6}  {name}")
    for rule, sentence in sorted(stale):
        print(f"prose_accepted.txt: nothing like this is left, delete it: {rule}: {sentence}")
    print(f"{len(breaches)} in all")
    return 1 if breaches or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
