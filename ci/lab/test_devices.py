"""Postfix waits for a network device that comes late, and not for ever."""

from contextlib import closing

import pytest

from lab import network, roots
from lab.host import Host
from lab.shell import wait_until

DEVICE = "sys-subsystem-net-devices-wg0.device"
# A container has the machine's /sys, read-only, so neither udev nor systemd looks for devices there.
WITH_DEVICES = """
mkdir /run/cgroup && mount --rbind /sys/fs/cgroup /run/cgroup
mount -t sysfs sysfs /sys && mount --rbind /run/cgroup /sys/fs/cgroup
systemctl start systemd-udevd && systemctl daemon-reexec
"""


@pytest.mark.roots("debian-12", "debian-13")
def test_a_device_that_comes_late(root, smarthost):
    programs = roots.with_programs(root)
    with closing(Host(programs, smarthost)) as host:
        host.install("after-device")
        host.credentials()
        host.disable("fail2ban", "firewalld")
        host.boot()
        # Where no device is ever known, nothing waits.
        host.deliver("without devices")
        unit = host.daemon_unit()

        def state(of):
            return host.sh(f"systemctl is-active {of}", check=False).out.strip()

        host.sh(f"systemctl stop postfix {unit}; {WITH_DEVICES}")
        host.sh("systemctl --no-block start postfix")
        wait_until(lambda: DEVICE in host.sh("systemctl list-jobs --no-legend").out, "a job that waits for the device")
        host.mail("while it waits")
        assert (state(DEVICE), state(unit)) == ("inactive", "inactive")
        network.add_device(host.netns, "wg0")
        smarthost.wait_for("while it waits")
        assert state(DEVICE) == "active"
        wait_until(lambda: state(unit) == "active", "the end of Postfix's start")

        # It goes, and Postfix stays.
        network.remove_device(host.netns, "wg0")
        wait_until(lambda: state(DEVICE) == "inactive", "the end of the device")
        host.deliver("without the device")
        assert state(unit) == "active"

        # It does not come: systemd gives up after 90 seconds (here 2), and Postfix starts without it.
        def patience():
            return host.sh(f"systemctl show -p JobRunningTimeoutUSec --value {DEVICE}").out.strip()

        assert patience() == "1min 30s"
        limit = f"/run/systemd/system/{DEVICE}.d"
        host.sh(f"mkdir {limit} && printf '[Unit]\nJobRunningTimeoutSec=2\n' >{limit}/limit.conf && systemctl daemon-reload")
        assert patience() == "2s"
        host.sh(f"systemctl stop postfix {unit} && systemctl start postfix", timeout=60)
        host.deliver("after it was given up")
        assert f"Timed out waiting for device {DEVICE}" in host.sh("journalctl --boot --no-pager").out
        assert host.warnings() == []
