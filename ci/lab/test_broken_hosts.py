"""Apply on a host that is not well: it says what is wrong, Postfix keeps a whole configuration, and the next apply mends it."""

import re

import pytest

from lab import roots
from lab.host import RELAY_ENV
from lab.kills import Victim, difference, tree
from lab.shell import sample, wait_until
from lab.steps import Disk
from test_kills import CREDENTIALS

# How relay.env can be wrong: the commands that make it so, and what apply must say.
ENV_FAULTS = {
    # A program's head, not random bytes, with nothing in it that is a line end or an assignment by chance, as one root's has.
    "binary": ("head -c 3000 /bin/sh | tr '\\0\\n\\r=' xxxx >$env", "relay.env, line 1"),
    "NUL bytes": ("printf 'RELAY_USERNAME=a\\0b\\n' >$env", "holds NUL bytes"),
    "10 MB": ("head -c 10000000 /dev/zero | tr '\\0' '#' >$env", "is 10000000 bytes long"),
    "readable by all": ("chmod 644 $env", "can be read by others (mode 644); mend: chmod 600"),
    "readable by the group": ("chmod 640 $env", "can be read by others (mode 640)"),
    "of another user": ("chown nobody $env", "does not belong to root; mend: chown root:root"),
    "a link": ("mv $env $env.real; ln -s relay.env.real $env", "is not a regular file"),
    "a link to nothing": ("rm $env; ln -s nowhere $env", "is not a regular file"),
    "a folder": ("rm $env; mkdir $env", "is not a regular file"),
    "a FIFO": ("rm $env; mkfifo -m 600 $env", "is not a regular file"),
    "a device": ("rm $env; mknod -m 600 $env c 1 5", "is not a regular file"),
    "half of a pair": ("echo RELAY_USERNAME=a >$env", "RELAY_USERNAME but no RELAY_PASSWORD"),
    "a quote without end": ("printf 'RELAY_PASSWORD=\"abc' >$env", "line 1: the quote that opens on this line is never closed"),
}


@pytest.mark.roots(*roots.EACH)
def test_relay_env_of_every_wrong_kind(relay, smarthost, tally):
    """Refused with the reason; Postfix goes on with what it has."""
    relay.sh("systemctl stop mail-relay-apply.path")
    live, good = tree(relay.root, ["etc/postfix"]), relay.read(RELAY_ENV)
    for kind, (harm, reason) in ENV_FAULTS.items():
        relay.sh(f"env={RELAY_ENV}; {harm}")
        done = relay.sh("mail-relay apply", check=False, timeout=20)
        assert done.code == 2 and reason in done.err, f"{kind}: {done}"
        assert "stays in force" in done.err, f"{kind}: {done}"
        assert not difference(tree(relay.root, ["etc/postfix"]), live), kind
        relay.sh(f"rm -rf {RELAY_ENV} {RELAY_ENV}.real")
        relay.write(RELAY_ENV, good, 0o600)
        assert "nothing to change" in relay.sh("mail-relay apply").out
        tally("faults of relay.env")
    relay.deliver("after all of it")


@pytest.mark.roots(*roots.EACH)
def test_relay_env_goes_and_comes_back(relay, smarthost, tally):
    """Without credentials mail waits, and is not returned; nothing but the file is needed for it to go on."""
    for harm in ("rm", "truncate -s 0"):
        relay.sh(f"{harm} {RELAY_ENV}; mail-relay apply")
        relay.mail(f"while {harm}")
        [reason] = relay.wait_deferred()
        assert "no credentials yet" in reason
        relay.credentials()
        smarthost.wait_for(f"while {harm}")
        relay.wait_queue_empty()
        tally("faults of relay.env")


@pytest.mark.roots(*roots.EACH)
def test_relay_env_changes_at_the_last_moment(relay, smarthost, tally):
    """The path unit is blind until its service has ended: a change after apply has read the file is not lost."""
    relay.write("/root/second.env", relay.read(RELAY_ENV) + "RELAY_FROM=second@acme.example\n", 0o600)
    change = f"[ -e /run/changed ] || cp /root/second.env {RELAY_ENV}; touch /run/changed"
    unit = "/etc/systemd/system/mail-relay-reapply.service.d/late.conf"
    relay.write(unit, f"[Service]\nExecStartPost=/bin/sh -c '{change}'\n")
    relay.sh(f"systemctl daemon-reload; echo 'RELAY_FROM=first@acme.example' >>{RELAY_ENV}")
    wait_until(lambda: "second@" in relay.sh("postconf -h relay_from").out, "the later of two changes")
    tally("faults of relay.env")


