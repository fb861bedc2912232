"""Recipes: those that fit a request, and those that a release refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.check import check
from deepseek_v4_sdk.deploy.switches import Setting, render
from deepseek_v4_sdk.deploy.tables import version_key
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.engines import EngineTable
    from deepseek_v4_sdk.deploy.tables import Checkpoint, Recipe, Tables

__all__ = ["RECIPES", "gpus_of", "matching", "refusals", "rendered", "serves", "usable"]

RECIPES = ("low-latency", "balanced", "max-throughput", "long-context", "pd")
"""The purposes that a plan can have."""

_SPLITS = {
    "vllm": ("--tensor-parallel-size", "--data-parallel-size", "--pipeline-parallel-size"),
    "sglang": ("--tp-size", "--pp-size"),
}


def gpus_of(engine: str, argv: list[str]) -> int:
    """GPUs of a server, as its arguments say."""
    count = 1
    for flag in _SPLITS[engine]:
        if flag in argv:
            count *= int(argv[argv.index(flag) + 1])
    return count


def serves(checkpoint: Checkpoint, table: EngineTable) -> bool:
    """Whether a release serves these weights."""
    first = checkpoint.engines.get(table.engine)
    return first is not None and table.at_least(first)


def usable(recipe: Recipe, table: EngineTable) -> bool:
    """Whether a recipe is for a release."""
    return (
        recipe.engine == table.engine
        and table.at_least(recipe.since)
        and (recipe.until is None or version_key(table.version) <= version_key(recipe.until))
    )


def rendered(setting: Setting) -> dict[str, list[str]]:
    """The arguments of each role of a recipe; of a server in one piece, that of the role "server"."""
    recipe = setting.recipe
    if recipe.roles:
        return {name: render(setting, role.argv) for name, role in recipe.roles.items()}
    return {"server": render(setting, recipe.argv)}


def refusals(tables: Tables, engine: str, version: str) -> Iterator[str]:
    """The recipes that a release refuses, with its reasons: what `make tables` shows of a new one."""
    if engine == "dynamo":
        return
    table = tables.engine(engine, version)
    for recipe in tables.recipes:
        for name in recipe.checkpoints:
            checkpoint = tables.checkpoints[name]
            if not usable(recipe, table) or not serves(checkpoint, table):
                continue
            for role, argv in rendered(Setting(table=table, checkpoint=checkpoint, recipe=recipe)).items():
                env = {**recipe.env, **(recipe.roles[role].env if recipe.roles else {})}
                words = ["--model", name, *argv]
                for problem in check(engine, version, words, gpu=recipe.gpu, env=env):
                    if problem.severity == "error":
                        yield f"{recipe.family} {recipe.gpu} {recipe.recipe} {recipe.strategy} {name} {role}: {problem}"


def matching(
    tables: Tables, table: EngineTable, *, family: str, gpu: str, recipe: str, checkpoint: Checkpoint | None
) -> list[tuple[Recipe, Checkpoint]]:
    """Recipes for a request, each with the weights to take.

    Raises:
        ConfigurationError: There is none; the text names the nearest that there is.
    """
    if recipe not in RECIPES:
        raise ConfigurationError(f"recipe {recipe!r} is not known: give {', '.join(RECIPES)}")
    found: list[tuple[Recipe, Checkpoint]] = []
    for row in tables.recipes:
        if (row.family, row.gpu, row.recipe) != (family, gpu, recipe) or not usable(row, table):
            continue
        for name in (checkpoint.id,) if checkpoint is not None else row.checkpoints:
            weights = tables.checkpoints.get(name)
            if weights is not None and _fits(tables, row, weights) and serves(weights, table):
                found.append((row, weights))
                break
    if not found:
        raise ConfigurationError(_nothing(tables, table, family, gpu, recipe, checkpoint))
    return found


def _fits(tables: Tables, row: Recipe, weights: Checkpoint) -> bool:
    """Whether a row is for these weights; other weights of the family take rows whose experts have their format."""
    if weights.id in row.checkpoints:
        return True
    formats = {each.experts for name in row.checkpoints if (each := tables.checkpoints.get(name))}
    return row.family == weights.family and weights.experts in formats


def _nothing(
    tables: Tables, table: EngineTable, family: str, gpu: str, recipe: str, checkpoint: Checkpoint | None
) -> str:
    """A text for a request without a recipe: the nearest that there is."""
    wanted = f"{recipe} of {checkpoint.id if checkpoint else family} on {gpu} with {table.engine} {table.version}"
    rows = [row for row in tables.recipes if row.family == family]
    ladder = (
        [row for row in rows if row.gpu == gpu and row.engine == table.engine and row.recipe == recipe],
        [row for row in rows if row.gpu == gpu and row.engine == table.engine and usable(row, table)],
        [row for row in rows if row.gpu == gpu],
        [row for row in rows if row.engine == table.engine and row.recipe == recipe],
    )
    for step in ladder:
        if step:
            near = step[0]
            also = f" with {', '.join(near.checkpoints)}" if near.gpu == gpu and near.recipe == recipe else ""
            return (
                f"there is no recipe for {wanted}; the nearest is {near.recipe} on {near.gpu} with {near.engine} "
                f"{near.since} or newer{also}"
            )
    return f"there is no recipe for {wanted}, and none for {family} at all: add your row with tables="
