"""Conversations in SQLite: whole, as they were, one writer at a time, and for their owner alone."""

from __future__ import annotations

import copy
import multiprocessing
import os
import sqlite3
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given

from deepseek_v4_sdk import AssistantMessage, Conversation, DeepSeekV4, ToolCall, ToolMessage, UserMessage
from deepseek_v4_sdk.errors import ConfigurationError, DeepSeekV4Error, InvalidRequestError
from deepseek_v4_sdk.store import ConflictError, ConversationStore, KeptConversation, Store, StoreError
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.chat.test_round_trip import CONVERSATION
from tests.support.profiles import examples

if TYPE_CHECKING:
    from pathlib import Path

CALL = ToolCall("call_1", "get_weather", '{"city":  "Paris", "n": 1.0}')
TALK = (
    Conversation()
    .system("Be brief.")
    .user("How is the weather? \U0001f600 \u2028 'quoted' \"twice\"")
    .add(AssistantMessage(None, "I look.", (CALL,)))
    .add(ToolMessage('{"temp": 21}', "call_1"))
    .add(AssistantMessage("Mild.", "21 is mild."))
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/chats.db"


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, url: str) -> Store:
    return ConversationStore(url if request.param == "file" else "sqlite:///:memory:")


def test_what_is_kept_comes_back(store: Store) -> None:
    assert store.load("a") == (Conversation(), 0)
    first = store.append("a", TALK[:2], 0)
    second = store.append("a", TALK[2:], first)
    assert 0 < first < second
    loaded, version = store.load("a")
    assert (loaded, version) == (TALK, second)
    assert loaded.to_json() == TALK.to_json()


