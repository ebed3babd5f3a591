"""Credentials from everywhere a fleet keeps them: which source counts, how soon a change does, and what a faulty source does."""

import json
import time

import pytest

from lab.host import RELAY_ENV
from lab.shell import wait_until
from test_doctor import settle

# systemd 252, 257 and 262, with three awks.
ROOTS = ("debian-12", "debian-13", "rpm-dnf5", "pacman-7")
# What a person is promised of a change that is saved. On a busy machine, where even an apply by hand takes long, twice as long as that:
# nothing but the work is waited for.
SOON = 2
SECRETS = "/run/secrets"
COMMAND = "/usr/local/bin/credentials"
UNIT = "mail-relay-credentials.service"
TIMER = "/etc/systemd/system/mail-relay-refresh.timer.d"
SOONER = "[Timer]\\nOnActiveSec=\\nOnUnitActiveSec=\\nOnUnitActiveSec=500ms\\nOnActiveSec=100ms\\nAccuracySec=10ms\\n"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/own.conf"


def user_in_force(relay):
    """The account in the live table; no command of ours shows it."""
    table = relay.path("/etc/postfix/sasl_passwd")
    lines = table.read_text().splitlines() if table.exists() else []
    return lines[0].split()[1].split(":")[0] if lines else ""


def by_itself(relay, user, script):
    """Run the script, and wait for what it changes to be in force; the seconds that it took."""
    relay.sh(script)
    since = time.monotonic()
    wait_until(lambda: user_in_force(relay) == user, f"{user} to be in force", 30)
    return time.monotonic() - since


def by_hand(relay):
    """The seconds that a person's apply takes which has the same to do."""
    relay.sh(f"systemctl stop mail-relay-apply.path; sed -i s/=file/=hand/ {RELAY_ENV}")
    since = time.monotonic()
    relay.sh("mail-relay apply")
    took = time.monotonic() - since
    relay.sh("systemctl start mail-relay-apply.path")
    return took


def sources(relay):
    told = json.loads(relay.sh("mail-relay status --format json", check=False).out)
    return {row["key"]: row["source"] for row in told["sources"]}


@pytest.mark.roots(*ROOTS)
def test_the_strongest_source_counts_and_a_change_applies_itself(bare_relay, smarthost, tally):
    """From the weakest to the strongest and back. The password comes with the machine throughout, as by SMBIOS."""
    relay = bare_relay
    relay.write(RELAY_ENV, "RELAY_USERNAME=file\nRELAY_PASSWORD=weaker\n", 0o600)
    relay.write(COMMAND, "#!/bin/sh\necho RELAY_USERNAME=command\n", 0o755)
    relay.boot(f"--set-credential=relay_password:{smarthost.password}")
    said = sources(relay)
    assert said["RELAY_USERNAME"] == RELAY_ENV, said
    assert said["RELAY_PASSWORD"].endswith("/relay_password"), said
    closed = "umask 077; mkdir -p"
    steps = [
        ("command", f"mkdir -p {TIMER}; printf '{SOONER}' >{TIMER}/t.conf; systemctl daemon-reload; echo RELAY_COMMAND={COMMAND} >>{RELAY_ENV}", "RELAY_COMMAND"),
        # Nobody sees a program change its mind; a timer asks.
        ("asked", f"sed -i s/=command/=asked/ {COMMAND}", "RELAY_COMMAND"),
        ("secret", f"rm -r {TIMER}; systemctl daemon-reload; systemctl restart {TIMER[20:-2]}; {closed} {SECRETS}; echo secret >{SECRETS}/relay_username", f"{SECRETS}/relay_username"),
        # As kubelet changes what it mounts: a link to the next folder is renamed.
        ("linked", f"cd {SECRETS}; {closed} ..1; echo linked >..1/n; ln -s ..1 ..data; rm relay_username; ln -s ..data/n relay_username", f"{SECRETS}/relay_username"),
        ("swapped", f"cd {SECRETS}; {closed} ..2; echo swapped >..2/n; ln -s ..2 ..next; mv -T ..next ..data", f"{SECRETS}/relay_username"),
        ("stored", f"{closed} /etc/credstore; echo stored >/etc/credstore/relay_username", "/etc/credstore/relay_username"),
        ("enc", f"{closed} /etc/credstore.encrypted; systemd-creds setup; printf enc | systemd-creds encrypt --with-key=host"
         " --name=relay_username - /etc/credstore.encrypted/relay_username", "/etc/credstore.encrypted/relay_username"),
    ]  # fmt: skip
    took, soon = [], max(SOON, 2 * by_hand(relay))
    for user, script, source in steps:
        took.append(by_itself(relay, user, script))
        # The apply writes that down at its end.
        wait_until(lambda source=source: sources(relay).get("RELAY_USERNAME") == source, source, 30)
        tally("sources that applied themselves")

    assert min(took) < soon, took

    # A drop-in is no file of secrets: systemd is told of it, and a person applies.
    relay.write(DROP_IN, "[Service]\nSetCredential=relay_username:unit\n")
    relay.sh("systemctl daemon-reload; mail-relay apply")
    assert user_in_force(relay) == "unit"
    assert sources(relay)["RELAY_USERNAME"].startswith(UNIT)
    relay.sh(f"rm -r {DROP_IN.rpartition('/')[0]}; systemctl daemon-reload; mail-relay apply")
    assert user_in_force(relay) == "enc"

    by_itself(relay, smarthost.user, f"rm /etc/credstore*/relay_username; rm {SECRETS}/relay_username; echo RELAY_USERNAME={smarthost.user} >{RELAY_ENV}")
    mail = relay.deliver("by the password of the machine")
    assert mail.user == smarthost.user
    # There is nothing left to ask for.
    wait_until(lambda: relay.sh("systemctl is-active mail-relay-refresh.timer", check=False).out == "inactive\n", "the timer to end", 30)
    assert "weaker" not in (text := relay.sh("mail-relay status; journalctl -b --no-pager").out) and smarthost.password not in text


