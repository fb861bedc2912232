"""Failover: what goes along to the next provider, what does not, who is passed over, and what is told of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    AuthenticationError,
    ConfigurationError,
    DeepSeekV4,
    DeepSeekV4Error,
    Hooks,
    OverloadedError,
    ServerError,
    StreamRestarted,
    TextDelta,
    Timeouts,
)
from deepseek_v4_sdk.testing import faults, script
from deepseek_v4_sdk.testing.flavors.nim import NimFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.support.duo import call, in_all_ways, named

DOWN = faults.status(503)
HELLO = script.text("Hello from behind.")


@in_all_ways
def test_the_reply_and_the_attempts_tell_who_served_it(way: str) -> None:
    reply = call(way, named("vllm", default=DOWN), fallback=[named("sglang", default=DOWN), named("deepseek", HELLO)])
    assert (reply.provider, reply.flavor, reply.text) == ("deepseek", "deepseek", "Hello from behind.")
    chats = [one for one in reply.attempts if not one.url.endswith("/models")]
    assert [(one.provider, one.status, one.error) for one in chats] == [
        ("vllm", 503, "OverloadedError"),
        ("sglang", 503, "OverloadedError"),
        ("deepseek", 200, None),
    ]
    assert [repair.detail for repair in reply.repairs if repair.kind == "failover"] == [
        "vllm failed (OverloadedError), and sglang was asked",
        "sglang failed (OverloadedError), and deepseek was asked",
    ]


@in_all_ways
def test_the_request_is_translated_anew(way: str) -> None:
    """Model, thinking switch, reasoning of earlier turns and paths are the next provider's own."""
    behind = named("deepseek", HELLO)
    history = [
        {"role": "user", "content": "What is an owl?"},
        {"role": "assistant", "content": "A bird.", "reasoning": "Easy."},
        {"role": "user", "content": "And a mouse?"},
    ]
    first = named("vllm", default=faults.status(401))
    call(way, first, question=history, model="deepseek-ai/DeepSeek-V4-Pro", thinking="max", fallback=[behind])
    (sent,) = behind.requests
    assert sent.path == "/chat/completions"
    assert sent.model == "deepseek-v4-pro"
    assert sent.body["thinking"] == {"type": "enabled"}
    assert sent.body["reasoning_effort"] == "max"
    assert sent.messages[1]["reasoning_content"] == "Easy."
    assert "chat_template_kwargs" not in sent.body
    assert "chat_template_kwargs" in first.requests[0].body


def models(asked: str | None, first: str | None, then: str | None) -> object:
    """The model that the next provider is asked for, or the refusal."""
    behind = named("nvidia", default=HELLO)
    client = DeepSeekV4(
        named("vllm", default=faults.status(401)), model=first, fallback=[{"provider": behind, "model": then}]
    )
    client.chat("Hello", **({} if asked is None else {"model": asked}))
    return behind.requests[0].model


def test_the_model_is_the_one_of_the_same_family() -> None:
    pro, flash = "deepseek-ai/deepseek-v4-pro-0813", "deepseek-ai/deepseek-v4-flash-0731"
    assert models(None, "deepseek-ai/DeepSeek-V4-Pro", None) == pro
    assert models(None, "deepseek-ai/DeepSeek-V4-Pro", "flash") == flash  # it was told so
    assert models("deepseek-ai/DeepSeek-V4-Flash", "deepseek-ai/DeepSeek-V4-Pro", None) == flash
    assert models("deepseek-ai/DeepSeek-V4-Flash", "deepseek-ai/DeepSeek-V4-Pro", "pro") == flash  # the call names it
    assert models(None, "our-own-name", "pro") == pro
    with pytest.raises(AuthenticationError) as caught:
        models(None, None, None)
    assert "nvidia needs a model: give model='pro' or 'flash'" in caught.value.__notes__[0]


def test_who_lacks_something_is_passed_over_by_name() -> None:
    """NVIDIA has no `priority`; SGLang has."""
    client = DeepSeekV4(
        named("vllm", default=DOWN),
        model="pro",
        max_retries=1,
        fallback=[named("nvidia", default=HELLO), named("sglang", default=HELLO)],
    )
    reply = client.chat("Hello", priority=3)
    assert reply.provider == "sglang"
    assert [repair.detail for repair in reply.repairs if repair.kind == "passed_over"] == [
        "nvidia was skipped: nvidia has no option priority: hosted requests have none; leave it out"
    ]


def test_where_nobody_can_take_over_the_cause_is_raised_and_the_others_are_named() -> None:
    lacking = named("nvidia", default=HELLO)
    client = DeepSeekV4(named("vllm", default=faults.status(401)), model="pro", fallback=[lacking])
    with pytest.raises(AuthenticationError) as caught:
        client.chat("Hello", priority=3)
    assert caught.value.__notes__ == [
        "nvidia was skipped: nvidia has no option priority: hosted requests have none; leave it out"
    ]
    assert lacking.requests == []


