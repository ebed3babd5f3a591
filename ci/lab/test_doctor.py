"""A person breaks the relay, asks mail-relay doctor, and does what it says: the cause is the right one, and the fix repairs the host."""

import time
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from lab.doctor import ask, judge, settle
from lab.host import RELAY_ENV
from lab.shell import run, tier
from lab.sink import Sink

ROOTS = ("debian-12", "debian-13", "rpm-dnf4", "pacman-7")
# Where no distribution does it in its own way.
ONE = ("debian-12",)
DEBIAN = ("debian-12", "debian-13")
RPM = ("rpm-dnf4",)
# Postfix's programs wait while main.cf is younger than two seconds.
RELOAD = "touch -d '10 seconds ago' /etc/postfix/main.cf; postfix reload"


@dataclass
class Break:
    """What a person does and what the doctor finds."""

    finding: str
    harm: str
    fix: str = ""  # what repairs the host, if it is not the doctor's command
    roots: tuple = ROOTS
    after: str = ""  # removes what the doctor rightly ignores
    name: str = ""  # if several breaks lead to one finding


LOCAL = [
    Break("postfix-stopped", "systemctl stop postfix"),
    Break("postfix-masked", "systemctl stop postfix; systemctl mask postfix.service"),
    Break("postfix-disabled", "systemctl disable postfix.service", roots=ONE),
    # The sandbox of the first seed: a folder in it that this host lacks.
    Break(
        "unit-drop-in",
        "d=/etc/systemd/system/$unit.d; mkdir -p $d; printf '[Service]\\nReadWritePaths=/var/log/mail\\n' >$d/hardening.conf;"
        " systemctl daemon-reload; systemctl restart $unit || systemctl restart postfix || true",
    ),
    Break(
        "hardening-off",
        "for d in postfix postfix@; do mkdir -p /etc/systemd/system/$d.service.d;"
        " ln -s /dev/null /etc/systemd/system/$d.service.d/50-mail-relay.conf; done; systemctl daemon-reload; systemctl restart postfix",
    ),
    # Something else was quicker.
    Break(
        "port-taken",
        "systemctl stop postfix $unit; systemd-run -q --unit=other-mail systemd-socket-activate -l 127.0.0.1:25 /bin/cat;"
        " until grep -q 0100007F:0019 /proc/net/tcp; do sleep 0.1; done; systemctl start postfix || true",
    ),
    Break("map-stale", "for f in /etc/postfix/sasl_passwd.*; do : >$f; done", name="map-empty"),
    Break("map-stale", "touch -d tomorrow /etc/postfix/sasl_passwd", roots=ONE, name="map-older"),
    Break("secret-open", "chmod 644 /etc/postfix/sasl_passwd", roots=ONE),
    # What every guide says, and the brackets are forgotten.
    Break("edited-by-hand", f"postconf -e 'relayhost = smtp.lab.example:587'; {RELOAD}", name="relayhost-by-hand"),
    Break(
        "edited-by-hand",
        "cd /etc/postfix; echo 'smtp.lab.example:587 me:secret' >sasl_passwd; postmap sasl_passwd; chmod 600 sasl_passwd*",
        roots=ONE,
        name="password-by-hand",
    ),
    Break("edited-by-hand", f"postconf -e 'smtp_tls_CAfile = /nonexistent'; {RELOAD}", roots=ONE, name="ca-file-by-hand"),
    Break("source-mode", f"chmod 644 {RELAY_ENV}"),
    Break("source-text", f"echo RELAY_PASWORD=x >>{RELAY_ENV}", f"sed -i /PASWORD/d {RELAY_ENV}", roots=ONE),
    Break(
        "credentials-missing",
        f"cp {RELAY_ENV} /run/kept; cp /usr/share/mail-relay/relay.env.example {RELAY_ENV}",
        f"cat /run/kept >{RELAY_ENV}",
    ),
    Break(
        "own-parameters",
        "echo 'no parameter' >/etc/mail-relay/main.cf.d/own.cf",
        "rm /etc/mail-relay/main.cf.d/own.cf; mail-relay apply",
        roots=ONE,
    ),
    Break("ca-bundle", "f=$(postconf -xh smtp_tls_CAfile); rm -f $f $(readlink -f $f)"),
    Break("sasl-plugin", "{tear_out_sasl}"),
    Break("chroot-stale", "echo nameserver 192.0.2.1 >/var/spool/postfix/etc/resolv.conf", roots=DEBIAN),
    Break("read-only", "mount --bind /var/spool/postfix /var/spool/postfix; mount -o remount,bind,ro /var/spool/postfix"),
    Break(
        "held",
        "echo smtp_helo_timeout = 7s >/etc/mail-relay/main.cf.d/own.cf; mail-relay apply; rm /etc/mail-relay/main.cf.d/own.cf;"
        " mail-relay apply; mail-relay rollback",
        roots=ONE,
    ),
    Break("apply-path-off", "systemctl stop mail-relay-apply.path", roots=ONE),
    Break("retry-path-off", "systemctl mask --now mail-relay-retry.path", roots=ONE),
    Break("apply-unfinished", "echo restart >/var/lib/mail-relay/owed", roots=ONE),
    Break("unit-changed", "echo '# changed' >>/lib/systemd/system/postfix@.service", roots=ONE),
    Break("clock-behind", "touch -d '+3 days' /usr/share/mail-relay/facts", "touch /usr/share/mail-relay/facts", roots=ONE),
    Break("resolver-missing", "cp /etc/resolv.conf /run/; : >/etc/resolv.conf", "cat /run/resolv.conf >/etc/resolv.conf", roots=ONE),
    Break(
        "disk-full",
        "mount -t tmpfs -o size=80k,mode=755 none /mnt; cp -a /etc/mail-relay/. /mnt; mount --bind /mnt /etc/mail-relay; umount /mnt;"
        " head -c 1m /dev/zero >/etc/mail-relay/large 2>/dev/null || true",
        "umount /etc/mail-relay",
        roots=ONE,
    ),
    Break("source-owner", f"chown nobody {RELAY_ENV}", roots=ONE),
    Break(
        "source-kind",
        f"mv {RELAY_ENV} /run/kept; ln -s /run/kept {RELAY_ENV}",
        f"rm {RELAY_ENV}; cp -p /run/kept {RELAY_ENV}",
        roots=ONE,
    ),
    Break(
        "out-of-date",
        "echo 'smtp_helo_timeout = 7s' >>/usr/share/mail-relay/main.cf",
        "mail-relay apply; sed -i '$d' /usr/share/mail-relay/main.cf; mail-relay apply",
        roots=ONE,
    ),
    Break("ca-unreadable", "echo nothing >$(postconf -xh smtp_tls_CAfile)", roots=ONE),
    Break("apply-boot-off", "systemctl disable mail-relay-apply.service", roots=ONE),
    Break(
        "apply-failed",
        "echo 'no parameter' >/etc/mail-relay/main.cf.d/own.cf; systemctl restart mail-relay-apply.service;"
        " rm /etc/mail-relay/main.cf.d/own.cf",
        roots=ONE,
    ),
    Break(
        "postfix-failed",
        "chmod 0 /usr/lib/postfix/sbin/master; systemctl restart postfix $unit || true",
        "chmod 755 /usr/lib/postfix/sbin/master; systemctl reset-failed; systemctl restart postfix",
        roots=ONE,
    ),
    Break("host-name", "hostname web1", "hostname web1.corp.example", roots=ONE),
    Break(
        "queue-space",
        "mount -t tmpfs -o size=9m,mode=755 none /mnt; cp -a /var/spool/postfix/. /mnt; mount --bind /mnt /var/spool/postfix; umount /mnt",
        "umount /var/spool/postfix; systemctl restart postfix",
        roots=ONE,
    ),
    # An agent that has made the file, and not written it yet.
    Break(
        "settings-refused",
        "mkdir -p -m 700 /run/secrets; : >/run/secrets/relay_password",
        "rm -r /run/secrets; mail-relay apply",
        roots=ONE,
    ),
    # /etc came from a copy of the host, and /var did not.
    Break("not-applied", "rm -r /var/lib/mail-relay", roots=ONE),
    # A smarthost by hand, of which sasl_passwd knows nothing.
    Break(
        "no-credentials-for",
        "echo 'relayhost = [smtp.lab.example]:2525' >/etc/mail-relay/main.cf.d/own.cf; mail-relay apply",
        "rm /etc/mail-relay/main.cf.d/own.cf; echo RELAY_PORT=2525 >>/etc/mail-relay/relay.env; mail-relay apply",
        roots=ONE,
    ),
    # What an upgrade leaves that lost its power.
    Break("package-damaged", "rm /usr/lib/postfix/libpostfix-util.so*"),
    # The alternatives prefer it as soon as it is installed.
    Break("sendmail-command", "dnf install -y sendmail", roots=RPM, after="dnf remove -y sendmail"),
    Break(
        "other-server",
        "dnf install -y sendmail; alternatives --set mta /usr/sbin/sendmail.postfix; systemctl stop postfix;"
        " systemctl start sendmail; until bash -c '</dev/tcp/127.0.0.1/25'; do sleep 0.1; done 2>/dev/null",
        roots=RPM,
        after="dnf remove -y sendmail",
    ),
    Break(
        "refresh-failed",
        "printf '#!/bin/sh\\n' >/usr/local/bin/settings; chmod 755 /usr/local/bin/settings;"
        f" echo RELAY_COMMAND=/usr/local/bin/settings >>{RELAY_ENV}; mail-relay apply;"
        " echo exit 3 >>/usr/local/bin/settings; systemctl start mail-relay-refresh.service || true",
        "sed -i /exit/d /usr/local/bin/settings; systemctl start mail-relay-refresh.service;"
        f" sed -i /COMMAND/d {RELAY_ENV}; mail-relay apply",
        roots=ONE,
        after="rm /usr/local/bin/settings",
    ),
    Break("postfix-missing", "dpkg --force-depends --remove postfix", roots=ONE),
    Break("openssl-missing", "mv /usr/bin/openssl /usr/bin/openssl.away", "mv /usr/bin/openssl.away /usr/bin/openssl"),
]


