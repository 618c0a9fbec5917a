"""No wall outlives the test that began it."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import psutil
from left_running import ended_with_the_block

SLEEPS = (sys.executable, "-c", "import time; time.sleep(60.0)  # as long as a dronewall")


def test_what_a_failing_test_left_running_is_killed_and_what_ran_before_is_not() -> None:
    with subprocess.Popen(SLEEPS) as before:
        with contextlib.suppress(AssertionError), contextlib.contextmanager(ended_with_the_block)():
            left = subprocess.Popen(SLEEPS)
        assert not psutil.pid_exists(left.pid)
        assert before.poll() is None
        before.kill()
