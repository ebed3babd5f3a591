"""The null client: installed natively, booted, and mail leaves as the spec says."""

import json

import pytest

FROM = "noreply@acme.example"
ROOT = "ops@acme.example"


def assert_as_specified(mail, smarthost):
    assert mail.user == smarthost.user
    assert mail.tls == "TLSv1.3"
    assert mail.envelope_from == FROM
    assert mail.envelope_to == [ROOT]
    assert mail["From"].addresses[0].addr_spec == FROM
    assert mail["To"].addresses[0].addr_spec == ROOT
    assert mail["Received"] is None


def test_mail_to_root_arrives(host, smarthost):
    host.install()
    host.credentials()
    host.boot()

    mail = host.deliver("to root", to="root", body="hi")

    assert_as_specified(mail, smarthost)
    assert mail.body == "hi\n"
    host.wait_queue_empty()
    assert host.warnings() == []


@pytest.mark.roots("debian-12", "debian-13", "rpm-dnf4", "pacman-7")
def test_other_ways_to_a_smarthost(host, smarthost):
    """Port 465, where TLS is there from the first byte; then a smarthost that knows the host by its address."""
    host.install("port-465")
    host.credentials()
    host.boot()
    assert_as_specified(host.deliver("by port 465"), smarthost)
    assert host.deliver("to an alias", to="webmaster").envelope_to == ["web@acme.example"]
    assert sorted(host.deliver("to a list", to="support").envelope_to) == ["help@acme.example", "web@acme.example"]

    host.install("allow-listed")
    mail = host.deliver("known by its address")
    assert (mail.user, mail.tls, mail.envelope_from, mail.envelope_to) == ("", "TLSv1.3", FROM, [ROOT])
    assert host.sh("mail-relay status").code == 0
    host.wait_queue_empty()
    assert host.warnings() == []


def test_cron_style_mail_arrives(idle_relay, smarthost):
    idle_relay.sh(
        "sendmail -FCronDaemon -i -B8BITMIME -oem root",
        input="From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@web1> run-parts\n\nout\n",
    )
    mail = smarthost.wait_for("Cron <root@web1> run-parts")
    assert_as_specified(mail, smarthost)
    assert idle_relay.warnings() == []


def test_every_local_name_reaches_a_person(idle_relay, smarthost):
    for name in ("root@localhost", "root@web1", "root@web1.corp.example", "postmaster", "www-data"):
        mail = idle_relay.deliver(f"to {name}", to=name)
        assert_as_specified(mail, smarthost)


def test_recipients_elsewhere_stay_as_they_are(idle_relay):
    mail = idle_relay.deliver("to a customer", to="jane@customer.example")
    assert mail.envelope_to == ["jane@customer.example"]
    assert mail["To"].addresses[0].addr_spec == "jane@customer.example"
    assert mail.envelope_from == FROM


def test_the_null_sender_stays_null(idle_relay, smarthost):
    idle_relay.sh("sendmail -f '<>' ops@acme.example", input="Subject: a bounce\n\nnothing\n")
    assert smarthost.wait_for("a bounce").envelope_from == ""


def test_inner_headers_do_not_leave_the_host(idle_relay, smarthost):
    idle_relay.sh(
        "sendmail -i root",
        input="Subject: stripped\nUser-Agent: mutt\nX-Originating-IP: 10.1.2.3\n"
        "Received: from app (app [10.1.2.3]) by web1; Sat, 1 Jan 2000 00:00:00 +0000\nX-Kept: yes\n\nbody\n",
    )
    mail = smarthost.wait_for("stripped")
    for name in ("Received", "User-Agent", "X-Originating-IP"):
        assert mail[name] is None, name
    assert mail["X-Kept"] == "yes"


def test_status_and_test_are_content(idle_relay, smarthost):
    status = idle_relay.sh("mail-relay status")
    assert smarthost.name in status.out
    assert smarthost.password not in status.text
    assert isinstance(json.loads(idle_relay.sh("mail-relay status --format json").out), dict)

    tested = idle_relay.sh("mail-relay test --subject tested ops@acme.example")
    assert "delivered" in tested.out.lower()
    assert smarthost.wait_for("tested").envelope_to == [ROOT]


def test_the_daemon_is_hardened_and_mail_flows(idle_relay):
    """systemd's own measure; stock units have 9.6 (Debian 12) and 3.9 (Debian 13)."""
    assert idle_relay.exposed() == {}
    idle_relay.deliver("out of the sandbox")
    assert idle_relay.warnings() == []


def test_what_the_daemon_has_no_use_for_is_hidden_from_it(idle_relay):
    """Root in the mount namespace of master(8), whose sandbox is all that stands between it and the secrets."""
    inside = "nsenter --mount --target $(cat /var/spool/postfix/pid/master.pid)"
    for secret in ("/var/lib/mail-relay/applied/sasl_passwd", "/var/lib/mail-relay/applied/info", "/etc/mail-relay/before/.ours", "/etc/shadow"):
        assert idle_relay.sh(f"test -s {secret}").code == 0
        assert idle_relay.sh(f"{inside} head -c 1 {secret}", check=False).out == "", secret
    # systemd 247 does not know NoExecPaths=.
    if int(idle_relay.sh("systemctl --version").out.split()[1]) > 247:
        for folder in ("/var/spool/postfix", "/var/lib/postfix", "/tmp", "/var/tmp", "/dev/shm", "/run"):
            run = f"cp /bin/true {folder}/planted && {folder}/planted; code=$?; rm -f {folder}/planted; exit $code"
            assert idle_relay.sh(f"{inside} sh -c '{run}'", check=False).code == 126, folder


def test_secrets_are_for_root_alone(idle_relay, smarthost):
    folders = "/etc/mail-relay /etc/postfix /var/lib/mail-relay"
    readable = idle_relay.sh(f"find {folders} -type f -perm /044").out.split()
    for path in readable:
        assert smarthost.password not in idle_relay.read(path), path
    assert smarthost.password not in idle_relay.sh("journalctl --boot --no-pager").out
