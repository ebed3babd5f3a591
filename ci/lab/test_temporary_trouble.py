"""While something that a relay needs is missing or away, mail waits, status and doctor say why, and all recovers without a hand.

A cell is a dependency, and one way in which it is not as it should be: missing since the installation, gone, or back and wrong. The
cells of a round are disturbed at once and mended one by one; the last of them must hold the mail alone."""

import json
import signal
import smtplib
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pytest

from lab.host import RELAY_ENV
from lab.mail import DATABASE_LOGIN, OWNERS, certify, password
from lab.partners import Partner
from lab.shell import wait_until

CA, TABLE = "/etc/ssl/relayhost.pem", "/etc/postfix/sender_relay"
VIPS, CERTIFICATE, KEY = "/etc/mail-relay/vips", "/etc/ssl/relay.pem", "/etc/ssl/relay.key"
SALES, NOBODY, CUSTOMER = "sales@acme.example", "nobody@acme.example", "jane@customer.example"
BACKEND = "mail.acme.lan"
# One of each package manager.
EACH = "debian-12", "rpm-dnf5", "pacman-7"
# What is over must be forgotten within a minute.
SOON = 60
# Where the relay's own times are not what is tried.
HASTE = "queue_run_delay = 2s\nminimal_backoff_time = 2s\nmaximal_backoff_time = 2s\n"


@dataclass
class Cell:
    name: str
    finding: str
    harm: str
    mend: str


def gone(path, name, finding):
    return Cell(f"no {name}", finding, f"mv {path} {path}.away; rm -f {path}.db {path}.lmdb", f"mv {path}.away {path}; touch {path}")


def wrong(path, name, finding, text):
    return Cell(name, finding, f"cp -p {path} {path}.away; {text} >{path}", f"cat {path}.away >{path}")


def damaged(table):
    """The compiled one."""
    harm = f"for file in {table}.*; do echo damaged >$file.new; mv $file.new $file; done; systemctl reload postfix"
    return Cell("a damaged table", "table-closed", harm, f"touch {table}")


NO_TABLE = gone(TABLE, "table", "table-closed")
# While these are missing, Postfix opens no table that leads elsewhere.
GONE = [gone(RELAY_ENV, "credentials", "credentials-missing"), gone(CA, "CA file", "ca-file-missing")]
WRONG = [
    wrong(CA, "a CA file of something else", "ca-file-missing", "echo not a certificate"),
    wrong(RELAY_ENV, "empty credentials", "credentials-missing", "true"),
]
NO_CERTIFICATE = gone(CERTIFICATE, "certificate", "server-certificate")
NO_KEY = gone(KEY, "key", "server-certificate")
DAMAGED = wrong(CERTIFICATE, "a damaged certificate", "server-certificate", "echo -----BEGIN CERTIFICATE-----")
OTHER_KEY = wrong(KEY, "the key of another certificate", "server-certificate", "openssl genrsa 2048 2>/dev/null")


def findings(host):
    return {found["id"]: found for found in json.loads(host.sh("mail-relay doctor --format json", check=False).out)["findings"]}


def status(host):
    return json.loads(host.sh("mail-relay status --format json", check=False).out)


def stopped(host, names, row):
    """Both say that something is wrong; each cause is named, with a way to fix it."""
    names = {names} if isinstance(names, str) else set(names)
    wait_until(lambda: not status(host)["can_send"], f"{row}: a status that says so", SOON)
    found = wait_until(lambda: names <= (found := findings(host)).keys() and found, f"{row}: {names}", SOON)
    for name in names:
        assert found[name]["severity"] == "broken" and found[name]["mend"], row
        assert "ca-certificates" not in found[name]["mend"], row


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


def forget(host, name):
    host.resolver._names.pop(name, None)
    host.resolver.set("nothing.example", "192.0.2.1")


# Relays with a smarthost


class Local:
    """A program of the host hands mail to sendmail(1), which takes it in any case."""

    def __init__(self, host):
        self.host, self.waiting = host, []

    def submit(self, subject):
        self.host.sh(f"printf 'Subject: {subject}\\n\\nhi\\n' | sendmail -f root {CUSTOMER}")
        self.waiting.append(subject)
        self.host.wait_deferred()

    def arrives(self, smarthost):
        for subject in self.waiting:
            smarthost.wait_for(subject, SOON)
        self.waiting = []


