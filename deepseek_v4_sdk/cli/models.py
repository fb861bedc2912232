"""`deepseek-v4 models`: the models that a server offers, and known facts about them."""

from __future__ import annotations

from deepseek_v4_sdk.cli.connection import AsJson, NamedServer, names_server
from deepseek_v4_sdk.cli.output import Raw, in_one_line, say, say_json

__all__ = ["models"]


@names_server("model")
def models(
    server: NamedServer,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """List the models that a server offers, with the window of this deployment where the server reports it."""
    with server.connect() as client:
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
        say_json({"server": where, "models": entries})
        return
    say(f"{where}: {len(offered)} model{'' if len(offered) == 1 else 's'}")
    names = [in_one_line(model.id) for model in offered]
    width = max(map(len, names), default=0)
    for name, model in zip(names, offered, strict=True):
        window = f"{model.context_window:>11,} tokens" if model.context_window else "window not reported"
        adapter = f", adapter of {in_one_line(model.parent)}" if model.parent else ""
        say(f"  {name:<{width}}  {window:>18}{adapter}")