@examples(20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CONVERSATION)
def test_any_conversation_comes_back_byte_for_byte(store: Store, messages: list[dict[str, Any]]) -> None:
    talk = Conversation(messages)
    store.delete("a")
    version = store.append("a", talk, 0)
    loaded, found = store.load("a")
    assert (loaded.to_json(), found) == (talk.to_json(), version)


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek", "nim"])
def test_the_next_request_is_the_same_bytes(url: str, flavor: str) -> None:
    """What a server has cached of a conversation hits after a restart."""
    tools = [{"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]
    mock = MockProvider(
        script.think("I look.") + script.tool_call("get_weather", city="Paris") + script.tool_call("get_weather"),
        script.think("So.") + script.text("Mild."),
        script.text("Still mild."),
        script.text("Still mild."),
        flavor=flavor,
    )
    with DeepSeekV4(mock, model="pro" if flavor == "deepseek" else None) as client:
        talk = Conversation().user("How is it?")
        talk.add(reply := client.chat(talk, tools=tools))
        for call in reply.tool_calls:
            talk.add_tool_result(call, {"temp": 21})
        talk.add(client.chat(talk, tools=tools))
        store = ConversationStore(url)
        store.append("a", talk, 0)
        client.chat(talk.copy().user("And now?"), tools=tools)
        client.chat(ConversationStore(url).load("a")[0].user("And now?"), tools=tools)
    assert mock.requests[-1].body == mock.requests[-2].body
    assert str(mock.requests[-1].body) == str(mock.requests[-2].body)


def test_recovered_calls_stay_recovered(url: str) -> None:
    leaking = script.text("So:") + script.tool_call("get_weather", city="Paris")
    tools = [{"name": "get_weather", "parameters": {"type": "object"}}]
    with DeepSeekV4(MockProvider(leaking | faults.leak_dsml("ascii"))) as client:
        reply = client.chat("x", tools=tools)
    assert reply.tool_calls[0].recovered
    store = ConversationStore(url)
    store.append("a", Conversation().user("x").add(reply), 0)
    loaded = ConversationStore(url).load("a")[0][1]
    assert isinstance(loaded, AssistantMessage)
    assert loaded == reply.message
    assert loaded.tool_calls[0].recovered


def test_two_tabs(store: Store) -> None:
    version = store.append("a", TALK[:2], 0)
    store.append("a", [AssistantMessage("One tab.")], version)
    with pytest.raises(ConflictError, match="somebody else has gone on") as raised:
        store.append("a", [AssistantMessage("Another tab.")], version)
    assert isinstance(raised.value, StoreError)
    assert isinstance(raised.value, DeepSeekV4Error)
    found = store.load("a")[1]
    assert (raised.value.id, raised.value.expected, raised.value.found) == ("a", version, found)
    assert len(store.load("a")[0]) == 3


def test_a_conversation_that_begins_twice(store: Store) -> None:
    store.append("a", "Hello", 0)
    with pytest.raises(ConflictError):
        store.append("a", "Hello", 0)


def test_a_conversation_that_was_deleted_and_begun_anew(store: Store) -> None:
    """As many messages as before, and no version of before."""
    old = store.append("a", "Hello", 0)
    store.delete("a")
    store.delete("a")
    assert store.load("a") == (Conversation(), 0)
    with pytest.raises(ConflictError, match="it was deleted"):
        store.append("a", "More", old)
    assert store.append("a", "Hello", 0) > old
    with pytest.raises(ConflictError):
        store.append("a", "More", old)


def test_the_list_of_them(store: Store) -> None:
    assert list(store.list()) == []
    version = store.append("a", TALK[:2], 0)
    store.append("b", "Hello", 0)
    assert [kept.id for kept in store.list()] == ["b", "a"]
    version = store.append("a", TALK[2:], version)
    first, second = store.list()
    assert isinstance(first, KeptConversation)
    assert (first.id, first.version, first.messages) == ("a", version, 5)
    assert (second.id, second.messages) == ("b", 1)
    assert first.updated >= second.updated
    assert first.updated.tzinfo is not None


def test_forms_of_messages(store: Store) -> None:
    reply = DeepSeekV4(MockProvider(script.text("Hi."))).chat("x")
    version = store.append("a", "Hello", 0)
    assert isinstance(store, ConversationStore)
    version = store.append("a", reply, version)
    version = store.append("a", [{"role": "user", "content": "More"}], version)
    assert store.append("a", [], version) == version
    assert [message.role for message in store.load("a")[0]] == ["user", "assistant", "user"]


@pytest.mark.parametrize("name", ["", None, 7, "\ud800"])
def test_what_is_no_id(store: Store, name: Any) -> None:
    with pytest.raises(InvalidRequestError, match="id of a conversation"):
        store.append(name, "Hello", 0)


def test_a_wrong_message_adds_none(store: Store) -> None:
    wrong: Any = [UserMessage("One"), {"role": "nobody", "content": "Two"}]
    with pytest.raises(InvalidRequestError):
        store.append("a", wrong, 0)
    assert store.load("a") == (Conversation(), 0)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")
def test_only_the_owner_reads_the_file(tmp_path: Path, url: str) -> None:
    before = os.umask(0)
    try:
        store = ConversationStore(url)
        store.append("a", "Hello", 0)
        file = tmp_path / "chats.db"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)
        ConversationStore(url)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        os.umask(before)
    (tmp_path / "link.db").symlink_to(file)
    with pytest.raises(StoreError, match="cannot be opened"):
        ConversationStore(f"sqlite:///{tmp_path}/link.db")


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    ConversationStore("sqlite:///here.db").append("a", "Hello", 0)
    assert len(ConversationStore(f"sqlite:///{tmp_path}/here.db").load("a")[0]) == 1
    assert len(ConversationStore("sqlite:///~/here.db").load("a")[0]) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("chats.db", "write 'sqlite:///path'"),
        ("sqlite://chats.db", "write 'sqlite:///path'"),
        ("sqlite:///", "write 'sqlite:///path'"),
        ("postgresql:///chats", "implement the protocol"),
        ("postgresql://me:secret@host/chats", "begins with postgresql://, "),
    ],
)
def test_what_is_no_url(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        ConversationStore(url)
    assert "secret" not in str(raised.value)


def test_files_of_others(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is not a database, and it is long enough to be seen as none." * 20)
    with pytest.raises(ConfigurationError, match="is not a store of conversations"):
        ConversationStore(f"sqlite:///{tmp_path}/text.db")
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE bills (cents INTEGER)")
    connection.close()
    with pytest.raises(ConfigurationError, match="another program's database"):
        ConversationStore(f"sqlite:///{tmp_path}/other.db")
    ConversationStore(f"sqlite:///{tmp_path}/later.db")
    connection = sqlite3.connect(tmp_path / "later.db")
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(ConfigurationError, match="has form 9"):
        ConversationStore(f"sqlite:///{tmp_path}/later.db")
    with pytest.raises(StoreError, match="cannot be opened"):
        ConversationStore(f"sqlite:///{tmp_path}/no/such/folder.db")


def test_a_row_that_was_broken(url: str, tmp_path: Path) -> None:
    store = ConversationStore(url)
    store.append("a", "Hello", 0)
    connection = sqlite3.connect(tmp_path / "chats.db", isolation_level=None)
    connection.execute("UPDATE messages SET message = '{'")
    connection.close()
    with pytest.raises(StoreError, match=r"'a' in .* cannot be read"):
        store.load("a")


def test_a_table_that_is_gone(url: str, tmp_path: Path) -> None:
    store = ConversationStore(url)
    connection = sqlite3.connect(tmp_path / "chats.db", isolation_level=None)
    connection.execute("DROP TABLE messages")
    connection.close()
    with pytest.raises(StoreError, match="no such table"):
        store.append("a", "Hello", 0)


def test_many_threads_and_each_append_once(store: Store) -> None:
    """Each goes on until it has won: nothing is lost, nothing is there twice."""

    def add(number: int) -> int:
        lost = 0
        while True:
            _, version = store.load("a")
            try:
                store.append("a", f"from {number}", version)
            except ConflictError:
                lost += 1
            else:
                return lost

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    said = [message.content for message in store.load("a")[0] if isinstance(message, UserMessage)]
    assert sorted(map(str, said)) == sorted(f"from {number}" for number in range(24))


def _append_elsewhere(url: str, version: int) -> None:
    ConversationStore(url).append("a", [AssistantMessage("From another process.")], version)


@pytest.mark.parametrize("how", ["spawn", "fork"] if sys.platform == "linux" else ["spawn"])
def test_another_process(url: str, how: str) -> None:
    store = ConversationStore(url)
    version = store.append("a", "Hello", 0)
    other = multiprocessing.get_context(how).Process(target=_append_elsewhere, args=(url, version))
    other.start()
    other.join(60)
    assert other.exitcode == 0
    assert len(store.load("a")[0]) == 2
    with pytest.raises(ConflictError):
        store.append("a", "More", version)


def test_a_copy_is_the_same_store(store: Store) -> None:
    assert copy.deepcopy(store) is store
    assert repr(store).startswith("ConversationStore('")
