"""Test processes beside each other use one thread each: more would only be in each other's way.

How long an example of Hypothesis takes says nothing on a busy machine.
"""

import os

from hypothesis import HealthCheck, settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
