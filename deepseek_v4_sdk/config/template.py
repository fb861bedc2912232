"""A template for a file of profiles, with comments."""

from __future__ import annotations

__all__ = ["TEMPLATE"]

TEMPLATE = """\
# Profiles for DeepSeek-V4: the arguments of a client, each set of them under a name.
#
# A program says DeepSeekV4.from_profile(), and is moved to another server by DEEPSEEK_V4_PROFILE=prod.
# `deepseek-v4 config explain` shows where each value comes from, `deepseek-v4 doctor` what works on the server.
# A key, a proxy or an address elsewhere needs `deepseek-v4 config trust` once, where this file is found and not named.

default = "dev"

# No server and no key: answers come from inside the process, in the wire of the flavor.
[profiles.dev]
provider = "mock"
flavor = "vllm"

# NVIDIA's hosted API. The key is read from NVIDIA_API_KEY.
[profiles.hosted]
provider = "nvidia"
model = "pro"

# Your own server: vllm, sglang, nim or dynamo.
[profiles.prod]
provider = "vllm"
base_url = "http://localhost:8000"
# The key, from one of: a variable, a file, a command. A server without keys needs none of them.
# api_key_env = "V4_PROD_KEY"
# api_key_file = "/run/secrets/v4"
# api_key_command = "op read op://vault/v4/key"
# model = "deepseek-ai/DeepSeek-V4-Pro"   # where the server has several
# thinking = "high"                       # off, low, high, max
# max_retries = 2
# fallback = ["hosted"]                   # profiles that take over when this server cannot answer
# endpoints = ["http://a:8000", "http://b:8000"]  # several replicas, in place of base_url
# proxy = "http://localhost:3128"
# ca_bundle = "company.pem"

# Seconds. Missing ones keep their default.
[profiles.prod.timeout]
connect = 10
first_event = 900
idle = 120
"""
"""The template that `deepseek-v4 config init` writes."""
