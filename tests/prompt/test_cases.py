"""The 86 recorded cases, in both dialects and in the April format."""

from __future__ import annotations

from collections import Counter

import pytest

from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.prompt import Dialect, render_prompt
from tests.prompt.cases import APRIL, RECIPE, Case, cases
from tests.support.segment_counts import assert_adds_up

_ENCODERS: dict[Dialect, str | None] = {"vllm": None, "recipe": RECIPE}


@pytest.mark.parametrize("dialect", _ENCODERS)
@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_case(case: Case, dialect: Dialect) -> None:
    wanted = case.wanted(_ENCODERS[dialect])
    if wanted is None:
        with pytest.raises(UnsupportedOptionError) as lacking:
            render_prompt(case.messages, case.tools, dialect=dialect, **case.options)
        assert lacking.value.option
        assert lacking.value.provider == dialect
    elif wanted.startswith("ERROR"):
        with pytest.raises(InvalidRequestError, match=r"(messages|tools)\[\d+\]") as refused:
            render_prompt(case.messages, case.tools, dialect=dialect, **case.options)
        assert not isinstance(refused.value, UnsupportedOptionError)
    else:
        prompt = render_prompt(case.messages, case.tools, dialect=dialect, **case.options)
        assert prompt.text == wanted
        assert_adds_up(prompt, dialect)


def test_the_cases_are_all_there() -> None:
    assert len(cases()) == 86
    assert Counter(case.rendered.startswith("ERROR") for case in cases()) == {False: 82, True: 4}
    differing = [case.differs[RECIPE] for case in cases() if RECIPE in case.differs]
    kinds = Counter("none" if text is None else "refused" if text.startswith("ERROR") else "text" for text in differing)
    assert kinds == {"text": 26, "refused": 3, "none": 12}


# The April encoder could not take lists, and left a system message at the end without an answer's header.
_APRIL_ALONE = {"content_parts_text", "content_parts_system", "content_parts_assistant", "system_only", "system_last"}


@pytest.mark.parametrize(
    "case", [case for case in cases() if case.name not in _APRIL_ALONE], ids=lambda case: case.name
)
def test_the_april_format_parts_in_the_effort_texts(case: Case) -> None:
    wanted = case.wanted(APRIL)
    assert wanted is not None
    if wanted.startswith("ERROR"):
        with pytest.raises(InvalidRequestError):
            render_prompt(case.messages, case.tools, generation="2026-04", **case.options)
    else:
        assert render_prompt(case.messages, case.tools, generation="2026-04", **case.options).text == wanted
