"""YAML, by the library of the extra `deploy`: loaded when a text is made or read."""

from __future__ import annotations

from typing import Any, cast

from deepseek_v4_sdk.errors import ConfigurationError

__all__ = ["read_all", "written"]


def _library() -> Any:
    try:
        import yaml  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ConfigurationError(
            "compose files and manifests need the extra deploy: pip install 'deepseek-v4-sdk[deploy]'"
        ) from None
    return yaml


def written(*documents: object) -> str:
    """Documents as one file."""
    library = _library()
    texts = (library.safe_dump(each, sort_keys=False, width=4096, allow_unicode=True) for each in documents)
    return "---\n".join(map(str, texts))


def read_all(text: str, where: str) -> list[object]:
    """The documents of a file.

    Raises:
        ConfigurationError: It is not valid YAML.
    """
    library = _library()
    try:
        return cast("list[object]", [each for each in library.safe_load_all(text) if each is not None])
    except library.YAMLError as error:
        raise ConfigurationError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from None