CLOSED = f"umask 077; mkdir -p {SECRETS} /etc/credstore.encrypted"
RUN = f"chmod 755 {COMMAND}; echo RELAY_COMMAND={COMMAND} >>{RELAY_ENV}"
# How a source can be wrong: the commands that make it so, and what apply must say.
FAULTS = {
    "open to all": (f"umask 022; mkdir {SECRETS}; echo a >{SECRETS}/relay_password", "relay_password can be read by others (mode 644)"),
    "empty": (f"{CLOSED}; : >{SECRETS}/relay_password", "relay_password is empty"),
    "misspelt": (f"{CLOSED}; echo a >{SECRETS}/relay_pasword", "RELAY_PASWORD is not a key"),
    "two lines": (f"{CLOSED}; printf 'a\\nb\\n' >{SECRETS}/relay_password", "relay_password: RELAY_PASSWORD holds a line break"),
    "NUL bytes": (f"{CLOSED}; printf 'a\\0b' >{SECRETS}/relay_password", "relay_password holds NUL bytes"),
    "a link to nothing": (f"{CLOSED}; ln -s nowhere {SECRETS}/relay_password", "relay_password is not a regular file"),
    "a line that is none": (f"{CLOSED}; printf '\\noops\\n' >{SECRETS}/relay.env", f"{SECRETS}/relay.env, line 2: this is not KEY=value"),
    "of another host": (f"{CLOSED}; echo a >/etc/credstore.encrypted/relay_password", "cannot decrypt /etc/credstore.encrypted/relay_password"),
    "no program": (f"echo RELAY_COMMAND={COMMAND} >>{RELAY_ENV}", "there is no program"),
    "a relative path": (f"echo RELAY_COMMAND=credentials >>{RELAY_ENV}", "RELAY_COMMAND is not the absolute path"),
    "a program that others can write": (f"echo : >{COMMAND}; {RUN}; chmod g+w {COMMAND}", "others than root can write to"),
    "a folder that others can write": (f"echo : >{COMMAND}; {RUN}; chown nobody /usr/local/bin", "others than root can write to /usr/local/bin"),
    "a program that fails": (f"echo 'echo Leaked >&2; exit 3' >{COMMAND}; sed -i '1i #!/bin/sh' {COMMAND}; {RUN}", "failed with exit code 3"),
    "a program that talks": (f"printf '#!/bin/sh\\necho hello\\n' >{COMMAND}; {RUN}", "RELAY_COMMAND, line 1: this is not KEY=value"),
    "a command of a command": (f"printf '#!/bin/sh\\necho RELAY_COMMAND=/bin/true\\n' >{COMMAND}; {RUN}", "belongs into relay.env"),
    "a unit without its file": (
        f"mkdir -p {DROP_IN.rpartition('/')[0]}; printf '[Service]\\nLoadCredential=relay_password:/nonexistent\\n' >{DROP_IN}; systemctl daemon-reload",
        f"systemd does not load the credentials of {UNIT}",
    ),
}  # fmt: skip
MENDED = (
    f"rm -rf {SECRETS} /etc/credstore.encrypted/relay* {COMMAND} {DROP_IN.rpartition('/')[0]}; chown root /usr/local/bin;"
    f" systemctl daemon-reload; systemctl reset-failed"
)