# Rows that docs/seeds.md and SECURITY.md name as proof.
CITED = ("ca-bundle", "chroot-stale", "hardening-off", "map-stale", "port-taken", "secret-open", "unit-drop-in")


def rows():
    """One relay serves all rows of a root, so they are neighbours. In the standard tier the roots share the rows that are the same on each."""
    for root in ROOTS:
        for number, broken in enumerate(LOCAL):
            if root in broken.roots:
                name = broken.name or broken.finding
                one = broken.roots[number % len(broken.roots)]
                marks = []
                if root != one:
                    marks = [pytest.mark.full(f"{one} has this row in the standard tier")]
                elif broken.roots == ONE and name not in CITED:
                    marks = [pytest.mark.full("of the rows that are about one root, the standard tier has those that documents name")]
                yield pytest.param(root, broken, id=f"{root}-{name}", marks=marks)


@pytest.mark.parametrize("root, broken", rows())
def test_what_a_person_breaks_on_the_host(repaired_relay, broken, tally):
    """Each row leaves the host healthy for the next one."""
    relay = repaired_relay
    harm = broken.harm.replace("{tear_out_sasl}", relay.os.tear_out.format(relay.os.dependencies[2]))
    relay.sh(f"unit={relay.daemon_unit()}; {harm}")
    settle(relay)
    judge(relay, broken.finding, broken.fix)
    tally("ways to break a host")
    if broken.after:
        relay.sh(broken.after)
        settle(relay)
    assert_well(relay)


