"""`plan` chooses a recipe, splits it over the GPUs, sets its window, checks it, and computes its capacity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.capacity import capacity_of, sessions_of
from deepseek_v4_sdk.deploy.capacity_vllm import default_batch
from deepseek_v4_sdk.deploy.check import check, look_at
from deepseek_v4_sdk.deploy.nodes import lay_out
from deepseek_v4_sdk.deploy.plan import Plan
from deepseek_v4_sdk.deploy.plan_request import Candidate, PlanRequest
from deepseek_v4_sdk.deploy.profile import profile_toml
from deepseek_v4_sdk.deploy.recipes import RECIPES, gpus_of, matching, rendered
from deepseek_v4_sdk.deploy.sglang_cache import CAP_MODE_SINCE
from deepseek_v4_sdk.deploy.splits import resplit
from deepseek_v4_sdk.deploy.switches import Setting
from deepseek_v4_sdk.deploy.tables import read_tables
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.capacity import Capacity
    from deepseek_v4_sdk.deploy.plan import Node
    from deepseek_v4_sdk.deploy.tables import Checkpoint, Recipe

__all__ = ["plan"]

_BATCHES = (8_192, 4_096, 2_048)


def plan(
    model: str,
    gpu: str,
    gpus: int | None = None,
    *,
    engine: str,
    engine_version: str,
    recipe: str = "balanced",
    checkpoint: str | None = None,
    context: int | None = None,
    sessions: int | None = None,
    hosts: Sequence[str] = (),
    served_name: str | None = None,
    port: int | None = None,
    key: bool = False,
    inside: str = "vllm",
    tables: str | PathLike[str] | None = None,
) -> Plan:
    """Plan a server: its commands, its capacity, and the profile of its clients.

    Args:
        model: "pro", "flash", or the name of a checkpoint.
        gpu: The kind of GPU, such as "h200".
        gpus: Number of GPUs in all; without it as many as the recipe was published for.
        engine: "vllm", "sglang" or "dynamo".
        engine_version: The release; flags differ between them, so there is no text without it.
        recipe: "low-latency", "balanced", "max-throughput", "long-context", or "pd" (prefill and decode apart).
        checkpoint: The weights; else the best that the recipe and the release serve.
        context: The window in tokens; else that of the recipe.
        sessions: Conversations of that length which must fit at once.
        hosts: Names or addresses of the machines, in the order of the nodes.
        served_name: The name that clients ask for; else the name of the weights.
        port: The port of the server; else the engine's own.
        key: Whether clients must send a key. The texts take it from VLLM_API_KEY or SGLANG_API_KEY, or from a secret.
        inside: The engine inside Dynamo: "vllm" or "sglang".
        tables: A folder with your tables.

    Raises:
        ConfigurationError: A name or the version is not known, no recipe is for this, or it does not fit; the text
            names the nearest that does.
    """
    known = read_tables(tables)
    kind, table = known.gpu(gpu), known.engine(engine, engine_version)
    if engine == "dynamo":
        if inside not in {"vllm", "sglang"} or inside not in table.pins:
            raise ConfigurationError(f"inside is {inside!r}: Dynamo {engine_version} runs {', '.join(table.pins)}")
        table = known.engine(inside, table.pins[inside])
    if context is not None and context < 1:
        raise ConfigurationError(f"context is {context}: give a number of tokens from 1")
    request = PlanRequest(
        tables=known,
        engine=engine,
        version=engine_version.removeprefix("v"),
        table=table,
        gpu=kind,
        gpus=gpus,
        recipe=recipe,
        context=context,
        sessions=sessions,
        hosts=hosts,
        served_name=served_name,
        port=port,
        key=key,
    )
    family = known.family_of(model)
    plain = model.lower().rpartition("/")[2] in {family, f"deepseek-v4-{family}"} and "/" not in model
    named = checkpoint or (None if plain else model)
    weights = known.checkpoint(named) if named else None
    if weights is not None and weights.family != family:
        raise ConfigurationError(f"checkpoint {weights.id} belongs to {weights.family}, and model is {model!r}")
    try:
        return _make(request, family, weights)
    except _UnfitError as error:
        raise ConfigurationError(f"{error}{_nearest(request, family, weights)}") from None


class _UnfitError(ConfigurationError):
    """A recipe that there is, and that these GPUs do not hold or cannot be split for."""


def _make(request: PlanRequest, family: str, weights: Checkpoint | None) -> Plan:
    """The first recipe for the request that fits.

    Raises:
        _UnfitError: None of them does.
        ConfigurationError: There is none.
    """
    kind = request.gpu.kind
    rows = matching(request.tables, request.table, family=family, gpu=kind, recipe=request.recipe, checkpoint=weights)
    failures: list[str] = []
    for candidate in _candidates(request, rows):
        try:
            return _finish(request, candidate)
        except ConfigurationError as error:
            failures.append(str(error))
    raise _UnfitError(failures[0] if failures else _no_split(request, rows))


def _nearest(request: PlanRequest, family: str, weights: Checkpoint | None) -> str:
    """The nearest that fits: another purpose on the same GPUs, or the same on more of them."""
    others = [replace(request, recipe=recipe) for recipe in RECIPES if recipe != request.recipe]
    more = [replace(request, gpus=2**power) for power in range(1, 8) if 2**power > (request.gpus or 0)]
    for other in (*others, *more):
        try:
            made = _make(other, family, weights)
        except ConfigurationError:
            continue
        return f"; the nearest that fits is {made.recipe} on {made.gpus} x {made.gpu}"
    return ""


def _candidates(request: PlanRequest, rows: list[tuple[Recipe, Checkpoint]]) -> Iterator[Candidate]:
    """The recipes as published for this number of GPUs; then those whose split can be changed for it."""
    others: list[Candidate] = []
    for row, weights in rows:
        setting = Setting(table=request.table, checkpoint=weights, recipe=row, dynamo=request.engine == "dynamo")
        roles = rendered(setting)
        count = sum(gpus_of(request.table.engine, argv) for argv in roles.values())
        verified = row.verified_by if weights.id in row.checkpoints else f"derived from {row.verified_by}"
        candidate = Candidate(row, weights, roles, verified, list(row.notes))
        if request.gpus in {None, count}:
            yield candidate
        elif row.roles and request.gpus and request.gpus % count == 0:
            candidate.replicas = request.gpus // count
            candidate.assumptions.append(f"{candidate.replicas} replicas of each role behind one router")
            others.append(candidate)
        elif not row.roles and request.gpus:
            for argv, detail in resplit(
                request.table.engine, roles["server"], row.strategy, request.gpus, request.gpu.per_node
            ):
                again = replace(candidate, roles={"server": argv}, verified_by=f"derived from {row.verified_by}")
                again.assumptions = [*candidate.assumptions, detail]
                others.append(again)
    yield from others


def _no_split(request: PlanRequest, rows: list[tuple[Recipe, Checkpoint]]) -> str:
    counts: set[int] = set()
    for row, weights in rows:
        roles = rendered(Setting(table=request.table, checkpoint=weights, recipe=row))
        counts.add(sum(gpus_of(request.table.engine, argv) for argv in roles.values()))
    near = min(counts, key=lambda count: abs(count - (request.gpus or 0)))
    return (
        f"{request.recipe} on {request.gpus} x {request.gpu.kind} cannot be split so; the nearest is {near} "
        f"(published for {', '.join(map(str, sorted(counts)))})"
    )


def _finish(request: PlanRequest, candidate: Candidate) -> Plan:
    """Set its window, check it, and assign its nodes.

    Raises:
        ConfigurationError: It does not fit.
    """
    for role, argv in candidate.roles.items():
        candidate.roles[role] = _completed(request, candidate, argv)
    serving = "decode" if "decode" in candidate.roles else next(iter(candidate.roles))
    held = _give_window(request, candidate, serving)
    for role in candidate.roles:
        if role != serving:
            _same_window(request, candidate, role, serving)
    if request.key and (request.engine == "dynamo" or candidate.row.roles):
        raise ConfigurationError("key=True needs one server without a router: put a gateway with a key before this one")
    nodes = lay_out(request, candidate)
    _look_over(request, candidate, nodes, held)
    if request.engine == "vllm" and nodes[-1].role == "router":
        candidate.warnings.append("vllm-router is a separate package: install it where the router runs")
    if len({node.host for node in nodes}) > max(1, len(request.hosts)):
        candidate.warnings.append("machines are called node-0, node-1 and so on: give hosts= with their addresses")
    most = request.tables.families[candidate.weights.family].window
    window = held.asked_window or int(held.window.low) or int(held.window.high) or most
    return Plan(
        model=candidate.weights.id,
        served_name=request.name_for(candidate.weights),
        family=candidate.weights.family,
        gpu=request.gpu.kind,
        gpus=sum(node.gpus for node in nodes),
        engine=request.engine,
        engine_version=request.version,
        recipe=request.recipe,
        image=_image(request),
        nodes=tuple(nodes),
        capacity=held,
        profile_toml=profile_toml(request, nodes, candidate.weights, window),
        warnings=tuple(dict.fromkeys(candidate.warnings)),
        assumptions=tuple(dict.fromkeys([*candidate.assumptions, *held.assumptions])),
        verified_by=candidate.verified_by,
        arm64=request.gpu.arm64,
        key_variable=request.key_variable,
    )


def _completed(request: PlanRequest, candidate: Candidate, argv: list[str]) -> list[str]:
    """The arguments with what a recipe leaves out and a client needs."""
    words = list(argv)
    sized = {"--swa-full-tokens-ratio", "--max-running-requests"} & {*words}
    if request.table.engine == "sglang" and request.table.at_least(CAP_MODE_SINCE) and not sized:
        words += ["--swa-full-tokens-ratio", "0.1"]
        candidate.assumptions.append(
            "--swa-full-tokens-ratio 0.1 is added: without it this release sizes that pool for 256 requests"
        )
    if request.engine != "dynamo":
        useful = {
            "vllm": (["--enable-prompt-tokens-details"], ["--sse-keep-alive-interval", "15"]),
            "sglang": (["--enable-cache-report"],),
        }[request.table.engine]
        words += [word for flags in useful if request.table.find(flags[0]) and flags[0] not in words for word in flags]
    return words


def _measured(request: PlanRequest, candidate: Candidate, argv: list[str]) -> Capacity:
    case = look_at(request.tables, request.table.engine, request.table.version, argv, gpu=request.gpu.kind)
    return capacity_of(case, candidate.weights)


def _set(argv: list[str], flag: str, value: str) -> list[str]:
    """The arguments with a flag's value."""
    if flag in argv:
        at = argv.index(flag)
        return [*argv[: at + 1], value, *argv[at + 2 :]]
    return [*argv, flag, value]


