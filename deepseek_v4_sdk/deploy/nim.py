"""A NIM container: how to list its profiles and how to start it. It chooses its flags, so there is no plan."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import PathLike

from deepseek_v4_sdk.deploy.check import check
from deepseek_v4_sdk.deploy.problems import CommandProblem
from deepseek_v4_sdk.deploy.tables import read_tables
from deepseek_v4_sdk.errors import ConfigurationError

__all__ = ["NIMText", "nim"]

_OWN = frozenset({"--tool-call-parser", "--reasoning-parser", "--enable-auto-tool-choice", "--tokenizer-mode"})
"""Flags that the container sets automatically: they may be missing among those that are handed through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NIMText:
    """The commands of a container.

    Attributes:
        image: The image.
        profiles: The command that lists the profiles that fit this machine.
        start: The command that starts the server.
        problems: Problems of the flags that are handed through.
    """

    image: str
    profiles: str
    start: str
    problems: tuple[CommandProblem, ...]

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        lines = ["# the profiles that fit this machine", self.profiles, "", "# start the server", self.start]
        return "\n".join([*lines, *(f"# {each}" for each in self.problems)])


def nim(
    model: str,
    *,
    tag: str = "latest",
    profile: str | None = None,
    context: int | None = None,
    passthrough: Sequence[str] = (),
    inside: str = "sglang",
    inside_version: str | None = None,
    tables: str | PathLike[str] | None = None,
) -> NIMText:
    """The texts of a NIM container of V4.

    Args:
        model: "pro", "flash", or the name of a checkpoint.
        tag: The image's tag.
        profile: The profile, 64 hexadecimal digits as `list-model-profiles` prints it; else the container chooses.
        context: The longest window in tokens.
        passthrough: Flags of the engine inside, which are handed through.
        inside: The engine inside: "vllm" or "sglang".
        inside_version: Its release, needed to check `passthrough`; the container's `/v1/metadata` reports it.
        tables: A folder with your tables.

    Raises:
        ConfigurationError: A name is not known, the profile is not one, or `passthrough` comes without the release.
    """
    known = read_tables(tables)
    family = known.family_of(model)
    if profile is not None and not re.fullmatch(r"[0-9a-f]{64}", profile):
        raise ConfigurationError(f"profile is {profile!r}: give the 64 hexadecimal digits of list-model-profiles")
    problems: list[CommandProblem] = []
    if passthrough:
        if inside_version is None:
            raise ConfigurationError("give inside_version: flags that are handed through differ between releases")
        found = check(inside, inside_version, list(passthrough), tables=tables)
        problems = [each for each in found if not (each.flag in _OWN and each.text.startswith("is missing"))]
    name = "deepseek-v4-pro-0813" if family == "pro" else "deepseek-v4-flash-0731"
    image = f"nvcr.io/nim/deepseek-ai/{name}:{tag}"
    settings = {
        "NIM_MODEL_PROFILE": profile,
        "NIM_MAX_MODEL_LEN": None if context is None else str(context),
        "NIM_PASSTHROUGH_ARGS": shlex.join(passthrough) or None,
    }
    env = [f"-e {shlex.quote(f'{key}={value}')}" for key, value in settings.items() if value is not None]
    base = ["docker run --rm --gpus all --shm-size 16g", "-e NGC_API_KEY", *env]
    start = [*base, '-v "$HOME/.cache/nim:/opt/nim/.cache"', "-p 8000:8000", image]
    return NIMText(
        image=image,
        profiles=f"docker run --rm --gpus all -e NGC_API_KEY {image} list-model-profiles",
        start=" \\\n  ".join(start),
        problems=tuple(problems),
    )