class Client:
    """A program on another host: it is never refused for good, and tries again what was deferred."""

    def __init__(self, host, send):
        self.host, self.send, self.waiting, self.deferred = host, send, [], []

    def submit(self, subject):
        (self.waiting if self._taken(subject) else self.deferred).append(subject)
        if self.waiting:
            self.host.wait_deferred()

    def _taken(self, subject):
        try:
            self.send(f"Subject: {subject}\n\nhi\n")
        except smtplib.SMTPRecipientsRefused as refused:
            codes = [code for code, _ in refused.recipients.values()]
        except smtplib.SMTPResponseException as refused:
            codes = [refused.smtp_code]
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPNotSupportedError):
            return False
        else:
            return True
        assert all(400 <= code < 500 for code in codes), f"{subject}: {codes}"
        return False

    def arrives(self, smarthost):
        for subject in self.deferred:
            wait_until(lambda: self._taken(subject), f"{subject}: mail that is taken", SOON)  # noqa: B023
        for subject in self.waiting + self.deferred:
            smarthost.wait_for(subject, SOON)
        self.waiting, self.deferred = [], []


def outlive(host, smarthost, sender, cells, tally, profile):
    """A round."""
    row = ", ".join(cell.name for cell in cells)
    host.sh("; ".join(cell.harm for cell in cells))
    stopped(host, [cell.finding for cell in cells], row)
    *others, last = cells
    if others:
        sender.submit(row)
        host.sh("; ".join(cell.mend for cell in others))
        stopped(host, last.finding, last.name)
    sender.submit(f"{last.name} alone")
    host.sh(last.mend)
    sender.arrives(smarthost)
    fine(host, row)
    tally(profile, len(cells))


def the_network_is_away(host, smarthost, sender, tally, profile):
    """Names and servers: nothing on the host changes."""
    for name, finding, address in (("no such name", "dns", None), ("no server", "refused", smarthost.down)):
        host.resolver.set(smarthost.name, address) if address else forget(host, smarthost.name)
        sender.submit(name)
        stopped(host, finding, name)
        host.resolver.set(smarthost.name, smarthost.good)
        sender.arrives(smarthost)
        fine(host, name)
        tally(profile)
    with silent(host):
        stopped(host, "resolver-silent", "no resolver")
    fine(host, "no resolver")
    tally(profile)


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_a_null_client_waits_for_what_it_needs(host, smarthost, tally):
    """It is installed before its CA file, its table and its credentials; then each goes away, and comes back wrong."""
    host.install("trouble-null")
    host.boot()
    root, shop = Local(host), "shop@shop.example"
    host.sh(f"printf 'Subject: of the shop\\n\\nhi\\n' | sendmail -f {shop} {CUSTOMER}")
    root.submit("of root")
    assert all("no certificate authorities" in reason for reason in host.wait_deferred())
    stopped(host, ["ca-file-missing", "credentials-missing"], "at first")
    host.write(CA, smarthost.authority.pem)
    wait_until(lambda: all("no credentials yet" in reason for reason in host.wait_deferred()), "no credentials", SOON)
    host.credentials()
    stopped(host, "table-closed", "at first")
    # The table leads everybody to the smarthost, and the shop by a transport of its own.
    host.write(TABLE, f"{shop} [smtp.lab.example]:587\n")
    root.arrives(smarthost)
    assert smarthost.wait_for("of the shop", SOON).helo == "mail.shop.example"
    fine(host, "at first")
    tally("missing at installation", 3)
    host.write("/etc/mail-relay/main.cf.d/haste.cf", HASTE)
    for cells in (GONE, WRONG, [NO_TABLE], [damaged(TABLE)]):
        outlive(host, smarthost, root, cells, tally, "null client")
    a_table_of_main_cf_d(host, smarthost, root, tally)
    the_network_is_away(host, smarthost, root, tally, "null client")
    nothing_came_back(host)
    # The table was compiled by apply, and goes with the package.
    host.remove()
    assert host.sh(f"ls {TABLE}*").out.split() == [TABLE]