def _give_window(request: PlanRequest, candidate: Candidate, role: str) -> Capacity:
    """Set the requested window, and batches that let it fit.

    Raises:
        ConfigurationError: It does not fit, whatever the batches.
    """
    argv = published = candidate.roles[role]
    vllm = request.table.engine == "vllm"
    if request.context is not None:
        argv = _set(argv, "--max-model-len" if vllm else "--context-length", str(request.context))
    held = _measured(request, candidate, argv)
    want = request.context or held.asked_window
    if vllm and not _serves(held, want):
        batch, _ = default_batch(request.gpu)
        if "--max-num-batched-tokens" in argv:
            batch = int(argv[argv.index("--max-num-batched-tokens") + 1])
        for size in (each for each in _BATCHES if each < batch):
            tried = _set(argv, "--max-num-batched-tokens", str(size))
            if _serves(again := _measured(request, candidate, tried), want):
                candidate.assumptions.append(
                    f"--max-num-batched-tokens {size} is set so that the window fits: each request is charged a "
                    "reserve for the tokens in flight"
                )
                argv, held = tried, again
                break
    if held.fits is False or (want is not None and held.window.high < want):
        if request.context is None and not candidate.verified_by.startswith("derived"):
            candidate.warnings.append(
                f"{_too_small(request, candidate, held, want)} (by this arithmetic; the recipe was published all the "
                "same)"
            )
            candidate.roles[role] = argv
            return held
        raise ConfigurationError(_too_small(request, candidate, held, want))
    if not _serves(held, want):
        candidate.warnings.append(
            "whether the window fits depends on the engine's overhead: where it refuses, lower "
            + ("--max-num-batched-tokens, or give --max-model-len auto" if vllm else "--context-length")
        )
    candidate.roles[role] = argv
    if argv != published and "derived" not in candidate.verified_by:
        candidate.verified_by += ", with another window or batch"
    _hold_sessions(request, candidate, held, want or int(held.window.low))
    return held


