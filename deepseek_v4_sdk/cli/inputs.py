"""The user's inputs on the command line of `chat`: files to read, and functions that the model may call."""

from __future__ import annotations

import difflib
import importlib
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk import ChatOptions, ConfigurationError
from deepseek_v4_sdk.support.decoding import decoded
from deepseek_v4_sdk.support.files import expanded, working_folder

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["functions", "options", "read_stdin", "with_files"]

_NAMES = sorted(set(ChatOptions.__annotations__) - {"tools"})


def read_stdin(stdin: BinaryIO) -> str:
    """All of stdin as text.

    Raises:
        ConfigurationError: It is not text.
    """
    return _text(stdin.read(), "stdin")


def with_files(question: str, names: Iterable[str], stdin: BinaryIO) -> str:
    """A question with the contents of files before it; `-` is stdin.

    Raises:
        ConfigurationError: One of them cannot be read, or is not text.
    """
    parts: list[str] = []
    for name in names:
        try:
            content = stdin.read() if name == "-" else expanded(name, "--file").read_bytes()
        except OSError as error:
            raise ConfigurationError(f"--file {name} cannot be read: {error.strerror or error}") from None
        text = _text(content, f"--file {name}").rstrip("\n")
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
        if name not in _NAMES:
            near = difflib.get_close_matches(name, _NAMES, n=1)
            hint = f"do you mean {near[0]!r}?" if near else f"known: {', '.join(_NAMES)}"
            raise ConfigurationError(f"--option: there is no option {name!r}; {hint}")
        try:
            read[name] = json.loads(value)
        except ValueError:
            read[name] = value
    return cast("ChatOptions", read)


def functions(names: Sequence[str]) -> list[object]:
    """The functions named as `module:function`; modules are looked for in the working directory too.

    Raises:
        ConfigurationError: One of them does not exist, or its module does not run.
    """
    here = working_folder()
    if names and here is not None and str(here) not in sys.path:
        sys.path.append(str(here))  # last: a file there replaces no installed package
    return [_function(name) for name in names]


def _function(name: str) -> object:
    module, found, attribute = name.partition(":")
    if not found or not module or not attribute:
        raise ConfigurationError(f"--tool is {name!r}: give it as module:function")
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(f"{error.name}.")):
            raise ConfigurationError(f"--tool {name}: there is no module {error.name!r} here or installed") from None
        raise ConfigurationError(f"--tool {name}: {module} does not run: {error}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # any exception of the user's own module is reported
        raise ConfigurationError(f"--tool {name}: {module} does not run: {_told(error)}") from None
    value = getattr(imported, attribute, None)
    if not callable(value):
        raise ConfigurationError(f"--tool {name}: {module} has no function {attribute!r}")
    return value


def _told(error: BaseException) -> str:
    """An error of the user's own module, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _text(content: bytes, where: str) -> str:
    try:
        text = decoded(content)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{where} is not UTF-8 text: byte {error.start} does not belong there") from None
    if "\0" in text:
        raise ConfigurationError(f"{where} is binary: it holds a zero byte")
    return text
