"""Killed at any step, the relay has a whole configuration, and the next run mends everything."""

import pytest

from lab import roots
from lab.kills import CONTENT, FOLDERS, Victim, difference, tree
from lab.shell import sample
from lab.steps import Disk

pytestmark = pytest.mark.long

CREDENTIALS = "RELAY_USERNAME='user {0}'\nRELAY_PASSWORD='secret {0}'\n"
ENV = "/etc/mail-relay/relay.env"

# A relay that somebody made by hand, with the same names of files as ours.
HAND_MADE = r"""
set -e
cd /etc/postfix
type=$(postconf -c /usr/share/mail-relay -dh default_database_type 2>/dev/null || postconf -dh default_database_type)
printf '%s\n' 'compatibility_level = 2' 'myhostname = by.hand.example' 'mydestination =' 'relayhost = [old.example]:587' \
    'inet_interfaces = loopback-only' 'smtp_sasl_auth_enable = yes' "smtp_sasl_password_maps = $type:/etc/postfix/sasl_passwd" \
    'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt' \
    'smtp_header_checks = regexp:/etc/postfix/header_checks' >main.cf
echo '[old.example]:587 old:by hand' >sasl_passwd
chmod 640 sasl_passwd
postmap sasl_passwd
echo '/^X-Old:/ IGNORE' >header_checks
[ -f master.cf ] || cp /usr/share/postfix/master.cf.dist master.cf
echo 'by-hand unix - - n - 1 smtp' >>master.cf
touch -d 2020-02-02T02:02:02 main.cf sasl_passwd* master.cf header_checks
"""


@pytest.fixture
def installed(root, installation):
    disk = Disk([installation, roots.path(root)])
    yield disk
    disk.close()


def same_as(wanted, folders, content="", **how):
    """A judge: the repaired copy has in these folders what `wanted` has, and in its tables `content`."""
    wanted = {name: entry for name, entry in wanted.items() if name.startswith(tuple(f"{f}/" for f in folders))}

    def judge(copy):
        wrong = difference(tree(copy.root, folders, **how), wanted)
        if content and (said := copy.sh(CONTENT).text) != content:
            wrong += f"\n  tables hold\n{said}"
        return wrong

    return judge


def apply_again(victim, script="mail-relay apply"):
    """The next apply makes what an undisturbed one made, down to the state folder."""
    return script, same_as(victim.after, FOLDERS, victim.content)


def killed(victim, tally, stride=4, every=20, **repairs):
    """Every state that a kill can leave is sound and can be mended; and a real kill leaves no other."""
    count = victim.judge(repairs, sample(victim.commands(), every), stride)
    tally("kills (SIGKILL at a command)", count.kills)
    tally("steps looked at", len(victim.steps))
    tally("different states of a disk", count.states)
    tally("repairs of such a state", count.repairs)
    assert not count.faults, f"{len(count.faults)} faults\n" + "\n".join(count.faults[:12])


# Other shells, awks and table types than those of the root where all is killed: a sample is enough.
FAMILIES = ("debian-12", "rpm-dnf4", "pacman-7")


def sparse(root):
    return {} if root == "debian-12" else {"every": 50, "stride": 16}


@pytest.mark.roots(*FAMILIES)
def test_first_apply_over_a_hand_made_relay(root, installed, tally):
    """And at every point the removal gives the hand-made files back: bytes, mode, owner, times."""
    hand_made = installed.after(f"mail-relay purge; {HAND_MADE}").after("true", {ENV: CREDENTIALS.format("new")})
    victim = Victim(hand_made, "mail-relay apply")
    with hand_made.copy() as copy:
        old = tree(copy.root, ["etc/postfix"], times=True)
    mended = {"again": apply_again(victim), "remove": ("mail-relay remove", same_as(old, ["etc/postfix"], times=True))}
    killed(victim, tally, **sparse(root), **mended)


@pytest.fixture
def applied_twice(installed):
    """In force is the second of two generations."""
    first = installed.after("mail-relay apply", {ENV: CREDENTIALS.format("first")})
    return first.after("mail-relay apply", {"/etc/mail-relay/main.cf.d/own.cf": "smtp_connect_timeout = 10s\n"})


@pytest.mark.roots("debian-12")
def test_change_of_credentials(applied_twice, tally):
    victim = Victim(applied_twice.after("true", {ENV: CREDENTIALS.format("second")}), "mail-relay apply")
    killed(victim, tally, again=apply_again(victim))


@pytest.mark.roots(*FAMILIES)
def test_change_of_smarthost(root, applied_twice, tally):
    """Whatever main.cf is in force, its smarthost's password stands in the table."""
    changed = CREDENTIALS.format("second") + "RELAY_HOST=other.lab.example\n"
    victim = Victim(applied_twice.after("true", {ENV: changed}), "mail-relay apply")
    killed(victim, tally, **sparse(root), again=apply_again(victim))


@pytest.mark.roots("debian-12")
def test_change_of_the_package(applied_twice, tally):
    """The files of another package, with an administrator's edit in the way."""
    changed = applied_twice.after(
        "sed -i 's/^version=.*/version=1.1.0/; s/ops@acme.example/root@acme.example/' /usr/share/mail-relay/facts;"
        " echo '/^X-New:/ IGNORE' >>/usr/share/mail-relay/tables/header_checks; echo '# edit' >>/etc/postfix/main.cf"
    )
    victim = Victim(changed, "mail-relay apply --package")
    assert "saved" in str(victim.after.keys())
    killed(victim, tally, again=apply_again(victim))


@pytest.mark.roots("debian-12")
def test_rollback(applied_twice, tally):
    """The next apply goes forward again."""
    with applied_twice.copy() as copy:
        copy.sh("mail-relay rollback && mail-relay apply")
        forward = tree(copy.root)
    victim = Victim(applied_twice, "mail-relay rollback")
    killed(victim, tally, again=("mail-relay apply", same_as(forward, ["etc/postfix", "etc/mail-relay"])))


@pytest.mark.roots("debian-12")
@pytest.mark.parametrize("verb", ["remove", "purge"])
def test_removal(installed, tally, verb):
    """A second removal ends it; or, should the package stay, an apply takes it back."""
    relay = installed.after(f"mail-relay purge; {HAND_MADE}").after("mail-relay apply", {ENV: CREDENTIALS.format("new")})
    with relay.copy() as copy:
        in_force = tree(copy.root, ["etc/postfix"])
    victim = Victim(relay, f"mail-relay {verb}")
    repairs = {"again": (f"mail-relay {verb}", same_as(victim.after, FOLDERS))}
    if verb == "remove":
        repairs["apply"] = "mail-relay apply", same_as(in_force, ["etc/postfix"])
    killed(victim, tally, **repairs)
