"""A hint to install something can be followed as it is, however this package came here."""

from __future__ import annotations

import importlib.metadata
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk.support.installed import install_command

if TYPE_CHECKING:
    from collections.abc import Callable

    Origin = Callable[..., None]


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> Origin:
    """Make it look as if the package was installed so."""

    def set_origin(origin: object, installer: str = "pip") -> None:
        files = {"INSTALLER": f"{installer}\n"}
        if origin is not None:
            files["direct_url.json"] = origin if isinstance(origin, str) else json.dumps(origin)

        class Found:
            def read_text(self, name: str) -> str | None:
                return files.get(name)

        monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Found())

    return set_origin


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'deepseek-v4-sdk[server]'"),
        ("not JSON", "pip install 'deepseek-v4-sdk[server]'"),
        ({"url": "file:///srv/sdk", "dir_info": {"editable": True}}, "pip install -e '/srv/sdk[server]'"),
        ({"url": "file:///srv/my%20sdk", "dir_info": {}}, "pip install '/srv/my sdk[server]'"),
        (
            {"url": "file:///tmp/deepseek_v4_sdk-0.1.0-py3-none-any.whl", "archive_info": {}},
            "pip install 'deepseek-v4-sdk[server] @ file:///tmp/deepseek_v4_sdk-0.1.0-py3-none-any.whl'",
        ),
        (
            {"url": "https://git.example/sdk", "vcs_info": {"vcs": "git", "commit_id": "abc123"}},
            "pip install 'deepseek-v4-sdk[server] @ git+https://git.example/sdk@abc123'",
        ),
    ],
)
def test_where_it_came_from(came: Origin, origin: Any, command: str) -> None:
    came(origin)
    assert install_command("server", "uvicorn") == command
    came(origin, installer="uv")
    assert install_command("server", "uvicorn") == f"uv {command}"
    assert len(shlex.split(command)) in {3, 4}


def test_a_source_tree_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> object:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", lacking)
    assert install_command("server", "starlette", "uvicorn") == "pip install starlette uvicorn"
