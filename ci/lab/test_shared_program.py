"""The host program leaves the package of the configuration for its own, is changed there, and comes back."""

import shutil

import pytest

from lab import packages, roots
from lab.dialogue import Dialogue
from lab.shell import run

pytestmark = pytest.mark.on_postfix

NAME, PROGRAM = "acme-mail-relay", "mail-relay"
PART = "/usr/lib/mail-relay/apply.sh"


def install(host, spec):
    """All packages of a spec in one transaction, as the family's tool does it when a person agrees."""
    files = sorted(packages.of(spec).glob(f"*{host.os.suffix}"))
    for file in files:
        shutil.copy(file, host.path("/srv"))
    given = " ".join(f"/srv/{file.name}" for file in files)
    dialogue = Dialogue(host, host.os.install_interactive.format(given))
    while dialogue.expect(*host.os.questions):
        dialogue.answer("y")
    assert dialogue.end() == 0, dialogue.text
    return given.split()


def assert_works(host, version, owner):
    """The configuration of this version is active, mail leaves, and the package manager knows whose the program is."""
    assert host.sh("mail-relay --version").out.split()[-1] == f"{version}-1"
    assert host.owner(PART) == owner
    assert (PROGRAM in host.packages()) == (owner == PROGRAM)
    assert host.deliver(f"by {version} with {owner}").envelope_from == "noreply@acme.example"
    assert host.enabled("mail-relay-apply.path") == "enabled"
    host.sh("systemctl is-active mail-relay-apply.path && ! ls /etc/postfix/*.saved-* 2>/dev/null")
    assert host.sh("mail-relay apply").out == "mail-relay: nothing to change\n"


@pytest.mark.roots(*roots.EACH)
def test_the_program_is_shared_and_bundled_again(host):
    before = host.tree("/etc/postfix")
    host.install()
    host.credentials()
    host.boot()
    assert_works(host, "1.0.0", NAME)

    given = install(host, "shared")
    assert_works(host, "2.0.0", PROGRAM)
    # A change of the program alone: configurations apply it. The path unit, which would also do so, is stopped.
    host.sh("systemctl stop mail-relay-apply.path")
    host.write("/etc/mail-relay/main.cf.d/own.cf", "smtp_connect_timeout = 7s\n")
    [program] = [file for file in given if f"/{PROGRAM}" in file]
    host.sh(host.os.reinstall_file.format(program))
    assert host.sh("postconf -h smtp_connect_timeout").out == "7s\n"
    host.sh("rm /etc/mail-relay/main.cf.d/own.cf && mail-relay apply && systemctl start mail-relay-apply.path")

    install(host, "bundled-again")
    assert_works(host, "3.0.0", NAME)
    assert host.warnings() == []

    # Removed while it is shared: what was there before comes back, and a purge leaves nothing, though the program is still there.
    host.sh(host.os.remove.format(NAME))
    install(host, "shared")
    assert_works(host, "2.0.0", PROGRAM)
    host.sh(host.os.purge.format(NAME))
    assert host.tree("/etc/postfix") == before
    if host.os.purges:
        assert not host.path("/etc/mail-relay").exists() and not host.path("/var/lib/mail-relay").exists()


@pytest.mark.roots("rpm-dnf4", "rpm-dnf5")
def test_nobody_receives_a_configuration_by_a_common_name(host):
    """dnf takes any package that provides a name; apt refuses, and pacman asks."""
    fleet = host.path("/srv/fleet")
    fleet.mkdir()
    shutil.copy(host.package(), fleet)
    run(["createrepo_c", "--quiet", fleet])
    repository = "--repofrompath=fleet,file:///srv/fleet --nogpgcheck"
    said = host.sh(f"dnf -y {repository} install mail-relay-config", check=False)
    assert said.code != 0 and NAME not in host.packages(), said
    host.sh(f"dnf -y {repository} install {NAME}")
    assert NAME in host.packages()
