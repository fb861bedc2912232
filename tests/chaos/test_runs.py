"""The judge of chaos tells whose answer a run was given, also where bytes of it came twice."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk import DeepSeekV4, StreamInterruptedError, TextDelta
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.chaos.plans import draw_late, draw_plan
from tests.chaos.proxy import MARK, Proxy
from tests.chaos.runs import Received, answer_to, draw_run, name_of, names_in, turn_of
from tests.support.any_name import ANY_NAME


@pytest.mark.parametrize("where", ["reply", "partial", "events", "error"])
def test_another_runs_answer_is_noticed(where: str) -> None:
    reply = DeepSeekV4(MockProvider(turn_of(2))).chat("x")
    heard = {
        "reply": Received(reply=reply),
        "partial": Received(error=StreamInterruptedError("x").about(partial=reply)),
        "events": Received(events=[TextDelta(f"x{name_of(2)}")]),
        "error": Received(error=StreamInterruptedError(f"x {name_of(2)}")),
    }[where]
    assert heard.names() == {name_of(2)}
    with pytest.raises(AssertionError, match="another's answer"):
        heard.check_completeness(draw_run(0, 1), 0, 0)


def test_every_part_of_an_answer_carries_its_name() -> None:
    turns = [(number, turn_of(number)) for number in range(50)]
    for number, turn in turns:
        for part in (turn.text, turn.reasoning, *(call.arguments for call in turn.calls)):
            assert names_in(part) == {name_of(number)}
    assert len({name_of(number) for number in range(10_000)}) == 10_000


def test_bytes_that_come_twice_make_no_other_name() -> None:
    text = f"{{{name_of(7)}}} {name_of(7)}"
    for start in range(len(text)):
        for size in range(1, 30):
            assert names_in(text[: start + size] + text[start:]) <= {name_of(7)}


def test_bytes_come_on_the_idle_connection_of_a_run() -> None:
    """Its next request takes another connection, and has its own answer."""
    number, after = [
        each for each in range(200) if draw_plan(0, each, 1).kind == "calm" and draw_late(0, each, b"x" * 99)
    ][:2]
    mock = MockProvider(default=script.from_function(answer_to), flavor=ANY_NAME, count_tokens=False)
    with MockServer(mock) as server, Proxy(server.url, 0) as proxy:
        with DeepSeekV4("vllm", base_url=proxy.url, model="m", limits="off", max_retries=0) as client:

            def ask(number: int) -> str:
                return client.chat(f"Question {number}: what?", extra_headers={MARK: str(number)}).text

            first = ask(number)
            proxy.speak_late({after})
            assert proxy.plans["late"] == 0
            proxy.speak_late({number})
            assert (proxy.plans["late"], proxy.open) == (1, 1)
            assert (first, ask(after)) == (turn_of(number).text, turn_of(after).text)
        assert not proxy.misused
