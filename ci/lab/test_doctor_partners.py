"""What a mail server works with is away, and mail-relay doctor names it; what it says mends it."""

import pytest

from lab.doctor import ask, judge, settle
from lab.mail import DATABASE_LOGIN, DATABASE_PASSWORD
from lab.shell import wait_until
from lab.validating import server, validate

OWN = "/etc/mail-relay/main.cf.d/own.cf"


def sql(words):
    return f'su postgres -c "psql -q mail -c \'{words}\'"'


# What it says, the harm, and what else than its command mends it.
# No two of the same finding in a row: the next finding alone proves that the one before is fixed.
BREAKS = (
    ("database-away", "systemctl stop postgresql", ""),
    ("dovecot-socket", "systemctl stop dovecot", ""),
    ("database-refuses", sql("ALTER USER postfix NOLOGIN"), sql("ALTER USER postfix LOGIN")),
    (
        "milter-away",
        f"echo 'smtpd_milters = {{ inet:127.0.0.1:8891, default_action=accept }}' >{OWN}; mail-relay apply",
        "systemctl start opendkim; until bash -c '</dev/tcp/127.0.0.1/8891'; do sleep 0.1; done 2>/dev/null",
    ),
    ("database-query", sql("ALTER TABLE redirections RENAME TO detours"), sql("ALTER TABLE detours RENAME TO redirections")),
    ("dovecot-socket", "rm /var/spool/postfix/private/auth", ""),
    ("database-refuses", sql("REVOKE SELECT ON people FROM postfix"), sql("GRANT SELECT ON people TO postfix")),
    ("milter-away", "systemctl stop opendkim", f"rm {OWN}; mail-relay apply"),
)


@pytest.mark.roots("debian-12")
@pytest.mark.long
def test_what_a_mail_server_works_with(mail_server, smarthost, tally):
    host = mail_server.host
    mail_server.keep_signer()
    mail_server.start("mail-server-direct", **DATABASE_LOGIN)
    mail_server.fill_postgresql()
    host.sh("systemctl reload postfix")
    assert ask(host) == []
    for finding, harm, mend in BREAKS:
        host.sh(harm)
        settle(host)
        told = judge(host, finding, mend)
        assert DATABASE_PASSWORD not in str(told)
        tally("ways to break a host")
    assert ask(host) == []
    a_resolver_that_does_not_validate(host, smarthost)


def a_resolver_that_does_not_validate(host, smarthost):
    """Postfix sees it when it asks."""
    host.resolver.set("customer.example", smarthost.elsewhere)
    host.mail("asked of a stub", "who@customer.example")
    smarthost.wait_for("asked of a stub")
    [told] = wait_until(lambda: ask(host), "the doctor to see it")
    assert told["id"] == "dnssec", told
    validate(host, server("customer.example", smarthost.elsewhere) + server("acme.example", smarthost.elsewhere))
    host.sh("systemctl restart postfix")
    host.mail("asked of one that validates", "who@customer.example")
    smarthost.wait_for("asked of one that validates")
    assert ask(host) == []
