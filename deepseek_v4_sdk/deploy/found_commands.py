"""Commands of servers in compose files, manifests and scripts, with their environment, their image and their GPU."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.deploy.command_line import strip_program
from deepseek_v4_sdk.deploy.scripts import IMAGES, commands_of
from deepseek_v4_sdk.deploy.yaml_text import read_all
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.tables import Tables

__all__ = ["FoundCommand", "commands_in", "commands_in_script"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCommand:
    """A command that was found.

    Attributes:
        name: The service, or the kind and the name of the manifest.
        argv: The command.
        env: Its environment, as far as the file says it.
        engine: The engine, where the command or the image names it.
        version: The release, where the image names it.
        gpu: The kind of GPU, where a node selector names it.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    engine: str | None = None
    version: str | None = None
    gpu: str | None = None


def commands_in(text: str, where: str, tables: Tables) -> list[FoundCommand]:
    """The commands of servers in a file.

    Raises:
        ConfigurationError: It is not valid YAML, or no server is in it.
    """
    found: list[FoundCommand] = []
    for document in read_all(text, where):
        if isinstance(document, dict):
            mapping = cast("Mapping[str, object]", document)
            found += (
                _compose(mapping) if "services" in mapping and "kind" not in mapping else _manifest(mapping, tables)
            )
    if not found:
        raise ConfigurationError(f"{where} starts no server of vLLM, SGLang or Dynamo that is known here")
    return found


def _compose(document: Mapping[str, object]) -> Iterator[FoundCommand]:
    for name, service in cast("Mapping[str, Mapping[str, object]]", document.get("services") or {}).items():
        words = [
            word.replace("$$", "$") for word in (*_words(service.get("entrypoint")), *_words(service.get("command")))
        ]
        yield from _server(name, words, _compose_environment(service.get("environment")), str(service.get("image", "")))


def _compose_environment(value: object) -> dict[str, str]:
    if isinstance(value, list):
        pairs = (str(each).partition("=") for each in cast("list[object]", value))
        return {key: text for key, _, text in pairs}
    if isinstance(value, dict):
        return {str(key): str(each) for key, each in cast("dict[object, object]", value).items() if each is not None}
    return {}


def _manifest(document: Mapping[str, object], tables: Tables) -> Iterator[FoundCommand]:
    metadata = cast("Mapping[str, object]", document.get("metadata") or {})
    title = f"{document.get('kind', 'document')} {metadata.get('name', '')}".strip()
    gpu = _gpu(document, tables)
    for path, container in _containers(document, ()):
        words = [*_words(container.get("command")), *_words(container.get("args"))]
        env = {
            str(each["name"]): str(each["value"])
            for each in cast("list[Mapping[str, object]]", container.get("env") or [])
            if "name" in each and "value" in each
        }
        part = next((word for word in reversed(path) if word not in _COMMON), "")
        name = f"{title}, {part}" if part else title
        yield from _server(name, words, env, str(container.get("image", "")), gpu)


_COMMON = frozenset(
    {"spec", "template", "containers", "podTemplate", "components", "services", "extraPodSpec", "mainContainer"}
)


def _containers(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, object]]]:
    """Every container with an image and a command, at any depth."""
    if isinstance(value, list):
        for each in cast("list[object]", value):
            name = _named(each) if path[-1:] == ("components",) else None
            yield from _containers(each, path if name is None else (*path, name))
    elif isinstance(value, dict):
        mapping = cast("Mapping[str, object]", value)
        if "image" in mapping and ("command" in mapping or "args" in mapping):
            yield path, mapping
        for key, each in mapping.items():
            yield from _containers(each, (*path, str(key)))


def _named(value: object) -> str | None:
    name = cast("Mapping[str, object]", value).get("name") if isinstance(value, dict) else None
    return None if name is None else str(name)


def _gpu(value: object, tables: Tables) -> str | None:
    """The kind of GPU that a node selector names, such as NVIDIA-H200."""
    if isinstance(value, list):
        return next((found for each in cast("list[object]", value) if (found := _gpu(each, tables))), None)
    if not isinstance(value, dict):
        return None
    for key, each in cast("Mapping[str, object]", value).items():
        if key == "nvidia.com/gpu.product":
            plain = re.sub(r"[^a-z0-9]", "", str(each).lower())
            kinds = sorted(tables.gpus, key=len, reverse=True)
            return next((kind for kind in kinds if re.sub(r"[^a-z0-9]", "", kind) in plain), None)
        if found := _gpu(each, tables):
            return found
    return None


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return shlex.split(value)
    return [str(each) for each in cast("list[object]", value)] if isinstance(value, list) else []


def _server(
    name: str, words: list[str], env: Mapping[str, str], image: str, gpu: str | None = None
) -> Iterator[FoundCommand]:
    """The command, where it is that of a server."""
    if words[:1] and words[0].rpartition("/")[2] in {"sh", "bash"} and "-c" in words:
        script = words[words.index("-c") + 1]
        if '"$@"' not in script:
            for each in commands_of(script):
                yield from _server(name, each.argv, {**env, **each.env}, image, gpu)
            return
    engine, version = _engine(words, image)
    if engine is not None:
        yield FoundCommand(name=name, argv=tuple(words), env=env, engine=engine, version=version, gpu=gpu)


def commands_in_script(text: str, where: str) -> list[FoundCommand]:
    """The commands of servers in a shell's script.

    Raises:
        ConfigurationError: There is none, or the script cannot be read.
    """
    try:
        found = [
            command
            for each in commands_of(text)
            for command in _server(each.label or where, each.argv, each.env, each.image)
        ]
    except ValueError as error:
        raise ConfigurationError(f"{where} cannot be read as a shell's script: {error}") from None
    if not found:
        raise ConfigurationError(f"{where} starts no server of vLLM, SGLang or Dynamo that is known here")
    return found


def _engine(words: list[str], image: str) -> tuple[str | None, str | None]:
    program, _ = strip_program(words)
    module = program[-1] if len(program) == 3 else program[0].rpartition("/")[2] if program else ""
    if module in {"dynamo.vllm", "dynamo.sglang"}:
        named = "dynamo"
    elif module.startswith(("vllm", "sglang.launch", "sglang")) and not module.startswith("sglang_router"):
        named = "vllm" if module.startswith("vllm") else "sglang"
    else:
        named = None
    for pattern, engine in IMAGES.items():
        if found := re.search(pattern, image):
            begins = words[:1] and re.match(r"-|[\w.-]+/[\w.-]+$", words[0])  # with a flag, or the name of a model
            return named or (engine if begins else None), found[1]
    return named, None
