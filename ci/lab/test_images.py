"""Images: built in a chroot on one machine, booted on another, with less than a whole disk."""

import os
import re
import shlex
import shutil
from base64 import b64decode
from pathlib import Path

import pytest

from lab import roots
from lab.cloud import recipe
from lab.shell import run, wait_until

BUILDER = "vanadium.builders.example"
OURS = ("mail-relay-apply.service", "mail-relay-apply.path", "postfix.service")
PEM = re.compile(rb"-----BEGIN [^-]+-----([^-]+)-----END")


@pytest.mark.roots(*roots.EACH)
def test_built_in_a_chroot_and_booted_elsewhere(host, smarthost):
    host.rename(BUILDER)
    host.build_image(BUILDER)
    assert processes_in(host) == [], "the image build started something"
    assert all(host.enabled(unit) == "enabled" for unit in OURS)
    assert nothing_applied(host)

    # What tools that build images do with their own traces.
    host.rename("elsewhere.corp.example")
    assert traces_of(BUILDER.partition(".")[0], host) == expected_traces(host)

    # First boot: cloud-init writes, then closes to others; and /usr belongs to the image.
    host.sh("rm /etc/mail-relay/relay.env")
    host.boot(f"--bind-ro={host.root}/usr:/usr")
    host.mail("before the credentials")
    host.wait_deferred()
    host.credentials_by_cloud_init()
    smarthost.wait_for("before the credentials")
    assert_relays(host, "first boot")
    assert host.warnings() == []

    # An image system forgets /var at an update.
    host.halt()
    for path in host.path("/var").iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    host.boot()
    assert_relays(host, "with an empty /var")
    assert host.warnings() == []

    # Nothing but /etc and /var can be written.
    host.halt()
    host.write_protect("/etc", "/var")
    host.boot()
    assert host.sh("touch /usr/here || touch /here", check=False).code != 0
    assert_relays(host, "on a root that is read-only")
    assert host.warnings() == []

    # Nothing at all can be written, and /var is empty again.
    host.reboot("--volatile=state")
    assert_relays(host, "with nothing to write to")
    assert host.warnings() == []


FEW = ("debian-12", "pacman-7", "rpm-dnf5")


@pytest.mark.roots(*FEW)
@pytest.mark.on_postfix
def test_the_originals_survive_an_emptied_var(host):
    """The /var of an image need not be that of its hosts. Whatever was there before comes back, and edits of services leave."""
    host.sh("echo '# by the builder of the image' >>/etc/postfix/main.cf")
    host.rename(BUILDER)
    original = host.tree("/etc/postfix")
    host.build_image(BUILDER, "services")
    assert host.tree("/etc/postfix") == original

    host.rename("elsewhere.corp.example")
    shutil.rmtree(host.path("/var/lib/mail-relay"))
    host.boot()
    host.credentials()
    host.deliver("first boot")
    host.halt()
    shutil.rmtree(host.path("/var/lib/mail-relay"))
    host.boot()
    host.deliver("with an empty /var")
    assert host.sh("postconf -P smtp/unix/smtp_helo_timeout").out.endswith(" = 60s\n")

    # The next version does not have the edit, and meets an empty /var as well.
    host.sh("rm -rf /var/lib/mail-relay/*")
    host.install("null-client-next")
    assert host.sh("postconf -P smtp/unix/smtp_helo_timeout").out == ""
    host.deliver("the next version")
    host.remove()
    assert host.tree("/etc/postfix") == original


@pytest.mark.roots(*FEW)
def test_two_builds_are_equal(host, control):
    """Two builders of different names make the same files, those of Postfix included."""
    folders = ("/etc/mail-relay", "/etc/postfix", "/etc/systemd", "/usr/lib/mail-relay", "/usr/lib/systemd", "/usr/share/mail-relay", "/var/lib/mail-relay")
    trees = []
    for machine, builder in ((host, BUILDER), (control, "another.builders.example")):
        machine.rename(builder)
        machine.build_image(builder)
        trees.append([machine.tree(folder) for folder in folders])
    assert trees[0] == trees[1]


