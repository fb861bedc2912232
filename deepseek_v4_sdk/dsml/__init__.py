"""V4's tool-call markup, DSML: finding and reading it where a server has left it."""

from deepseek_v4_sdk.dsml.block import Arguments, CallEnd, CallStart, Piece, Text
from deepseek_v4_sdk.dsml.late_markup import calls_at_the_end, without_markup
from deepseek_v4_sdk.dsml.scanner import Scanner

__all__ = ["Arguments", "CallEnd", "CallStart", "Piece", "Scanner", "Text", "calls_at_the_end", "without_markup"]
