"""The settings that a found file of profiles may set without trust, and the files that the user trusts with more."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from deepseek_v4_sdk.chat import is_list, is_mapping
from deepseek_v4_sdk.config import owners
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers.http_call import read_base_url
from deepseek_v4_sdk.support.files import own_folder, write_private

__all__ = [
    "FREE",
    "Setting",
    "Trusted",
    "command_for",
    "digest_of",
    "keep",
    "kept",
    "needs_trust",
    "privileged",
    "withdraw",
]

FREE = frozenset(
    {
        "provider",
        "flavor",
        "engine",
        "model",
        "thinking",
        "timeout",
        "max_retries",
        "limits",
        "window",
        "overflow",
        "balance",
        "fallback",
        "prices",
        "models",
    }
)
"""Settings of a found profile that need no trust. Every other setting needs it, also one that is added later."""

_FREE_IN_FILE = frozenset({"default", "profiles", "prices", "models"})
_ADDRESSES = ("base_url", "endpoints")  # free where they name this machine
_LOOPBACK = IPv4Network("127.0.0.0/8")
_FORM = 1  # of the file that stores trust


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that needs trust.

    Attributes:
        profile: Its profile; None for one of the whole file.
        key: Its name.
        value: Its value.
    """

    profile: str | None
    key: str
    value: object


@dataclass(frozen=True, slots=True)
class Trusted:
    """The user's trust in a file.

    Attributes:
        owner: The owner of the file; None on Windows.
        digest: That of the settings that need trust.
    """

    owner: int | None
    digest: str


def needs_trust(key: str, value: object) -> bool:
    """Whether a setting of a profile needs trust."""
    if key in _ADDRESSES:
        return not all(_is_here(address) for address in (value if is_list(value) else [value]))
    return key not in FREE


def privileged(content: Mapping[str, object]) -> list[Setting]:
    """All settings of a file that need trust."""
    found = [Setting(None, key, value) for key, value in content.items() if key not in _FREE_IN_FILE]
    profiles = content.get("profiles")
    for name, table in profiles.items() if is_mapping(profiles) else ():
        if is_mapping(table):
            found += [Setting(name, key, value) for key, value in table.items() if needs_trust(key, value)]
    return found


def digest_of(content: Mapping[str, object]) -> str:
    """Hash the part of a file that must stay unchanged for the trust in it to hold.

    This part is the settings that need trust, and the settings that decide where their key goes.
    """
    trusted = {(each.profile or "", each.key): each.value for each in privileged(content)}
    profiles = content.get("profiles")
    for name in {profile for profile, _ in trusted}:
        table = profiles.get(name) if is_mapping(profiles) else None
        if is_mapping(table):
            trusted.update({(name, key): table[key] for key in ("provider", *_ADDRESSES) if key in table})
    rows = sorted([*place, json.dumps(value, sort_keys=True, default=repr)] for place, value in trusted.items())
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def command_for(file: Path) -> str:
    """The command with which the user trusts a file."""
    return f"deepseek-v4 config trust {shlex.quote(str(file))}"


def kept(file: Path) -> Trusted | None:
    """The user's trust in a file, or None.

    Raises:
        ConfigurationError: The stored trust cannot be read.
    """
    return _all().get(os.path.realpath(file))


def keep(file: Path, trusted: Trusted) -> None:
    """Trust a file from now on.

    Raises:
        ConfigurationError: Trust cannot be stored.
    """
    _write({**_all(), os.path.realpath(file): trusted})


def withdraw(file: Path) -> bool:
    """Remove the trust in a file. Return whether it was trusted.

    Raises:
        ConfigurationError: Trust cannot be stored.
    """
    held = _all()
    if held.pop(os.path.realpath(file), None) is None:
        return False
    _write(held)
    return True


def _is_here(address: object) -> bool:
    """Whether an address is literally that of this machine, without a lookup."""
    try:
        host = urlsplit(read_base_url(address)).hostname if isinstance(address, str) else None
        if host is None or host == "localhost":
            return host is not None
        number = ip_address(host)
    except (ConfigurationError, ValueError):
        return False
    return number == IPv6Address("::1") or (number.version == 4 and number in _LOOPBACK)


def _place() -> Path:
    if (folder := own_folder("state")) is None:
        raise ConfigurationError("there is no home folder to keep trust in: set HOME or XDG_STATE_HOME")
    return folder / "trusted.json"


def _all() -> dict[str, Trusted]:
    place = _place()
    wrong = f"the stored trust in {place} "
    try:
        with place.open("rb") as opened:
            rights = owners.rights_of(opened.fileno())
            if not owners.is_ones_own(rights.st_uid) or owners.others_may_write(rights):
                raise ConfigurationError(f"{wrong}could be written by others: delete it")
            held: object = json.loads(opened.read())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{wrong}cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        held = None
    files = held.get("files") if is_mapping(held) and held.get("form") == _FORM else None
    if not is_mapping(files):
        raise ConfigurationError(f"{wrong}is broken: delete it, and trust your files again")
    return dict(_read(files))


def _read(files: Mapping[str, object]) -> Iterator[tuple[str, Trusted]]:
    for path, entry in files.items():
        owner, digest = (entry.get("owner"), entry.get("digest")) if is_mapping(entry) else (None, None)
        if isinstance(digest, str) and isinstance(owner, int | None):  # any other entry means no trust
            yield path, Trusted(owner, digest)


def _write(held: Mapping[str, Trusted]) -> None:
    place = _place()
    content = {"form": _FORM, "files": {path: asdict(trusted) for path, trusted in held.items()}}
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(place, json.dumps(content, indent=2).encode())
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be written: {error.strerror or error}") from None
