"""The V4 models: their names at each provider, their windows, their retirement. Data with its date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Literal, TypeAlias, cast

__all__ = ["AS_OF", "Catalogue", "ModelFamily", "ModelGeneration", "ServedModel", "plain_name"]

ModelFamily: TypeAlias = Literal["pro", "flash"]
"""The two sizes."""

ModelGeneration: TypeAlias = Literal["2026-04", "2026-08", "v4.1"]
"""The prompt formats: the preview checkpoints of April 2026, the dated ones (Flash-0731, Pro-0813), and V4.1."""

AS_OF = date(2026, 11, 15)
"""The day to which the built-in entries were checked."""

_WINDOW = 1_048_576
_OUTPUT = 393_216


@dataclass(slots=True, eq=False, kw_only=True)
class ServedModel:
    """A model under the name it has at a provider.

    Attributes:
        provider: The provider.
        id: The model name there.
        family: "pro" or "flash".
        generation: Its prompt format.
        window: Its context window there in tokens, as published; a deployment may have less.
        max_output: The longest answer it gives there in tokens, or None when not published.
        retired_on: The day it ended there, or None.
        successors: The names that replace it there, best first.
        aliases: Other names that mean it there.
        as_of: The day to which this was checked.
    """

    provider: str
    id: str
    family: ModelFamily
    generation: ModelGeneration
    window: int | None = _WINDOW
    max_output: int | None = _OUTPUT
    retired_on: date | None = None
    successors: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    as_of: date = AS_OF


_PREVIEW_ENDED = date(2026, 8, 7)
_LEGACY_ENDED = date(2026, 7, 24)

_BUILT_IN = (
    # build.nvidia.com: the dated ids live; the plain ones answer 410 since 2026-08-07 though they were listed longer.
    ServedModel(
        provider="nvidia",
        id="deepseek-ai/deepseek-v4-pro-0813",
        family="pro",
        generation="2026-08",
        max_output=None,
        aliases=("pro", "deepseek-v4-pro", "deepseek-v4-pro-0813"),
    ),
    ServedModel(
        provider="nvidia",
        id="deepseek-ai/deepseek-v4-flash-0731",
        family="flash",
        generation="2026-08",
        max_output=None,
        aliases=("flash", "deepseek-v4-flash", "deepseek-v4-flash-0731"),
    ),
    ServedModel(
        provider="nvidia",
        id="deepseek-ai/deepseek-v4-pro",
        family="pro",
        generation="2026-04",
        max_output=16_384,
        retired_on=_PREVIEW_ENDED,
        successors=("deepseek-ai/deepseek-v4-pro-0813",),
    ),
    ServedModel(
        provider="nvidia",
        id="deepseek-ai/deepseek-v4-flash",
        family="flash",
        generation="2026-04",
        max_output=16_384,
        retired_on=_PREVIEW_ENDED,
        successors=("deepseek-ai/deepseek-v4-flash-0731",),
    ),
    # DeepSeek's own API: only Pro is still V4 there; Flash has been V4.1 since 2026-09-10.
    ServedModel(
        provider="deepseek",
        id="deepseek-v4-pro",
        family="pro",
        generation="2026-08",
        aliases=("pro", "deepseek-v4-pro-0813"),
    ),
    ServedModel(
        provider="deepseek",
        id="deepseek-flash",
        family="flash",
        generation="v4.1",
        aliases=("flash", "deepseek-v4-flash", "deepseek-v4.1-flash"),
    ),
    ServedModel(
        provider="deepseek",
        id="deepseek-chat",
        family="flash",
        generation="2026-04",
        retired_on=_LEGACY_ENDED,
        successors=("deepseek-flash",),
    ),
    ServedModel(
        provider="deepseek",
        id="deepseek-reasoner",
        family="flash",
        generation="2026-04",
        retired_on=_LEGACY_ENDED,
        successors=("deepseek-flash",),
    ),
)


class Catalogue:
    """The known models; the user's entries come before the built-in ones.

    Args:
        entries: Further entries. One with the provider and id of a built-in one replaces it.
    """

    def __init__(self, entries: Iterable[ServedModel] = ()) -> None:
        own = tuple(entries)
        replaced = {(entry.provider, entry.id) for entry in own}
        self.entries = own + tuple(entry for entry in _BUILT_IN if (entry.provider, entry.id) not in replaced)

    @cached_property
    def _by_id(self) -> Mapping[tuple[str, str], ServedModel]:
        """The entries by provider and id; the first of a name has it."""
        return {(entry.provider, entry.id): entry for entry in reversed(self.entries)}

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], ServedModel]:
        """The same by provider and any name: those of live models before those of ended ones."""
        live = [entry for entry in self.entries if entry.retired_on is None]
        ended = [entry for entry in self.entries if entry.retired_on is not None]
        names = {(entry.provider, plain_name(entry.id)): entry for entry in reversed(ended)}
        for entry in reversed(live):
            names.update({(entry.provider, plain_name(name)): entry for name in (entry.id, *entry.aliases)})
        return names

    def find(self, provider: str, name: str) -> ServedModel | None:
        """Find the model that a name means at a provider: an alias or an id, whatever its case and owner's prefix.

        A family's plain name means the live model of the family, even where a retired one had that name.
        """
        return self._by_name.get((provider, plain_name(name)))

    def entry(self, provider: str, model_id: str) -> ServedModel | None:
        """The entry with exactly that id, live or ended."""
        return self._by_id.get((provider, model_id))

    def same(self, provider: str, name: str, other: str) -> bool:
        """Whether two names mean the same model at a provider, whatever their case and owner's prefix."""
        if plain_name(name) == plain_name(other):
            return True
        entry = self.find(provider, name)
        return entry is not None and entry is self.find(provider, other)

    def family(self, name: str) -> ModelFamily | None:
        """The family of a model by a name that it has anywhere, or None for any other name."""
        asked = plain_name(name)
        for entry in self.entries:
            if asked in {entry.family, plain_name(entry.id), *map(plain_name, entry.aliases)}:
                return entry.family
        return None

    def checkpoint_family(self, name: str) -> ModelFamily | None:
        """The family of a checkpoint: of a model by one of its names, also quantised, and of any owner."""
        own = name.strip().rpartition("/")[2]
        return self.family(name) or self.family(_QUANTISED.sub("", own))

    def names(self, provider: str) -> list[str]:
        """The ids of the live models at a provider."""
        return [entry.id for entry in self.entries if entry.provider == provider and entry.retired_on is None]

    @classmethod
    def read(cls, tables: Iterable[Mapping[str, object]]) -> Catalogue:
        """Make a catalogue with entries from configuration; missing fields are those of the entry replaced.

        Raises:
            ValueError: An entry is wrong; the text names it.
        """
        if isinstance(tables, Mapping):
            raise ValueError("models is one table, and must be a list of them")
        return cls(_read(index, table) for index, table in enumerate(tables))