@pytest.mark.roots(*ROOTS)
def test_a_healthy_host(idle_relay):
    assert idle_relay.sh("mail-relay doctor --quiet").out == ""
    assert ask(idle_relay) == []
    idle_relay.deliver("all is well")


def assert_well(relay):
    """In the standard tier the next row asks: what was left would be one finding too many."""
    if tier() == "full":
        assert ask(relay) == []
    relay.deliver("all is well")


# The rest is about the smarthost, its name, its certificate and the network.


@contextmanager
def led_to(relay, smarthost, address):
    """The smarthost's name stands for this address, and for the right one at the end."""
    relay.resolver.set(smarthost.name, address)
    yield
    relay.resolver.set(smarthost.name, smarthost.good)
    assert_well(relay)


@pytest.fixture
def told(repaired_relay, tally):
    """told(finding, text): the doctor's only finding, which contains the text."""

    def told(finding, text="", severity="broken"):
        [one] = ask(repaired_relay)
        assert (one["id"], one["severity"]) == (finding, severity) and text in one["what"], (finding, one)
        tally("ways to break the way out")

    return told


def apply_settings(relay, **settings):
    relay.credentials(**settings)
    relay.sh("mail-relay apply")
    settle(relay)


def by_first(*rows):
    """Rows of a parametrized scenario, each with its first value as its name."""
    return [pytest.param(*row, id=row[0]) for row in rows]


