"""`deepseek-v4 models`: what a server offers, and what is known of it."""

from __future__ import annotations

import json

import typer

from deepseek_v4_sdk.cli.connection import AsJson, BaseURL, ConfigFile, ProfileName, ProviderName, connect

__all__ = ["models"]


def models(
    provider: ProviderName = None,
    profile: ProfileName = None,
    base_url: BaseURL = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List the models that a server offers, with the window of this deployment where the server tells."""
    with connect(provider, profile, base_url, None, config) as client:
        offered = client.models()
        where = f"{client.provider} at {client.base_url}"
    if as_json:
        entries = [
            {
                "id": model.id,
                "context_window": model.context_window,
                "owned_by": model.owned_by,
                "parent": model.parent,
            }
            for model in offered
        ]
        typer.echo(json.dumps({"server": where, "models": entries}, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{where}: {len(offered)} model{'' if len(offered) == 1 else 's'}")
    width = max((len(model.id) for model in offered), default=0)
    for model in offered:
        window = f"{model.context_window:>11,} tokens" if model.context_window else "window not told"
        adapter = f", adapter of {model.parent}" if model.parent else ""
        typer.echo(f"  {model.id:<{width}}  {window:>18}{adapter}")
