"""One request's life without I/O: decode, assemble, judge, deadlines. Fed with bytes and times, like h11 for HTTP."""

from deepseek_v4_sdk.exchange.exchange import Exchange
from deepseek_v4_sdk.exchange.transfer import Head, LineFailure, Transfer

__all__ = ["Exchange", "Head", "LineFailure", "Transfer"]
