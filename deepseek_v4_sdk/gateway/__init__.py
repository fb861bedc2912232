"""One address in front of any client: for programs that use OpenAI's Chat Completions, Responses, or Anthropic's API.

`Gateway` is an ASGI application; `deepseek-v4 gateway` serves it. It needs the extra `server`.
"""

from deepseek_v4_sdk.gateway.app import Gateway
from deepseek_v4_sdk.gateway.callers import Caller
from deepseek_v4_sdk.gateway.memory import ReasoningMemory, Restored
from deepseek_v4_sdk.gateway.metrics import Metrics
from deepseek_v4_sdk.gateway.seal import kept_key
from deepseek_v4_sdk.gateway.serve import serve

__all__ = ["Caller", "Gateway", "Metrics", "ReasoningMemory", "Restored", "kept_key", "serve"]
