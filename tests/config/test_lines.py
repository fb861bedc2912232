"""On which line something stands in a file of profiles, and that finding it takes time that grows with the file."""

from __future__ import annotations

import tomllib
from time import process_time
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import DeepSeekV4, errors
from deepseek_v4_sdk.config.lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUOTED = '''\
# [not.a.table] "
a = 1 # ]
b = """ # no remark
[no.table]
\\""" still ""
"""
c = \'\'\'
x = 5 \'\'
\'\'\'\'
d = ["]", \'[\', # ]
  [1, 2], { e = """
}""" } ]
"f g" . h = ""

[  t . "u.v" ]
w = { x = { y = "}" } } # {
[[l]]
m = 1
[[l]]
m = \'\\\'
[l.n]
o."p" = """"quoted""""
z = 1'''


@pytest.mark.parametrize("text", [QUOTED, QUOTED.replace("\n", "\r\n")])
def test_the_line_of_each_thing(text: str) -> None:
    tomllib.loads(text)
    assert {"/".join(map(str, path)): line for path, line in lines_of(text).items()} == {
        "a": 2,
        "b": 3,
        "c": 7,
        "d": 10,
        "f g": 13,
        "f g/h": 13,
        "t": 15,
        "t/u.v": 15,
        "t/u.v/w": 16,
        "t/u.v/w/x": 16,
        "t/u.v/w/x/y": 16,
        "l": 17,
        "l/0": 17,
        "l/0/m": 18,
        "l/1": 19,
        "l/1/m": 20,
        "l/n": 21,
        "l/n/o": 22,
        "l/n/o/p": 22,
        "l/n/z": 23,
    }


def _profiles(size: int) -> str:
    """Many profiles, the last one wrong."""
    tables = (f'[profiles.p{number}]\nprovider = "mock"\n' for number in range(size // 2))
    return f'default = "p{size // 2 - 1}"\n{"".join(tables)}thinkin = "low"\n'


def _a_long_list(size: int) -> str:
    rows = "".join(f'  "http://localhost:{number % 60_000 + 1}",\n' for number in range(size))
    return f'default = "p"\n[profiles.p]\nprovider = "vllm"\nendpoints = [\n{rows}]\nthinkin = "low"\n'


def _a_long_text(size: int) -> str:
    lines = "x\n" * size
    return f'default = "p"\n[profiles.p]\nprovider = "vllm"\nmodel = """\n{lines}"""\nthinkin = "low"\n'


def _a_circle(size: int) -> str:
    tables = (
        f'[profiles.p{number}]\nprovider = "mock"\nfallback = ["p{number + 1}"]\n' for number in range(size // 3 - 1)
    )
    return f'default = "p0"\n{"".join(tables)}[profiles.p{size // 3 - 1}]\nprovider = "mock"\nfallback = ["p0"]\n'


def _paths_that_meet_again(size: int) -> str:
    """Each falls back to the two after it: there are more ways through them than atoms."""
    count = size // 3
    tables = (
        f'[profiles.p{number}]\nprovider = "mock"\nfallback = ["p{number + 1}", "p{number + 2}"]\n'
        for number in range(count)
    )
    last = f'[profiles.p{count}]\nprovider = "mock"\n[profiles.p{count + 1}]\nprovider = "mock"\nthinkin = "low"\n'
    return f'default = "p0"\n{"".join(tables)}{last}'


def _seconds(write: Callable[[int], str], size: int, file: Path) -> float:
    file.write_text(write(size), "utf-8")
    began = process_time()
    with pytest.raises(errors.ConfigurationError, match=r"thinkin|circle"):
        DeepSeekV4.from_profile(path=file)
    return process_time() - began


@pytest.mark.parametrize("write", [_profiles, _a_long_list, _a_long_text, _a_circle, _paths_that_meet_again])
def test_a_mistake_in_a_long_file_is_found_in_linear_time(write: Callable[[int], str], tmp_path: Path) -> None:
    file = tmp_path / "long.toml"
    _seconds(write, 30, file)  # what is loaded once
    small = min(_seconds(write, 1_000, file) for _ in range(2))
    large = min(_seconds(write, 4_000, file) for _ in range(2))
    assert large < 9 * small + 0.05, f"{small:.3f} s for 1,000 lines, {large:.3f} s for 4,000"


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000, f"[profiles]\n{'a.' * 20_000}a = 1"])
def test_a_file_that_is_nested_without_end_is_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "deep.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(errors.ConfigurationError, match=r"deep.toml is nested too deeply"):
        DeepSeekV4.from_profile("a", path=file)


def test_a_message_names_a_few_of_many_profiles(tmp_path: Path) -> None:
    file = tmp_path / "many.toml"
    file.write_text("".join(f'[profiles.p{number}]\nprovider = "mock"\n' for number in range(5_000)), "utf-8")
    with pytest.raises(errors.ConfigurationError, match=r"p19 and 4,980 more$") as caught:
        DeepSeekV4.from_profile("other", path=file)
    assert len(str(caught.value)) < 400
