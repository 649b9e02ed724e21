"""The virtual machine itself: it boots, has radios, and hands back what was written and how the command ended."""

import pytest

pytestmark = pytest.mark.vm


def test_the_machine_hands_back_status_and_files(vm):
    done = vm.run("bash", "-c", "ls /sys/class/ieee80211 | wc -l > /out/radios; uname -r > /out/kernel; exit 7", radios=2)
    assert done.returncode == 7, done.stdout
    assert (vm.out / "radios").read_text().strip() == "2"
    assert (vm.out / "kernel").read_text().strip()
