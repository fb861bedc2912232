"""Profiles: the arguments of a client, kept in a TOML file under a name."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from deepseek_v4_sdk.catalogue.models import Catalogue
from deepseek_v4_sdk.chat import Timeouts, is_list, is_mapping, nearest, with_defaults
from deepseek_v4_sdk.config.file import FILE_NAME, FILE_VARIABLE, ProfileFile
from deepseek_v4_sdk.config.keys import KEY_SOURCES, find_key
from deepseek_v4_sdk.config.profile_limits import limits_of
from deepseek_v4_sdk.config.trust import Setting, command_for, kept, privileged
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError
from deepseek_v4_sdk.providers.http_call import read_base_url
from deepseek_v4_sdk.support.files import expanded, own_folder

if TYPE_CHECKING:
    from deepseek_v4_sdk.config.schema import Profile

__all__ = ["PROFILE_VARIABLE", "LoadedProfile", "load_profile"]

PROFILE_VARIABLE = "DEEPSEEK_V4_PROFILE"

_logger = logging.getLogger("deepseek_v4_sdk")

_SHOWN = 20  # profiles that a message names


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """A profile and its overrides, as the arguments of a client.

    Attributes:
        name: The profile.
        chosen: The source of its name.
        file: The file it is from.
        arguments: The arguments of the client.
        written: The setting of the profile for each argument; those given by the caller have none.
        trust: Whether the file may set its values, in words.
        shared_limits_env: The variable with the URL of the Redis in which processes share the limits, or None.
    """

    name: str
    chosen: str
    file: ProfileFile
    arguments: dict[str, object]
    written: Mapping[str, str]
    trust: str
    shared_limits_env: str | None = None

    @property
    def origins(self) -> dict[str, str]:
        """The source of each argument, in words."""
        return {argument: self.origin(argument) for argument in self.arguments}

    def origin(self, argument: str, *path: str) -> str:
        """The source of an argument, or of a value inside of it."""
        if argument == "catalogue" and argument not in self.written:
            return self.file.place("models")
        if (setting := self.written.get(argument)) is None:
            return "argument"
        return f"{'' if setting == argument else f'{setting}, '}{self.place(setting, *path)}"

    def place(self, *path: str) -> str:
        """The place of a setting in the file, with the name of the profile."""
        return f"profile {self.name}, {self.file.place('profiles', self.name, *path)}"

    @contextmanager
    def named_in_errors(self) -> Generator[None]:
        """Add the place of a value in the profile to an error of the client."""
        try:
            yield
        except ConfigurationError as error:
            # The client's own errors begin with the name of the argument.
            words = re.findall(r"\w+", str(error).partition(":")[0])
            words += ["endpoints"] if "base_url" in words else []  # each of them may be wrong
            argument = next((word for word in words if word in self.arguments), "provider")
            if argument not in self.written:
                raise
            path = (self.written[argument],) if argument in words else ()
            raise _at(self.file, self.name, path, str(error)) from None


def load_profile(
    name: str | None,
    path: str | os.PathLike[str] | None,
    overrides: Mapping[str, object],
    *,
    for_show: bool = False,
) -> LoadedProfile:
    """Read a profile from a TOML file, as the arguments of a client.

    Without a path `find_file` finds the file. Without a name the profile is `DEEPSEEK_V4_PROFILE`, or the file's
    `default`. Overrides win; replaced settings may be missing.

    Args:
        name: The profile.
        path: The file.
        overrides: Arguments that win over the profile's.
        for_show: Whether the client is only inspected: no command is run, and a file needs no trust.

    Raises:
        ConfigurationError: The file or the profile is missing or wrong, or a file that was found sets what needs trust;
            the text names the place.
    """
    file = ProfileFile.read(path)
    tables = _tables(file)
    wanted, chosen = _choose(file, name)
    if wanted not in tables:
        where = file.place("default") if chosen == "default of the file" else file.path
        raise ConfigurationError(f"{where} has no profile {wanted!r}{nearest(wanted, tables)}; {_known(tables)}")
    _warn_of_keys(file, tables)
    followed = _follow(file, tables, wanted)
    used = followed if "fallback" not in overrides else {wanted: followed[wanted]}
    trust_text, missing = _judge(file, {each: tables[each] for each in used}, wanted, overrides)
    if missing is not None and not for_show:
        raise missing
    profile = used[wanted]
    arguments = _arguments(file, wanted, profile, overrides, run=not for_show)
    others = [_arguments(file, each, other, {}, run=not for_show) for each, other in used.items() if each != wanted]
    if others:
        arguments["fallback"] = others
    written = {key: key for key in arguments}
    for key in (*KEY_SOURCES, "flavor", "engine"):
        if getattr(profile, key) is not None:
            written["api_key" if key in KEY_SOURCES else "provider"] = key
    if profile.limits is None and "limits" in arguments:
        written["limits"] = "shared_limits_env"
    if (entries := file.content.get("models")) is not None:
        arguments["catalogue"] = _catalogue(file, entries)
    for name in {"window", "overflow"} - overrides.keys():  # an override may replace the other one
        if name in arguments and name not in with_defaults(overrides, arguments):
            del arguments[name]
    kept = {argument: setting for argument, setting in written.items() if argument not in overrides}
    shared = None if "limits" in overrides else profile.shared_limits_env
    return LoadedProfile(wanted, chosen, file, {**arguments, **overrides}, kept, trust_text, shared)


def _judge(
    file: ProfileFile, used: Mapping[str, object], wanted: str, overrides: Mapping[str, object]
) -> tuple[str, ConfigurationError | None]:
    """Whether the file may set the values of these profiles, in words; and the error when it may not.

    A file that the caller named may set everything. A file that was found may set free settings, and the rest when it
    is trusted.
    """
    if file.is_named:
        return "not needed: the file is named, or is in your own folder", None
    wanting = [
        setting
        for setting in privileged({**file.content, "profiles": used})
        if setting.profile != wanted or _ARGUMENTS.get(setting.key, setting.key) not in overrides
    ]
    if hooks := next((setting for setting in wanting if setting.key == "hooks"), None):
        text = (
            "hooks run code, so a file that was found may never have them, trusted or not: put the profile into "
            f"{_own_place()}, or name this file (path=, --config or {FILE_VARIABLE})"
        )
        return "impossible for hooks", _at(file, hooks.profile or "", ("hooks",), text)
    if not wanting:
        return "not needed: a file that was found may set all that is used here", None
    if file.is_trusted:
        return "given: deepseek-v4 config trust", None
    names = ", ".join(dict.fromkeys(setting.key for setting in wanting))
    path = [each for each in ("profiles", wanting[0].profile, wanting[0].key) if each is not None]
    for setting in wanting:
        for address in _addresses(setting):
            try:  # a mistake raises its own error
                read_base_url(address)
            except ConfigurationError as error:
                return "", _at(file, setting.profile or "", (setting.key,), str(error))
    need = "needs" if len(wanting) == 1 else "need"
    why = "the file was found" if kept(file.path) is None else "the file has changed since you trusted it"
    text = f"{names} {need} your trust, for {why}: read it, then run: {command_for(file.path)}"
    where = f", profile {wanting[0].profile!r}" if wanting[0].profile is not None else ""
    return f"missing for {names}: {command_for(file.path)}", ConfigurationError(f"{file.place(*path)}{where}: {text}")


def _own_place() -> str:
    """The place of the user's own file, in words."""
    folder = own_folder("config")
    return "your own folder for settings" if folder is None else str(folder / FILE_NAME)


