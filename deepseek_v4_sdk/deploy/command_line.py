"""A server's command, read as the engine's own parser reads it: which flags, with which values, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.deploy.problems import CommandProblem

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.engines import EngineTable, Flag

__all__ = ["Command", "Option", "read_command", "strip_program", "wrong_value"]

_HUMAN = re.compile(r"(?i)-?\d+(\.\d+)?[kmgt]?i?")
_NUMBER = re.compile(r"-\d|-\.\d")


@dataclass(frozen=True, slots=True)
class Option:
    """A flag of a command.

    Attributes:
        given: The name as it was given.
        name: The main name.
        values: Its values.
        on: Whether the name switches it on.
        path: The keys after the dots of its name, as in `--attention-config.indexer_kv_dtype`.
    """

    given: str
    name: str
    values: tuple[str, ...] = ()
    on: bool = True
    path: tuple[str, ...] = ()


@dataclass(slots=True)
class Command:
    """A command, read.

    Attributes:
        program: The words before the arguments.
        model: The model, where it is a positional argument.
        options: The flags that the release knows, in their order.
        problems: Problems that the parser finds.
    """

    program: tuple[str, ...] = ()
    model: str | None = None
    options: list[Option] = field(default_factory=list[Option])
    problems: list[CommandProblem] = field(default_factory=list[CommandProblem])

    def last(self, *names: str) -> Option | None:
        """The option of a name that counts: the last one."""
        return next((each for each in reversed(self.options) if each.name in names and not each.path), None)

    def has(self, *names: str) -> bool:
        """Whether a flag is given and switched on."""
        found = self.last(*names)
        return found is not None and found.on

    def value(self, *names: str) -> str | None:
        """The value of a flag, or None."""
        found = self.last(*names)
        return found.values[0] if found is not None and found.values else None

    def number(self, name: str, default: int) -> int:
        """The value of a flag as a whole number; the default where it is none."""
        return human(self.value(name), default)

    def ratio(self, name: str, default: float) -> float:
        """The value of a flag as a fraction from 0 to 1; the default where it is none."""
        try:
            given = float(self.value(name) or default)
        except ValueError:
            return default
        return given if 0 <= given <= 1 else default

    def config(self, name: str) -> Mapping[str, object]:
        """The JSON of a flag, with what dotted flags put into it."""
        merged: dict[str, object] = {}
        for each in self.options:
            if each.name != name or not each.values:
                continue
            if not each.path:
                found = _json(each.values[0])
                merged |= cast("dict[str, object]", found) if isinstance(found, dict) else {}
            else:
                merged[".".join(each.path)] = each.values[0]
        return merged


def human(text: str | None, default: int) -> int:
    """A number as engines read it: 1k is a thousand, 1K is 1,024."""
    if text is None or not _HUMAN.fullmatch(text):
        return default
    digits = re.match(r"-?[\d.]+", text)
    unit = text[len(digits[0]) :] if digits else ""
    step = 1024 if unit[:1].isupper() or unit.endswith("i") else 1000
    scale = step ** (" kmgt".index(unit[:1].lower()) if unit else 0)
    return int(float(digits[0] if digits else text) * scale)


def strip_program(argv: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that name the program, and the rest.

    The known programs are `vllm serve`, `sglang serve`, `python -m vllm.entrypoints.openai.api_server`, `python -m
    sglang.launch_server` and `python -m dynamo.vllm`. The function drops assignments of variables before them, and a
    shell that hands its arguments on (`sh -c 'exec "$@" …' sh`).
    """
    words = list(argv)
    start = 0
    while start < len(words) and (words[start] in {"env", "exec"} or re.match(r"[A-Z_][A-Z0-9_]*=", words[start])):
        start += 1
    rest = words[start:]
    if not rest or rest[0].startswith("-"):
        return (), tuple(rest)
    name = rest[0].rpartition("/")[2]
    if name in {"sh", "bash"} and rest[1:2] == ["-c"] and '"$@"' in "".join(rest[2:3]):
        return strip_program(rest[4:])
    if name in {"vllm", "sglang"} and rest[1:2] == ["serve"]:
        return tuple(rest[:2]), tuple(rest[2:])
    if re.fullmatch(r"python[\d.]*", name) and rest[1:2] == ["-m"] and len(rest) > 2:
        return tuple(rest[:3]), tuple(rest[3:])
    return (), tuple(rest)


def read_command(table: EngineTable, argv: Sequence[str]) -> Command:
    """Read a command as a release does.

    Args:
        table: The release.
        argv: The command, with or without the name of the program.
    """
    program, rest = strip_program(argv)
    command = Command(program=program)
    words = list(rest)
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not _is_flag(word):
            _positional(table, command, word)
            continue
        name, equals, attached = word.partition("=")
        option = _resolve(table, command, name)
        if option is None:
            at = _skip_values(words, at) if not equals else at
            continue
        flag = table.flags[option.name]
        values, at = _values(flag, option, words, at, attached if equals else None)
        _enter(table, command, flag, option, values)
    return command