def test_a_server_that_is_found_unfit_after_it_was_asked_is_passed_over() -> None:
    """A NIM serves what it serves; it tells when it is asked."""
    pro = VLLMFlavor(models=("deepseek-ai/DeepSeek-V4-Pro",))
    nim = named(NimFlavor(pro), default=HELLO)
    client = DeepSeekV4(named("deepseek", default=DOWN), fallback=[nim, named("nvidia", default=HELLO)])
    reply = client.chat("Hello", model="flash")
    assert (reply.provider, reply.requested_model) == ("nvidia", "deepseek-ai/deepseek-v4-flash-0731")
    (passed,) = [repair.detail for repair in reply.repairs if repair.kind == "passed_over"]
    assert passed.startswith("nim was skipped: nim: model='flash' is not one of the models there")
    assert [one.provider for one in reply.attempts] == ["deepseek", "nim", "nvidia"]
    assert nim.requests == []
    with pytest.raises(OverloadedError) as caught:
        client.with_options(fallback=[nim]).chat("Hello", model="flash")
    assert caught.value.__notes__[-1] == passed


SECRETS: list[dict[str, Any]] = [
    {"extra_headers": {"Authorization": "Bearer key-of-one"}},
    {"extra_headers": {"x-api-key": "key-of-one"}},
    {"extra_body": {"chat_template_kwargs": {"custom": 1}}},
]


@pytest.mark.parametrize("options", SECRETS)
def test_what_is_meant_for_one_server_does_not_go_to_another(options: dict[str, Any]) -> None:
    behind = named("sglang", default=HELLO)
    client = DeepSeekV4(named("vllm", default=faults.status(401)), model="m", fallback=[behind])
    with pytest.raises(AuthenticationError) as caught:
        client.chat("Hello", **options)
    assert "was skipped" in caught.value.__notes__[0]
    assert "key-of-one" not in "".join(caught.value.__notes__)
    assert behind.requests == []


