"""Secrets: each odd one reaches the smarthost byte for byte or is refused; and none is seen by anybody else."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from lab import odd, packages, roots
from lab.host import RELAY_ENV
from lab.shell import LAB, run
from lab.sink import Sink
from lab.steps import Disk

# Three awks, three table types, three Postfix versions.
ROOTS = ("debian-11", "rpm-dnf5", "pacman-7")


@pytest.mark.long
@pytest.mark.roots(*ROOTS)
def test_odd_credentials_arrive_byte_for_byte_or_are_refused(relay, smarthost, root, tally):
    # The scenario says when, not the path unit.
    relay.sh("systemctl stop mail-relay-apply.path")
    in_force = (smarthost.user.encode(), smarthost.password.encode())
    for number, pair in enumerate(odd.pairs()):
        if number % len(ROOTS) != ROOTS.index(root) or not odd.dovecot_takes(pair[1]):
            continue
        fresh = apply_odd(relay, number, pair, tally)
        in_force = pair if fresh else in_force
        smarthost.expect(*in_force)
        subject = f"odd {number}"
        relay.mail(subject)
        smarthost.wait_for(subject)
        logins = smarthost.received()
        # A mail by an account as before may go over a connection that Postfix has kept.
        assert set(logins) == {in_force} or not (fresh or logins), (pair, logins)

    with Sink(smarthost, "any-password") as sink:
        relay.resolver.set(smarthost.name, smarthost.sink)
        for number, pair in enumerate(odd.pairs()):
            if not odd.dovecot_takes(pair[1]):
                if apply_odd(relay, number, pair, tally):
                    in_force = pair
                relay.mail(f"odd {number}")
                relay.wait_queue_empty()
                assert sink.logins()[-1:] == [in_force], pair


def apply_odd(relay, number, pair, tally):
    """Save these credentials, each third in the same kind of quotes, and apply. Are they in force?"""
    relay.path(RELAY_ENV).write_bytes(odd.lines(*pair, number // len(ROOTS)))
    applied = relay.sh("mail-relay apply", check=False)
    fault = odd.fault(*pair)
    if not fault:
        assert applied.code == 0, (pair, applied)
        tally("odd credentials that arrived")
        return True
    assert applied.code == 2 and fault in applied.err, (pair, applied)
    assert "stays in force" in applied.err, (pair, applied)
    tally("odd credentials refused")
    return False


MARKER = "MaRkEr7f3aSecret"
MARKED = f"RELAY_USERNAME='{MARKER}user'\nRELAY_PASSWORD='{MARKER}password'\n"
# What a person does on a host, all of which handles the secret.
LIFE = (
    "mail-relay apply; mail-relay status; mail-relay show-config; mail-relay doctor; echo RELAY_HOST=other.lab.example >>/etc/mail-relay/relay.env;"
    " mail-relay apply; mail-relay rollback; mail-relay apply; echo oops >>/etc/mail-relay/relay.env; mail-relay apply; mail-relay remove"
)


@pytest.mark.roots("debian-12", "rpm-dnf5", "pacman-7")
def test_no_program_is_told_a_secret(installation, root, tally):
    """At each step of a relay's life: no command line, no environment and no file that others can read holds it."""
    disk = Disk([installation, roots.path(root)])
    found = set()
    try:
        with disk.copy() as copy:
            copy.write(RELAY_ENV, MARKED)

            def look(number, what, path):
                if what == "exec":
                    found.update(f"{word} of {path}" for word in told(copy.root))
                    tally("programs looked at")
                found.update(open_to_others(copy.upper))
                return b"g"

            done, _ = copy.steps(LIFE, 0, look)
            assert MARKER not in done.out
            copy.sh("mail-relay purge")
            assert left(copy.upper) == []
    finally:
        disk.close()
    assert not found, found


def told(root):
    """Command line and environment of the processes in a root."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "root") == str(root):
                for name in ("cmdline", "environ"):
                    if MARKER.encode() in (process / name).read_bytes():
                        yield name
        except OSError:  # it has just ended
            continue


def holders(folder):
    """The files below a folder that hold the secret."""
    for path in Path(folder).rglob("*"):
        try:
            if path.is_file() and not path.is_symlink() and MARKER.encode() in path.read_bytes():
                yield path
        except FileNotFoundError:  # renamed meanwhile
            continue


def open_to_others(folder):
    return [f"{path} {stat.filemode(path.stat().st_mode)}" for path in holders(folder) if path.stat().st_mode & 0o077]


def left(folder):
    return [str(path) for path in holders(folder)]


@pytest.mark.roots("debian-12", "rpm-dnf4", "pacman-7")
def test_nothing_on_a_running_host_repeats_a_secret(relay, smarthost):
    """Applied by the path unit, used at the smarthost, refused by it, purged: in no log, no journal, no file of others."""
    smarthost.expect(f"{MARKER}user".encode(), f"{MARKER}password".encode())
    relay.write(RELAY_ENV, MARKED, 0o600)
    relay.sh("mail-relay apply && mail-relay status; mail-relay test")
    smarthost.expect(b"somebody", b"else")
    relay.sh("mail-relay test; systemctl restart postfix; mail-relay status", check=False)
    relay.write(RELAY_ENV, MARKED + "what is this\n", 0o600)
    relay.sh("mail-relay apply; mail-relay test", check=False)
    assert MARKER not in relay.sh("journalctl --no-pager --output=export --all", timeout=60).out
    upper = relay.home / "upper"
    assert not open_to_others(upper)
    allowed = {"etc/mail-relay", "etc/postfix", "var/lib/mail-relay"}
    places = {str(path.parent.relative_to(upper)) for path in holders(upper)}
    assert all(any(place.startswith(name) for name in allowed) for place in places), places

    relay.sh("mail-relay purge")
    assert left(upper) == []


@pytest.mark.roots("debian-12")
def test_no_package_holds_what_lies_about_at_the_build(root, tmp_path):
    """A build beside a relay.env, with the secret in the environment."""
    (tmp_path / "relay.env").write_text(MARKED)
    (tmp_path / "relay.toml").write_text((LAB / "specs/null-client.toml").read_text())
    told_all = {**os.environ, "RELAY_USERNAME": MARKER, "RELAY_PASSWORD": MARKER}
    run([*packages.binary(), "build", "relay.toml", "-o", "dist"], cwd=tmp_path, env=told_all)
    files = list((tmp_path / "dist").iterdir())
    assert len(files) >= 5
    for file in files:
        (tmp_path / "open").mkdir()
        if file.suffix in (".deb", ".rpm", ".zst"):
            run(["bsdtar", "-xf", file, "-C", tmp_path / "open"])
            for inner in (tmp_path / "open").glob("*.tar.*"):
                run(["bsdtar", "-xf", inner, "-C", tmp_path / "open"])
        assert MARKER.encode() not in file.read_bytes()
        assert left(tmp_path / "open") == []
        shutil.rmtree(tmp_path / "open")
