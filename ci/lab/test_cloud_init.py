"""First boots by the cloud-init of two Debian releases, with the recipes of `postpack image`."""

import json
from contextlib import closing

import pytest

from lab import cloud
from lab.host import Host
from lab.shell import run

pytestmark = pytest.mark.roots("debian-12", "debian-13")


@pytest.fixture
def host(root, smarthost):
    """A host with cloud-init and without Postfix; not booted."""
    with closing(Host(f"{root}-cloud", smarthost)) as host:
        # cloud-init has brought the certificate authorities already.
        host.sh("update-ca-certificates")
        yield host


@pytest.fixture
def account(smarthost):
    """The account of the smarthost, by the names of its keys."""
    return {"RELAY_USERNAME": smarthost.user, "RELAY_PASSWORD": smarthost.password}


def test_the_first_boot_of_an_image_without_network(host, smarthost, account):
    """The credentials are applied before Postfix starts. Mail waits for the network, and cloud-init has nothing to report."""
    host.install()
    written = next(host.package().parent.glob("*.cloud-init.yaml")).read_text()
    assert written == cloud.recipe("cloud-init")
    cloud.seed(host, "i-1", cloud.filled(written, **account))
    link(host, "down")
    host.boot()
    assert_done(host)
    assert host.sh("cloud-init schema --config-file /var/lib/cloud/instance/user-data.txt").code == 0
    assert host.sh("stat -c '%a %U' /etc/credstore/relay_password").out == "600 root\n"
    assert before(host, "mail-relay-apply.service", host.daemon_unit())
    host.mail("written offline")
    host.wait_deferred()
    link(host, "up")
    host.sh("postqueue -f")
    assert smarthost.wait_for("written offline").user == smarthost.user
    host.deliver("online")


def test_user_data_of_others(host, smarthost, account):
    """Both sides are obeyed. Each row is a clone: a new instance, without the credentials of the row before."""
    host.install()
    site(host)
    config, hook = (cloud.filled(cloud.recipe(name), **account) for name in ("cloud-init", "cloud-init-boothook"))
    rows = {"config-last": (cloud.THEIRS, config), "hook-last": (cloud.THEIRS, hook), "hook-first": (hook, cloud.THEIRS)}
    for name, parts in rows.items():
        cloud.seed(host, name, cloud.archive(*parts))
        host.boot()
        assert_done(host)
        assert host.sh("cat /etc/theirs; ls /srv/theirs-ran").out == "theirs\n/srv/theirs-ran\n", name
        # The full name, which the image prefers.
        mail = host.deliver(name)
        assert (mail.user, mail.tls, mail.helo) == (smarthost.user, "TLSv1.3", "web1.corp.example"), name
        # The systemd of Debian 13 makes the folder itself.
        stored = host.sh("ls /etc/credstore", check=False).out
        assert ("relay_password" in stored) == (name == "config-last"), stored
        host.sh("rm -rf /etc/theirs /srv/theirs-ran /etc/credstore; mail-relay seal")
        host.halt()


def test_new_user_data_of_the_same_instance(host, smarthost, account):
    """cloud-init keeps the user data of an instance, so new values arrive with a new instance."""
    host.install()
    for name in ("cloud-init", "cloud-init-boothook"):
        cloud.seed(host, f"{name}-1", cloud.filled(cloud.recipe(name), **account))
        host.boot()
        host.deliver(f"{name} first")
        host.halt()
        changed = {**account, "RELAY_PASSWORD": "changed"}
        cloud.seed(host, f"{name}-1", cloud.filled(cloud.recipe(name), **changed))
        host.boot()
        assert_done(host)
        host.deliver(f"{name} with new user data")
        host.halt()
        smarthost.accept(smarthost.user, "changed")
        cloud.seed(host, f"{name}-2", cloud.filled(cloud.recipe(name), **changed))
        host.boot()
        host.deliver(f"{name} as a new instance")
        host.sh("rm -rf /etc/credstore")
        host.halt()
        smarthost.accept(smarthost.user, smarthost.password)


def test_the_package_from_a_repository(host, smarthost, account):
    """Postfix does not run before the relay is there: it never has a configuration of Debian."""
    site(host, host.package())
    ours = cloud.filled(cloud.recipe("cloud-init-repository"), **account)
    cloud.seed(host, "i-1", cloud.archive(cloud.THEIRS, ours))
    host.boot()
    assert_done(host)
    assert "No configuration" in host.sh("echo get postfix/main_mailer_type | debconf-communicate").out
    assert host.path("/etc/mail-relay/before/main.cf.absent").exists()
    assert host.deliver("from a repository").user == smarthost.user
    assert host.warnings() == []


def site(host, *files):
    """A package repository of the site on the host, with these packages."""
    folder = host.path("/srv/site")
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "Packages").write_text(run(["dpkg-scanpackages", "."], cwd=folder).out)


def link(host, state):
    run(["ip", "-n", host.netns, "link", "set", "eth0", state])


def before(host, first, then):
    """Was the one unit active before the other started?"""
    times = [host.sh(f"systemctl show -P {moment}TimestampMonotonic {unit}").out for unit, moment in ((first, "ActiveEnter"), (then, "InactiveExit"))]
    return 0 < int(times[0]) <= int(times[1])


def assert_done(host):
    """cloud-init has finished, with nothing that a build pipeline would stop at."""
    status = host.sh("cloud-init status --wait --long", check=False)
    assert status.code == 0 and "degraded" not in status.out, status
    assert json.loads(host.sh("cat /run/cloud-init/result.json").out)["v1"]["errors"] == []
