"""Docstrings in each style say the same."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk.tools.docstrings import Docstring, read_docstring

GOOGLE = """Look it up.

    It knows a lot,
    and more.

    Args:
        city: Where, on
            this planet.
        days (int, optional): How many. Defaults to 1.

    Returns:
        str: What is known.

    Raises:
        KeyError: Nothing is known.
    """
NUMPY = """Look it up.

    It knows a lot,
    and more.

    Parameters
    ----------
    city : str
        Where, on
        this planet.
    days : int, optional
        How many. Defaults to 1.

    Returns
    -------
    str
        What is known.
    """
SPHINX = """Look it up.

    It knows a lot,
    and more.

    :param city: Where, on
        this planet.
    :param int days: How many. Defaults to 1.
    :returns: What is known.
    :raises KeyError: Nothing is known.
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_a_style(text: str) -> None:
    assert read_docstring(text) == Docstring(
        "Look it up.\n\nIt knows a lot,\nand more.",
        {"city": "Where, on this planet.", "days": "How many. Defaults to 1."},
    )


@pytest.mark.parametrize(
    "text",
    [
        "Look it up.",
        "Look it up\nin the book.",
        "Look it up.\n\nNote: only on Mondays.\n\n- one\n- two",
        "A ratio of 1:2, see http://localhost: it works.",
    ],
)
def test_prose_stays_as_it_is(text: str) -> None:
    assert read_docstring(text) == Docstring(text)


@pytest.mark.parametrize("text", [None, "", "\n  \n"])
def test_nothing(text: str | None) -> None:
    assert read_docstring(text) == Docstring()


def test_parameters_without_a_summary() -> None:
    assert read_docstring("\n    Args:\n        x: One.\n    ") == Docstring(None, {"x": "One."})


@pytest.mark.parametrize("text", ["Args:\nx", "Args:\n", ":param", "Parameters\n---", "Args:\n    : :\n", ":\n:\n:"])
def test_a_broken_one_does_not_stop_the_tool(text: str) -> None:
    assert isinstance(read_docstring(text), Docstring)
