"""procs under a real systemd: units over the bus, a delegated cgroup, patchbayd as a unit with its socket, a clock that jumps."""
import os

import pytest

pytestmark = pytest.mark.vm


def test_processes_under_systemd(vm):
    passed = vm.check("test_procs_systemd.py", systemd=True, radios=0, timeout=900, env={"PATCHBAY_SLOW": os.environ.get("PATCHBAY_SLOW", "6")})
    assert len(passed) == 8
