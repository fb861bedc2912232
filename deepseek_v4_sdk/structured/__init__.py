"""Structured answers: ask for JSON in the way this server has, read it wherever it landed, and check it here."""

from deepseek_v4_sdk.structured.mechanism import Mechanism, MechanismChoice, Plan
from deepseek_v4_sdk.structured.shape import Shape
from deepseek_v4_sdk.structured.steps import Parsed, parse_steps

__all__ = ["Mechanism", "MechanismChoice", "Parsed", "Plan", "Shape", "parse_steps"]
