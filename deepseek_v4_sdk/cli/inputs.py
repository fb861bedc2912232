"""The user's inputs on the command line of `chat`: files to read, options, functions for the model, and schemas."""

from __future__ import annotations

import difflib
import importlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk import ChatOptions, ConfigurationError
from deepseek_v4_sdk.support.decoding import decoded
from deepseek_v4_sdk.support.files import expanded, working_folder

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["checked_names", "functions", "options", "read_stdin", "read_text", "schema", "with_files"]

_MOST_BYTES = 64_000_000  # a window of a million tokens holds about five
_NAMES = sorted(set(ChatOptions.__annotations__) - {"tools"})


def read_stdin(stdin: BinaryIO) -> str:
    """All of stdin as text.

    Raises:
        ConfigurationError: It is not text, or does not end within 64 MB.
    """
    return _text(_read(stdin, "stdin"), "stdin")


def read_text(file: Path, where: str) -> str:
    """The text of a file.

    Args:
        file: The file.
        where: Its name in the error.

    Raises:
        ConfigurationError: It cannot be read, is not text, or does not end within 64 MB.
    """
    try:
        with file.open("rb") as opened:
            return _text(_read(opened, where), where)
    except OSError as error:
        raise ConfigurationError(f"{where} cannot be read: {error.strerror or error}") from None


def with_files(question: str, names: Iterable[str], stdin: BinaryIO) -> str:
    """A question with the contents of files before it; `-` is stdin.

    Raises:
        ConfigurationError: One of them cannot be read, or is not text.
    """
    parts: list[str] = []
    for name in names:
        where = f"--file {name}"
        text = _text(_read(stdin, where), where) if name == "-" else read_text(expanded(name, "--file"), where)
        text = text.rstrip("\n")
        if name == "-" and not text:
            continue
        fence = "```"
        while fence in text:
            fence += "`"
        shown = "stdin" if name == "-" else name
        parts.append(f"File {shown}:\n{fence}\n{text}\n{fence}\n")
    return "\n".join([*parts, question])


def options(given: Sequence[str]) -> ChatOptions:
    """The options of a chat written as `name=value`; a value that is not JSON is a text.

    Raises:
        ConfigurationError: One has no value, or there is no such option.
    """
    read: dict[str, object] = {}
    for each in given:
        name, found, value = each.partition("=")
        if not found:
            raise ConfigurationError(f"--option is {each!r}: give it as name=value, such as temperature=0.5")
        try:
            read[name] = json.loads(value)
        except ValueError:
            read[name] = value
    return checked_names(read, "--option")


def checked_names(options: Mapping[str, object], where: str) -> ChatOptions:
    """Options of a chat, after a check of their names.

    Raises:
        ConfigurationError: There is no such option.
    """
    for name in options:
        if name not in _NAMES:
            near = difflib.get_close_matches(name, _NAMES, n=1)
            hint = f"do you mean {near[0]!r}?" if near else f"known: {', '.join(_NAMES)}"
            raise ConfigurationError(f"{where}: there is no option {name!r}; {hint}")
    return cast("ChatOptions", dict(options))


def schema(name: str) -> object:
    """The schema in a file of JSON, or the type named as `module:Type`.

    Raises:
        ConfigurationError: There is no such file or type.
    """
    file = expanded(name, "--schema")
    if not file.is_file() and ":" in name:
        _see_working_folder()
        return _named(name, "--schema", "module:Type")
    try:
        content = json.loads(read_text(file, f"--schema {name}"))
    except ValueError as error:
        raise ConfigurationError(f"--schema {name} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"--schema {name} is not a JSON Schema: give an object")
    return cast("dict[str, object]", content)


def functions(names: Sequence[str]) -> list[object]:
    """The functions named as `module:function`; modules are looked for in the working directory too.

    Raises:
        ConfigurationError: One of them does not exist, or its module does not run.
    """
    if names:
        _see_working_folder()
    return [_function(name) for name in names]


def _see_working_folder() -> None:
    here = working_folder()
    if here is not None and str(here) not in sys.path:
        sys.path.append(str(here))  # last: a file there replaces no installed package


def _function(name: str) -> object:
    value = _named(name, "--tool", "module:function")
    if not callable(value):
        module, _, attribute = name.partition(":")
        raise ConfigurationError(f"--tool {name}: {module} has no function {attribute!r}")
    return value


def _named(name: str, option: str, form: str) -> object:
    """The object that is named with its module."""
    module, found, attribute = name.partition(":")
    if not found or not module or not attribute:
        raise ConfigurationError(f"{option} is {name!r}: give it as {form}")
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigurationError(f"{option} {name}: there is no module {error.name!r} here or installed") from None
        raise ConfigurationError(f"{option} {name}: {module} does not run: {error}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # any exception of the user's own module is reported
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ConfigurationError(f"{option} {name}: {module} does not run: {reason}") from None
    if not hasattr(imported, attribute):
        raise ConfigurationError(f"{option} {name}: {module} has no {form.partition(':')[2].lower()} {attribute!r}")
    return cast("object", getattr(imported, attribute))


def _read(file: BinaryIO, where: str) -> bytes:
    content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ConfigurationError(
            f"{where} has more than 64 MB, and a window of a million tokens holds about 5 MB: give a part of it"
        )
    return content


def _text(content: bytes, where: str) -> str:
    try:
        text = decoded(content)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{where} is not UTF-8 text: byte {error.start} does not belong there") from None
    if "\0" in text:
        raise ConfigurationError(f"{where} is binary: it holds a zero byte")
    return text
