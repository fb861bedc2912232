"""A client made from a profile, and the source of each of its values."""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any, Self, Unpack

from deepseek_v4_sdk.client.arguments import ClientArguments
from deepseek_v4_sdk.client.base import BaseClient
from deepseek_v4_sdk.config.explanation import Explanation
from deepseek_v4_sdk.support.option_signatures import shows_options
from deepseek_v4_sdk.support.redaction import forgets

if TYPE_CHECKING:
    from deepseek_v4_sdk.config.profiles import LoadedProfile

__all__ = ["ProfiledClient"]


class ProfiledClient(BaseClient):
    """The part of both clients that knows profiles."""

    @classmethod
    @shows_options("client.arguments:ClientArguments")
    @forgets
    def from_profile(
        cls,
        name: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        **overrides: Unpack[ClientArguments],
    ) -> Self:
        """Make a client from a profile in a TOML file.

        A file that you name may set everything. One found in the working directory or above must belong to the user,
        and needs the user's trust for settings that could send a key elsewhere or run a command: see `deepseek-v4
        config trust`.

        Args:
            name: The profile; else `DEEPSEEK_V4_PROFILE`, else the file's `default`.
            path: The file; else `DEEPSEEK_V4_CONFIG`, else `deepseek_v4.toml` in the working directory, above it, or in
                the user's directory for settings.
            overrides: Arguments that win over the profile's.

        Raises:
            ConfigurationError: The file or the profile is missing or wrong, or needs trust; the text names the place.
        """
        from deepseek_v4_sdk.config.profiles import load_profile

        return cls._of(load_profile(name, path, overrides))

    @classmethod
    @shows_options("client.arguments:ClientArguments")
    @forgets
    def explain_profile(
        cls,
        name: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        **overrides: Unpack[ClientArguments],
    ) -> Explanation:
        """Explain the source of each value of a client that `from_profile` would make with the same arguments.

        It runs no command for a key, and a file that was found needs no trust: `explanation.trust` shows missing trust.

        Raises:
            ConfigurationError: The file or the profile is missing or wrong; the text names the place.
        """
        from deepseek_v4_sdk.config.profiles import load_profile

        return cls._of(load_profile(name, path, overrides, for_show=True)).explain()

    @classmethod
    def _of(cls, profile: LoadedProfile) -> Self:
        """Make a client from a profile."""
        with profile.named_in_errors():
            arguments: dict[str, Any] = profile.arguments
            client = cls(**arguments)
        client._profile, client._origins = profile, profile.origins
        client._replica_set.profile = profile.name
        return client

    def explain(self) -> Explanation:
        """Explain the source of each value of this client; keys are masked. `print(client.explain())` shows a table."""
        from deepseek_v4_sdk.config.explanation import explain

        defaults = {name: shown.default for name, shown in inspect.signature(BaseClient).parameters.items()}
        return explain(
            self._arguments,
            defaults,
            self._origins,
            self._settings,
            self._profile,
            provider=self.provider,
            base_url=self.base_url,
        )
