"""pydantic-ai: `DeepSeekV4Model`, a model on an async client. Needs the extra `pydantic-ai`."""

from deepseek_v4_sdk.integrations.common import OnRecovered
from deepseek_v4_sdk.integrations.pydantic_ai.model import DeepSeekV4Model, DeepSeekV4ModelSettings

__all__ = ["DeepSeekV4Model", "DeepSeekV4ModelSettings", "OnRecovered"]
