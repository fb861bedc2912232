"""The judge of chaos tells whose answer a run was given, also where bytes of it came twice."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk import DeepSeekV4, StreamInterruptedError, TextDelta
from deepseek_v4_sdk.testing import MockProvider
from tests.chaos.runs import Heard, draw_run, name_of, names_in, turn_of


@pytest.mark.parametrize("where", ["reply", "partial", "events", "error"])
def test_another_runs_answer_is_noticed(where: str) -> None:
    reply = DeepSeekV4(MockProvider(turn_of(2))).chat("x")
    heard = {
        "reply": Heard(reply=reply),
        "partial": Heard(error=StreamInterruptedError("x").about(partial=reply)),
        "events": Heard(events=[TextDelta(f"x{name_of(2)}")]),
        "error": Heard(error=StreamInterruptedError(f"x {name_of(2)}")),
    }[where]
    assert heard.names() == {name_of(2)}
    with pytest.raises(AssertionError, match="another's answer"):
        heard.judge(draw_run(0, 1), 0, 0)


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
