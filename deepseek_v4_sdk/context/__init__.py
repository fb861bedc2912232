"""Managing a context window: its size, the use of its tokens, and the parts to leave out when there are too many."""

from deepseek_v4_sdk.context.budget import ContextBudget
from deepseek_v4_sdk.context.cache import (
    CacheReport,
    CacheUse,
    Divergence,
    DivergenceField,
    PromptRequest,
    cache_report,
    cache_use,
)
from deepseek_v4_sdk.context.cache_lint import CacheProblem, CacheProblemKind, lint_cache
from deepseek_v4_sdk.context.documents import Document, DocumentInput, LeftOut, LeftOutReason
from deepseek_v4_sdk.context.measure import Measure, TurnSize
from deepseek_v4_sdk.context.pack import Pack, PackedDocument, pack
from deepseek_v4_sdk.context.prompt_counter import PromptCounter
from deepseek_v4_sdk.context.strategies import ClipResults, DropOldest, Strategy, Summarise
from deepseek_v4_sdk.context.trim_draft import Item, TrimDraft, Unit, UnitKind
from deepseek_v4_sdk.context.trimming import FitPlan, TrimmedPrefix, TrimMemory
from deepseek_v4_sdk.context.window import WindowSource
from deepseek_v4_sdk.tokens.prompts import PromptCount, PromptForm

__all__ = [
    "CacheProblem",
    "CacheProblemKind",
    "CacheReport",
    "CacheUse",
    "ClipResults",
    "ContextBudget",
    "Divergence",
    "DivergenceField",
    "Document",
    "DocumentInput",
    "DropOldest",
    "FitPlan",
    "Item",
    "LeftOut",
    "LeftOutReason",
    "Measure",
    "Pack",
    "PackedDocument",
    "PromptCount",
    "PromptCounter",
    "PromptForm",
    "PromptRequest",
    "Strategy",
    "Summarise",
    "TrimDraft",
    "TrimMemory",
    "TrimmedPrefix",
    "TurnSize",
    "Unit",
    "UnitKind",
    "WindowSource",
    "cache_report",
    "cache_use",
    "lint_cache",
    "pack",
]
