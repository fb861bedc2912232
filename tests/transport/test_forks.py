"""After a fork, nothing of the parent's is used: each process has its own connections, places, locks and ids."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.support import forks
from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, finish, say
from tests.transport.echo import AUTHORITY, Echo, EncryptedEcho

if TYPE_CHECKING:
    import socket

ROOT = Path(__file__).parents[2]


def run(name: str, *given: str) -> None:
    """Run some of the programs that fork, in one process."""
    command = [sys.executable, "-W", "error::ResourceWarning", "-m", "tests.transport.forking", name, *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr


def ids_of(server: Echo) -> list[str]:
    return [found[1] for request in server.requests if (found := re.search(r"x-request-id: (\w+)", request.decode()))]


@pytest.mark.parametrize("kind", [Echo, EncryptedEcho])
def test_a_kept_connection_stays_with_the_parent(kind: type[Echo], tmp_path: Path) -> None:
    given = []
    if kind is EncryptedEcho:
        given.append(str(tmp_path / "authority.pem"))
        AUTHORITY.cert_pem.write_to_path(given[0])
    with kind() as server:
        run("kept,kept_async,kept_aiohttp", server.url.replace("http", "https") if given else server.url, *given)
    assert server.connections == 3 * (1 + 3) + 1  # one for each process
    ids = ids_of(server)
    assert len(set(ids)) == len(ids) == len(server.requests)


def test_children_go_on_by_themselves() -> None:
    with Echo() as server:
        run("busy,locked,stream,brought,served", server.url)


def test_an_import_of_another_thread_is_finished_before_the_fork() -> None:
    with Echo() as server:
        run("imported,of_a_program", server.url)


def test_every_dependency_is_among_what_is_waited_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["fast"]]
    names = {re.split("[^a-z0-9-]", line)[0].replace("-", "_") for line in needed}
    assert names
    assert names <= forks._NEEDED


def test_a_server_sees_that_the_parent_has_left_while_a_child_lives() -> None:
    noticed = threading.Event()

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        if server.connections == 1:
            connection.sendall(HEAD + chunk_of(say("to ")))
            connection.recv(1)
            noticed.set()
        elif noticed.wait(10):
            connection.sendall(HEAD + b"".join(map(chunk_of, (say("to y"), finish("stop"), DONE, b""))))

    with HostileServer(serve) as server:
        run("left", server.url)


def test_what_was_prepared_before_a_fork_has_an_id_for_each_process() -> None:
    with Echo() as server:
        run("ids", server.url)
    assert len(set(ids_of(server))) == len(server.requests) == 3
