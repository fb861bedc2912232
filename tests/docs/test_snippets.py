"""Every Python snippet of the documentation runs as it stands; a mock answers in place of each server."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.testing.flavors import FLAVOR_NAMES
from deepseek_v4_sdk.transport.httpx_adapter import as_async_transport, as_transport
from tests.docs.small_packages import install_small_packages
from tests.support.pages import PAGES, name_of
from tests.support.seen import trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TOML = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^```(\w+)(.*)$", re.MULTILINE)
# Those of frameworks run in tests/integrations, beside what needs the same packages.
OURS = [page for page in PAGES if page.parent.name != "integrations"]
SNIPPETS = list(find_examples(*map(str, OURS)))


def _id(example: CodeExample) -> str:
    return f"{name_of(example.path)}:{example.start_line}"


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock in the wire of the asked provider, or of vLLM for one that the page makes, stands behind every address."""

    def mock(client: Any) -> Any:
        return MockProvider(flavor=client.provider if client.provider in FLAVOR_NAMES else "vllm").transport

    monkeypatch.setattr(DeepSeekV4, "_connect", lambda client: as_transport(mock(client)))
    monkeypatch.setattr(AsyncDeepSeekV4, "_connect", lambda client: as_async_transport(mock(client)))


@pytest.fixture
def logs() -> Iterator[None]:
    """What a snippet asks of logs ends with it."""
    root, ours = logging.getLogger(), logging.getLogger("deepseek_v4_sdk")
    handlers, level = list(root.handlers), ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)


@pytest.mark.usefixtures("servers", "logs")
@pytest.mark.parametrize("example", SNIPPETS, ids=_id)
def test_snippet(
    example: CodeExample, eval_example: EvalExample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs in an empty folder, beside the first TOML file that its page shows, which is trusted."""
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    shown = _TOML.search(example.path.read_text(encoding="utf-8"))
    if shown:
        file = tmp_path / "deepseek_v4.toml"
        file.write_text(shown[1], encoding="utf-8")
        trust(file)
        for variable in re.findall(r'api_key_env = "(\w+)"', shown[1]):
            monkeypatch.setenv(variable, "a-key-for-the-test")
    for variable in ("DEEPSEEK_V4_PROFILE", "DEEPSEEK_V4_CONFIG"):
        monkeypatch.setenv(variable, "")  # so that one which a snippet sets ends with it
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    install_small_packages(monkeypatch)
    failure = ""
    try:
        eval_example.run(example)
    except Exception as error:  # noqa: BLE001  # its traceback has rewritten code, which pytest cannot always show
        failure = f"{type(error).__name__}: {error}"
    if failure:  # outside of the block above: pytest would show the traceback as the context of this failure
        pytest.fail(failure, pytrace=False)


def test_every_snippet_is_found_and_none_is_exempt() -> None:
    """A fence with settings could switch a snippet off; there is no such fence."""
    fences = [fence for page in OURS for fence in _FENCE.findall(page.read_text(encoding="utf-8"))]
    python = [settings for language, settings in fences if language in {"py", "python", "pycon"}]
    assert len(python) == len(SNIPPETS) > 20
    assert not any(settings.strip() for settings in python)
