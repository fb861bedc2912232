"""Testing without a server: a mock provider on which the whole path of a client runs."""

from deepseek_v4_sdk.testing import script
from deepseek_v4_sdk.testing.backend import MockRequest, MockScriptError
from deepseek_v4_sdk.testing.mock import MockProvider

__all__ = ["MockProvider", "MockRequest", "MockScriptError", "script"]
