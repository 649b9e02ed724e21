"""gpsd under a real systemd."""
import os

import pytest

pytestmark = pytest.mark.vm


def test_gpsd_is_started_by_systemd_or_the_reason_is_told(vm):
    passed = vm.check("test_gpsd_ensure.py", systemd=True, radios=0, timeout=600,
                      env={"PATCHBAY_SLOW": "6", **{k: v for k, v in os.environ.items() if k in ("PATCHBAYD", "PATCHBAY_PLUGINS")}})
    assert len(passed) == 6
