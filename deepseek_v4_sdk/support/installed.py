"""The origin of this installed package, so that a hint to install an extra works as it is printed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["install_command"]

_NAME = "deepseek-v4-sdk"


def install_command(extra: str, *packages: str) -> str:
    """Return the command that installs the packages of an extra.

    It names the place from which this package came: a folder, a wheel, a repository, or an index. A package that is not
    installed, as in a source tree on the path, has no extras: the command names their packages.

    Args:
        extra: The extra.
        packages: The missing packages of the extra.
    """
    import json
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        found = distribution(_NAME)
    except PackageNotFoundError:
        return f"pip install {' '.join(map(shlex.quote, packages))}"
    text = found.read_text("direct_url.json")
    try:
        origin: object = json.loads(text) if text else None
    except ValueError:
        origin = None
    return f"{_installer(found)} install {_wanted(extra, origin)}"


def _installer(found: Distribution) -> str:
    name = (found.read_text("INSTALLER") or "").strip()
    return "uv pip" if name == "uv" else "pip"


def _wanted(extra: str, origin: object) -> str:
    """Return the requirement for the command."""
    source = cast("dict[str, object]", origin) if isinstance(origin, dict) else {}
    url = source.get("url")
    if not isinstance(url, str):
        return shlex.quote(f"{_NAME}[{extra}]")
    folder = source.get("dir_info")
    if isinstance(folder, dict) and url.startswith("file://"):
        from urllib.request import url2pathname

        edits = cast("dict[str, object]", folder).get("editable") is True
        path = url2pathname(url.removeprefix("file://"))
        return ("-e " if edits else "") + shlex.quote(f"{path}[{extra}]")
    vcs = source.get("vcs_info")
    if isinstance(vcs, dict):
        about = cast("dict[str, object]", vcs)
        url = f"{about.get('vcs', 'git')}+{url}@{about.get('commit_id', '')}".rstrip("@")
    return shlex.quote(f"{_NAME}[{extra}] @ {url}")
