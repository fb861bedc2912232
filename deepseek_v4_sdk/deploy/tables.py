"""The tables: engines by release, models, GPUs and recipes, as dated data, read when used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

from deepseek_v4_sdk.catalogue.models import plain_name
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from os import PathLike

    from deepseek_v4_sdk.deploy.engines import EngineTable

__all__ = [
    "GPU",
    "Checkpoint",
    "Engine",
    "Family",
    "Interval",
    "Recipe",
    "Role",
    "Tables",
    "read_tables",
    "version_key",
]

Engine: TypeAlias = Literal["vllm", "sglang", "dynamo"]
"""The servers that a plan can be made for."""

ENGINES: tuple[Engine, ...] = ("vllm", "sglang", "dynamo")


def version_key(version: str) -> tuple[int, ...]:
    """A version as numbers, for comparing."""
    return tuple(map(int, re.findall(r"\d+", version)))


@dataclass(frozen=True, slots=True)
class Interval:
    """A quantity that is known only within bounds.

    Attributes:
        low: The smallest it may be.
        high: The largest it may be.
    """

    low: float
    high: float

    def __str__(self) -> str:
        low, high = (f"{each:,.0f}" if each >= 1000 else f"{each:.4g}" for each in (self.low, self.high))
        return low if low == high else f"{low} to {high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The shape of a model's caches, as far as capacity needs it.

    Attributes:
        layers: All layers; each has a sliding window of 128 tokens.
        csa: Layers that also keep a quarter of their tokens, and an index of them.
        hca: Layers that also keep one token in 128.
        kv_dim: The length of a cached row.
        index_dim: The length of a row of the index.
        moe_inter: The inner size of an expert, which tensor parallelism divides.
        fp8_block: The block in which FP8 weights are scaled; a slice of an expert must be a multiple of it.
        dense_gib: The weights that are not experts, in GiB.
        window: The model's window in tokens.
    """

    layers: int
    csa: int
    hca: int
    kv_dim: int
    index_dim: int
    moe_inter: int
    fp8_block: int
    dense_gib: float
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Weights under the name that they are published by.

    Attributes:
        id: The name.
        family: "pro", "flash", or one of the user's own tables.
        gib: Their size in GiB.
        experts: The format of the experts: "mxfp4", "nvfp4", "fp8" or "bf16".
        draft: The method by which they can draft tokens: "mtp", "dspark" or "none". It belongs to the weights.
        generation: The prompt format, as the catalogue names it.
        engines: The first release of each engine that serves them.
        estimated: Whether the size is an estimate, because no source gives it.
    """

    id: str
    family: str
    gib: float
    experts: str
    draft: str
    generation: str
    engines: Mapping[str, str] = field(default_factory=dict[str, str])
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GPU:
    """A kind of GPU.

    Attributes:
        kind: The name that plans use.
        name: The product's name.
        arch: Its architecture, such as "sm90".
        gib: The memory of one, in GiB. Sources differ, and an engine sees less than the name of the product says.
        per_node: Number of GPUs in a node.
        fp4_index: Whether the index cache can be MXFP4.
        mega_moe: Whether the fused dispatch and GEMM runs on it.
        arm64: Whether its hosts need arm64 images.
        usd_per_hour: A range of public prices of one GPU hour; it changes, and is not a promise.
    """

    kind: str
    name: str
    arch: str
    gib: Interval
    per_node: int
    fp4_index: bool
    mega_moe: bool
    arm64: bool = False
    usd_per_hour: tuple[float, float] | None = None

    @property
    def hopper(self) -> bool:
        """Whether it is of the generation before FP4 hardware."""
        return self.arch == "sm90"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One part of a server that is made of several.

    Attributes:
        argv: Its arguments, in meanings.
        env: Its environment variables.
    """

    argv: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One published or derived way of serving, in meanings where engines renamed a flag.

    Attributes:
        engine: The engine.
        family: The model's family.
        gpu: The kind of GPU.
        recipe: The purpose.
        strategy: How the model is split.
        checkpoints: The weights it is for, best first.
        draft: Draft tokens by method; empty without speculative decoding.
        since: The first release it is for.
        until: The last one, or None.
        argv: The arguments. A word with @ is a meaning; `switches.py` has its flags by release. They also say how many
            GPUs and nodes there are.
        env: Environment variables.
        source: Its publication; "derived" where there is none.
        date: The day of the source.
        notes: Remarks for the person that deploys it.
        roles: Its parts, where prefill and decode are served apart; `argv` is empty then.
    """

    engine: Engine
    family: str
    gpu: str
    recipe: str
    strategy: str
    checkpoints: tuple[str, ...]
    draft: Mapping[str, int]
    since: str
    argv: str
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    until: str | None = None
    source: str = "derived"
    date: str = ""
    notes: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict[str, Role])

    @property
    def verified_by(self) -> str:
        """The source and its date, or "derived"."""
        return f"{self.source} ({self.date})" if self.source != "derived" and self.date else self.source


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that plans are made from.

    Attributes:
        families: Shapes of models.
        checkpoints: Published weights.
        gpus: Kinds of GPU.
        recipes: Ways of serving; the user's rows come first.
        as_of: The day of each table, by its name.
        folder: The folder with the user's own tables, or None.
    """

    families: Mapping[str, Family]
    checkpoints: Mapping[str, Checkpoint]
    gpus: Mapping[str, GPU]
    recipes: tuple[Recipe, ...]
    as_of: Mapping[str, date]
    folder: Path | None = None

    def engine(self, name: str, version: str) -> EngineTable:
        """The flags of a release of an engine.

        Raises:
            ConfigurationError: The engine or the version is not in the tables; the text names the nearest.
        """
        from deepseek_v4_sdk.deploy.engines import find_engine

        return find_engine(name, version, self.folder)

    def gpu(self, kind: str) -> GPU:
        """The GPU of that name, whatever its case and punctuation.

        Raises:
            ConfigurationError: There is none; the text names those that are.
        """
        asked = _squeezed(kind)
        for name, gpu in self.gpus.items():
            if asked in {_squeezed(name), _squeezed(gpu.name)}:
                return gpu
        raise ConfigurationError(f"gpu {kind!r} is not known{_near(kind, self.gpus)}; known: {', '.join(self.gpus)}")

    def checkpoint(self, name: str) -> Checkpoint:
        """The weights of that name, with or without their owner.

        Raises:
            ConfigurationError: There are none; the text names those that are.
        """
        asked = plain_name(name)
        for each in self.checkpoints.values():
            if asked in {plain_name(each.id), each.id.lower().partition("/")[2]}:
                return each
        known = ", ".join(self.checkpoints)
        raise ConfigurationError(f"checkpoint {name!r} is not known{_near(name, self.checkpoints)}; known: {known}")

    def family_of(self, model: str) -> str:
        """The family that a name means: a family, or the family of a checkpoint.

        Raises:
            ConfigurationError: It means none.
        """
        asked = plain_name(model).removeprefix("deepseek-v4-")
        if asked in self.families:
            return asked
        return self.checkpoint(model).family


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _near(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), 1, 0.5)
    return f"; did you mean {found[0]!r}?" if found else ""


