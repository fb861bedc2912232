"""The marker `deepseek_v4` of pytest: which provider a test gets, a mock or a cassette that is played or recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest

from deepseek_v4_sdk.chat import nearest
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.testing.cassettes.cassette import CassetteError
from deepseek_v4_sdk.testing.cassettes.recorder import Recorder
from deepseek_v4_sdk.testing.cassettes.replayer import Replayer
from deepseek_v4_sdk.testing.mock import MockProvider

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["FIXTURE", "check_marker", "check_played", "keep_recorded", "note_outcome", "provider_of"]

FIXTURE = "deepseek_v4_provider"
"""The fixture that gives a test the provider of its marker."""

_FAILED = pytest.StashKey[bool]()
_OF_MOCKS = ("flavor", "script", "default", "window", "chaos", "count_tokens", "at")
_OF_CASSETTES = ("cassette", "match", "timing")
_NOT_RECORDED = (
    "default_headers",
    "proxy",
    "ca_bundle",
)  # settings of a profile, without which it would be another way


def check_marker(item: pytest.Item) -> None:
    """Fail a test whose marker is wrong, or has no effect."""
    if any(item.iter_markers("deepseek_v4")):
        _arguments(item)
        if FIXTURE not in getattr(item, "fixturenames", ()):
            _fail(f"it has no effect, for the test does not ask for the fixture {FIXTURE}")


def provider_of(item: pytest.Item) -> MockProvider | Replayer | Recorder:
    """The provider that the markers of a test, of its class and of its module ask for; the nearest one wins.

    Without any it is a mock that answers from its input.
    """
    given = _arguments(item)
    path = _cassette_of(item, given)
    try:
        if path is None:
            steps: Any = given.pop("script", [])
            return MockProvider(
                *(cast("Sequence[Any]", steps) if isinstance(steps, list | tuple) else [steps]), **given
            )
        if item.config.getoption("deepseek_v4_record"):
            return _recorder(item, path)
        if not path.exists():
            command = f"pytest --deepseek-v4-record '{item.nodeid}'"
            _fail(f"the cassette {path} does not exist: record it with a profile of a real server, by {command}")
        return Replayer(path, **{name: value for name, value in given.items() if name != "cassette"})
    except (ConfigurationError, CassetteError) as error:
        _fail(str(error))


def note_outcome(item: pytest.Item, report: pytest.TestReport) -> None:
    """Remember that a test failed."""
    if report.when == "call":
        item.stash[_FAILED] = report.failed


def keep_recorded(item: pytest.Item, provider: MockProvider | Replayer | Recorder) -> None:
    """Replace the cassette by the new recording if the test passed; else leave the recording next to it."""
    if isinstance(provider, Recorder) and not item.stash.get(_FAILED, True):
        provider.path.replace(provider.path.with_suffix(""))


def check_played(provider: MockProvider | Replayer | Recorder) -> None:
    """Fail a test that has left steps or exchanges over, or has recorded nothing.

    Raises:
        AssertionError: The text shows which.
    """
    if not isinstance(provider, Recorder):
        provider.check_used()
    elif not provider.saved:
        _fail("the test has sent nothing that could be recorded")


def _arguments(item: pytest.Item) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers("deepseek_v4"))):
        if mark.args:
            _fail(f"it takes arguments only by name, such as script={mark.args[0]!r}")
        given.update(mark.kwargs)
    known = (*_OF_MOCKS, *_OF_CASSETTES)
    for name in given:
        if name not in known:
            _fail(f"it has no argument {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    strangers = [name for name in given if name in (_OF_MOCKS if "cassette" in given else _OF_CASSETTES)]
    if strangers:
        _fail(f"{strangers[0]} does not go {'with' if 'cassette' in given else 'without'} cassette")
    return given


def _cassette_of(item: pytest.Item, given: Mapping[str, Any]) -> Path | None:
    """The file of a cassette, in the folder `cassettes` next to the test."""
    name = given.get("cassette")
    if name is None:
        return None
    if not isinstance(name, str) or not name:
        _fail(f"cassette is {name!r}: give a name, such as 'weather'")
    return item.path.parent / "cassettes" / f"{name.removesuffix('.jsonl')}.jsonl"


def _recorder(item: pytest.Item, path: Path) -> Recorder:
    """A recorder in front of the server of a profile."""
    from deepseek_v4_sdk.config.profiles import load_profile

    sharing = [
        other.nodeid
        for other in item.session.items
        if any(other.iter_markers("deepseek_v4")) and _cassette_of(other, _arguments(other)) == path
    ]
    if len(sharing) > 1:
        _fail(f"{' and '.join(sharing)} would record one cassette: give each its own, or record with one of them")
    profile = load_profile(item.config.getoption("deepseek_v4_profile"), None, {})
    settings: dict[str, Any] = profile.arguments
    for name in _NOT_RECORDED:
        if settings.get(name):
            _fail(f"the profile {profile.name} has {name}, which a recorder does not have: use a Recorder in a program")
    return Recorder(
        settings["provider"],
        path=path.with_name(f"{path.name}.new"),
        base_url=settings.get("base_url"),
        api_key=settings.get("api_key"),
        if_exists="replace",
    )


def _fail(message: str) -> NoReturn:
    pytest.fail(f"the marker deepseek_v4: {message}", pytrace=False)
