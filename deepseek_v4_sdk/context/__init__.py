"""A window under control: how large it is, where its tokens go, and what to leave out when they are too many."""

from deepseek_v4_sdk.context.budget import ContextBudget
from deepseek_v4_sdk.context.measure import Measure, TurnSize
from deepseek_v4_sdk.context.meter import Meter
from deepseek_v4_sdk.context.window import Window, WindowSource

__all__ = ["ContextBudget", "Measure", "Meter", "TurnSize", "Window", "WindowSource"]