def read_json(name: str, folder: Path | None = None) -> dict[str, object]:
    """A table of the package, or of a folder.

    Raises:
        ConfigurationError: The file of the folder is not valid JSON, or not an object.
    """
    if folder is None:
        content = (files("deepseek_v4_sdk.deploy") / "tables" / name).read_text(encoding="utf-8")
        return cast("dict[str, object]", json.loads(content))
    path = folder / name
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read as a table: {error}") from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path} must hold one JSON object")
    return cast("dict[str, object]", value)


def read_tables(folder: str | PathLike[str] | None = None) -> Tables:
    """The tables of the package, with rows of the user's own before them.

    Args:
        folder: A folder with any of `models.json`, `gpus.json`, `recipes.json`, `vllm.json`, `sglang.json` and
            `dynamo.json`, in the form of the package's own. A row with a name of the package replaces that one.

    Raises:
        ConfigurationError: The folder or a file in it cannot be read.
    """
    if folder is None:
        return _built_in()
    path = Path(folder)
    if not path.is_dir():
        raise ConfigurationError(f"tables: {path} is not a folder")
    known = _built_in()
    own = [_read(name, path) for name in ("models.json", "gpus.json", "recipes.json") if (path / name).is_file()]
    mine = {key: each for table in own for key, each in table.checkpoints.items()}
    return Tables(
        families={**known.families, **{key: each for table in own for key, each in table.families.items()}},
        checkpoints={**mine, **known.checkpoints, **mine},  # the user's first
        gpus={**known.gpus, **{key: each for table in own for key, each in table.gpus.items()}},
        recipes=(*(each for table in own for each in table.recipes), *known.recipes),
        as_of={**known.as_of, **{key: each for table in own for key, each in table.as_of.items()}},
        folder=path,
    )