# The argument that a setting becomes, where it has another name.
_ARGUMENTS: Mapping[str, str] = dict.fromkeys(KEY_SOURCES, "api_key")


def _addresses(setting: Setting) -> list[str]:
    if setting.key not in ("base_url", "endpoints"):
        return []
    values = setting.value if is_list(setting.value) else [setting.value]
    return [value for value in values if isinstance(value, str)]


def _tables(file: ProfileFile) -> Mapping[str, object]:
    known = ("default", "profiles", "models")
    for key in file.content:
        if key not in known:
            raise ConfigurationError(
                f"{file.place(key)}: there is no setting {key!r}{nearest(key, known)}; known: {', '.join(known)}"
            )
    tables = file.content.get("profiles")
    if not is_mapping(tables) or not tables:
        raise ConfigurationError(f"{file.path} has no profiles: write a table such as [profiles.dev]")
    return tables


def _choose(file: ProfileFile, name: str | None) -> tuple[str, str]:
    if name:
        return name, "argument"
    if named := os.environ.get(PROFILE_VARIABLE):
        return named, PROFILE_VARIABLE
    default = file.content.get("default")
    if default is None:
        raise ConfigurationError(
            f"no profile is named: give one, set {PROFILE_VARIABLE}, or write default = ... into {file.path}"
        )
    if not isinstance(default, str):
        raise ConfigurationError(f"{file.place('default')}: default is {default!r}: give the name of a profile")
    return default, "default of the file"


def _checked(file: ProfileFile, name: str, tables: Mapping[str, object]) -> Profile:
    from deepseek_v4_sdk.config.schema import Profile, complaints  # pydantic is loaded with the first profile

    table = tables[name]
    if not is_mapping(table):
        raise ConfigurationError(
            f"{file.place('profiles', name)}: profile {name!r} is not a table: write it as [profiles.{name}]"
        )
    for path, mistake in complaints(Profile, table):
        raise _at(file, name, path, mistake)
    return Profile.model_validate(table)


def _follow(file: ProfileFile, tables: Mapping[str, object], first: str) -> dict[str, Profile]:
    """Follow a profile to its fallbacks, and theirs, in order and each once: all must exist, without a cycle."""
    found = {first: _checked(file, first, tables)}
    trail = {first: _fallbacks(found[first])}
    while trail:
        name, targets = next(reversed(trail.items()))
        if (step := next(targets, None)) is None:
            del trail[name]
            continue
        index, target = step
        if target not in tables:
            text = f"fallback names {target!r}, which is not a profile here{nearest(target, tables)}; {_known(tables)}"
            raise _at(file, name, ("fallback", index), text)
        if target in trail:
            circle = [*trail, target]
            text = f"fallback goes in a circle: {' -> '.join(circle[circle.index(target) :])}"
            raise _at(file, name, ("fallback", index), text)
        if target not in found:
            found[target] = _checked(file, target, tables)
            trail[target] = _fallbacks(found[target])
    return found


