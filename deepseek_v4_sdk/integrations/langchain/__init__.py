"""LangChain, LangGraph and Deep Agents: `ChatDeepSeekV4`, a chat model on a client. Needs the extra `langchain`."""

from deepseek_v4_sdk.integrations.common import OnRecovered
from deepseek_v4_sdk.integrations.langchain.model import ChatDeepSeekV4
from deepseek_v4_sdk.integrations.langchain.structured import StructuredMethod

__all__ = ["ChatDeepSeekV4", "OnRecovered", "StructuredMethod"]
