"""The web example in a real browser: tools run, a booking waits, the server is killed, and a click allows the booking.

python -m tests.examples.in_browser [--shots FOLDER]      (it needs Chromium: apt-get install chromium)
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--window-size=800,700", "--remote-debugging-port=0"),
)
LONGEST_WAIT = 30.0  # seconds


@asynccontextmanager
async def served(chats: Path, session: aiohttp.ClientSession) -> AsyncIterator[str]:
    """The application in a process of its own, which is killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ("--app-dir", "examples/web", "app:app", "--port", str(port), "--log-level", "warning")
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "--factory", *where),
        cwd=ROOT,
        env={**os.environ, "CHATS": f"sqlite:///{chats}"},
    )
    try:
        for _ in range(200):
            try:
                async with session.get(f"http://127.0.0.1:{port}"):
                    break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        await server.wait()


class Page:
    """A page of the browser, driven by its DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._sent = 0

    async def call(self, method: str, **parameters: Any) -> Any:
        """Ask the browser for something, and wait for it."""
        self._sent += 1
        await self._socket.send_json({"id": self._sent, "method": method, "params": parameters})
        async for message in self._socket:
            answer = json.loads(message.data)
            if answer.get("id") == self._sent:
                return answer["result"]
        raise ConnectionError("the browser has gone")

    async def run(self, script: str) -> Any:
        """The value of an expression."""
        return (await self.call("Runtime.evaluate", expression=script))["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until an expression is true."""
        for _ in range(int(LONGEST_WAIT / 0.1)):
            if await self.run(script):
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{script} did not become true; the page is: {await self.run('document.body.innerText')}")

    async def shoot(self, file: Path) -> None:
        """Keep a picture."""
        picture = await self.call("Page.captureScreenshot")
        await asyncio.to_thread(file.write_bytes, base64.b64decode(picture["data"]))


@asynccontextmanager
async def opened(session: aiohttp.ClientSession) -> AsyncIterator[Page]:
    """An empty page of a browser that is started for it."""
    name = shutil.which("chromium") or shutil.which("chromium-browser") or sys.exit("chromium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = await asyncio.create_subprocess_exec(
            name, *FLAGS, f"--user-data-dir={profile}", "about:blank", stderr=subprocess.PIPE
        )
        try:
            assert browser.stderr is not None
            async for line in browser.stderr:
                if found := re.search(rb"listening on ws://([^/]+)", line):
                    break
            else:
                sys.exit("the browser does not start")
            async with session.get(f"http://{found[1].decode()}/json/list") as told:
                page = next(each for each in await told.json(content_type=None) if each["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as devtools:
                yield Page(devtools)
        finally:
            browser.kill()
            await browser.wait()


async def see(shots: Path) -> None:
    """Use the page as a person does."""
    chats = Path(tempfile.mkdtemp()) / "chats.db"
    seen, ask = "document.body.innerText.includes({!r})".format, "document.forms[0].elements.text.value = {!r}".format
    allow = "[...document.querySelectorAll('#said button')].find(each => each.textContent === 'Allow')"
    send = "document.forms[0].requestSubmit()"
    async with aiohttp.ClientSession() as session, opened(session) as page:
        async with served(chats, session) as url:
            await page.call("Page.navigate", url=f"{url}/?chat=one")
            await page.until("document.forms.length === 1")
            await page.run(f"{ask('What is the weather in Rome?')}; {send}")
            await page.until(seen("18 degrees and sunny in Rome"))
            await page.until("document.body.dataset.stopped === 'answered'")
            await page.shoot(shots / "weather.png")
            await page.run(f"{ask('Book a table at the restaurant Anna for the hour 20')}; {send}")
            await page.until(f"{allow} !== undefined")
            await page.shoot(shots / "waits.png")
        async with served(chats, session) as url:
            await page.call("Page.navigate", url=f"{url}/?chat=one")
            await page.until(f"{allow} !== undefined")
            await page.shoot(shots / "after_restart.png")
            await page.run(f"{allow}.click()")
            await page.until(seen("is booked for"))
            await page.until("document.body.dataset.stopped === 'answered'")
            assert await page.run(f"{allow} === undefined")
            await page.shoot(shots / "allowed.png")
    print(f"all was seen; the pictures are in {shots}")


def main() -> None:
    """Run it, and say where the pictures are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=Path, default=Path(tempfile.mkdtemp()), help="where to keep the pictures")
    shots: Path = parser.parse_args().shots
    shots.mkdir(parents=True, exist_ok=True)
    asyncio.run(see(shots))


if __name__ == "__main__":
    main()
