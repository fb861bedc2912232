"""The source of each value of a client, with keys masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import Timeouts, is_list, is_mapping
from deepseek_v4_sdk.config.settings import Settings

if TYPE_CHECKING:
    from deepseek_v4_sdk.config.profiles import LoadedProfile
else:
    LoadedProfile = late_type("deepseek_v4_sdk.config.profiles", "LoadedProfile")

__all__ = ["ExplainedValue", "Explanation", "explain"]

_MASK = "********"
_TIMERS = (
    ("connect", "10 s"),
    ("first_event", "600 s, and 1 s more for each 3,000 bytes"),
    ("idle", "120 s"),
    ("total", "21600 s"),
)


@dataclass(frozen=True, slots=True)
class ExplainedValue:
    """One value of a client.

    Attributes:
        name: The argument; a timer as `timeout.idle`. `shared_limits_env` follows `limits` where processes share them.
        value: The value in words; a key is masked.
        origin: Its source: "default", "argument", a variable, or a profile with its file and line.
    """

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The sources of a client's values; `str()` makes a table of them.

    Attributes:
        values: One for each argument.
        profile: The profile, and what chose it; None without one.
        file: The profile's file, and how it was found; None without one.
        trust: Whether that file may set its values, and the command that allows it; None without one.
    """

    values: tuple[ExplainedValue, ...]
    profile: str | None = None
    file: str | None = None
    trust: str | None = None

    def __getitem__(self, name: str) -> ExplainedValue:
        """Return the value of an argument.

        Raises:
            KeyError: There is no such argument.
        """
        for value in self.values:
            if value.name == name:
                return value
        raise KeyError(name)

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as JSON."""
        return asdict(self)

    def __str__(self) -> str:
        heading = (("profile", self.profile), ("file", self.file), ("trust", self.trust))
        lines = [f"{name:<7}  {text}" for name, text in heading if text]
        names = max(len(value.name) for value in self.values)
        values = min(max(len(value.value) for value in self.values), 44)
        rows = [f"{value.name:<{names}}  {value.value:<{values}}  {value.origin}" for value in self.values]
        return "\n".join([*lines, *([""] if lines else []), *rows])


def explain(
    arguments: Mapping[str, object],
    defaults: Mapping[str, object],
    origins: Mapping[str, str],
    settings: Settings,
    profile: LoadedProfile | None,
    *,
    provider: str,
    base_url: str,
) -> Explanation:
    """Explain a client: its arguments, their defaults, their sources, and the resulting values."""
    values: list[ExplainedValue] = []
    for name, value in arguments.items():
        own = name in defaults and value == defaults[name]
        origin = origins.get(name) or ("default" if own else "argument")
        match name:
            case "provider":
                values.append(ExplainedValue(name, provider, origin))
            case "base_url":
                origin = f"{provider}'s own" if value is None else origin
                values.append(ExplainedValue(name, base_url, origin))
            case "api_key":
                origin = origin if value is not None else settings.key_origin
                values.append(ExplainedValue(name, _key(value, settings.key_origin), origin))
            case "timeout":
                values += _timers(settings.timeouts, origin, profile)
            case _:
                values.append(ExplainedValue(name, _shown(name, value), origin))
        if name == "limits" and profile is not None and origins.get(name) in {None, profile.origin(name)}:
            values += _shared_limits(profile)
    if profile is None:
        return Explanation(tuple(values))
    file = profile.file
    return Explanation(
        tuple(values), f"{profile.name} ({profile.chosen})", f"{file.path} ({file.found})", profile.trust
    )


def _key(value: object, origin: str) -> str:
    if value is None:
        return "none" if origin == "default" else _MASK
    return "asked for at each request" if callable(value) else _MASK


def _shared_limits(profile: LoadedProfile) -> list[ExplainedValue]:
    """The variable of the limits that processes share. Its value is a URL that may hold a password."""
    name, variable = "shared_limits_env", profile.shared_limits_env
    return [] if variable is None else [ExplainedValue(name, variable, profile.place(name))]


def _timers(timeouts: Timeouts, origin: str, profile: LoadedProfile | None) -> list[ExplainedValue]:
    values: list[ExplainedValue] = []
    for timer, default in _TIMERS:
        given = getattr(timeouts, timer)
        written = profile is not None and origin == profile.origin("timeout")
        place = profile.origin("timeout", timer) if profile is not None and written else origin
        shown = default if given is None else f"{given:g} s"
        values.append(ExplainedValue(f"timeout.{timer}", shown, "default" if given is None else place))
    return values


def _shown(name: str, value: object) -> str:
    if name == "proxy" and isinstance(value, str):
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")
    if name == "fallback" and is_list(value):
        return ", ".join(str(client) for client in value) or "none"  # clients, whose text has no key
    if name == "model" and value is None:
        return "the server's own"
    if is_mapping(value):
        return ", ".join(f"{key}: {_MASK}" for key in value) or "none"
    if is_list(value):
        return ", ".join(_item(item) for item in value) or "none"
    return "none" if value is None else _item(value)


def _item(value: object) -> str:
    """Show a value in words. Only its kind is shown when it is not a plain value, because it may hold anything."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else type(value).__name__
