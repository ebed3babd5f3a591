"""While something that a relay needs is missing or away, mail waits, status and doctor say why, and all recovers without a hand.

Each row of the tables is a dependency, and one way in which it is not as it should be: missing since the installation, gone, or back and wrong."""

import json
import signal
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pytest

from lab.host import RELAY_ENV
from lab.mail import certify
from lab.partners import Partner
from lab.shell import wait_until

CA, TABLE = "/etc/ssl/relayhost.pem", "/etc/postfix/sender_relay"
VIPS, CERTIFICATE, KEY = "/etc/mail-relay/vips", "/etc/ssl/relay.pem", "/etc/ssl/relay.key"
SALES, NOBODY = "sales@acme.example", "nobody@acme.example"
BACKEND = "mail.acme.lan"
# One of each package manager.
EACH = "debian-12", "rpm-dnf5", "pacman-7"
# What is over must be forgotten within a minute.
SOON = 60


@dataclass
class Row:
    name: str
    finding: str
    harm: str
    mend: str


def removed(path):
    return f"mv {path} {path}.away; rm -f {path}.db {path}.lmdb", f"mv {path}.away {path}; touch {path}"


def wrong(path, text):
    return f"cp -p {path} {path}.away; echo '{text}' >{path}", f"cat {path}.away >{path}"


NULL_CLIENT = [
    Row("no CA file", "ca-file-missing", *removed(CA)),
    Row("an empty CA file", "ca-file-missing", *wrong(CA, "")),
    Row("a CA file of something else", "ca-file-missing", *wrong(CA, "not a certificate")),
    Row("no table", "table-closed", *removed(TABLE)),
    Row("no credentials", "credentials-missing", *removed(RELAY_ENV)),
    Row("empty credentials", "credentials-missing", *wrong(RELAY_ENV, "")),
]
GATEWAY = [
    Row("no table", "table-closed", *removed(VIPS)),
    Row("no certificate", "server-certificate", *removed(CERTIFICATE)),
    Row("a damaged certificate", "server-certificate", *wrong(CERTIFICATE, "-----BEGIN CERTIFICATE-----")),
    Row("no key", "server-certificate", *removed(KEY)),
    Row("the key of another certificate", "server-certificate", f"cp -p {KEY} {KEY}.away; openssl genrsa 2048 >{KEY} 2>/dev/null", f"cat {KEY}.away >{KEY}"),
]  # fmt: skip


def findings(host):
    return {found["id"]: found for found in json.loads(host.sh("mail-relay doctor --format json", check=False).out)["findings"]}


def status(host):
    return json.loads(host.sh("mail-relay status --format json", check=False).out)


def stopped(host, finding, row):
    """Both say that something is wrong; the cause is named, with a way to fix it."""
    wait_until(lambda: not status(host)["can_send"], f"{row}: a status that says so", SOON)
    wait_until(lambda: finding in findings(host), f"{row}: {finding}", SOON)
    found = findings(host)[finding]
    assert found["severity"] == "broken" and found["mend"], row
    assert "ca-certificates" not in found["mend"], row


def fine(host, row):
    wait_until(lambda: status(host)["can_send"], f"{row}: mail can leave", SOON)


def nothing_came_back(host):
    assert "status=bounced" not in host.log()


@contextmanager
def silent(host):
    """The resolver gets every question and answers none."""
    host.resolver._process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        host.resolver._process.send_signal(signal.SIGCONT)


# A null client


