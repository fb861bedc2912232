"""LangChain, LangGraph and Deep Agents: `ChatDeepSeekV4`, a chat model on a client. Needs the extra `langchain`."""

from deepseek_v4_sdk.integrations.langchain.model import ChatDeepSeekV4

__all__ = ["ChatDeepSeekV4"]
