"""Two profiles of hypothesis: a short one in the suite, and a long one for `make fuzz`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20000"))

settings.register_profile("short", max_examples=60, deadline=None, suppress_health_check=_SLOW, derandomize=True)
settings.register_profile("long", max_examples=EXAMPLES, deadline=None, suppress_health_check=_SLOW)
PROFILE = settings.get_profile(os.environ.get("FUZZ_PROFILE", "short"))