@cache
def _built_in() -> Tables:
    models, gpus, recipes = (_read(name, None) for name in ("models.json", "gpus.json", "recipes.json"))
    as_of = {**models.as_of, **gpus.as_of, **recipes.as_of}
    return Tables(models.families, models.checkpoints, gpus.gpus, recipes.recipes, as_of)


def _read(name: str, folder: Path | None) -> Tables:
    """The rows of one file."""
    table = read_json(name, folder)
    checked = folder is not None
    try:
        return Tables(
            {key: _made(Family, row, checked) for key, row in _part(table, "families").items()},
            {key: _made(Checkpoint, {**row, "id": key}, checked) for key, row in _part(table, "checkpoints").items()},
            {key: _made(GPU, _gpu(key, row), checked) for key, row in _part(table, "gpus").items()},
            tuple(
                _made(Recipe, _recipe(row), checked)
                for row in cast("list[dict[str, object]]", table.get("recipes", []))
            ),
            {name.removesuffix(".json"): date.fromisoformat(str(table["as_of"]))},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        where = name if folder is None else str(folder / name)
        detail = " ".join(str(error).split())
        raise ConfigurationError(f"{where} is not a table of the known form: {detail}") from None


_Row = TypeVar("_Row", Family, Checkpoint, GPU, Recipe)


def _made(kind: type[_Row], row: Mapping[str, object], checked: bool) -> _Row:
    """A row; one of the user's own is checked, which loads pydantic."""
    if not checked:
        return cast("Callable[..., _Row]", kind)(**row)
    from pydantic import TypeAdapter

    if unknown := row.keys() - {each.name for each in fields(kind)}:
        raise ValueError(f"a row has {min(unknown)}, which is not a field of it")
    return TypeAdapter(kind).validate_python(row)


def _part(table: Mapping[str, object], name: str) -> dict[str, dict[str, object]]:
    return cast("dict[str, dict[str, object]]", table.get(name, {}))


def _gpu(kind: str, row: Mapping[str, object]) -> dict[str, object]:
    low, high = cast("list[float]", row["gib"])
    price = cast("list[float] | None", row.get("usd_per_hour"))
    return {**row, "kind": kind, "gib": Interval(low, high), "usd_per_hour": None if price is None else tuple(price)}


def _recipe(row: Mapping[str, object]) -> dict[str, object]:
    lists = {key: tuple(cast("list[str]", row.get(key, ()))) for key in ("checkpoints", "notes")}
    roles = {name: Role(**role) for name, role in cast("dict[str, dict[str, Any]]", row.get("roles", {})).items()}
    return {**row, **lists, "roles": roles}
