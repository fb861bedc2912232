"""One request's life without I/O: decode, assemble, judge, deadlines. Fed with bytes and times, like h11 for HTTP."""

from deepseek_v4_sdk.exchange.chat_exchange import ChatExchange
from deepseek_v4_sdk.exchange.http_exchange import HttpExchange, ResponseHead, TransportFailure

__all__ = ["ChatExchange", "HttpExchange", "ResponseHead", "TransportFailure"]
