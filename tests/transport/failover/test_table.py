"""The table of causes on the page about scaling, walked: each cause, for each provider and the one behind it."""

from __future__ import annotations

import re
from itertools import pairwise, permutations
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import DeepSeekV4, DeepSeekV4Error, RateLimits, Timeouts
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.support.duo import named
from tests.support.pages import ROOT
from tests.support.profiles import NIGHTLY

AGAIN, ELSEWHERE, RAISED = "again here, then elsewhere", "elsewhere at once", "raised"
ANSWER = script.text("From the second one.")
LONG = script.text("From the first one, at some length, so that there is something to break off.")


class Failing(httpx.BaseTransport):
    """Nothing comes through to the mock's chats."""

    def __init__(self, mock: MockProvider, error: Exception) -> None:
        self._inner, self._error = mock.transport, error
        self.exchange_clock = self._inner.exchange_clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "chat" in request.url.path:
            raise self._error
        return self._inner.handle_request(request)


def unreachable(flavor: str, error: Exception) -> MockProvider:
    mock = named(flavor)
    mock.transport = Failing(mock, error)  # type: ignore[assignment]
    return mock


def cut_call(body: dict[str, Any]) -> dict[str, Any]:
    return {"max_tokens": 3, "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}], **body}


PAIRS = list(permutations(PROVIDER_NAMES, 2)) if NIGHTLY else list(pairwise([*PROVIDER_NAMES, PROVIDER_NAMES[0]]))
"""Each provider before each other one; in the suite each before the next, so that all are first and second."""

CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "no connection": (httpx.ConnectError("refused"), {}),
    "not connected in time": (httpx.ConnectTimeout("slow"), {}),
    **{
        str(code): (faults.status(code), {})
        for code in (400, 401, 402, 403, 404, 408, 410, 422, 429, 500, 502, 503, 504)
    },
    "error event": (faults.error_event(503, "temporarily overloaded", after=0), {}),
    "a wait too long": (faults.status(503, retry_after=121), {}),
    "no answer": (script.raw("<html>", status=200, content_type="text/html"), {}),
    "redirect": (script.raw("", status=307, headers={"location": "http://elsewhere.invalid"}), {}),
    "silence": (ANSWER | faults.slow_prefill(700.0), {}),
    "local limit": (ANSWER, {"limits": RateLimits(tokens_per_minute=1)}),
    "circuit": (faults.status(429, retry_after=600), {"limits": RateLimits(refusals=1)}),
    "too long": (
        script.error(
            400, "This model's maximum context length is 10 tokens. However, your messages resulted in 20 tokens."
        ),
        {},
    ),
    "broken off": (LONG | faults.cut(after_bytes=1000), {}),
    "broken off, restart": (LONG | faults.cut(after_bytes=1000), {"chat": {"on_interrupt": "restart"}}),
    "empty turn": (faults.empty_turn(), {}),
    "lost call": (
        script.text('<｜DSML｜tool_calls>\n<｜DSML｜invoke name="look">'),
        {"chat": cut_call({"max_tokens": 900})},
    ),
    "cut call": (script.tool_call("look", where="in the wood behind the house"), {"chat": cut_call({})}),
    "total": (ANSWER | faults.slow_prefill(700.0), {"timeout": Timeouts(total=100.0)}),
}


def rows() -> dict[str, str]:
    """What the page says of each cause."""
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    table = page.partition("## Failover\n")[2].partition("| cause | |\n|---|---|\n")[2].partition("\n\n")[0]
    found: dict[str, str] = {}
    for row in table.splitlines():
        causes, _, what = row.strip("| ").rpartition(" | ")
        for cause in re.findall(r"`([^`]+)`", causes):
            if cause in CASES:
                found[cause] = what
    return found


def test_the_page_tells_of_every_case() -> None:
    assert rows().keys() == CASES.keys()
    assert set(rows().values()) == {AGAIN, ELSEWHERE, RAISED}


@pytest.mark.parametrize("cause", CASES)
def test_it_is_so_for_each_pair(cause: str) -> None:
    step, more = CASES[cause]
    arguments = {"model": "pro", "max_retries": 2, **{key: value for key, value in more.items() if key != "chat"}}
    for first, second in PAIRS:
        failing = unreachable(first, step) if isinstance(step, Exception) else named(first, default=step)
        behind = named(second, default=ANSWER)
        client = DeepSeekV4(failing, fallback=[behind], **arguments)
        reply, error = None, None
        try:
            reply = client.chat("Hello", **more.get("chat", {}))
        except DeepSeekV4Error as caught:
            error = caught
        said = reply or error
        assert said is not None
        asked = [one.provider for one in said.attempts if not one.url.endswith("models")]
        here = asked.count(first)
        if rows()[cause] == RAISED:
            assert (reply, asked, len(behind.requests)) == (None, [first], 0), (first, second)
            continue
        assert reply is not None, (first, second, repr(error))
        assert (reply.provider, reply.flavor, reply.text) == (second, second, "From the second one."), (first, second)
        assert asked == [first] * here + [second]
        sent_here = 0 if cause == "local limit" else 1
        assert here == (2 if rows()[cause] == AGAIN else sent_here), (first, second)
        assert [repair.kind for repair in reply.repairs].count("failover") == 1