_QUANTISED = re.compile(r"-(?:(?:NV|MX)?(?:FP|INT)[48]|W[48]A(?:8|16)|AWQ|GPTQ)\Z", re.IGNORECASE)


def plain_name(name: str) -> str:
    """A model's name without the differences between places: case, blanks around it, the owner's prefix."""
    return name.strip().lower().removeprefix("deepseek-ai/")


_TYPES: Mapping[str, tuple[type, ...]] = {
    "provider": (str,),
    "id": (str,),
    "family": (str,),
    "generation": (str,),
    "window": (int,),
    "max_output": (int,),
    "retired_on": (date,),
    "successors": (list,),
    "aliases": (list,),
    "as_of": (date,),
}

_MEANT: Mapping[type, str] = {str: "a text", int: "a number from 1", date: "a date", list: "a list of texts"}


def _read(index: int, table: Mapping[str, object]) -> ServedModel:
    where = f"models[{index}]"
    values: dict[str, object] = {}
    for key, value in table.items():
        types = _TYPES.get(key)
        if types is None:
            raise ValueError(f"{where}.{key} is not a field of a model; known: {', '.join(_TYPES)}")
        if not isinstance(value, types) or isinstance(value, bool) or (isinstance(value, int) and value < 1):
            raise ValueError(f"{where}.{key} is {value!r}: give {_MEANT[types[0]]}")
        values[key] = tuple(str(item) for item in cast("list[object]", value)) if isinstance(value, list) else value
    provider, model_id = values.get("provider"), values.get("id")
    if not isinstance(provider, str) or not isinstance(model_id, str):
        raise ValueError(f"{where} needs provider and id")
    known = Catalogue().entry(provider, model_id)
    if known is None:
        if missing := {"family", "generation"} - values.keys():
            raise ValueError(f"{where} is a new model and needs {' and '.join(sorted(missing))}")
        known = ServedModel(provider=provider, id=model_id, family="pro", generation="2026-08")
    if values.get("family", "pro") not in {"pro", "flash"}:
        raise ValueError(f"{where}.family is {values['family']!r}: 'pro' or 'flash'")
    if values.get("generation", "v4.1") not in {"2026-04", "2026-08", "v4.1"}:
        raise ValueError(f"{where}.generation is {values['generation']!r}: '2026-04', '2026-08' or 'v4.1'")
    return replace(known, **values)  # type: ignore[arg-type]  # every value was checked above