@pytest.mark.roots(*FEW)
def test_an_installer_that_binds_its_run_into_the_target(host, control):
    """Anaconda does, and so do many chroots. The systemd in /run is not that of the target, and its host name neither."""
    given = host.hand_over("null-client")
    host.preseed()
    control.rename(BUILDER)
    control.boot(f"--bind={host.root}:/target")
    control.sh("for folder in proc dev sys run; do mount --rbind /$folder /target/$folder && mount --make-rslave /target/$folder || exit; done")
    said = control.sh(f"exec chroot /target sh -c {shlex.quote(host.os.install.format(given))}", timeout=300).text
    assert "gives way" not in said
    control.sh("umount -l /target/proc /target/dev /target/sys /target/run")
    control.halt()
    assert nothing_applied(host)
    services = host.read("/etc/mail-relay/before/.services").splitlines()
    assert {line.split(" ", 1)[1] for line in services[1:]} == {"other inactive"}, services
    # apt logs its terminal, and is not ours.
    traces = [path for path in traces_of(BUILDER.partition(".")[0], host) if not path.startswith("/var/log/")]
    assert traces == expected_traces(host)

    host.boot()
    host.credentials()
    assert_relays(host, "after an installer")
    assert "did not start" not in host.remove().text


def nothing_applied(host):
    """The files of Postfix are its own, and the state of the relay is empty, as `bootc container lint` wants it."""
    assert "mail-relay" not in host.sh("cat /etc/postfix/main.cf", check=False).out
    assert host.sh("find /var/lib/mail-relay -mindepth 1").out == ""
    return True


def assert_relays(host, when):
    mail = host.deliver(when)
    assert (mail.user, mail.tls) == (host.smarthost.user, "TLSv1.3")
    host.sh("mail-relay status")


def processes_in(host):
    """Processes of the lab machine that live in the host's root."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "root")).is_relative_to(host.root):
                found.append((process / "cmdline").read_bytes())
        except OSError:  # it is gone
            continue
    return found


def traces_of(word, host):
    """Files with the word in them or in their names, certificates and keys decoded."""
    word = word.encode()
    found = []
    for inside, path in host.changed_files():
        content = path.read_bytes()
        decoded = b"".join(b64decode(part, validate=False) for part in PEM.findall(content))
        if word in content or word in decoded or word in inside.encode():
            found.append(inside)
    return sorted(found)


def expected_traces(host):
    """Debian's ssl-cert, which Postfix depends on there, names a certificate after the builder."""
    snakeoil = "/etc/ssl/certs/ssl-cert-snakeoil.pem"
    return [snakeoil] if host.path(snakeoil).exists() else []


@pytest.mark.roots("debian-13")
@pytest.mark.on_postfix
def test_an_extension_of_an_image(host, smarthost):
    """The recipe for systemd-sysext makes /usr of the package an extension of an image that has Postfix, and the first mail takes its way."""
    script = host.home / "make.sh"
    script.write_text(recipe("sysext"))
    run(["sh", script, host.package(), host.path("/usr/lib/os-release")], cwd=host.home)
    name = host.package_name()
    shutil.copytree(host.home / name, host.path(f"/var/lib/extensions/{name}"), symlinks=True)
    for key, value in (("username", smarthost.user), ("password", smarthost.password)):
        host.write(f"/etc/credstore/relay_{key}", f"{value}\n", 0o600)
    host.path("/etc/credstore").chmod(0o700)
    host.sh("systemctl enable systemd-sysext.service")
    host.boot()
    assert name in host.sh("systemd-sysext status").out
    assert_relays(host, "from an extension")
    assert host.warnings() == []
    # A change of the settings applies as it does with a package.
    host.sh("umask 077; echo RELAY_FROM=other@acme.example >>/etc/mail-relay/relay.env")
    wait_until(lambda: "other@acme.example" in host.sh("postconf -hx relay_from", check=False).out, "the change to apply")
