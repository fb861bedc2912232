"""The server of a command: the options for it, and the client made from them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, get_type_hints

import typer

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4
from deepseek_v4_sdk.config import find_file

if TYPE_CHECKING:
    from deepseek_v4_sdk import Explanation

__all__ = ["AsJson", "NamedServer", "names_server"]

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


ClientT = TypeVar("ClientT", DeepSeekV4, AsyncDeepSeekV4)

_ON_THE_LINE = {
    "give base_url": "give --base-url",
    "give path": "give --config",
    "path names": "--config names",
    "give api_key, or set": "set",
}
"""Arguments of a program, and the options that replace them on a command line."""


@dataclass(frozen=True, slots=True)
class NamedServer:
    """The server that a command line names. The fields are the options of every command that calls one."""

    provider: Annotated[
        str | None, typer.Option(help="The kind of server: nvidia, nim, vllm, sglang, deepseek, dynamo, mock.")
    ] = None
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="A profile of deepseek_v4.toml, instead of a provider.")
    ] = None
    base_url: Annotated[str | None, typer.Option(help="The server's address.")] = None
    model: Annotated[str | None, typer.Option("--model", "-m", help="The model, where the server has several.")] = None
    config: Annotated[Path | None, typer.Option("--config", help="The file of profiles.")] = None

    @property
    def is_given(self) -> bool:
        """Whether any of the options was given."""
        return self != NamedServer()

    def connect(self) -> DeepSeekV4:
        """Make a client of the named provider, or of a profile. Keys come only from the environment or the profile.

        Raises:
            ConfigurationError: There is no such client; the text names the fault, in terms of the command line.
        """
        return self._client(DeepSeekV4)

    def connect_async(self) -> AsyncDeepSeekV4:
        """Make the same client as `connect`, for asyncio.

        Raises:
            ConfigurationError: As for `connect`.
        """
        return self._client(AsyncDeepSeekV4)

    def explained(self) -> Explanation:
        """Explain the sources of that client's values; no command is run for a key.

        Raises:
            ConfigurationError: As for `connect`.
        """
        with _in_words_of_the_line():
            if (provider := self._checked_provider()) is not None:
                with DeepSeekV4(provider, base_url=self.base_url, model=self.model) as client:
                    return client.explain()
            return DeepSeekV4.explain_profile(self.profile, path=self.config, **self._overrides())

    def _client(self, kind: type[ClientT]) -> ClientT:
        with _in_words_of_the_line():
            if (provider := self._checked_provider()) is not None:
                return kind(provider, base_url=self.base_url, model=self.model)
            return kind.from_profile(self.profile, path=self.config, **self._overrides())

    def _checked_provider(self) -> str | None:
        """The provider; None if there is a profile instead."""
        if self.provider is not None:
            if self.profile is not None or self.config is not None:
                other = "--profile" if self.profile is not None else "--config"
                raise ConfigurationError(f"--provider and {other} were both given: give one of them")
            return self.provider
        if self.config is None and self.profile is None:
            try:
                find_file()
            except ConfigurationError as error:
                raise ConfigurationError(f"{error}; or name a server: --provider mock needs no other setting") from None
        return None

    def _overrides(self) -> dict[str, Any]:
        """The arguments that win over the profile's."""
        given = {"base_url": self.base_url, "model": self.model}
        return {name: value for name, value in given.items() if value is not None}


_OPTIONS: dict[str, Any] = get_type_hints(NamedServer, include_extras=True)


def names_server(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of `NamedServer`, in the place of its argument `server`.

    Args:
        without: The options that it does not have, or has in another form.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        options = {name: kind for name, kind in _OPTIONS.items() if name not in without}

        @functools.wraps(command)
        def run(**given: Any) -> None:
            named = {name: given.pop(name) for name in options}
            command(server=NamedServer(**named), **given)

        signature, parameters = inspect.signature(command, eval_str=True), list[inspect.Parameter]()
        for each in signature.parameters.values():
            if each.name == "server":
                parameters += [each.replace(name=name, default=None, annotation=kind) for name, kind in options.items()]
            else:
                parameters.append(each)
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}  # typer reads both
        return run

    return decorate


@contextmanager
def _in_words_of_the_line() -> Generator[None]:
    try:
        yield
    except ConfigurationError as error:
        text = str(error)
        for argument, option in _ON_THE_LINE.items():
            text = text.replace(argument, option)
        raise ConfigurationError(text) from None
