"""The same for servers with users, who need Dovecot and a database. See lab/trouble.py."""

import smtplib

import pytest

from lab.host import RELAY_ENV
from lab.mail import DATABASE_LOGIN, OWNERS, password
from lab.shell import wait_until
from lab.trouble import (
    CUSTOMER, DAMAGED, NO_CERTIFICATE, OTHER_KEY, SOON, Cell, Client, answer, as_after_hours, defers, fine, gone, nothing_came_back,
    offers, outlive, stopped, takes, the_network_is_away, wrong,
)  # fmt: skip

JANE = OWNERS[0]


def sql(words):
    return f'su postgres -c "psql -q mail -c \'{words}\'"'


NO_DOVECOT = Cell("no Dovecot", "dovecot-socket", "systemctl stop dovecot.socket dovecot", "systemctl start dovecot")
NO_DATABASE = Cell("no database", "database-away", "systemctl stop postgresql", "systemctl start postgresql")
REFUSED = Cell("a login that is refused", "database-refuses", sql("ALTER USER postfix NOLOGIN"), sql("ALTER USER postfix LOGIN"))
RENAME = sql("ALTER TABLE people RENAME TO gone"), sql("ALTER TABLE gone RENAME TO people")
NO_ROWS = Cell("a table that is missing", "database-query", *RENAME)


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
    as_after_hours(host)
    # The database is empty, and has no such user.
    defers(stranger, "at first", JANE)
    stopped(host, "database-refuses", "at first")
    mail_server.fill_postgresql()
    takes(stranger, "at first", JANE)
    tally("missing at installation")
    assert not offers(stranger, "smtputf8")
    its_services_stop(mail_server, tally)
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


@pytest.mark.roots("debian-12", "debian-13")
@pytest.mark.long
def test_a_mail_server_defers_while_its_database_answers_wrongly(mail_server, tally):
    """No unit starts when that is over. Before Postfix 3.9, proxymap(8) connects again a minute after it failed, and not earlier."""
    host, stranger = mail_server.host, mail_server.lan.stranger
    host.resolver.set("stranger.example", host.smarthost.elsewhere)
    mail_server.start("mail-server-direct", **DATABASE_LOGIN)
    as_after_hours(host)
    mail_server.fill_postgresql()
    takes(stranger, "at first", JANE)
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
    nothing_came_back(host)
    tally("mail server", 3)


@pytest.mark.roots("debian-12")
@pytest.mark.long
def test_users_wait_for_what_a_submission_server_needs(mail_server, smarthost, tally):
    host = mail_server.host
    mail_server.start("submission")
    as_after_hours(host)

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
