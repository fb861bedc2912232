"""One request's life without I/O: decode, assemble, check, deadlines. Callers feed in bytes and times, as with h11."""

from deepseek_v4_sdk.exchange.chat_exchange import ChatExchange
from deepseek_v4_sdk.exchange.http_exchange import HttpExchange, ResponseHead, TransportFailure
from deepseek_v4_sdk.exchange.part import Earlier, NotContinuableError, Part, part_of

__all__ = [
    "ChatExchange",
    "Earlier",
    "HttpExchange",
    "NotContinuableError",
    "Part",
    "ResponseHead",
    "TransportFailure",
    "part_of",
]
