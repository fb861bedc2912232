"""A mock's wire that takes any name of a model, for tests that are about something else."""

from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor

ANY_NAME = VLLMFlavor(models=None)
