"""Test processes beside each other use one thread each: more would only be in each other's way.

How long an example of Hypothesis takes says nothing on a busy machine. Its examples are the same in every run
of `.ci/run`, which judges a change, and others in every run by hand, which look for more.
"""

import os

from hypothesis import HealthCheck, settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CIVOS_SIAF_SAME_EXAMPLES" in os.environ,
)
settings.load_profile("patient")