@pytest.mark.roots(*ROOTS)
@pytest.mark.parametrize(
    "finding, text, settings",
    by_first(
        ("password-refused", "535 5.7.8", {"password": "another"}),
        ("dns", "nowhere.lab.example", {"RELAY_HOST": "nowhere.lab.example"}),
    ),
)
def test_settings_that_do_not_fit(repaired_relay, told, finding, text, settings):
    apply_settings(repaired_relay, **settings)
    told(finding, text)
    apply_settings(repaired_relay)
    assert_well(repaired_relay)


@pytest.mark.roots(*ROOTS)
def test_a_port_that_is_blocked(repaired_relay, told):
    """As where a cloud blocks 25."""
    apply_settings(repaired_relay, RELAY_PORT="2526")
    told("port-closed", "but it does on 587 465 2525 25")
    judge(repaired_relay, "port-closed")
    assert_well(repaired_relay)
    apply_settings(repaired_relay)
    assert ask(repaired_relay) == []


@pytest.mark.roots(*ROOTS)
@pytest.mark.parametrize(
    "face, finding, text",
    by_first(
        ("wrong_name", "certificate-name", "mail.other.example"),
        ("unknown_ca", "unknown-ca", ""),
        ("down", "refused", "Connection refused"),
    ),
)
def test_another_face_of_the_smarthost(repaired_relay, smarthost, told, face, finding, text):
    with led_to(repaired_relay, smarthost, getattr(smarthost, face)):
        told(finding, text)


# From here on no distribution has its own way.
WHOLE = ("debian-13",)


@pytest.mark.roots(*WHOLE)
@pytest.mark.parametrize(
    "kind, finding, text",
    by_first(
        ("no-word", "greeting", "closed"),
        ("no-thanks", "turned-away", "554 5.7.1 you are on our list"),
        ("old-tls", "tls-handshake", ""),
        ("no-tls", "tls-not-offered", ""),
        ("broken-tls", "tls-not-offered", "454 no TLS today"),
        ("no-sender", "sender-refused", "noreply@acme.example: 550 5.7.60"),
        ("no-relay", "relay-denied", "554 5.7.1 Relay access denied"),
        ("no-recipient", "recipient-refused", "550 5.1.1"),
        ("no-auth", "auth-not-offered", ""),
        ("no-basic-auth", "smarthost-says", "basic authentication is disabled"),
    ),
)
def test_a_smarthost_that_refuses(repaired_relay, smarthost, told, kind, finding, text):
    with led_to(repaired_relay, smarthost, smarthost.sink), Sink(smarthost, kind):
        told(finding, text, "warning" if kind == "no-recipient" else "broken")


@pytest.mark.roots(*WHOLE)
@pytest.mark.parametrize(
    "kind, finding, text, severity",
    by_first(
        ("no-more", "queue-stuck", "452 4.2.2 Daily sending quota exceeded", "broken"),
        ("no-content", "queue-message", "450 4.7.1 message looks like spam", "warning"),
    ),
)
def test_mail_that_waits(repaired_relay, smarthost, told, kind, finding, text, severity):
    with led_to(repaired_relay, smarthost, smarthost.sink), Sink(smarthost, kind):
        repaired_relay.mail(f"for {kind}")
        repaired_relay.wait_deferred()
        told(finding, text, severity)
        repaired_relay.sh("postsuper -d ALL")


SOON = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 5.5 * 86400))


@pytest.mark.roots(*WHOLE)
@pytest.mark.parametrize(
    "finding, text, begins, ends",
    by_first(
        ("certificate-expired", "2021", "20200101000000Z", "20210101000000Z"),
        ("clock", "2050", "20500101000000Z", "20510101000000Z"),
        ("certificate-expires", "5 more day", "20200101000000Z", SOON),
    ),
)
def test_a_certificate_of_another_time(repaired_relay, smarthost, told, tmp_path, finding, text, begins, ends):
    certificate = tmp_path / "server.pem"
    certificate.write_text(smarthost.authority.certificate_of_time(smarthost.name, begins, ends))
    with led_to(repaired_relay, smarthost, smarthost.sink), Sink(smarthost, "any-password", certificate):
        told(finding, text, "warning" if finding == "certificate-expires" else "broken")