def _is_flag(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and not _NUMBER.match(word)


def _skip_values(words: Sequence[str], at: int) -> int:
    """Skip the value of an unknown flag."""
    return at + 1 if at < len(words) and not _is_flag(words[at]) else at


def _positional(table: EngineTable, command: Command, word: str) -> None:
    if table.engine == "vllm" and command.model is None:
        command.model = word
    else:
        text = "is not a flag, and this engine takes no argument here"
        command.problems.append(
            CommandProblem(severity="error", flag=word, text=text, remedy="remove it, or quote the value it belongs to")
        )


def _resolve(table: EngineTable, command: Command, given: str) -> Option | None:
    """The flag that a name means; None, and a problem, where this release does not have it."""
    name, *path = given.split(".") if table.engine == "vllm" and given.startswith("--") else [given]
    if table.engine == "vllm" and name.startswith("--"):
        name = name.replace("_", "-")
        if name.startswith("--O") or re.fullmatch(r"-O\d?", name):
            name = "--optimization-level"
    elif table.engine == "vllm" and re.fullmatch(r"-O[0-3]", name):
        return Option(given, "--optimization-level", (name[2:],))
    found = table.find(name)
    if found is None and name.startswith("--"):
        found = _abbreviated(table, command, name)
        if found is None:
            return None
    if found is None:
        command.problems.append(_unknown(table, given, name))
        return None
    flag, on = found
    return Option(given, flag.name, on=on, path=tuple(path))


def _abbreviated(table: EngineTable, command: Command, name: str) -> tuple[Flag, bool] | None:
    """The flag whose name argparse completes."""
    longer = {each for each in table.names if each.startswith(name)}
    meant = {found for each in longer if (found := table.find(each)) is not None}
    if len(longer) == 1 or len({(flag.name, on) for flag, on in meant}) == 1:
        flag, on = next(iter(meant))
        times = table.times("flags", name)
        if times is None:
            return flag, on
    if len(longer) > 1 and table.times("flags", name) is None:
        names = ", ".join(sorted(longer)[:6])
        text = f"is ambiguous: it begins {names}"
        command.problems.append(CommandProblem(severity="error", flag=name, text=text, remedy="write the whole name"))
        return None
    command.problems.append(_unknown(table, name, name))
    return None


_RENAMED: Mapping[tuple[str, str], str] = {
    ("sglang", "--enable-nsa-prefill-context-parallel"): "--enable-prefill-cp --attn-cp-size N",
    ("sglang", "--nsa-prefill-cp-mode"): "--cp-strategy interleave",
    ("sglang", "--enable-dsa-prefill-context-parallel"): "--enable-prefill-cp --attn-cp-size N",
    ("sglang", "--dsa-prefill-cp-mode"): "--cp-strategy interleave",
    ("sglang", "--cuda-graph-max-bs"): "--cuda-graph-max-bs-decode",
    ("sglang", "--cuda-graph-bs"): "--cuda-graph-bs-decode",
    ("vllm", "AttentionConfig.use_fp4_indexer_cache"): "--attention-config.indexer_kv_dtype mxfp4",
}
"""New names of what was renamed."""

_ELSEWHERE: Mapping[tuple[str, str], str] = {
    ("sglang", "--enable-auto-tool-choice"): "is a flag of vLLM; SGLang needs only --tool-call-parser deepseekv4",
}


def _unknown(table: EngineTable, given: str, name: str) -> CommandProblem:
    """A flag that this release does not have."""
    times = table.times("flags", name)
    new = _RENAMED.get((table.engine, name)) or table.near(name)
    remedy = f"use {new}" if new else "remove it"
    if name in table.without:
        own = f"--dyn-{name[2:]}"
        remedy = f"use {own}" if table.find(own) else "remove it"
        return CommandProblem(severity="error", flag=given, text=table.without[name], remedy=remedy)
    if times is None:
        text = f"{table.engine} {table.version} has no such flag"
        if elsewhere := _ELSEWHERE.get((table.engine, name)):
            text, remedy = f"{text}: it {elsewhere}", "remove it"
        return CommandProblem(severity="error", flag=given, text=text, remedy=remedy)
    if times.last is not None and table.versions.index(times.last) < table.versions.index(table.version):
        text = (
            f"{table.engine} {table.version} no longer has it: {times.last} was the last release that was read with it"
        )
    else:
        text, remedy = f"{table.engine} {table.version} does not have it yet: it came with {times.since}", "remove it"
    return CommandProblem(severity="error", flag=given, text=text, remedy=remedy, since=times.since, last=times.last)


def _values(
    flag: Flag, option: Option, words: Sequence[str], at: int, attached: str | None
) -> tuple[tuple[str, ...], int]:
    if option.values:  # as in -O3
        return option.values, at
    if attached is not None:
        return (attached,), at
    if not option.path and not flag.takes_value:
        return (), at
    if (flag.nargs in {"+", "*"} or isinstance(flag.nargs, int)) and not option.path:
        end = at
        while end < len(words) and not _is_flag(words[end]):
            end += 1
        return tuple(words[at:end]), end
    if at < len(words) and not _is_flag(words[at]):
        return (words[at],), at + 1
    return (), at


def _enter(table: EngineTable, command: Command, flag: Flag, option: Option, values: tuple[str, ...]) -> None:
    option = Option(option.given, option.name, values, option.on, option.path)
    command.options.append(option)
    if flag.refused:
        _refuse(command, option, f"{table.engine} {table.version} knows it only to refuse it", "see the engine's help")
    elif flag.deprecated:
        remedy = f"use {flag.instead}" if flag.instead else "see the engine's help"
        text = f"{table.engine} {table.version} still takes it and will drop it"
        command.problems.append(CommandProblem(severity="note", flag=option.given, text=text, remedy=remedy))
    if option.path:
        _check_path(table, command, flag, option)
        return
    if not flag.takes_value:
        if values:
            remedy = f"write {option.name} or {flag.off[0] if flag.off else 'leave it out'}"
            _refuse(command, option, "takes no value", remedy)
        return
    if not values and flag.nargs not in {"?", "*"} and flag.kind != "bool-or-str":
        _refuse(command, option, "needs a value", "give one")
    for value in values:
        if wrong := wrong_value(flag, value):
            _refuse(command, option, f"{value!r} {wrong}", _instead(table, flag, value))
    if flag.kind == "json" and values and isinstance(found := _json(values[0]), dict):
        for owner, key, inner in _inside(table, flag.nested, cast("dict[str, object]", found)):
            _check_key(table, command, option.given, owner, key, inner)


def _refuse(command: Command, option: Option, text: str, remedy: str) -> None:
    command.problems.append(CommandProblem(severity="error", flag=option.given, text=text, remedy=remedy))


def _instead(table: EngineTable, flag: Flag, value: str) -> str:
    if not flag.choices:
        return "give such a value"
    near = table.near(value, flag.choices)
    return f"use {near}" if near else f"use one of {', '.join(flag.choices[:12])}"


def wrong_value(flag: Flag, value: str) -> str:
    """The reason why a parser refuses a value; an empty text where it takes it."""
    if flag.kind == "int" and not re.fullmatch(r"[+-]?\d+", value):
        return "is not a whole number"
    if flag.kind.startswith("human") and not (_HUMAN.fullmatch(value) or (value == "auto" and "auto" in flag.kind)):
        return "is not a number such as 8192 or 8k"
    if flag.kind == "float":
        try:
            float(value)
        except ValueError:
            return "is not a number"
    if flag.kind == "choice" and value not in flag.choices and flag.choices:
        return "is not one of its words"
    if flag.kind == "json" and flag.nested and _json(value) is None:
        return "is not JSON"
    return ""


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _inside(table: EngineTable, owner: str, value: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    """Every key of a JSON value, with the class it belongs to."""
    keys = table.nested.get(owner)
    if keys is None:
        return
    for key, each in value.items():
        yield owner, key, each
        nested = keys[key].nested if key in keys else ""
        if nested and isinstance(each, dict):
            yield from _inside(table, nested, cast("dict[str, object]", each))


def _check_path(table: EngineTable, command: Command, flag: Flag, option: Option) -> None:
    """`--attention-config.indexer_kv_dtype mxfp4`: the key must be one of the class."""
    owner = flag.nested
    for key in option.path[:-1]:
        known = table.nested.get(owner, {}).get(key)
        owner = known.nested if known is not None else ""
    if owner in table.nested:
        value: object = option.values[0] if option.values else "true"
        _check_key(table, command, option.given, owner, option.path[-1].removesuffix("+"), value)  # "+" adds to a list


def _check_key(table: EngineTable, command: Command, given: str, owner: str, key: str, value: object) -> None:
    known = table.nested[owner].get(key)
    if known is None:
        times = table.times("nested", f"{owner}.{key}")
        new = _RENAMED.get((table.engine, f"{owner}.{key}")) or table.near(key, table.nested[owner])
        text = f"{key} is not a key of it in {table.engine} {table.version}"
        if times is not None and times.last is not None:
            text = f"{text}: {times.last} was the last release that was read with it"
        elif times is not None:
            text = f"{text}: it came with {times.since}"
        command.problems.append(
            CommandProblem(
                severity="error",
                flag=given if key in given else f"{given} {key}",
                text=text,
                remedy=f"use {new}" if new else "remove it",
                since=times.since if times else None,
                last=times.last if times else None,
            )
        )
    elif isinstance(value, str) and known.kind == "choice" and known.choices and value not in known.choices:
        near = table.near(value, known.choices)
        text = f"{key} does not take {value!r}"
        remedy = f"use {near}" if near else f"use one of {', '.join(known.choices[:12])}"
        command.problems.append(CommandProblem(severity="error", flag=given, text=text, remedy=remedy))