def a_table_of_main_cf_d(host, smarthost, sender, tally):
    """No spec names it: apply finds it in main.cf, and watches it."""
    late, own = "/etc/mail-relay/late", "/etc/mail-relay/main.cf.d/own.cf"
    host.write(own, "late_folder = /etc/mail-relay\nsender_canonical_maps = $default_database_type:$late_folder/late\n")
    stopped(host, "table-closed", "main.cf.d")
    host.sh(f"printf 'Subject: main.cf.d\\n\\nhi\\n' | sendmail -f root {CUSTOMER}")
    sender.waiting.append("main.cf.d")
    host.write(late, "nobody@customer.example somebody@customer.example\n")
    sender.arrives(smarthost)
    host.sh(f"rm {own} {late}")
    fine(host, "without main.cf.d")
    tally("null client")


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_a_lan_relay_waits_for_what_it_needs(host, smarthost, lan, tally):
    host.install("trouble-lan")
    host.write("/etc/mail-relay/main.cf.d/haste.cf", HASTE)
    host.boot()
    app = Client(host, lambda text: lan.app.send("app@acme.example", CUSTOMER, text))
    app.submit("of a client")
    everything = {"ca-file-missing", "credentials-missing", "server-certificate", "policy-away"}
    stopped(host, everything, "at first")
    host.write(CA, smarthost.authority.pem)
    certify(host)
    host.credentials()
    stopped(host, ["table-closed", "milter-away"], "at first")
    host.write(TABLE, "shop@shop.example [smtp.lab.example]:587\n")
    with partners(host) as programs:
        app.arrives(smarthost)
        fine(host, "at first")
        tally("missing at installation", len(everything) + 2)
        assert offers(lan.app, "starttls")
        for cells in ([NO_CERTIFICATE, *GONE], [OTHER_KEY, *WRONG], [DAMAGED, NO_TABLE], [damaged(TABLE)]):
            outlive(host, smarthost, app, cells, tally, "lan relay")
        programs_go(host, programs, lambda kind: app.submit(kind), lambda kind: app.arrives(smarthost), tally, "lan relay")
        the_network_is_away(host, smarthost, app, tally, "lan relay")
    nothing_came_back(host)


@contextmanager
def partners(host):
    """A policy service and a milter."""
    programs = {kind: Partner(host, kind) for kind in ("policy", "milter")}
    try:
        yield programs
    finally:
        for program in programs.values():
            program.close()


def programs_go(host, programs, defers, takes, tally, profile):
    """First one, then both."""
    for kinds in (["policy"], ["milter", "policy"]):
        for kind in kinds:
            programs[kind].close()
        defers(f"without {' and '.join(kinds)}")
        if len(kinds) > 1:
            stopped(host, [f"{kind}-away" for kind in kinds], "programs")
        for kind in reversed(kinds):
            defers(f"before {kind}")
            programs[kind] = Partner(host, kind)
        takes("programs")
    fine(host, "programs")
    tally(profile, len(programs))


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


def defers(client, row, recipient=SALES):
    code, words = answer(client, recipient)
    assert 400 <= code < 500, f"{row}: {code} {words}"


def takes(client, row, recipient=SALES):
    wait_until(lambda: answer(client, recipient)[0] == 250, f"{row}: mail that is taken", SOON)


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_a_gateway_defers_while_something_is_away(host, smarthost, lan, tally):
    host.install("trouble-gateway")
    host.resolver.set("stranger.example", smarthost.elsewhere)
    host.write("/etc/mail-relay/main.cf.d/haste.cf", HASTE)
    host.boot()
    stranger = lan.stranger
    # Everything is missing. None of it may become a refusal.
    assert not offers(stranger, "starttls") and not offers(stranger, "smtputf8")
    defers(stranger, "at first")
    everything = {"table-closed", "server-certificate", "next-hop-dns", "policy-away", "milter-away"}
    stopped(host, everything, "at first")
    host.write(VIPS, "vip@customer.example OK\n")
    certify(host)
    with partners(host) as programs:
        wait_until(lambda: offers(stranger, "starttls"), "STARTTLS", SOON)
        defers(stranger, "no server behind yet")
        host.resolver.set(BACKEND, smarthost.good)
        takes(stranger, "at first")
        fine(host, "at first")
        tally("missing at installation", len(everything))
        code, words = answer(stranger, NOBODY)
        assert code == 550 and "Access denied" in words and smarthost.good not in words
        files_go(host, stranger, tally)
        programs_go(host, programs, lambda kind: defers(stranger, kind), lambda kind: takes(stranger, kind), tally, "gateway")
        the_server_behind_is_away(host, smarthost, stranger, tally)
        nothing_came_back(host)


