"""No profile, conversation or terminal of the machine that runs the tests is seen by a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.batch_rows import echo

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.testing import MockProvider

# A width that is told stands in the way of one that changes; the others tell rich and click what a terminal can do.
_TERMINAL = (
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "TTY_COMPATIBLE"),
    *(
        "TTY_INTERACTIVE",
        "TERM_PROGRAM",
        "JUPYTER_COLUMNS",
        "JUPYTER_LINES",
        "TERMINAL_WIDTH",
        "GITHUB_ACTIONS",
        "PY_COLORS",
    ),
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty working directory, an empty home, and a terminal that can do what most can."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in _TERMINAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., MockProvider]:
    """Let the commands use a client of this mock."""

    def use(*steps: Any, default: Any = None, **arguments: Any) -> MockProvider:
        from deepseek_v4_sdk import DeepSeekV4
        from deepseek_v4_sdk.cli import connection
        from deepseek_v4_sdk.testing import MockProvider, script

        mock = MockProvider(*steps, default=default or script.from_function(echo), **arguments)
        monkeypatch.setattr(
            connection.NamedServer, "connect", lambda self: DeepSeekV4(mock, model=self.model, max_retries=0)
        )
        return mock

    return use