@pytest.mark.roots(*roots.EACH)
def test_others_change_what_the_path_unit_watches(relay, tally):
    """An upgrade of systemd makes folders that are watched; in its midst Postfix must be left alone."""
    begin = relay.sh("date +%s").out.strip()

    def journal():
        return relay.sh(f"journalctl -u mail-relay-reapply -u mail-relay-recheck -o cat --since=@{begin}").out

    relay.sh("mkdir -p /etc/credstore; touch /etc/credstore/other /etc/credstore")
    wait_until(lambda: re.search(r"^Finished .*at the last moment", journal(), re.MULTILINE), "the path unit's turn")
    assert "mail-relay:" not in journal()
    # And the next change of ours is seen.
    relay.sh(f"echo RELAY_FROM=later@acme.example >>{RELAY_ENV}")
    wait_until(lambda: "later@" in relay.sh("postconf -h relay_from").out, "the change")


@pytest.fixture
def disk(root, installation):
    """Small, so that it can be full: with a relay in force, and a change of its credentials, host and sender to come."""
    disk = Disk([installation, roots.path(root)], size="96m")
    changed = CREDENTIALS.format("second") + "RELAY_HOST=other.lab.example\nRELAY_FROM=other@acme.example\n"
    yield disk.after("mail-relay apply", {RELAY_ENV: CREDENTIALS.format("first")}).after("true", {RELAY_ENV: changed})
    disk.close()


@pytest.fixture
def victim(disk):
    return Victim(disk, "mail-relay apply", keep=False)


def judge(victim, copy, done, what):
    """An apply that met a fault and its end: never half a configuration, never a failure without a word, and mended by the next."""
    wrong = victim.unsound(copy)
    again = copy.sh("mail-relay apply", check=False)
    if done.code == 0:
        wrong += difference(tree(copy.root, ["etc/postfix"]), {k: v for k, v in victim.after.items() if k.startswith("etc/postfix/")})
    elif not re.search("^mail-relay: |Killed", done.text, re.MULTILINE) and done.code < 128:
        wrong += "it failed without a word"
    wrong += difference(tree(copy.root), victim.after) if again.code == 0 else str(again)
    return f"{what}: {wrong}\n{done}" if wrong else ""


def show(faults):
    faults = [fault for fault in faults if fault]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:8])


@pytest.mark.long
@pytest.mark.roots("debian-12")
def test_a_command_fails(disk, victim, tally):
    """One command of apply dies, as of lack of memory; apply goes on as it sees fit."""
    faults = []
    for number in sample(victim.commands()[1:], 8):
        with disk.copy() as copy:
            first = []

            def answer(*_):
                first.append(number)
                return b"d" if len(first) == 1 else b"r"

            done, _ = copy.steps(victim.script, number - 1, answer)
            faults.append(judge(victim, copy, done, f"command {victim.steps[number - 1]} killed"))
            tally("commands that failed")
    show(faults)


@pytest.mark.long
@pytest.mark.roots("debian-12")
def test_the_disk_is_full(disk, victim, tally):
    """From some step on, and until apply has ended."""
    faults = []
    for number in sample(range(1, len(victim.steps) + 1), 24):
        with disk.copy() as copy:

            def answer(*_):
                copy.fill()
                return b"r"

            done, _ = copy.steps(victim.script, number - 1, answer)
            copy.free()
            said = done.code == 0 or done.code == 1 and "full" in done.out
            wrong = "" if said else f"does not say that the disk is full: {done}"
            faults.append(wrong or judge(victim, copy, done, f"disk full from step {number} {victim.steps[number - 1]}"))
            tally("full disks")
    show(faults)


@pytest.mark.roots("debian-12", "pacman-7")
def test_a_read_only_folder(disk, victim, tally):
    for folder in ("/etc", "/etc/postfix", "/var/lib/mail-relay", "/var"):
        with disk.copy() as copy:
            live = tree(copy.root, ["etc/postfix"])
            with copy.read_only(folder):
                done = copy.sh("mail-relay apply", check=False)
                assert done.code == 1 and "mounted read-only" in done.err, f"{folder}: {done}"
                assert not difference(tree(copy.root, ["etc/postfix"]), live)
            show([judge(victim, copy, done, folder)])
            tally("read-only folders")