def _serves(held: Capacity, want: int | None) -> bool:
    return held.fits is True and (want is None or held.window.low >= want)


def _hold_sessions(request: PlanRequest, candidate: Candidate, held: Capacity, length: int) -> None:
    if request.sessions is None:
        return
    found = sessions_of(held, length)
    if found.high * candidate.replicas < request.sessions:
        raise ConfigurationError(
            f"{request.sessions} conversations of {length:,} tokens do not fit on {held.gpus} x {held.gpu}: {found} "
            "do; use more GPUs, a shorter context, or data parallelism (recipe='max-throughput')"
        )
    if found.low * candidate.replicas < request.sessions:
        candidate.warnings.append(f"{request.sessions} conversations of {length:,} tokens may not fit: {found} do")


def _too_small(request: PlanRequest, candidate: Candidate, held: Capacity, want: int | None) -> str:
    window = int(held.window.low)
    asked = f"a window of {want:,} tokens does not fit" if want else "no window fits"
    left = f"{held.weights_gib:.0f} GiB of weights leave {held.kv_gib} GiB of a GPU for the cache"
    reason = f"{left}, and {asked}"
    near = f"the longest that fits is {window:,} tokens" if window else "take more GPUs, or smaller weights"
    return f"{candidate.weights.id} on {held.gpus} x {request.gpu.kind} with {request.recipe}: {reason}; {near}"


