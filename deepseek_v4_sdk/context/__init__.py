"""A window under control: how large it is, where its tokens go, and what to leave out when they are too many."""

from deepseek_v4_sdk.context.budget import UNSURE_TOKENS, ContextBudget
from deepseek_v4_sdk.context.cache import CacheReport, CacheUse, Parting, PromptRequest, cache_report, cache_use
from deepseek_v4_sdk.context.documents import Document, DocumentInput, LeftOut
from deepseek_v4_sdk.context.draft import Draft, Part, Piece
from deepseek_v4_sdk.context.fit import Cuts, FitPlan
from deepseek_v4_sdk.context.lint import CacheProblem, lint_cache
from deepseek_v4_sdk.context.measure import Measure, TurnSize
from deepseek_v4_sdk.context.meter import Meter
from deepseek_v4_sdk.context.pack import Pack, PackedDocument, pack
from deepseek_v4_sdk.context.strategies import ClipResults, DropOldest, Strategy, Summarise
from deepseek_v4_sdk.context.window import Window, WindowSource, resolve_window

__all__ = [
    "UNSURE_TOKENS",
    "CacheProblem",
    "CacheReport",
    "CacheUse",
    "ClipResults",
    "ContextBudget",
    "Cuts",
    "Document",
    "DocumentInput",
    "Draft",
    "DropOldest",
    "FitPlan",
    "LeftOut",
    "Measure",
    "Meter",
    "Pack",
    "PackedDocument",
    "Part",
    "Parting",
    "Piece",
    "PromptRequest",
    "Strategy",
    "Summarise",
    "TurnSize",
    "Window",
    "WindowSource",
    "cache_report",
    "cache_use",
    "lint_cache",
    "pack",
    "resolve_window",
]