def files_go(host, stranger, tally):
    """Without a certificate there is no STARTTLS, and mail is taken; without the table it is deferred."""
    table = gone(VIPS, "table", "table-closed")
    for cells in ([NO_CERTIFICATE, table], [DAMAGED, damaged(VIPS)], [NO_KEY], [OTHER_KEY]):
        certificate, *tables = cells
        row = ", ".join(cell.name for cell in cells)
        host.sh("; ".join(cell.harm for cell in cells))
        wait_until(lambda: not offers(stranger, "starttls"), f"{row}: no STARTTLS", SOON)
        stopped(host, [cell.finding for cell in cells], row)
        for cell in tables:
            defers(stranger, row)
            host.sh(cell.mend)
        takes(stranger, row)
        host.sh(certificate.mend)
        wait_until(lambda: offers(stranger, "starttls"), f"{row}: STARTTLS", SOON)
        tally("gateway", len(cells))
    fine(host, "files")


def the_server_behind_is_away(host, smarthost, stranger, tally):
    """Both new recipients and mail that is already in the queue."""
    known = lambda subject: stranger.send("jane@stranger.example", SALES, f"Subject: {subject}\n\nhi\n")
    for name, finding, address in (("no such name", "next-hop-dns", None), ("no server", "next-hop-away", smarthost.down)):
        forget(host, BACKEND) if address is None else host.resolver.set(BACKEND, address)
        stopped(host, finding, name)
        known(name)  # verified before, so it is taken
        host.wait_deferred()
        new = f"new-{finding}@acme.example"
        code, words = answer(stranger, new)
        assert code == 450 and ("not found" in words or "refused" in words), words
        host.resolver.set(BACKEND, smarthost.good)
        smarthost.wait_for(name, SOON)
        takes(stranger, f"{name}: the server's own answer", new)
        # The server itself refuses it: that is permanent.
        wait_until(lambda: answer(stranger, NOBODY)[0] == 550, f"{name}: the server's own refusal", SOON)
        tally("gateway")
    with silent(host):
        stopped(host, "resolver-silent", "no resolver")
    fine(host, "no resolver")
    tally("gateway")


@pytest.mark.roots("debian-12")
def test_a_program_of_a_gateway_submits_by_sendmail(host, smarthost, lan):
    """The first example of FILTER_README works in the sandbox, and where a stricter one stops it, doctor says so."""
    host.install("trouble-gateway")
    host.write("/usr/local/bin/spamfilter", '#!/bin/sh\nexec /usr/sbin/sendmail -G -i "$@"\n', 0o755)
    host.resolver.set("stranger.example", smarthost.elsewhere)
    host.resolver.set(BACKEND, smarthost.good)
    host.write(VIPS, "vip@customer.example OK\n")
    certify(host)
    host.write("/etc/mail-relay/main.cf.d/filter.cf", "content_filter = spamfilter:\n")
    host.boot()
    # What comes back from the filter must not go there again: the local submission service has none.
    host.sh("postconf -P pickup/unix/content_filter=; mail-relay apply")
    with partners(host):
        send = lambda subject: lan.stranger.send("jane@stranger.example", SALES, f"Subject: {subject}\n\nhi\n")
        takes(lan.stranger, "at first")
        send("filtered")
        smarthost.wait_for("filtered")
        drop_in = f"/etc/systemd/system/{host.daemon_unit()}.d/strict.conf"
        host.write(drop_in, "[Service]\nNoNewPrivileges=yes\n")
        host.sh("systemctl daemon-reload; systemctl restart postfix")
        send("hangs")
        wait_until(lambda: "sandbox-sendmail" in findings(host), "sandbox-sendmail", SOON)


# Servers with users


JANE, _, OPS = OWNERS


def sql(words):
    return f'su postgres -c "psql -q mail -c \'{words}\'"'


NO_DOVECOT = Cell("no Dovecot", "dovecot-socket", "systemctl stop dovecot.socket dovecot", "systemctl start dovecot")
NO_DATABASE = Cell("no database", "database-away", "systemctl stop postgresql", "systemctl start postgresql")
REFUSED = Cell("a login that is refused", "database-refuses", sql("ALTER USER postfix NOLOGIN"), sql("ALTER USER postfix LOGIN"))
NO_ROWS = Cell("a table that is missing", "database-query", sql("ALTER TABLE people RENAME TO gone"), sql("ALTER TABLE gone RENAME TO people"))


