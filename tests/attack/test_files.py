"""Files of profiles that a stranger has laid where a user works: they run nothing and take no key."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4
from deepseek_v4_sdk.config import owners
from tests.attack.harness import HostileServer, answered, stream_answer
from tests.support.commands import run

if TYPE_CHECKING:
    import socket

KEY = "nvapi-key-of-the-user-5512"
COMMANDS = [("config", "explain"), ("models",), ("doctor",), ("chat", "Hi"), ("context", ".", "--profile", "x")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory inside of what somebody has sent."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("NVIDIA_API_KEY", KEY)
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    inside = tmp_path / "sent" / "src"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    return inside


def lay(lines: str) -> Path:
    """A file above the working directory."""
    file = Path.cwd().parent / "deepseek_v4.toml"
    file.write_text(f'default = "x"\n[profiles.x]\nmax_retries = 0\nmodel = "flash"\n{lines}\n', "utf-8")
    return file


def heard(connection: socket.socket, server: HostileServer) -> None:
    """Take what comes, and answer nothing."""
    server.hear(connection)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_no_command_line_of_a_found_file_runs(command: tuple[str, ...], mode: int, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = f"['{sys.executable}', '-c', '''open(r\"{ran}\", \"w\"); print(5)''']"
    lay(f'provider = "mock"\napi_key_command = {program}').chmod(mode)
    run(*command, code=0 if command[0] == "config" and mode == 0o644 else 2)
    assert not ran.exists()


@pytest.mark.parametrize(
    "lines",
    [
        'provider = "nvidia"\nproxy = "URL"\nca_bundle = "ca.pem"',
        'provider = "nvidia"\nproxy = "URL"',
        'provider = "vllm"\nbase_url = "http://elsewhere.localhost"\nproxy = "URL"',
        'provider = "vllm"\nbase_url = "http://127.0.0.1.elsewhere.example"\napi_key_env = "NVIDIA_API_KEY"',
        'provider = "vllm"\nendpoints = ["URL"]\napi_key_env = "NVIDIA_API_KEY"',
        'provider = "mock"\nfallback = ["y"]\n[profiles.y]\nprovider = "vllm"\nbase_url = "URL"\napi_key_file = "key"',
        'provider = "vllm"\nbase_url = "URL"\ndefault_headers = { Host = "integrate.api.nvidia.com" }',
    ],
)
@pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])
def test_no_found_file_takes_a_key(lines: str, kind: type[DeepSeekV4 | AsyncDeepSeekV4]) -> None:
    (Path.cwd().parent / "ca.pem").touch()
    (Path.cwd().parent / "key").write_text(KEY, "utf-8")
    with HostileServer(heard) as server:
        lay(lines.replace("URL", server.url))
        with pytest.raises(ConfigurationError, match="your trust"):
            kind.from_profile()
    assert server.connections == 0


def test_what_a_found_file_may_do_it_does() -> None:
    """A server on this machine is asked, so that the refusals above are no accident."""
    with HostileServer(answered(stream_answer("Hello"))) as server:
        lay(f'provider = "vllm"\nbase_url = "{server.url}"\nlimits = "off"')
        with DeepSeekV4.from_profile(model="m") as client:
            assert client.chat("Hi").text == "Hello"


def test_a_file_that_changes_between_look_and_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was looked at is what is read: a file put in its place afterwards is not."""
    ran = tmp_path / "ran"
    file = lay('provider = "mock"')
    look = owners.rights_of

    def swap(descriptor: int) -> owners.Rights:
        rights = look(descriptor)
        file.unlink()
        lay(f'provider = "mock"\napi_key_command = "touch {ran}"').chmod(0o666)
        return rights

    monkeypatch.setattr(owners, "rights_of", swap)
    assert DeepSeekV4.from_profile().provider == "mock"
    assert not ran.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such owners there")
def test_a_file_that_really_is_another_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root gives it away; anybody else acts for somebody else."""
    file = lay('provider = "mock"')
    if os.geteuid() == 0:
        os.chown(file, 4_000_000, 4_000_000)
    else:
        monkeypatch.setattr(owners, "user", lambda: 4_000_000)
    with pytest.raises(ConfigurationError, match="was found, and belongs to ") as caught:
        DeepSeekV4.from_profile()
    assert str(caught.value).endswith(f"run: deepseek-v4 config trust {file}")
