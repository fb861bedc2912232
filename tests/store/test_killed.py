"""A program that is killed while a call waits for a person: another one goes on from the store."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import AssistantMessage, ToolMessage
from deepseek_v4_sdk.store import ConversationStore

if TYPE_CHECKING:
    from pathlib import Path

PAY = '''
import sys, time
from deepseek_v4_sdk import DeepSeekV4, Postpone, ToolCall
from deepseek_v4_sdk.store import ConversationStore
from deepseek_v4_sdk.testing import MockProvider, script

store = ConversationStore(sys.argv[1])

def look(city: str) -> str:
    """Look at a city."""
    return f"Saw {city}."

def pay(to: str) -> str:
    """Pay somebody."""
    print(f"PAID {to}")
    return f"paid {to}"

def approve(call: ToolCall) -> bool | Postpone:
    return call.name == "look" or Postpone("a person decides")
'''
FIRST = (
    PAY
    + """
turn = script.think("Hm.") + script.tool_call("look", city="Rome") + script.tool_call("pay", to="Ann")
talk, version = store.load("trip")
known = len(talk)
run = DeepSeekV4(MockProvider(turn)).run_tools(talk.user("Pay Ann."), [look, pay], approve=approve)
store.append("trip", run.messages[known:], version)
print(run.stopped, flush=True)
time.sleep(600)  # it waits for the person, and is killed
"""
)
SECOND = (
    PAY
    + """
mock = MockProvider(script.text("Ann has her money."))
talk, version = store.load("trip")
known = len(talk)
(call,) = DeepSeekV4(mock).run_tools(talk, [look, pay]).pending_calls
run = DeepSeekV4(mock).run_tools(talk, [look, pay], approvals={call.id: True})
store.append("trip", run.messages[known:], version)
print(run.stopped, run.text, [message["role"] for message in mock.requests[0].messages], sep="|")
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="a kill is another thing there")
def test_it_goes_on_in_a_new_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'chats.db'}"
    command = [sys.executable, "-W", "error", "-c"]
    with subprocess.Popen([*command, FIRST, url], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        said = first.stdout.readline()
        first.kill()
        assert first.wait(60) != 0
    assert said == "pending\n"  # nobody has paid
    second = subprocess.run([*command, SECOND, url], capture_output=True, text=True, timeout=60, check=False)
    assert not second.stderr
    assert second.stdout.splitlines() == [
        "PAID Ann",
        "answered|Ann has her money.|['user', 'assistant', 'tool', 'tool']",
    ]
    talk, _ = ConversationStore(url).load("trip")
    assert [message.role for message in talk] == ["user", "assistant", "tool", "tool", "assistant"]
    assert isinstance(talk[1], AssistantMessage)
    assert talk[1].reasoning == "Hm."
    assert [message.content for message in talk if isinstance(message, ToolMessage)] == ["Saw Rome.", "paid Ann"]
