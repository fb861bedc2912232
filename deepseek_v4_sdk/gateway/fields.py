"""Reading the fields of a body: those that it reads, those without effect, and those that it cannot serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from deepseek_v4_sdk import InvalidRequestError, UnsupportedOptionError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from deepseek_v4_sdk.chat.openai_form import Noted

from deepseek_v4_sdk.chat.openai_form import is_list, is_mapping

__all__ = ["flag", "given_fields", "optional_list", "texts"]


def given_fields(
    body: Mapping[str, object],
    read: AbstractSet[str],
    no_effect: AbstractSet[str],
    noted: Noted,
    *,
    refused: Mapping[str, str],
) -> dict[str, object]:
    """Return the fields that have an effect, and note the unknown ones.

    Args:
        body: The body.
        read: Fields that are read.
        no_effect: Fields that do not change the answer.
        noted: The collector of the unknown ones.
        refused: Fields that would change the answer and that no server here has, each with the remedy.

    Raises:
        UnsupportedOptionError: One of the refused ones is given.
    """
    given: dict[str, object] = {}
    for key, value in body.items():
        if value is None or (isinstance(value, list | dict | str) and not value):
            continue
        if key in refused and value is not False:
            raise UnsupportedOptionError(f"{key} cannot be done here: {refused[key]}", option=key)
        if key in read:
            given[key] = value
        elif key not in no_effect and key not in refused:
            noted.ignore(key)
    return given


def flag(given: Mapping[str, object], name: str) -> bool:
    """A field that is true or false.

    Raises:
        InvalidRequestError: It is neither.
    """
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequestError(f"{name} is {type(value).__name__}: give true or false")
    return value


def optional_list(given: Mapping[str, object], name: str, where: str = "") -> list[object]:
    """A field that is a list; an empty one where it is not given.

    Raises:
        InvalidRequestError: It is something else.
    """
    value = given.get(name)
    if value is None:
        return []
    if not is_list(value):
        place = f"{where}.{name}" if where else name
        raise InvalidRequestError(f"{place} is {type(value).__name__}: give a list")
    return list(value)


def texts(value: object, where: str) -> str:
    """A text, or the texts of a list of blocks.

    Raises:
        InvalidRequestError: It is neither.
    """
    if isinstance(value, str):
        return value
    if not is_list(value):
        raise InvalidRequestError(f"{where} is {type(value).__name__}: give a text, or a list of blocks of text")
    found: list[str] = []
    for block in value:
        text = block.get("text") if is_mapping(block) else None
        if not isinstance(text, str):
            raise InvalidRequestError(f"{where} has a block without a text")
        found.append(text)
    return "\n\n".join(found)