def _same_window(request: PlanRequest, candidate: Candidate, role: str, serving: str) -> None:
    """Both roles serve the same conversations."""
    flag = "--max-model-len" if request.table.engine == "vllm" else "--context-length"
    if flag in (argv := candidate.roles[serving]):
        candidate.roles[role] = _set(candidate.roles[role], flag, argv[argv.index(flag) + 1])
    if request.table.engine != "vllm":
        return
    held = _measured(request, candidate, candidate.roles[role])
    for size in _BATCHES:
        if held.fits is not False:
            return
        candidate.roles[role] = _set(candidate.roles[role], "--max-num-batched-tokens", str(size))
        held = _measured(request, candidate, candidate.roles[role])


def _look_over(request: PlanRequest, candidate: Candidate, nodes: list[Node], held: Capacity) -> None:
    """Check the whole commands: an error ends the plan, the rest becomes a warning."""
    for node in nodes:
        if node.role in {"router", "frontend"} or node.rank:
            continue
        tables = request.tables.folder
        for problem in check(
            request.engine, request.version, node.argv, gpu=request.gpu.kind, env=node.env, tables=tables
        ):
            if problem.severity == "error":
                raise ConfigurationError(f"{request.recipe} on {held.gpus} x {request.gpu.kind}: {problem}")
            candidate.warnings.append(str(problem))


def _image(request: PlanRequest) -> str:
    if request.engine == "dynamo":
        return f"nvcr.io/nvidia/ai-dynamo/{request.table.engine}-runtime:{request.version}"
    if request.engine == "vllm":
        return f"vllm/vllm-openai:v{request.version}"
    return f"lmsysorg/sglang:v{request.version}"
