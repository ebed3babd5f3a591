"""Maintainer scripts that are killed: run again, as the package manager does, they end what they began."""

import pytest

from lab import roots
from lab.kills import FOLDERS, Victim, difference, tree
from lab.steps import Disk
from test_kills import HAND_MADE, killed, same_as

pytestmark = pytest.mark.long

NAME = "acme-mail-relay"
# What scripts of units change, too.
UNITS = ("etc/systemd", "var/lib/systemd")
# How each package manager calls them; the first line brings them out of its database.
SCRIPTS = {
    "debian-12": {
        "prepare": f"cp /var/lib/dpkg/info/{NAME}.p* /srv",
        "install": f"sh /srv/{NAME}.postinst configure ''",
        "remove": f"sh /srv/{NAME}.prerm remove",
        "purge": f"rm -rf /usr/share/mail-relay; sh /srv/{NAME}.postrm purge",
    },
    "rpm-dnf4": {
        "prepare": " && ".join(
            f"rpm -q --queryformat '%{{{tag}}}' {NAME} >/srv/{tag}" for tag in ("POSTIN", "POSTTRANS", "PREUN", "POSTUN")
        ),
        "install": "sh /srv/POSTIN 1; sh /srv/POSTTRANS 1",
        "remove": "sh /srv/PREUN 0 && sh /srv/POSTUN 0",
    },
    "pacman-7": {
        "prepare": f"cp /var/lib/pacman/local/{NAME}-*/install /srv/script; sed -n 's/^Exec = .bin.sh -c .\\(.*\\).$/\\1/p' /usr/share/libalpm/hooks/*relay*.hook >/srv/hook",
        "install": f"bash -c '. /srv/script; post_install 1'; echo {NAME} | sh /srv/hook",
        "remove": "bash -c '. /srv/script; pre_remove 1 && post_remove 1'",
    },
}  # fmt: skip
ALL = [(root, verb) for root, scripts in SCRIPTS.items() for verb in scripts if verb != "prepare"]


@pytest.mark.parametrize("root, verb", ALL)
def test_a_script_that_was_killed_is_run_again(installation, root, verb, tally):
    disk = Disk([installation, roots.path(root)])
    try:
        start = disk.after(f"{SCRIPTS[root]['prepare']}; mail-relay purge; {HAND_MADE if verb == 'remove' else ''}")
        if verb != "install":
            start = start.after("mail-relay apply")
        # Most of their states are those of the apply or the removal that they call (test_kills.py).
        victim = Victim(start, SCRIPTS[root][verb])
        folders = (*FOLDERS, *UNITS)
        with start.copy() as copy:
            copy.sh(victim.script)
            wanted = tree(copy.root, folders)
        killed(victim, tally, stride=8, again=(victim.script, same_as(wanted, folders)))
    finally:
        disk.close()


# The package manager itself is killed, in the middle of a script of ours; and what a person then types.
NATIVE = {
    "debian-12": ("dpkg -i /srv/{}", "dpkg --configure -a", "dpkg -r " + NAME, "dpkg --configure -a; dpkg -r " + NAME),
    "rpm-dnf4": ("rpm -U --force /srv/{}", "rpm -U --force /srv/{}", "rpm -e " + NAME, "rpm -e " + NAME),
    "pacman-7": (
        "pacman -U --noconfirm /srv/{}", "rm -f /var/lib/pacman/db.lck; pacman -U --noconfirm /srv/{}",
        "pacman -R --noconfirm " + NAME, "rm -f /var/lib/pacman/db.lck; pacman -R --noconfirm " + NAME,
    ),
}  # fmt: skip
# Moments, by the first step of that kind.
MOMENTS = [
    ("open", "/var/lib/mail-relay/lock"), ("open", "/etc/postfix/.main.cf.mail-relay"), ("rename", "/etc/postfix/master.cf"),
    ("rename", "/etc/postfix/main.cf"), ("unlink", "/var/lib/mail-relay/owed"), ("unlink", "/etc/mail-relay/before/.ours"),
]  # fmt: skip


@pytest.mark.roots(*NATIVE)
def test_a_package_manager_that_was_killed(root, installation, bare_relay, tally):
    """A reinstallation or a removal that died is ended by the family's own means."""
    package = bare_relay.package().name
    install, install_again, remove, remove_again = (command.format(package) for command in NATIVE[root])
    disk = Disk([installation, roots.path(root)])
    try:
        # An image where somebody has applied: there an installation applies what has changed since.
        changed = "mail-relay apply; echo RELAY_FROM=other@acme.example >>/etc/mail-relay/relay.env"
        for before, command, again in ((changed, install, install_again), ("mail-relay apply", remove, remove_again)):
            start = disk.after(before)
            # rpm leaves its own copy of the script in /var/tmp.
            folders = ("etc/postfix", "etc/mail-relay", "var/lib/mail-relay")
            with start.copy() as copy:
                copy.sh(command)
                wanted = tree(copy.root, folders)
            for what, path in MOMENTS:
                with start.copy() as copy:
                    at = f"{copy.root}{path}"
                    done, _ = copy.steps(command, 0, lambda _, w, p: b"k" if w == what and p in (path, at) else b"g")
                    if done.code != 137:
                        continue  # no such moment in this command
                    copy.sh(again)
                    assert not difference(tree(copy.root, folders), wanted), f"{command} killed at {what} {path}"
                    tally("package managers killed")
    finally:
        disk.close()
