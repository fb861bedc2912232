"""`deepseek-v4 gateway`: reads its arguments into a gateway, and serves it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, RateLimits, Spend, Thinking
from deepseek_v4_sdk.cli.connection import AsJson, NamedServer, names_server
from deepseek_v4_sdk.cli.output import say, say_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk.gateway import Gateway

__all__ = ["build", "gateway", "read_efforts"]

_Recovered = Literal["error", "run"]
_Unknown = Literal["serve", "refuse"]
_Per = Literal["client", "run", "day"]
_Unit = Literal["USD", "tokens"]
_LEVELS: Mapping[str, Thinking] = {"off": "off", "low": "low", "high": "high", "max": "max"}


@names_server("model")
def gateway(
    server: NamedServer,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="The model to ask for; or NAME=PROFILE, for a further one (repeatable)."),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; one beyond loopback needs a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any free one.", min=0, max=65535)] = 8100,
    api_key_env: Annotated[
        list[str] | None, typer.Option(help="A variable that holds the key of one caller (repeatable).")
    ] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="A name by which it may be called, too.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="The origin of a web page that may call it.")] = None,
    any_content_type: Annotated[
        bool, typer.Option("--any-content-type", help="Take bodies that are not application/json.")
    ] = False,
    effort_map: Annotated[str | None, typer.Option(help="Levels for effort words, as xhigh=max,medium=low.")] = None,
    recovered: Annotated[str, typer.Option(help="Calls read out of ASCII bars in a text: error, or run.")] = "error",
    unknown_models: Annotated[str, typer.Option(help="Unknown names of models: serve, or refuse.")] = "serve",
    both_reasoning_keys: Annotated[
        bool, typer.Option("--both-reasoning-keys", help="Send reasoning as `reasoning`, too.")
    ] = False,
    salt_callers: Annotated[
        bool, typer.Option("--salt-callers", help="Keep the prefix caches of callers apart.")
    ] = False,
    requests_per_minute: Annotated[int | None, typer.Option(help="For each caller.", min=1)] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(help="For each caller.", min=1)] = None,
    concurrency: Annotated[int | None, typer.Option(help="Requests at once, for each caller.", min=1)] = None,
    spend_limit: Annotated[str | None, typer.Option(help="The most that each caller may spend.")] = None,
    spend_unit: Annotated[str, typer.Option(help="The unit of --spend-limit: USD, or tokens.")] = "USD",
    spend_per: Annotated[
        str, typer.Option(help="The scope of --spend-limit: day, run (one request), or client (all of them).")
    ] = "day",
    seal_key_env: Annotated[
        str | None, typer.Option(help="A variable that holds the key of sealed reasoning; else one is kept.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Write no line for each request.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve a profile to programs that use OpenAI's or Anthropic's API."""
    limits = RateLimits(
        requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute, concurrency=concurrency
    )
    own, named = _models(model or [])
    client = replace(server, model=own).connect_async()
    further = {name: NamedServer(profile=other, config=server.config).connect_async() for name, other in named.items()}
    made = build(
        client,
        further,
        keys=_keys(api_key_env or []),
        hosts=allow_host or [],
        origins=allow_origin or [],
        any_content_type=any_content_type,
        efforts=read_efforts(effort_map) if effort_map else {},
        recovered=recovered,
        unknown_models=unknown_models,
        both_reasoning_keys=both_reasoning_keys,
        salt_callers=salt_callers,
        limits=None if limits == RateLimits() else limits,
        spend=None if spend_limit is None else _spend(spend_limit, spend_per, spend_unit),
        seal_key_env=seal_key_env,
    )
    from deepseek_v4_sdk.gateway import serve  # loaded with `build`

    if not quiet:
        _log_to_stderr()

    def announce(url: str) -> None:
        if as_json:
            say_json({"url": url, "provider": client.provider}, indent=None)
        else:
            say(f"the gateway to {client.provider} listens on {url} (Ctrl-C ends it)")

    serve(made, host=host, port=port, started=announce)


def build(
    client: AsyncDeepSeekV4,
    models: dict[str, AsyncDeepSeekV4],
    *,
    keys: Sequence[str],
    hosts: Sequence[str],
    origins: Sequence[str],
    any_content_type: bool,
    efforts: dict[str, Thinking],
    recovered: str,
    unknown_models: str,
    both_reasoning_keys: bool,
    salt_callers: bool,
    limits: RateLimits | None,
    spend: Spend | None,
    seal_key_env: str | None,
) -> Gateway:
    """The gateway that the arguments ask for.

    Raises:
        ConfigurationError: One of them is wrong, or the extra `server` is not installed; the text names it.
    """
    from deepseek_v4_sdk.gateway import Gateway, kept_key  # it needs an extra

    seal = kept_key() if seal_key_env is None else _variable(seal_key_env, "--seal-key-env").encode()
    return Gateway(
        client,
        models=models,
        api_keys=keys,
        allowed_hosts=hosts,
        allowed_origins=origins,
        any_content_type=any_content_type,
        efforts=efforts,
        recovered=cast("_Recovered", recovered),
        unknown_models=cast("_Unknown", unknown_models),
        both_reasoning_keys=both_reasoning_keys,
        salt_callers=salt_callers,
        caller_limits=limits,
        caller_spend=spend,
        seal_key=seal,
    )


def read_efforts(text: str) -> dict[str, Thinking]:
    """Read `xhigh=max,medium=low`.

    Raises:
        ConfigurationError: It is not of that form.
    """
    efforts: dict[str, Thinking] = {}
    for item in text.split(","):
        word, found, level = (part.strip() for part in item.partition("="))
        if not found or not word or level not in _LEVELS:
            raise ConfigurationError(f"--effort-map has {item!r}: give it as xhigh=max, with off, low, high or max")
        efforts[word.lower()] = _LEVELS[level]
    return efforts


def _spend(limit: str, per: str, unit: str) -> Spend:
    return Spend(limit, cast("_Per", per), cast("_Unit", unit))


def _models(given: list[str]) -> tuple[str | None, dict[str, str]]:
    """The model of the first client, and the profiles of further ones by name."""
    own: str | None = None
    named: dict[str, str] = {}
    for text in given:
        name, found, profile = text.partition("=")
        if not found:
            if own is not None:
                raise ConfigurationError(f"--model was given twice without a profile: {own!r} and {text!r}")
            own = text
        elif not name or not profile or name in named:
            raise ConfigurationError(f"--model has {text!r}: give it as NAME=PROFILE, each name once")
        else:
            named[name] = profile
    return own, named


def _keys(variables: list[str]) -> list[str]:
    return [_variable(name, "--api-key-env") for name in variables]


def _variable(name: str, option: str) -> str:
    value = os.environ.get(name, "")
    if not value.strip():
        raise ConfigurationError(f"{option} names the variable {name!r}, which is not set: set it, or leave it out")
    return value


def _log_to_stderr() -> None:
    log = logging.getLogger("deepseek_v4_sdk.gateway")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
