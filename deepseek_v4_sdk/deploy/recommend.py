"""`recommend`: what fits on the GPUs that there are, the verified before the derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.capacity import sessions_of
from deepseek_v4_sdk.deploy.engines import known_versions
from deepseek_v4_sdk.deploy.picture import wrapped
from deepseek_v4_sdk.deploy.plan import Plan
from deepseek_v4_sdk.deploy.planning import plan
from deepseek_v4_sdk.deploy.recipes import RECIPES
from deepseek_v4_sdk.deploy.tables import Interval, read_tables
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.tables import GPU

__all__ = ["Recommendation", "recommend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A plan that fits, with the reasons for its rank.

    Attributes:
        plan: The plan.
        sessions: Conversations of the requested length, at once.
        usd_per_hour: A range of public prices of its GPUs, or None. It changes, and is not a promise.
        reasons: Reasons for it and against it.
    """

    plan: Plan
    sessions: Interval
    usd_per_hour: tuple[float, float] | None
    reasons: tuple[str, ...]

    @property
    def verified(self) -> bool:
        """Whether somebody published it so."""
        return not self.plan.verified_by.startswith("derived")

    def to_dict(self) -> dict[str, object]:
        """The choice as plain values, ready for JSON."""
        made = self.plan
        return {
            "engine": made.engine,
            "engine_version": made.engine_version,
            "recipe": made.recipe,
            "model": made.model,
            "gpu": made.gpu,
            "gpus": made.gpus,
            "sessions": [self.sessions.low, self.sessions.high],
            "window": [made.capacity.window.low, made.capacity.window.high],
            "usd_per_hour": self.usd_per_hour,
            "verified_by": made.verified_by,
            "reasons": list(self.reasons),
        }

    def __str__(self) -> str:
        made = self.plan
        head = f"{made.recipe}: {made.model} on {made.gpus} x {made.gpu}, {made.engine} {made.engine_version}"
        return "\n".join([head, *(wrapped(each, "  ", "    ") for each in self.reasons)])


def recommend(
    model: str,
    *,
    context: int,
    sessions: int = 1,
    gpus: Mapping[str, int] | None = None,
    engine_versions: Mapping[str, str] | None = None,
    tables: str | PathLike[str] | None = None,
) -> list[Recommendation]:
    """Rank the plans that serve so many conversations of such a length.

    Args:
        model: "pro", "flash", or the name of a checkpoint.
        context: The length of a conversation in tokens.
        sessions: Number of conversations that must fit at once.
        gpus: The GPUs that there are, as kind to number; without it every kind, as many as its recipes use.
        engine_versions: The releases to plan for; without it the newest of vLLM and SGLang in the tables.
        tables: A folder with your tables.

    Returns:
        The plans: published ones before derived ones, those that surely fit before those that may, then those with
        fewer GPUs, then those that hold more.

    Raises:
        ConfigurationError: A name is not known.
    """
    known = read_tables(tables)
    known.family_of(model)
    versions = engine_versions or {each: known_versions(each, known.folder)[-1] for each in ("vllm", "sglang")}
    for engine, version in versions.items():
        known.engine(engine, version)
    kinds = [known.gpu(kind) for kind in (gpus if gpus is not None else known.gpus)]
    found: list[Recommendation] = []
    for kind in kinds:
        counts = [None] if gpus is None else _counts(gpus, kind)
        for engine, version in versions.items():
            for recipe in RECIPES:
                for count in counts:
                    made = _planned(
                        model,
                        kind.kind,
                        count,
                        engine=engine,
                        engine_version=version,
                        recipe=recipe,
                        context=context,
                        sessions=sessions,
                        tables=tables,
                    )
                    if made is not None:
                        found.append(_judged(made, kind, context, sessions))
    unique = {(each.plan.argv[-1], each.plan.command()): each for each in found}
    return sorted(unique.values(), key=lambda each: _order(each, sessions))


def _counts(gpus: Mapping[str, int], kind: GPU) -> list[int | None]:
    """Powers of two up to what there is."""
    most = next((count for name, count in gpus.items() if name.lower() == kind.kind), max(gpus.values()))
    return [count for count in (2**power for power in range(12)) if count <= most]


def _planned(model: str, gpu: str, count: int | None, **request: object) -> Plan | None:
    try:
        return plan(model, gpu, count, **request)  # type: ignore[arg-type]
    except ConfigurationError:
        return None


def _judged(made: Plan, gpu: GPU, context: int, sessions: int) -> Recommendation:
    holds = sessions_of(made.capacity, context)
    span = gpu.usd_per_hour
    price = None if span is None else (span[0] * made.gpus, span[1] * made.gpus)
    reasons = [
        f"verified by {made.verified_by}"
        if not made.verified_by.startswith("derived")
        else f"{made.verified_by}: nobody published it so",
        f"{holds} conversations of {context:,} tokens at once",
    ]
    if holds.low < sessions:
        reasons.append("whether they fit depends on the engine's overhead")
    if made.capacity.pools > 1:
        reasons.append(f"{made.capacity.pools} caches, one for each replica of attention")
    elif made.gpus > 1:
        reasons.append("one cache, copied to each GPU: lower latency, fewer conversations")
    if price is not None:
        reasons.append(f"{price[0]:,.0f} to {price[1]:,.0f} USD an hour by public prices of March to May 2026")
    return Recommendation(plan=made, sessions=holds, usd_per_hour=price, reasons=tuple(reasons))


def _order(each: Recommendation, sessions: int) -> tuple[object, ...]:
    return (
        not each.verified,
        each.plan.capacity.fits is not True or each.sessions.low < sessions,
        each.plan.gpus,
        -each.sessions.low,
        RECIPES.index(each.plan.recipe),
        each.plan.engine,
    )
