"""`deepseek-v4 deploy`: plans of servers, checks of their commands, and what GPUs hold."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from deepseek_v4_sdk import ConfigurationError
from deepseek_v4_sdk.cli.connection import AsJson
from deepseek_v4_sdk.cli.narrow_help import is_narrow
from deepseek_v4_sdk.cli.outcome import ExitCode
from deepseek_v4_sdk.cli.output import Raw, in_one_line, say, say_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepseek_v4_sdk.deploy import CommandProblem

__all__ = ["commands"]

commands = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None if is_narrow() else "rich",
    help="Your servers: plan, check, measure, and write their files.",
)

_Model: TypeAlias = Annotated[str, typer.Argument(help="pro, flash, or the name of a checkpoint.")]
_GPU: TypeAlias = Annotated[str, typer.Argument(metavar="GPU", help="The kind of GPU, such as h200.")]
_GPUs: TypeAlias = Annotated[int | None, typer.Argument(metavar="GPUS", help="How many.", show_default="the recipe's")]
_Engine: TypeAlias = Annotated[str, typer.Option("--engine", "-e", help="vllm, sglang or dynamo.")]
_Version: TypeAlias = Annotated[
    str | None, typer.Option("--engine-version", "-V", help="The release; flags differ between them.")
]
_Recipe: TypeAlias = Annotated[
    str, typer.Option("--recipe", "-r", help="low-latency, balanced, max-throughput, long-context or pd.")
]
_Checkpoint: TypeAlias = Annotated[str | None, typer.Option(help="The weights.")]
_Context: TypeAlias = Annotated[int | None, typer.Option(help="The window in tokens.")]
_Tables: TypeAlias = Annotated[Path | None, typer.Option(help="A folder with your tables.")]
_Words: TypeAlias = Annotated[list[str] | None, typer.Argument(help="The server's flags, after --.")]

_ROOM_FOR_WORDS = {"ignore_unknown_options": True}


def _needed(version: str | None, engine: str) -> str:
    """The version, which has no default: a text without it is wrong for somebody."""
    if version is None:
        from deepseek_v4_sdk import deploy

        known = ", ".join(deploy.versions(engine))
        raise ConfigurationError(f"give --engine-version: flags differ between releases (known: {known})")
    return version


@commands.command()
def plan(
    model: _Model,
    gpu: _GPU,
    gpus: _GPUs = None,
    engine: _Engine = "vllm",
    engine_version: _Version = None,
    recipe: _Recipe = "balanced",
    checkpoint: _Checkpoint = None,
    context: _Context = None,
    sessions: Annotated[int | None, typer.Option(help="Conversations that must fit at once.")] = None,
    host: Annotated[list[str] | None, typer.Option(help="The address of a machine; once for each.")] = None,
    served_name: Annotated[str | None, typer.Option(help="The name that clients ask for.")] = None,
    port: Annotated[int | None, typer.Option(help="The server's port.")] = None,
    key: Annotated[bool, typer.Option("--key", help="Clients must send a key; the texts only refer to it.")] = False,
    inside: Annotated[str, typer.Option(help="The engine inside Dynamo: vllm or sglang.")] = "vllm",
    tables: _Tables = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write every text into this folder.")] = None,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Plan a server: its command, what it holds, and a profile for its clients.

    With `-o` it writes a shell script, a script for Docker, a compose file, manifests for Kubernetes, and
    `deepseek_v4.toml`, with which this client talks to the server.
    """
    from deepseek_v4_sdk import deploy

    made = deploy.plan(
        model,
        gpu,
        gpus,
        engine=engine,
        engine_version=_needed(engine_version, engine),
        recipe=recipe,
        checkpoint=checkpoint,
        context=context,
        sessions=sessions,
        hosts=host or (),
        served_name=served_name,
        port=port,
        key=key,
        inside=inside,
        tables=tables,
    )
    files = made.write(output) if output is not None else []
    if as_json:
        say_json({**made.to_dict(), "files": [str(each) for each in files]})
        return
    if output is None:
        say(made)
        return
    say(made.summary())
    folder = in_one_line(output)
    names = [each.name for each in files]
    say(f"\n{folder} holds {', '.join(names[:3])},\n  {', '.join(names[3:])}")
    say("start the server:")
    for node in made.nodes:
        name = f" {node.name}" if len(made.nodes) > 1 else ""
        say(f"  sh {folder}/command.sh{name:<14}  # on {node.host}")
    say(f"then: deepseek-v4 doctor --config {folder}/deepseek_v4.toml")