def submit(host, subject, sender="root"):
    host.sh(f"printf 'Subject: {subject}\\n\\nhi\\n' | sendmail -f {sender} jane@customer.example")


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_a_null_client_waits_for_what_it_needs(host, smarthost, tally):
    """It is installed before its CA file, its table and its credentials; then each goes away, and comes back wrong."""
    host.install("trouble-null")
    host.boot()
    submit(host, "of root")
    submit(host, "of the shop", "shop@shop.example")
    assert all("no certificate authorities" in reason for reason in host.wait_deferred())
    stopped(host, "ca-file-missing", "at first")
    host.write(CA, smarthost.authority.pem)
    wait_until(lambda: all("no credentials yet" in reason for reason in host.wait_deferred()), "no credentials", SOON)
    stopped(host, "credentials-missing", "at first")
    host.credentials()
    stopped(host, "table-closed", "at first")
    # The table leads everybody to the smarthost, and the shop by a transport of its own.
    host.write(TABLE, "shop@shop.example [smtp.lab.example]:587\n")
    smarthost.wait_for("of root", SOON)
    assert smarthost.wait_for("of the shop", SOON).helo == "mail.shop.example"
    fine(host, "at first")
    tally("missing at installation", 3)
    for row in NULL_CLIENT:
        host.sh(row.harm)
        stopped(host, row.finding, row.name)
        submit(host, row.name)
        submit(host, f"shop: {row.name}", "shop@shop.example")
        host.wait_deferred()
        host.sh(row.mend)
        for subject in (row.name, f"shop: {row.name}"):
            smarthost.wait_for(subject, SOON)
        fine(host, row.name)
        tally("null client")
    a_table_of_main_cf_d(host, smarthost, tally)
    the_network_is_away(host, smarthost, tally)
    nothing_came_back(host)
    # The table was compiled by apply, and goes with the package.
    host.remove()
    assert host.sh(f"ls {TABLE}*").out.split() == [TABLE]


def a_table_of_main_cf_d(host, smarthost, tally):
    """No spec names it: apply finds it in main.cf, and watches it."""
    late, own = "/etc/mail-relay/late", "/etc/mail-relay/main.cf.d/own.cf"
    host.write(own, "late_folder = /etc/mail-relay\nsender_canonical_maps = $default_database_type:$late_folder/late\n")
    stopped(host, "table-closed", "main.cf.d")
    submit(host, "main.cf.d")
    host.write(late, "nobody@customer.example somebody@customer.example\n")
    smarthost.wait_for("main.cf.d", SOON)
    fine(host, "main.cf.d")
    host.sh(f"rm {own} {late}")
    fine(host, "without main.cf.d")
    tally("null client")


def the_network_is_away(host, smarthost, tally):
    """Names and servers: nothing on the host changes."""
    for name, finding, address in (("no such name", "dns", None), ("no server", "refused", smarthost.down)):
        if address:
            host.resolver.set(smarthost.name, address)
        else:
            forget(host, smarthost.name)
        submit(host, name)
        host.wait_deferred()
        stopped(host, finding, name)
        host.resolver.set(smarthost.name, smarthost.good)
        smarthost.wait_for(name, SOON)
        fine(host, name)
        tally("null client")
    with silent(host):
        submit(host, "no resolver")
        stopped(host, "resolver-silent", "no resolver")
    smarthost.wait_for("no resolver", SOON)
    fine(host, "no resolver")
    tally("null client")


def forget(host, name):
    host.resolver._names.pop(name, None)
    host.resolver.set("nothing.example", "192.0.2.1")


# A gateway


def answer(client, recipient=SALES):
    """What a stranger's RCPT gets: the code and the words."""
    with closing(client.smtp()) as session:
        session.ehlo()
        for command in ("MAIL FROM:<jane@stranger.example>", f"RCPT TO:<{recipient}>"):
            code, words = session.docmd(command)
            if code >= 400:
                break
        return code, words.decode()


def offers(client, extension):
    with client.smtp() as session:
        session.ehlo()
        return session.has_extn(extension)


def defers(client, row):
    code, words = answer(client)
    assert 400 <= code < 500, f"{row}: {code} {words}"


def takes(client, row):
    wait_until(lambda: answer(client)[0] == 250, f"{row}: mail that is taken", SOON)