@pytest.mark.roots("debian-12", "pacman-7")
@pytest.mark.parametrize("own, said", [("no_such_parameter = 1", "no_such_parameter"), ("line_length_limit = soon", "line_length_limit")])
def test_what_postfix_would_complain_of_changes_nothing(disk, own, said, tally):
    """Postfix is asked before anything becomes live."""
    with disk.copy() as copy:
        live = tree(copy.root, ["etc/postfix", "var/lib/mail-relay"])
        copy.write("/etc/mail-relay/main.cf.d/own.cf", f"{own}\n")
        done = copy.sh("mail-relay apply", check=False)
        assert done.code == 2 and said in done.err and "nothing was changed" in done.err, done
        assert not difference(tree(copy.root, ["etc/postfix", "var/lib/mail-relay"]), live)
        tally("configurations refused")


@pytest.mark.roots("debian-12", "debian-13", "pacman-7")
def test_a_log_where_the_sandbox_lets_postfix_write_none(relay):
    """Postfix would not start: refused, and in force once the sandbox allows it."""
    relay.write("/etc/mail-relay/main.cf.d/log.cf", "maillog_file = /var/log/mail.log\n")
    done = relay.sh("mail-relay apply", check=False)
    assert done.code == 2 and "the sandbox lets Postfix write nothing there" in done.err, done
    relay.deliver("nothing was changed")
    unit = relay.daemon_unit()
    allowed = "/etc/systemd/system/{}.d/log.conf".format(unit.replace("@-", "@"))
    relay.write(allowed, "[Service]\nReadWritePaths=/var/log\n")
    relay.sh("systemctl daemon-reload; mail-relay apply; systemctl restart postfix")
    relay.deliver("with a log of its own")
    assert "status=sent" in relay.read("/var/log/mail.log")


@pytest.mark.roots("debian-12", "pacman-7")
def test_many_applies_at_once(disk, victim, tally):
    """With and without flock(1)."""
    for before in ("true", "rm /usr/bin/flock"):
        with disk.copy() as copy:
            done = copy.sh(
                f"{before}; for i in 1 2 3 4 5 6; do {{ mail-relay apply >/tmp/$i 2>&1; echo $? >>/tmp/codes; }} & done; wait;"
                " cat /tmp/codes /tmp/[1-6]; rm /tmp/codes /tmp/[1-6]; rm -f /var/lib/mail-relay/lock.pid"
            )
            assert done.out.split().count("0") == 6, done
            assert done.out.count("applied (Postfix") == 1, done
            assert done.out.count("nothing to change") == 5, done
            assert not difference(tree(copy.root), victim.after)
            tally("applies at once", 6)


@pytest.mark.roots("debian-12", "pacman-7")
def test_the_clock_was_set_back(disk, victim):
    """Everything on the disk is from next year."""
    with disk.copy() as copy:
        copy.sh("find /etc/postfix /etc/mail-relay /var/lib/mail-relay -exec touch -h -d '+1 year' {} +")
        copy.sh("mail-relay apply", timeout=30)
        assert not difference(tree(copy.root), victim.after)
        assert "nothing to change" in copy.sh("mail-relay apply", timeout=30).out
        assert victim.unsound(copy) == ""


GREETING = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/25; read -r line <&3; echo \"$line\"; echo QUIT >&3'"
# In systemctl's place: its n-th call fails, as it does when the bus is not there.
FAILING = """#!/bin/sh
count=$(($(cat /run/calls) + 1))
echo "$count" >/run/calls
[ "$count" != "$(cat /run/fails)" ] || { echo "Failed to connect to bus" >&2; exit 1; }
exec /usr/bin/systemctl.real "$@"
"""


@pytest.mark.roots("debian-12", "rpm-dnf4")
def test_systemctl_fails(relay, smarthost, tally):
    """At each of its calls, in changes that need a reload and in those that need a restart: the next apply ends it."""
    relay.sh("systemctl stop mail-relay-apply.path; mv /usr/bin/systemctl /usr/bin/systemctl.real")
    relay.write("/usr/bin/systemctl", FAILING, 0o755)
    for need in ("reload", "restart"):
        for number in range(1, 30):
            protocols = "ipv4" if need == "restart" and number % 2 else "all"
            own = f"smtpd_banner = {need}-{number} ESMTP\ninet_protocols = {protocols}\n"
            relay.write("/etc/mail-relay/main.cf.d/own.cf", own)
            done = relay.sh(f"echo 0 >/run/calls; echo {number} >/run/fails; mail-relay apply", check=False)
            if int(relay.sh("cat /run/calls").out) < number:
                break
            assert done.code == 0 or "mail-relay: Postfix did not" in done.err, done
            relay.sh("echo -1 >/run/fails; mail-relay apply")
            assert relay.sh("mail-relay status", check=False).code == 0
            assert f"220 {need}-{number} ESMTP" in relay.sh(GREETING).out, f"call {number} of a {need} failed: {done}"
            tally("calls of systemctl that failed")
        assert number > 3
    relay.deliver("after all of it")
