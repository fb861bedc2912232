"""Lists of the recipes and releases in the tables, and the age of each table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.command_line import strip_program
from deepseek_v4_sdk.deploy.engines import known_versions
from deepseek_v4_sdk.deploy.found_commands import FoundCommand, commands_in, commands_in_script
from deepseek_v4_sdk.deploy.recipes import gpus_of, rendered
from deepseek_v4_sdk.deploy.switches import Setting
from deepseek_v4_sdk.deploy.tables import ENGINES, read_tables
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.tables import Recipe, Tables

__all__ = ["ListedRecipe", "ages", "commands_in_file", "engine_of", "family_of", "recipes", "versions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecipe:
    """A recipe of the tables.

    Attributes:
        engine: The engine.
        family: The model's family.
        gpu: The kind of GPU.
        gpus: Number of GPUs that it was published for, as its arguments say.
        recipe: The purpose.
        strategy: How the model is split.
        checkpoints: The weights it is for.
        since: The first release it is for.
        verified_by: The source and its date, or "derived".
        notes: Remarks for the person that deploys it.
    """

    engine: str
    family: str
    gpu: str
    gpus: int
    recipe: str
    strategy: str
    checkpoints: tuple[str, ...]
    since: str
    verified_by: str
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values, ready for JSON."""
        return asdict(self)


def recipes(*, tables: str | PathLike[str] | None = None) -> list[ListedRecipe]:
    """The recipes of the tables."""
    known = read_tables(tables)
    return [_listed(known, row) for row in known.recipes]


def _listed(tables: Tables, row: Recipe) -> ListedRecipe:
    newest = known_versions(row.engine, tables.folder)[-1]
    setting = Setting(
        table=tables.engine(row.engine, newest), checkpoint=tables.checkpoints[row.checkpoints[0]], recipe=row
    )
    return ListedRecipe(
        engine=row.engine,
        family=row.family,
        gpu=row.gpu,
        gpus=sum(gpus_of(row.engine, argv) for argv in rendered(setting).values()),
        recipe=row.recipe,
        strategy=row.strategy,
        checkpoints=row.checkpoints,
        since=row.since,
        verified_by=row.verified_by,
        notes=row.notes,
    )


def versions(engine: str, *, tables: str | PathLike[str] | None = None) -> tuple[str, ...]:
    """The releases of an engine that the tables know, oldest first.

    Raises:
        ConfigurationError: The engine is not known.
    """
    return known_versions(engine, read_tables(tables).folder)


def ages(*, tables: str | PathLike[str] | None = None) -> dict[str, date]:
    """The day of each table, by its name."""
    known = read_tables(tables)
    ages = dict(known.as_of)
    for engine in ENGINES:
        newest = known_versions(engine, known.folder)[-1]
        ages[engine] = known.engine(engine, newest).as_of
    return ages


def family_of(model: str, *, tables: str | PathLike[str] | None = None) -> str:
    """The family that a name means.

    Raises:
        ConfigurationError: It means none.
    """
    return read_tables(tables).family_of(model)


def engine_of(argv: Sequence[str]) -> str | None:
    """The engine that a command starts, where its program says it."""
    program, _ = strip_program(argv)
    name = program[-1] if len(program) == 3 else (program[0].rpartition("/")[2] if program else "")
    return next((engine for engine in ("dynamo", "sglang", "vllm") if name.startswith(engine)), None)


def commands_in_file(path: str | PathLike[str], *, tables: str | PathLike[str] | None = None) -> list[FoundCommand]:
    """The commands of servers in a compose file, in manifests, or in a shell's script.

    Raises:
        ConfigurationError: The file cannot be read, or starts no server.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from None
    if file.suffix in {".yaml", ".yml", ".json"}:
        return commands_in(text, str(file), read_tables(tables))
    return commands_in_script(text, str(file))