@pytest.mark.roots("debian-12")
@pytest.mark.long
def test_a_gateway_defers_while_something_is_away(host, smarthost, lan, tally):
    host.install("trouble-gateway")
    host.resolver.set("stranger.example", smarthost.elsewhere)
    host.write("/usr/local/bin/spamfilter", '#!/bin/sh\nexec /usr/sbin/sendmail -G -i "$@"\n', 0o755)
    host.boot()
    stranger = lan.stranger
    # Everything is missing. None of it may become a refusal.
    assert not offers(stranger, "starttls") and not offers(stranger, "smtputf8")
    defers(stranger, "at first")
    assert {"table-closed", "server-certificate", "next-hop-dns", "policy-away", "milter-away"} <= set(findings(host))
    partners = {kind: Partner(host, kind) for kind in ("policy", "milter")}
    host.write(VIPS, "vip@customer.example OK\n")
    certify(host)
    wait_until(lambda: offers(stranger, "starttls"), "STARTTLS", SOON)
    defers(stranger, "no server behind yet")
    host.resolver.set(BACKEND, smarthost.good)
    takes(stranger, "at first")
    fine(host, "at first")
    tally("missing at installation", 5)
    code, words = answer(stranger, NOBODY)
    assert code == 550 and "Access denied" in words and smarthost.good not in words

    for row in GATEWAY:
        host.sh(row.harm)
        stopped(host, row.finding, row.name)
        if row.finding == "server-certificate":
            wait_until(lambda: not offers(stranger, "starttls"), f"{row.name}: no STARTTLS", SOON)
        else:
            defers(stranger, row.name)
        host.sh(row.mend)
        fine(host, row.name)
        takes(stranger, row.name)
        wait_until(lambda: offers(stranger, "starttls"), "STARTTLS", SOON)
        tally("gateway")
    for kind in partners:
        partners[kind].close()
        stopped(host, f"{kind}-away", kind)
        defers(stranger, kind)
        partners[kind] = Partner(host, kind)
        takes(stranger, kind)
        fine(host, kind)
        tally("gateway")
    the_server_behind_is_away(host, smarthost, stranger, tally)
    a_program_submits_by_sendmail(host, smarthost, stranger)
    nothing_came_back(host)
    for partner in partners.values():
        partner.close()


def the_server_behind_is_away(host, smarthost, stranger, tally):
    """Both new recipients and mail that is already in the queue."""
    known = lambda subject: stranger.send("jane@stranger.example", SALES, f"Subject: {subject}\n\nhi\n")
    for name, finding, address in (("no such name", "next-hop-dns", None), ("no server", "next-hop-away", smarthost.down)):
        forget(host, BACKEND) if address is None else host.resolver.set(BACKEND, address)
        stopped(host, finding, name)
        known(name)  # verified before, so it is taken
        host.wait_deferred()
        code, words = answer(stranger, f"new-{finding}@acme.example")
        assert code == 450 and ("not found" in words or "refused" in words), words
        host.resolver.set(BACKEND, smarthost.good)
        smarthost.wait_for(name, SOON)
        wait_until(lambda: answer(stranger, f"new-{finding}@acme.example")[0] == 250, f"{name}: the server's own answer", SOON)
        # The server itself refuses it: that is permanent.
        wait_until(lambda: answer(stranger, NOBODY)[0] == 550, f"{name}: the server's own refusal", SOON)
        fine(host, name)
        tally("gateway")
    with silent(host):
        stopped(host, "resolver-silent", "no resolver")
    fine(host, "no resolver")
    tally("gateway")


def a_program_submits_by_sendmail(host, smarthost, stranger):
    """The first example of FILTER_README works in the sandbox, and where a stricter one stops it, doctor says so."""
    host.write("/etc/mail-relay/main.cf.d/filter.cf", "content_filter = spamfilter:\nreceive_override_options = no_address_mappings\n")
    # What comes back from the filter must not go there again: the local submission service has none.
    host.sh("postconf -P pickup/unix/content_filter=; mail-relay apply")
    stranger.send("jane@stranger.example", SALES, "Subject: filtered\n\nhi\n")
    smarthost.wait_for("filtered")
    drop_in = f"/etc/systemd/system/{host.daemon_unit()}.d/strict.conf"
    host.write(drop_in, "[Service]\nNoNewPrivileges=yes\n")
    host.sh("systemctl daemon-reload; systemctl restart postfix")
    stranger.send("jane@stranger.example", SALES, "Subject: hangs\n\nhi\n")
    wait_until(lambda: "sandbox-sendmail" in findings(host), "sandbox-sendmail", SOON)
    host.sh(f"rm {drop_in}; systemctl daemon-reload; systemctl restart postfix")