@pytest.mark.roots(*WHOLE)
def test_the_tls_mode_of_another_port(repaired_relay):
    """465 by hand, as guides have it, and the port stays 587."""
    relay = repaired_relay
    relay.sh("echo smtp_tls_wrappermode = yes >/etc/mail-relay/main.cf.d/own.cf; mail-relay apply")
    settle(relay)
    judge(relay, "tls-mode")
    assert_well(relay)
    relay.sh("rm /etc/mail-relay/main.cf.d/own.cf")
    apply_settings(relay)
    assert ask(relay) == []


@pytest.mark.roots(*WHOLE)
def test_mail_leaves_by_the_other_smarthost(repaired_relay, told):
    relay = repaired_relay
    own = "relayhost = [smtp.lab.example]:2526, $relay_smarthosts"
    relay.sh(f"echo '{own}' >/etc/mail-relay/main.cf.d/own.cf; mail-relay apply")
    settle(relay)
    told("port-closed", "on port 2526", "warning")
    relay.sh("rm /etc/mail-relay/main.cf.d/own.cf; mail-relay apply")
    settle(relay)
    assert_well(relay)


@pytest.mark.roots(*WHOLE)
def test_a_network_that_leads_nowhere(repaired_relay, smarthost, told):
    """Nobody answers for the first address; what is sent to the second gets lost; at last there is no network."""
    relay = repaired_relay
    with led_to(relay, smarthost, "10.99.250.1"):
        told("no-route", "No route to host")
        ip(relay, "neighbour replace 10.99.250.2 lladdr 02:00:00:00:00:99 dev eth0 nud permanent")
        relay.resolver.set(smarthost.name, "10.99.250.2")
        told("timeout", "timed out")
        ip(relay, "link set eth0 down")
        told("no-route", "Network is unreachable")
        ip(relay, "link set eth0 up")


@pytest.mark.roots(*WHOLE)
def test_mail_that_waits_for_its_next_try(repaired_relay, smarthost, told):
    relay = repaired_relay
    # This service would have the mail leave before doctor sees it.
    drop_in = "/run/systemd/system/mail-relay-retry.service.d/asleep.conf"
    relay.sh(f"mkdir -p {drop_in.rpartition('/')[0]}; printf '[Service]\\nExecStart=\\nExecStart=sleep infinity\\n' >{drop_in}; systemctl daemon-reload")
    relay.resolver.set(smarthost.name, smarthost.down)
    relay.mail("while nobody serves")
    relay.wait_deferred()
    relay.resolver.set(smarthost.name, smarthost.good)
    told("queue-waits", "Connection refused", "warning")
    judge(relay, "queue-waits")
    smarthost.wait_for("while nobody serves")
    relay.wait_queue_empty()
    relay.sh(f"rm {drop_in}; systemctl daemon-reload; systemctl stop mail-relay-retry.service")
    assert_well(relay)


@pytest.mark.roots(*ONE)
def test_one_of_two_smarthosts(host, smarthost, tally):
    """What is missing for the second, and what does not fit to it."""
    host.install("two-smarthosts")
    host.credentials()
    host.boot()
    assert ask(host) == []
    [mine] = [line.partition("=")[2] for line in host.read(RELAY_ENV).splitlines() if line.startswith("RELAY_PASSWORD=")]

    def settings(*names, **more):
        """The same account by the keys of each."""
        keys = {f"RELAY_{name}_USERNAME": smarthost.user for name in names} | {f"RELAY_{name}_PASSWORD": mine for name in names} | more
        host.write(RELAY_ENV, "".join(f"{key}={value}\n" for key, value in keys.items()), 0o600)

    for names, more, finding, severity, words in (
        (["PRIMARY"], {}, "credentials-partly", "warning", "backup"),
        (["PRIMARY", "BACKUP"], {"RELAY_PORT": 465}, "settings-refused", "broken", "start TLS in different ways"),
    ):
        settings(*names, **more)
        host.sh("mail-relay apply", check=severity == "warning")
        settle(host)
        [one] = ask(host)
        assert (one["id"], one["severity"]) == (finding, severity) and words in one["what"], one
        tally("ways to break a host")
    settings("PRIMARY", "BACKUP")
    host.sh("mail-relay apply")
    settle(host)
    assert ask(host) == []
    host.deliver("by one of two")


def ip(relay, words):
    """The network around a host, which may lack the command itself."""
    run(["ip", "-n", relay.netns, *words.split()])
