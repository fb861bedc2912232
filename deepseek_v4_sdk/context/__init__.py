"""Managing a context window: its size, the use of its tokens, and the parts to leave out when there are too many."""

from deepseek_v4_sdk.context.budget import UNSURE_TOKENS, ContextBudget
from deepseek_v4_sdk.context.cache import CacheReport, CacheUse, Divergence, PromptRequest, cache_report, cache_use
from deepseek_v4_sdk.context.cache_lint import CacheProblem, lint_cache
from deepseek_v4_sdk.context.documents import Document, DocumentInput, LeftOut
from deepseek_v4_sdk.context.measure import Measure, TurnSize
from deepseek_v4_sdk.context.pack import Pack, PackedDocument, pack
from deepseek_v4_sdk.context.prompt_counter import PromptCounter
from deepseek_v4_sdk.context.strategies import ClipResults, DropOldest, Strategy, Summarise
from deepseek_v4_sdk.context.trim_draft import Item, TrimDraft, Unit
from deepseek_v4_sdk.context.trimming import FitPlan, TrimMemory
from deepseek_v4_sdk.context.window import Window, WindowSource, resolve_window

__all__ = [
    "UNSURE_TOKENS",
    "CacheProblem",
    "CacheReport",
    "CacheUse",
    "ClipResults",
    "ContextBudget",
    "Divergence",
    "Document",
    "DocumentInput",
    "DropOldest",
    "FitPlan",
    "Item",
    "LeftOut",
    "Measure",
    "Pack",
    "PackedDocument",
    "PromptCounter",
    "PromptRequest",
    "Strategy",
    "Summarise",
    "TrimDraft",
    "TrimMemory",
    "TurnSize",
    "Unit",
    "Window",
    "WindowSource",
    "cache_report",
    "cache_use",
    "lint_cache",
    "pack",
    "resolve_window",
]
