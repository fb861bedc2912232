"""OpenAI Agents: `DeepSeekV4AgentsModel`, a model on an async client. Needs the extra `agents`."""

from deepseek_v4_sdk.integrations.common import OnRecovered
from deepseek_v4_sdk.integrations.openai_agents.model import DeepSeekV4AgentsModel, DeepSeekV4ModelProvider

__all__ = ["DeepSeekV4AgentsModel", "DeepSeekV4ModelProvider", "OnRecovered"]