def test_keys_and_headers_stay_with_their_hosts() -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    def taken(name: str) -> Any:
        mock = named(name, default=faults.status(401) if name == "vllm" else HELLO)
        handle = mock.transport._server.handle

        def look(method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
            seen.append((name, dict(headers)))
            return handle(method, path, headers, body)

        mock.transport._server = SimpleNamespace(handle=look)
        return mock

    client = DeepSeekV4(
        taken("vllm"),
        api_key="key-of-the-first",
        default_headers={"x-team": "ours"},
        model="m",
        fallback=[{"provider": taken("sglang"), "api_key": "key-of-the-second"}],
    )
    client.chat("Hello", extra_headers={"x-trace": "7"})
    (_, first), (_, second) = seen
    assert (first["authorization"], first["x-team"], first["x-trace"]) == ("Bearer key-of-the-first", "ours", "7")
    assert (second["authorization"], "x-team" in second, second["x-trace"]) == ("Bearer key-of-the-second", False, "7")


def test_one_number_of_retries_over_all() -> None:
    """Each provider behind keeps one; what is left is for the first."""
    for retries, expected in ((0, "v"), (1, "vs"), (2, "vsd"), (3, "vvsd"), (5, "vvvvsd")):
        mocks = [named(name, default=DOWN) for name in ("vllm", "sglang", "deepseek")]
        client = DeepSeekV4(mocks[0], model="deepseek-v4-pro", max_retries=retries, fallback=mocks[1:])
        with pytest.raises(OverloadedError) as caught:
            client.chat("Hello")
        asked = [one for one in caught.value.attempts if not one.url.endswith("/models")]
        assert "".join(one.provider[0] for one in asked) == expected
        assert sum(len(mock.requests) for mock in mocks) == len(asked) == min(retries, 5) + 1


def test_one_deadline_over_all() -> None:
    slow = script.text("Late.") | faults.slow_prefill(700.0)
    client = DeepSeekV4(
        named("vllm", default=slow),
        model="m",
        timeout=Timeouts(first_event=60, total=100),
        fallback=[named("sglang", default=slow), named("dynamo", default=HELLO)],
    )
    with pytest.raises(DeepSeekV4Error, match=r"timeout\.total") as caught:
        client.chat("Hello")
    assert [one.provider for one in caught.value.attempts] == ["vllm", "sglang"]
    assert sum(one.seconds for one in caught.value.attempts) == pytest.approx(100, abs=1)


@pytest.mark.parametrize("restart", [True, False])
def test_after_output_only_who_asked_for_a_restart_gets_another(restart: bool) -> None:
    broken = script.text("This was to be a long answer, and it breaks off.") | faults.cut(after_bytes=1000)
    behind = named("sglang", default=HELLO)
    client = DeepSeekV4(named("vllm", default=broken), model="m", max_retries=1, fallback=[behind])
    events: list[Any] = []

    def take() -> None:
        with client.stream("Hello", on_interrupt="restart" if restart else "raise") as stream:
            events.extend(stream)

    if not restart:
        with pytest.raises(DeepSeekV4Error):
            take()
        assert behind.requests == []
        return
    take()
    place = next(index for index, event in enumerate(events) if isinstance(event, StreamRestarted))
    assert any(isinstance(event, TextDelta) for event in events[:place])
    assert "".join(event.text for event in events[place:] if isinstance(event, TextDelta)) == "Hello from behind."
    assert events[-1].reply.provider == "sglang"


def test_tools_and_parse_fail_over_too() -> None:
    def look(where: str) -> str:
        """Look somewhere."""
        return f"nothing in {where}"

    behind = named("sglang", script.tool_call("look", where="the wood"), script.text("Nothing."))
    client = DeepSeekV4(named("vllm", default=faults.status(401)), model="m", fallback=[behind])
    run = client.run_tools("Look!", [look])
    assert (run.reply.text, run.reply.provider, len(run.rounds)) == ("Nothing.", "sglang", 2)
    behind = named("sglang", script.text('{"legs": 4}'))
    client = DeepSeekV4(named("vllm", default=faults.status(401)), model="m", fallback=[behind])
    parsed = client.parse("How many?", dict[str, int])
    assert (parsed.value, parsed.reply.provider) == ({"legs": 4}, "sglang")


def test_questions_about_the_server_are_for_the_first_one() -> None:
    first, behind = named("vllm", default=faults.status(401)), named("sglang", default=HELLO)
    client = DeepSeekV4(first, model="m", fallback=[behind])
    assert not client.health(deep=True)
    assert behind.requests == []
    assert client.provider == "vllm"


def test_hooks_of_the_client_are_told_of_all() -> None:
    class Listener(Hooks):
        def __init__(self) -> None:
            self.told: list[str] = []

        def on_request(self, details: Any) -> None:
            self.told.append(f"to {details.provider}")

        def on_attempt(self, details: Any) -> None:
            self.told.append(f"ended at {details.attempt.provider}: {details.attempt.status}")

        def on_retry(self, details: Any) -> None:
            self.told.append(f"{type(details.error).__name__}, then {details.provider}")

        def on_reply(self, details: Any) -> None:
            self.told.append(f"from {details.reply.provider}")

    listener = Listener()
    first = named("vllm", default=faults.status(500))
    client = DeepSeekV4(first, model="m", fallback=[named("sglang", default=HELLO)], hooks=[listener])
    client.chat("Hello")
    failed = ["to vllm", "ended at vllm: 500"]
    assert listener.told == [
        *failed,
        "ServerError, then vllm",
        *failed,
        "ServerError, then sglang",
        "to sglang",
        "ended at sglang: 200",
        "from sglang",
    ]


def test_a_fallback_of_a_fallback_comes_after_it() -> None:
    last = named("dynamo", default=HELLO)
    second = DeepSeekV4(named("sglang", default=faults.status(401)), model="pro", fallback=[last])
    client = DeepSeekV4(named("vllm", default=faults.status(401)), model="pro", fallback=[second])
    assert [one.provider for one in client.chat("Hello").attempts if "chat" in one.url] == ["vllm", "sglang", "dynamo"]


def test_wrong_fallbacks_are_told_with_their_place() -> None:
    cases: list[tuple[Any, str]] = [
        ("nvidya", r"fallback\[0\]: .*nvidya"),
        ({"base_url": "http://x"}, r"fallback\[0\] has no provider"),
        (
            {"provider": "vllm", "base_ur": "http://x"},
            r"fallback\[0\] has 'base_ur', which is not an argument of a client",
        ),
        ({"provider": "vllm"}, r"fallback\[0\]: vllm has no default address"),
        (5, r"fallback\[0\]: provider is int"),
        (AsyncDeepSeekV4("mock"), r"fallback\[0\] is AsyncDeepSeekV4: give DeepSeekV4"),
    ]
    for given, text in cases:
        with pytest.raises(ConfigurationError, match=text):
            DeepSeekV4("mock", fallback=[given])
    with pytest.raises(ConfigurationError, match="fallback"):
        DeepSeekV4("mock", fallback="nvidia")  # type: ignore[arg-type]


def test_options_are_shared_and_clients_closed_once() -> None:
    client = DeepSeekV4(named("vllm", default=DOWN), model="m", fallback=[named("sglang", default=HELLO)])
    changed = client.with_options(max_retries=1, thinking="off")
    assert changed.chat("Hello").provider == "sglang"
    changed.close()
    assert client.chat("Hello").provider == "sglang"
    alone = client.with_options(fallback=[])
    with pytest.raises(OverloadedError):
        alone.chat("Hello")


def test_what_is_no_answer_is_asked_for_elsewhere() -> None:
    page = script.raw("<html>captive portal</html>", status=200, content_type="text/html")
    first = named("vllm", page)
    with pytest.raises(ServerError):
        call("chat", first, model="m", max_retries=0)
    reply = call("chat", named("vllm", page), model="m", fallback=[named("sglang", HELLO)])
    assert reply.provider == "sglang"