def _fallbacks(profile: Profile) -> Iterator[tuple[int, str]]:
    return iter(enumerate(profile.fallback or ()))


def _known(tables: Mapping[str, object]) -> str:
    """The existing profiles, in a readable line."""
    more = f" and {len(tables) - _SHOWN:,} more" if len(tables) > _SHOWN else ""
    return f"it has {', '.join(islice(tables, _SHOWN))}{more}"


# Settings that become an argument in another form.
_READ_HERE = {
    *KEY_SOURCES,
    *("ca_bundle", "timeout", "flavor", "engine", "limits", "shared_limits_env", "fallback", "prices", "hooks"),
}


def _arguments(
    file: ProfileFile, name: str, profile: Profile, overrides: Mapping[str, object], *, run: bool
) -> dict[str, object]:
    arguments: dict[str, object] = profile.model_dump(exclude=_READ_HERE, exclude_none=True)
    if "provider" not in arguments and "provider" not in overrides:
        raise _at(file, name, (), 'provider is missing: write provider = "vllm" or another')
    folder = file.path.absolute().parent
    if profile.ca_bundle is not None:
        arguments["ca_bundle"] = str(folder / expanded(profile.ca_bundle, "ca_bundle"))
    timeout = profile.timeout
    if timeout is not None:
        with _placed(file, name, "timeout"):
            arguments["timeout"] = (
                Timeouts(total=timeout) if isinstance(timeout, int | float) else Timeouts(**timeout.model_dump())
            )
    if "api_key" not in overrides:
        with _placed(file, name):
            key = find_key(profile, folder, run=run)
        if key is not None:
            arguments["api_key"] = key
    if "limits" not in overrides:
        with _placed(file, name, "shared_limits_env"):
            limits = limits_of(profile, run=run)
        if limits is not None:
            arguments["limits"] = limits
    if profile.prices is not None:
        from deepseek_v4_sdk.config.profile_prices import price_table  # loaded for a profile with prices

        provider = overrides.get("provider", profile.flavor or profile.provider)
        with _placed(file, name, "prices", "prices: "):
            arguments["prices"] = price_table(profile.prices, provider)
    if profile.hooks is not None and "hooks" not in overrides:
        from deepseek_v4_sdk.config.profile_hooks import load_hooks  # loaded for a profile with hooks

        with _placed(file, name, "hooks"):
            arguments["hooks"] = load_hooks(profile.hooks) if run else profile.hooks
    _choose_provider(file, name, profile, arguments)
    return arguments


@contextmanager
def _placed(file: ProfileFile, name: str, key: str | None = None, before: str = "") -> Generator[None]:
    """Name the place of a setting in an error about it. Without a key, the error begins with that of the setting."""
    try:
        yield
    except (ConfigurationError, InvalidRequestError) as error:
        raise _at(file, name, (key or str(error).partition(" ")[0],), f"{before}{error}") from None


def _choose_provider(file: ProfileFile, name: str, profile: Profile, arguments: dict[str, object]) -> None:
    """Make a provider that is more than a name: the mock with its flavor, a NIM with its engine."""
    if profile.flavor is not None:
        if profile.provider != "mock":
            raise _at(file, name, ("flavor",), 'flavor goes only with provider = "mock"')
        from deepseek_v4_sdk.testing import MockProvider

        with _placed(file, name, "flavor"):
            arguments["provider"] = MockProvider(flavor=profile.flavor)
    if profile.engine is not None:
        if profile.provider != "nim":
            raise _at(file, name, ("engine",), 'engine goes only with provider = "nim"')
        from deepseek_v4_sdk.providers.nim import NIM

        arguments["provider"] = NIM(profile.engine)


def _catalogue(file: ProfileFile, entries: object) -> Catalogue:
    try:
        return Catalogue.read(entries)  # type: ignore[arg-type]  # it checks each entry
    except (TypeError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{file.place('models')}: {error}; write each model as [[models]]") from None


def _warn_of_keys(file: ProfileFile, tables: Mapping[str, object]) -> None:
    holders = [name for name, table in tables.items() if is_mapping(table) and "api_key" in table]
    if not holders:
        return
    place = file.place("profiles", holders[0], "api_key")
    text = f"{place} holds a key: name where it is with api_key_env, api_key_file or api_key_command instead"
    if file.others_can_read():
        text += f"; other users of this machine can read it: change the key, and run chmod 600 {file.path}"
        _logger.error(text)
    warnings.warn(text, UserWarning, stacklevel=5)  # at the line of the caller, above `forgets`


def _at(file: ProfileFile, name: str, path: tuple[str | int, ...], mistake: str) -> ConfigurationError:
    return ConfigurationError(f"{file.place('profiles', name, *path)}, profile {name!r}: {mistake}")
