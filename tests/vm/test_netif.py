"""netif on virtual radios."""
import os

import pytest

pytestmark = pytest.mark.vm


def test_ownership_and_monitor_mode_on_virtual_radios(vm):
    vm.check("test_netif_radios.py", radios=3, timeout=420, env={"PATCHBAY_SLOW": os.environ.get("PATCHBAY_SLOW", "4")})