def logs_in(server):
    """Whether a user can log in and send; what stops them is temporary."""
    try:
        with server.session(587) as session:
            session.login(JANE, password(JANE))
            session.docmd("MAIL", f"FROM:<{JANE}>")
            code, words = session.docmd("RCPT", f"TO:<{CUSTOMER}>")
    except (smtplib.SMTPException, OSError) as error:
        assert getattr(error, "smtp_code", 400) < 500 or isinstance(error, smtplib.SMTPNotSupportedError), error
        return False
    assert code < 500, words
    return code == 250


@pytest.mark.roots("debian-12", "debian-13")
@pytest.mark.long
def test_a_mail_server_defers_while_something_is_away(mail_server, tally):
    host, stranger = mail_server.host, mail_server.lan.stranger
    host.resolver.set("stranger.example", host.smarthost.elsewhere)
    mail_server.start("mail-server-direct", **DATABASE_LOGIN)
    host.write("/etc/mail-relay/main.cf.d/haste.cf", HASTE)
    # The database is empty, and has no such user.
    defers(stranger, "at first", JANE)
    stopped(host, "database-refuses", "at first")
    mail_server.fill_postgresql()
    takes(stranger, "at first", JANE)
    tally("missing at installation")
    assert not offers(stranger, "smtputf8")
    its_services_stop(mail_server, tally)
    its_database_answers_wrongly(mail_server, tally)
    nothing_came_back(host)


def its_services_stop(server, tally):
    """And the certificate goes. Their start brings back all of it at once."""
    host, stranger, cells = server.host, server.lan.stranger, [NO_CERTIFICATE, NO_DATABASE, NO_DOVECOT]
    host.sh(NO_DOVECOT.harm)
    stranger.send("x@stranger.example", JANE, "Subject: without Dovecot\n\nhi\n")
    host.wait_deferred()
    host.sh(f"{NO_CERTIFICATE.harm}; {NO_DATABASE.harm}")
    stopped(host, [cell.finding for cell in cells], "services")
    defers(stranger, "no database", JANE)
    assert not logs_in(server)
    host.sh("; ".join(cell.mend for cell in cells))
    server.arrived(JANE, "without Dovecot", SOON)
    takes(stranger, "a database", JANE)
    wait_until(lambda: logs_in(server), "a log-in", SOON)
    fine(host, "services")
    tally("mail server", len(cells))


def its_database_answers_wrongly(server, tally):
    """No unit starts when that is over. Before Postfix 3.9, proxymap(8) connects again a minute after it failed, and not earlier."""
    host, stranger = server.host, server.lan.stranger
    # What is asked over connections that are open still works.
    host.sh(f"{OTHER_KEY.harm}; {REFUSED.harm}; systemctl reload postfix")
    for cell in (REFUSED, NO_ROWS):
        if cell is NO_ROWS:
            host.sh(f"{REFUSED.mend}; {NO_ROWS.harm}")
        stopped(host, [cell.finding, OTHER_KEY.finding], cell.name)
        defers(stranger, cell.name, JANE)
    host.sh(f"{NO_ROWS.mend}; {OTHER_KEY.mend}")
    fine(host, "answers")
    major, minor, *_ = host.sh("postconf -h mail_version").out.split(".")
    old = (int(major), int(minor)) < (3, 9)
    wait_until(lambda: answer(stranger, JANE)[0] == 250, "mail that is taken", SOON + 5 if old else 15)
    tally("mail server", 3)


@pytest.mark.roots("debian-12")
@pytest.mark.long
def test_users_wait_for_what_a_submission_server_needs(mail_server, smarthost, tally):
    host = mail_server.host
    mail_server.start("submission")
    host.write("/etc/mail-relay/main.cf.d/haste.cf", HASTE)

    def send(text):
        with mail_server.session(587) as session:
            session.login(JANE, password(JANE))
            session.sendmail(JANE, [CUSTOMER], text.replace("\n", "\r\n"))

    jane = Client(host, send)
    credentials = gone(RELAY_ENV, "credentials", "credentials-missing")
    empty = wrong(RELAY_ENV, "empty credentials", "credentials-missing", "true")
    for cells in ([NO_CERTIFICATE, credentials], [OTHER_KEY, NO_DOVECOT], [DAMAGED, empty]):
        outlive(host, smarthost, jane, cells, tally, "submission")
    the_network_is_away(host, smarthost, jane, tally, "submission")
    nothing_came_back(host)