@pytest.mark.roots("debian-12", "pacman-7")
def test_a_faulty_source_is_named_and_changes_nothing(relay, smarthost, tally):
    relay.sh("systemctl stop mail-relay-apply.path")
    good = relay.read(RELAY_ENV)
    for kind, (harm, reason) in FAULTS.items():
        relay.sh(harm)
        done = relay.sh("mail-relay apply", check=False)
        assert done.code in (1, 2) and reason in done.err, f"{kind}: {done}"
        assert "stays in force" in done.err and "Leaked" not in done.text, f"{kind}: {done}"
        assert user_in_force(relay) == smarthost.user, kind
        relay.sh(MENDED)
        relay.write(RELAY_ENV, good, 0o600)
        assert "nothing to change" in relay.sh("mail-relay apply").out, kind
        tally("faulty sources")
    relay.deliver("after all of it")


@pytest.mark.roots(*ROOTS)
def test_new_credentials_are_tried_before_the_old_ones_go(relay, smarthost, tally):
    """Refused ones stay out, accepted ones take the waiting mail along, and a smarthost that is away does not stand in the way."""
    relay.credentials(password="Wr0ngOne", RELAY_VERIFY="yes")
    refused = "refuses the credentials: 535 5.7.8"
    wait_until(lambda: refused in relay.sh("journalctl -b -o cat -u mail-relay-reapply").out, "the refusal in the journal", 30)
    done = relay.sh("mail-relay apply --verify", check=False)
    assert done.code == 1 and refused in done.err and "stays in force" in done.err, done
    relay.deliver("by the old password")

    smarthost.accept(smarthost.user, "SecondOne")
    # The connection that Postfix keeps is logged in still.
    relay.sh("systemctl restart postfix")
    relay.mail("waits for the new password")
    [reason] = relay.wait_deferred()
    assert "535 5.7.8" in reason
    relay.credentials(password="SecondOne", RELAY_VERIFY="yes")
    since = time.monotonic()
    smarthost.wait_for("waits for the new password")
    tally("seconds until waiting mail had left", time.monotonic() - since)
    relay.wait_queue_empty()

    relay.resolver.set(smarthost.name, smarthost.down)
    relay.sh("systemctl stop mail-relay-apply.path")
    # The apply that has just sent the mail on its way looks once more for changes before it ends.
    settle(relay)
    relay.credentials(password="ThirdOne")
    done = relay.sh("mail-relay apply --verify")
    assert "cannot be asked (connect" in done.err and "taken untried" in done.err and "applied" in done.out, done
    relay.resolver.set(smarthost.name, smarthost.good)
    smarthost.accept(smarthost.user, "ThirdOne")
    assert f"[{smarthost.name}]:587 accepts the credentials" in relay.sh("mail-relay apply --verify").out
    relay.deliver("by the third password")
    journal = relay.sh("journalctl -b --no-pager --output=export --all").out
    assert not [value for value in ("Wr0ngOne", "SecondOne", "ThirdOne", smarthost.password) if value in journal]