@commands.command(context_settings=_ROOM_FOR_WORDS)
def check(
    argv: Annotated[list[str] | None, typer.Argument(help="The command, after --.", show_default=False)] = None,
    engine: Annotated[str | None, typer.Option("--engine", "-e", help="vllm, sglang or dynamo.")] = None,
    engine_version: _Version = None,
    gpu: Annotated[str | None, typer.Option("--gpu", help="The kind of GPU.")] = None,
    env: Annotated[list[str] | None, typer.Option("--env", help="NAME=VALUE of the server's environment.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A compose file, manifests, or a script.")] = None,
    tables: _Tables = None,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Find the flags that a release refuses, that make it fail later, or that make it serve badly. Nothing is started.

    A compose file or manifests bring the environment, the release (by the image) and the GPU (by a node selector).
    The exit code is 1 where something is an error.
    """
    from deepseek_v4_sdk import deploy

    given = _pairs(env or [])
    if (file is None) is (not argv):
        raise ConfigurationError("give a command after --, or a file with -f, and not both")
    found: list[tuple[str, list[CommandProblem]]] = []
    if file is None:
        named = engine or deploy.engine_of(argv or [])
        words = argv or []
        if named is None:
            raise ConfigurationError("give --engine: the command does not say it")
        problems = deploy.check(named, _needed(engine_version, named), words, gpu=gpu, env=given, tables=tables)
        found.append(("command", problems))
    else:
        for each in deploy.commands_in_file(file, tables=tables):
            named = engine or each.engine
            version = engine_version or each.version
            if named is None:
                raise ConfigurationError(f"give --engine: {each.name} does not say it")
            environment = {**each.env, **given}
            problems = deploy.check(
                named, _needed(version, named), each.argv, gpu=gpu or each.gpu, env=environment, tables=tables
            )
            found.append((each.name, problems))
    wrong = any(problem.severity == "error" for _, problems in found for problem in problems)
    if as_json:
        say_json([{"name": name, "problems": [each.to_dict() for each in problems]} for name, problems in found])
    else:
        _print(found)
    if wrong:
        raise typer.Exit(ExitCode.FOUND)


def _print(found: Sequence[tuple[str, list[CommandProblem]]]) -> None:
    for name, problems in found:
        if len(found) > 1:
            say(in_one_line(name), bold=True)
        for each in problems:
            say(f"{each.severity:<8} {in_one_line(each.flag)}: {in_one_line(each.text)}")
            if each.remedy:
                say(f"{'':<8} mend with: {in_one_line(each.remedy)}")
        if not problems:
            say("nothing is wrong")


def _pairs(words: Sequence[str]) -> Mapping[str, str]:
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise ConfigurationError(f"--env is {name!r}: give it as NAME=VALUE")
    return {name: value for name, _, value in pairs}


@commands.command(
    "explain",
    context_settings=_ROOM_FOR_WORDS,
    help="Show the arithmetic of a capacity, step by step, with what is assumed.",
)
@commands.command(
    context_settings=_ROOM_FOR_WORDS,
    help="Show what GPUs hold: the longest conversation, how many at once, and what the engine's log will say.",
)
def capacity(
    ctx: typer.Context,
    model: _Model,
    gpu: _GPU,
    gpus: Annotated[int, typer.Argument(metavar="GPUS", help="How many.")],
    argv: _Words = None,
    engine: _Engine = "vllm",
    engine_version: _Version = None,
    checkpoint: _Checkpoint = None,
    kv_gib: Annotated[float | None, typer.Option(help="GiB of a GPU for the cache, where a log reports it.")] = None,
    tables: _Tables = None,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Show a capacity, or under the name `explain` its arithmetic."""
    from deepseek_v4_sdk import deploy

    held = deploy.capacity(
        model,
        gpu,
        gpus,
        engine=engine,
        engine_version=_needed(engine_version, engine),
        argv=argv or (),
        checkpoint=checkpoint,
        kv_gib=kv_gib,
        tables=tables,
    )
    if ctx.info_name == "explain":
        _show({"steps": held.steps, "assumptions": held.assumptions}, held.explain(), as_json=as_json)
    else:
        _show(held.to_dict(), held, as_json=as_json)


def _show(values: object, text: object, *, as_json: bool) -> None:
    if as_json:
        say_json(values)
    else:
        say(text)


@commands.command(context_settings=_ROOM_FOR_WORDS)
def nim(
    model: _Model,
    argv: Annotated[list[str] | None, typer.Argument(help="Flags for the engine inside, after --.")] = None,
    tag: Annotated[str, typer.Option(help="The tag of the image.")] = "latest",
    profile: Annotated[
        str | None, typer.Option(help="The profile: 64 hexadecimal digits, as list-model-profiles prints them.")
    ] = None,
    context: _Context = None,
    inside: Annotated[str, typer.Option(help="The engine inside: vllm or sglang.")] = "sglang",
    inside_version: Annotated[
        str | None, typer.Option(help="Its release, to check the flags; /v1/metadata reports it.")
    ] = None,
    tables: _Tables = None,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Write the commands of a NIM container, and check the flags that it passes to the engine inside.

    The container chooses its split over the GPUs by a profile. The exit code is 1 where a flag is an error.
    """
    from deepseek_v4_sdk import deploy

    made = deploy.nim(
        model,
        tag=tag,
        profile=profile,
        context=context,
        passthrough=argv or (),
        inside=inside,
        inside_version=inside_version,
        tables=tables,
    )
    _show(made.to_dict(), made, as_json=as_json)
    if any(each.severity == "error" for each in made.problems):
        raise typer.Exit(ExitCode.FOUND)


@commands.command()
def recipes(
    model: Annotated[str | None, typer.Argument(help="pro, flash, or the name of a checkpoint.")] = None,
    gpu: Annotated[
        list[str] | None, typer.Option("--gpu", help="A kind of GPU, or KIND=NUMBER of what there is.")
    ] = None,
    engine: Annotated[str | None, typer.Option("--engine", "-e", help="vllm or sglang.")] = None,
    context: _Context = None,
    sessions: Annotated[int, typer.Option(help="Conversations that must fit at once.")] = 1,
    tables: _Tables = None,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """List the recipes, and with `--context` rank those that hold such conversations, verified ones first."""
    from deepseek_v4_sdk import deploy

    kinds = {name.lower(): count for name, _, count in (each.partition("=") for each in gpu or [])}
    if context is not None:
        _rank(model, kinds, context, sessions, tables, as_json=as_json)
        return
    rows = [
        row
        for row in deploy.recipes(tables=tables)
        if (model is None or row.family == deploy.family_of(model, tables=tables))
        and (not kinds or row.gpu in kinds)
        and engine in {None, row.engine}
    ]
    if as_json:
        say_json([row.to_dict() for row in rows])
        return
    for row in rows:
        place = f"{row.gpu} x {row.gpus}"
        head = f"{row.engine:<7} {row.family:<6} {place:<17} {row.recipe:<15}"
        say(f"{head} since {row.since:<7} {row.verified_by}")
    ages = ", ".join(f"{name} {day}" for name, day in deploy.ages(tables=tables).items())
    say(f"{len(rows)} recipes; tables as of: {ages}")


def _rank(
    model: str | None,
    kinds: Mapping[str, str],
    context: int,
    sessions: int,
    tables: Path | None,
    *,
    as_json: bool,
) -> None:
    from deepseek_v4_sdk import deploy

    if model is None:
        raise ConfigurationError("give the model, such as pro: recipes are ranked for one")
    wrong = [f"{name}={count}" for name, count in kinds.items() if not count.isdigit()]
    if wrong and any(kinds.values()):
        raise ConfigurationError(f"--gpu is {wrong[0]!r}: give KIND=NUMBER, such as h200=8")
    there = {name: int(count) for name, count in kinds.items()} if kinds and not wrong else None
    found = deploy.recommend(model, context=context, sessions=sessions, gpus=there, tables=tables)
    if as_json:
        say_json([each.to_dict() for each in found])
    elif not found:
        say(f"nothing in the tables holds {sessions} conversations of {context:,} tokens there")
    else:
        for each in found[:12]:
            say(each)
            made = each.plan
            words = ["deepseek-v4", "deploy", "plan", made.family, made.gpu, str(made.gpus), "-e", made.engine]
            words += ["-V", made.engine_version, "-r", made.recipe, "--context", str(context)]
            say(f"  {shlex.join(words)}")
    if not found:
        raise typer.Exit(ExitCode.FOUND)
