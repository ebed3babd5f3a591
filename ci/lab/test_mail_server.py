"""A mail server: mail for mailboxes comes in and is read, and their owners send."""

import smtplib
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.battery import battery
from lab.lan import RELAY
from lab.mail import DATABASE_LOGIN, DATABASE_PASSWORD, DIRECTORY_USER, NAME, OWNERS, certify, password
from lab.pages import blocks, try_all
from lab.policies import Policies
from lab.relaying import PLAIN, ROUTED, Attempts
from lab.shell import wait_until
from lab.validating import key_of, server as dns_server, validate

CUSTOMER = "jane@customer.example"
JANE, JOE, OPS = OWNERS
BOTH = "debian-12", "debian-13"
PORTS = 587, 465
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# All but those that anybody may write to.
STRANGE = [address for address in PLAIN + ROUTED if address not in ("postmaster", OPS)]


def complaints(host):
    """Warnings but those about passwords that were wrong."""
    return [line for line in host.warnings() if "authentication failed" not in line]


def submit(session, sender, recipient, subject, *headers):
    text = "".join(f"{line}\r\n" for line in (f"From: {sender}", f"To: {recipient}", f"Subject: {subject}", *headers, "", "x"))
    session.sendmail(sender, [recipient], text)


# Users


@pytest.mark.on_postfix
@pytest.mark.roots(*BOTH)
def test_users_send_from_anywhere(mail_server, smarthost, tally):
    mail_server.start("submission")
    for port in PORTS:
        users_send(mail_server, smarthost, port)
        users_use_their_own_senders(mail_server, smarthost, port)
    assert mail_server.host.exposed() == {}
    assert complaints(mail_server.host) == []


def users_send(server, smarthost, port):
    with server.session(port) as session:
        assert session.sock.version() == "TLSv1.3"
        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            session.login(JANE, "wrong")
        session.login(JANE, password(JANE))
        private = ("Received: from phone (home.example [10.9.8.7])", "User-Agent: Phone 1.0", "X-Mailer: Phone", "X-Kept: yes")
        submit(session, JANE, CUSTOMER, f"by {port}", *private)
    mail = smarthost.wait_for(f"by {port}")
    assert (mail.envelope_from, mail.envelope_to) == (JANE, [CUSTOMER])
    for name in ("Received", "User-Agent", "X-Mailer"):
        assert mail[name] is None
    # What is missing is added: nobody but the user's program could have.
    assert mail["X-Kept"] == "yes" and mail["Message-ID"] and mail["Date"]
    assert "10.77." not in mail.raw and "10.9.8.7" not in mail.raw


def users_use_their_own_senders(server, smarthost, port):
    """As spec and login have it; the null sender is for bounces, which mail programs send, too (RFC 8098)."""
    senders = {JANE: (JANE, JANE.upper(), "sales@acme.example"), JOE: (JOE, "any@other.example")}
    for login, own in senders.items():
        with server.session(port) as session:
            session.login(login, password(login))
            for sender in own:
                assert session.docmd("MAIL", f"FROM:<{sender}>")[0] == 250
                assert session.docmd("RCPT", f"TO:<{CUSTOMER}>")[0] == 250, (login, sender)
                session.docmd("RSET")
            foreign = {sender for other in senders for sender in senders[other] if other != login}
            for sender in (*foreign, "ceo@acme.example", "root", f'"x {login}"@elsewhere.example', f"{login}@elsewhere.example"):
                session.docmd("MAIL", f"FROM:<{sender}>")
                code, words = session.docmd("RCPT", f"TO:<{CUSTOMER}>")
                assert code >= 500, (login, sender, words)
                session.docmd("RSET")


# Mailboxes


@pytest.mark.on_postfix
def test_mailboxes_of_the_spec(host, smarthost, lan):
    """On every distribution, without Dovecot: for whom mail is taken, and that it waits; and what leaves."""
    for name in ("stranger.example", "customer.example", "partner.example"):
        host.resolver.set(name, smarthost.elsewhere)
    certify(host)
    host.install("mail-server-listed")
    host.boot()
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""
    for address in (JANE, "Sales@Acme.Example", "anybody@other.example"):
        assert recipient(lan.stranger, address)[0] == 250, address
    for address in ("nobody@acme.example", "sales.team@acme.example"):
        assert recipient(lan.stranger, address)[0] == 550, address
    assert recipient(lan.stranger, CUSTOMER)[0] == 554
    mail = host.deliver("straight to where it belongs", CUSTOMER)
    assert (mail.envelope_from, mail.tls, mail.user) == ("noreply@acme.example", "TLSv1.3", "")
    assert host.warnings() == []
    assert host.exposed() == {}
    # Nobody there has a certificate for this name.
    host.mail("for the partner", "who@partner.example")
    assert host.wait_deferred() == ["Server certificate not verified"]
    lan.stranger.send("who@stranger.example", "sales@acme.example", "Subject: to an alias\n\nhi\n")
    wait_until(lambda: len(waiting(host)) == 3, "mail that waits for Dovecot")
    assert waiting(host).keys() == {"who@partner.example", JANE, JOE}
    assert "No such file" in waiting(host)[JANE]
    assert all(lan.stranger.reaches(to, port) for to in RELAY for port in PORTS)
    host.sh("postsuper -d ALL")
    host.sh(host.os.purge.format(host.package_name("mail-server-listed")))
    left = host.sh("ls -A /etc/postfix /etc/mail-relay 2>/dev/null", check=False).out.split()
    assert not {"mailboxes", "mailbox_aliases", "tls_policy", "submission_header_checks"} & {name.partition(".")[0] for name in left}
    assert not any(lan.stranger.reaches(to, port) for to in RELAY for port in PORTS)


def waiting(host):
    """Recipients of what is in the queue, each with why it waits."""
    return {one["address"]: one["delay_reason"] for mail in host.queue() for one in mail["recipients"] if "delay_reason" in one}


@pytest.mark.roots(*BOTH)
@pytest.mark.long
def test_mailboxes_of_a_database(mail_server, smarthost, tally):
    host, lan = mail_server.host, mail_server.lan
    for name in ("stranger.example", "example.com", "acme.example"):
        host.resolver.set(name, smarthost.sink)
    mail_server.keep_signer()
    mail_server.keep_filter()
    etc = host.tree("/etc")
    mail_server.start("mail-server", **DATABASE_LOGIN)
    # The database is empty yet: what cannot be looked up waits, outside and inside.
    assert recipient(lan.stranger, JANE)[0] == 451
    host.mail("of the host itself", OPS)
    mail_server.fill_database()
    # Postfix would ask again after a minute.
    host.sh("systemctl reload postfix")
    wait_until(lambda: recipient(lan.stranger, JANE)[0] == 250, "the database to be asked again")
    # A person's apply, which takes no warning, brings them back.
    assert host.sh("rm /etc/postfix/sql_*.cf; mail-relay apply").err == ""
    assert host.sh("stat -c '%U:%G %a' /etc/postfix/sql_*.cf").out.split() == ["root:postfix", "640"] * 3
    before = complaints(host)
    what_the_page_says_to_try(mail_server, smarthost)
    mail_comes_in(mail_server)
    mail_server.arrived(OPS, "of the host itself", timeout=90)
    owners_write_to_each_other_and_out(mail_server, smarthost)
    host.sh("mail-relay status")
    assert "delivered" in host.sh(f"mail-relay test --subject tested {JANE}").out.lower()
    mail_server.arrived(JANE, "tested")
    assert complaints(host) == before
    assert host.exposed() == {}
    strangers_are_refused(mail_server, smarthost, tally)
    the_database_stops_and_mail_waits(mail_server)
    a_renewed_certificate_is_shown(mail_server)

    for name in ("customer.example", "partner.example"):
        host.resolver.set(name, smarthost.elsewhere)
    host.install("mail-server-guarded")
    before = complaints(host)
    the_guard_lets_in_whom_nobody_knows(mail_server)
    the_filter_refuses_and_marks(mail_server)
    assert complaints(host) == before
    milters_stop(mail_server, smarthost)
    before = complaints(host)
    what_owners_send_is_signed(mail_server, smarthost)
    policies_of_the_database(mail_server, smarthost)
    assert complaints(host) == before
    policies_that_cannot_be_asked(mail_server, smarthost)
    it_leaves_no_trace(host, etc)


@pytest.mark.on_postfix
@pytest.mark.roots(*BOTH)
@pytest.mark.long
def test_policies_that_domains_publish(mail_server, smarthost):
    """MTA-STS, by a real resolver; and mailboxes in PostgreSQL, by SQL of the spec."""
    host, lan = mail_server.host, mail_server.lan
    servers = {"customer.example": smarthost.name, "partner.example": "mx.partner.example"}
    for domain in servers:
        host.resolver.text(f"_mta-sts.{domain}", "v=STSv1; id=1")
    for name in ("acme.example", "stranger.example", "other.example", *servers, *(f"mta-sts.{domain}" for domain in servers)):
        host.resolver.set(name, smarthost.elsewhere)
    mail_server.start("mail-server-direct", **DATABASE_LOGIN)
    mail_server.fill_postgresql()
    host.sh("systemctl reload postfix")
    wait_until(lambda: recipient(lan.stranger, JANE)[0] == 250, "the database to be asked")
    lan.stranger.send("who@stranger.example", "sales@acme.example", "Subject: to an alias\n\nhi\n")
    for owner in (JANE, OPS):
        mail_server.arrived(owner, "to an alias")
    assert recipient(lan.stranger, JOE)[0] == 550
    assert recipient(lan.stranger, "joe@other.example")[0] == 554
    before = complaints(host)
    with Policies(smarthost, servers), mail_server.session(587) as session:
        session.login(JANE, password(JANE))
        for domain in (*servers, "other.example"):
            submit(session, JANE, f"who@{domain}", f"for {domain}")
        for domain in ("customer.example", "other.example"):
            assert smarthost.wait_for(f"for {domain}").tls == "TLSv1.3"
        assert host.wait_deferred() == ["Server certificate not verified"]
    assert "Verified TLS connection established to customer.example" in host.log()
    # This resolver does not validate, and Postfix sees it.
    news = [line for line in complaints(host) if line not in before]
    assert news and all("dnssec" in line.lower() for line in news)
    host.sh("postsuper -d ALL")
    tlsa_records_are_asked_for(mail_server, smarthost)


def tlsa_records_are_asked_for(server, smarthost):
    """DANE (RFC 7672): by the records of a signed zone, and by none."""
    host = server.host
    right = key_of(smarthost.certificate)
    keys = {"right.example": right, "wrong.example": right[::-1]}
    unsigned = "unsigned.example", "strict.example"
    signed = "".join(dns_server(domain, smarthost.elsewhere, key) for domain, key in keys.items())
    validate(host, signed, "".join(dns_server(domain, smarthost.elsewhere) for domain in unsigned))
    host.sh("systemctl restart postfix")
    before = complaints(host)
    with server.session(587) as session:
        session.login(JANE, password(JANE))
        for domain in (*keys, *unsigned):
            submit(session, JANE, f"who@{domain}", f"by DANE for {domain}")
    for domain in ("right.example", "unsigned.example"):
        assert smarthost.wait_for(f"by DANE for {domain}").tls == "TLSv1.3"
    wait_until(lambda: len(waiting(host)) == 2, "mail that nobody can prove to be for")
    assert waiting(host) == {"who@wrong.example": "Server certificate not verified", "who@strict.example": "non DNSSEC destination"}
    log = host.log()
    assert "Verified TLS connection established to mx.right.example" in log
    assert "TLS connection established to mx.unsigned.example" in log
    assert "Verified TLS connection established to mx.unsigned.example" not in log
    news = [line for line in complaints(host) if line not in before]
    assert all("non DNSSEC destination" in line or "no matching DANE TLSA records" in line for line in news)


@pytest.mark.on_postfix
@pytest.mark.roots(*BOTH)
@pytest.mark.long
def test_mailboxes_of_a_directory(mail_server, smarthost):
    """OpenLDAP, over TLS: nobody is refused for want of an answer, nor let in without one."""
    host, lan = mail_server.host, mail_server.lan
    for name in ("stranger.example", "acme.example"):
        host.resolver.set(name, smarthost.elsewhere)
    certify(host)
    mail_server.keep_directory()
    mail_server.start("mail-server-ldap")
    # Without a login the directory would know nobody.
    assert recipient(lan.stranger, JANE)[0] == 451
    assert "there is no login yet [database-refuses]" in host.sh("mail-relay doctor", check=False).out
    host.credentials(RELAY_DATABASE_USERNAME=DIRECTORY_USER, RELAY_DATABASE_PASSWORD=DATABASE_PASSWORD)
    mail_server.fill_directory()
    host.sh("mail-relay apply && systemctl reload postfix")
    wait_until(lambda: recipient(lan.stranger, JANE)[0] == 250, "the directory to be asked")
    assert host.sh("stat -c '%U:%G %a' /etc/postfix/ldap_*.cf").out.split() == ["root:postfix", "640"] * 3
    for address, name, answer in (
        (JANE, "ldap_mailboxes.cf", JANE), ("acme.example", "ldap_domains.cf", "acme.example"), ("sales@acme.example", "ldap_aliases.cf", f"{JANE},{OPS}"),
    ):  # fmt: skip
        assert host.sh(f"postmap -q {address} proxy:ldap:/etc/postfix/{name}").out == f"{answer}\n"
    before = complaints(host)
    lan.stranger.send("who@stranger.example", JANE, "Subject: to a person\n\nhi\n")
    mail_server.arrived(JANE, "to a person")
    lan.stranger.send("who@stranger.example", "Sales@acme.example", "Subject: to an alias\n\nhi\n")
    for owner in (JANE, OPS):
        mail_server.arrived(owner, "to an alias")
    for address in ("nobody@acme.example", "jane*@acme.example"):
        assert recipient(lan.stranger, address)[0] == 550, address
    assert recipient(lan.stranger, CUSTOMER)[0] == 554
    with mail_server.session(587) as session:
        session.login(JANE, password(JANE))
        submit(session, "sales@acme.example", JOE, "in the name of an alias")
        session.docmd("MAIL", f"FROM:<{JOE}>")
        code, words = session.docmd("RCPT", f"TO:<{CUSTOMER}>")
        assert code == 553 and b"not owned by user" in words
    mail_server.arrived(JOE, "in the name of an alias")
    assert complaints(host) == before
    assert host.exposed() == {}

    host.sh("systemctl stop slapd")
    assert recipient(lan.stranger, JANE)[0] == 451
    told = host.sh("mail-relay doctor", check=False).out
    assert "database-away" in told and "systemctl start slapd" in told, told
    host.sh("systemctl start slapd && systemctl reload postfix")
    wait_until(lambda: recipient(lan.stranger, JANE)[0] == 250, "the directory to be asked again")
    host.sh(host.os.purge.format(host.package_name("mail-server-ldap")))
    left = host.sh("ls /etc/postfix /etc/mail-relay 2>/dev/null", check=False).out
    assert "ldap_" not in left


def recipient(client, address, sender="who@stranger.example", to=RELAY[0]):
    """The answer to a recipient, of one who says no more."""
    with client.smtp(to) as session:
        session.ehlo()
        session.docmd("MAIL", f"FROM:<{sender}>")
        code, words = session.docmd("RCPT", f"TO:<{address}>")
        return code, words.decode()


def what_the_page_says_to_try(server, smarthost):
    """Commands of docs/mail-server.md; its names and the lab's are the same but for the server's."""
    host = server.host
    [on_the_server, from_outside] = blocks("mail-server.md")
    typed = f"{password(JANE)}\n"
    looked = host.sh(on_the_server, input=typed).out
    assert f"\n{JANE}\n" in looked and "auth succeeded" in looked
    assert all(f"{RELAY[0]}:{port} " in looked for port in (25, *PORTS))
    host.elsewhere(server.lan.stranger.netns, from_outside.replace("mail.acme.example", RELAY[0]), input=typed)
    wait_until(lambda: [mail for mail in server.mailbox(JANE) if mail["X-Mailer"] and "swaks" in mail["X-Mailer"]], "mail by swaks")
    wait_until(lambda: [mail for mail in smarthost.mails() if mail.envelope_to == ["you@example.com"]], "mail by swaks")
    # The policies are in the next version's database.
    try_all(host, "mail-server.md", {"ADDRESS": JANE}, but=("doveadm", "sql_tls_policies"))
    for address, name, answer in (
        (JANE, "sql_mailboxes.cf", JANE), ("acme.example", "sql_domains.cf", "acme.example"), ("sales@acme.example", "sql_aliases.cf", f"{JANE},{JOE}"),
    ):  # fmt: skip
        assert host.sh(f"postmap -q {address} proxy:mysql:/etc/postfix/{name}").out == f"{answer}\n"
    assert "auth succeeded" in host.sh(f"doveadm auth test {JANE} '{password(JANE)}'").out
    after = host.sh("systemctl list-dependencies --plain --after postfix.service").out
    assert {"mariadb.service", "dovecot.service", "opendkim.service"} <= set(after.split())


def mail_comes_in(server):
    """From outside, over both protocols, through LMTP, and read over IMAP."""
    stranger = server.lan.stranger
    for to in RELAY:
        stranger.send("who@stranger.example", JANE, f"From: who@stranger.example\nSubject: to {to}\n\nhi\n", to)
        mail = server.arrived(JANE, f"to {to}")
        assert mail["Return-Path"] == "<who@stranger.example>" and mail["Delivered-To"] == JANE
    stranger.send("who@stranger.example", "SALES@acme.example", "Subject: to an alias\n\nhi\n")
    for owner in (JANE, JOE):
        server.arrived(owner, "to an alias")
    stranger.send("who@stranger.example", "anybody@other.example", "Subject: to all others of a domain\n\nhi\n")
    server.arrived(JOE, "to all others of a domain")
    stranger.send("", JANE, "Subject: a bounce\n\nhi\n")
    server.arrived(JANE, "a bounce")
    for address in ("nobody@acme.example", "gone@acme.example", "jane.doe@acme.example"):
        code, words = recipient(stranger, address)
        assert code == 550 and "User unknown" in words, (address, words)
    for address in ("jane@left.example", CUSTOMER):
        code, words = recipient(stranger, address)
        assert code == 554 and "Relay access denied" in words, (address, words)


def owners_write_to_each_other_and_out(server, smarthost):
    with server.session(587) as session:
        session.login(JANE, password(JANE))
        submit(session, JANE, JOE, "to a colleague", "User-Agent: Phone 1.0")
        submit(session, "sales@acme.example", CUSTOMER, "in the name of an alias")
        for foreign in (JOE, "ceo@acme.example", "nobody@acme.example", "who@other.example"):
            session.docmd("MAIL", f"FROM:<{foreign}>")
            code, words = session.docmd("RCPT", f"TO:<{CUSTOMER}>")
            assert code == 553 and b"not owned by user" in words, (foreign, words)
            session.docmd("RSET")
    mail = server.arrived(JOE, "to a colleague")
    assert mail["User-Agent"] is None and mail["Message-ID"]
    assert smarthost.wait_for("in the name of an alias").envelope_from == "sales@acme.example"
    with server.session(465, to=RELAY[1]) as session:
        session.login(JOE, password(JOE))
        submit(session, "who@other.example", CUSTOMER, "of all of a domain")
    assert smarthost.wait_for("of all of a domain").envelope_from == "who@other.example"
    # Port 25 is for other servers: no log-in there.
    with server.lan.stranger.smtp() as session:
        session.ehlo()
        assert session.has_extn("starttls") and not session.has_extn("auth")


def strangers_are_refused(server, smarthost, tally):
    sent = len(smarthost.mails())
    attempts = Attempts(NAME)

    def greeted():
        session = server.lan.stranger.smtp()
        session.ehlo()
        return session

    attempts.envelopes(greeted, recipients=STRANGE)
    attempts.commands(greeted)
    assert attempts.answers and attempts.accepted() == []
    answers = battery(greeted, NAME, (NAME, "acme.example", "other.example", "[10.66.0.5]", "localhost"))
    server.host.wait_queue_empty()
    assert len(smarthost.mails()) == sent
    tally("attempts to relay, refused", len(attempts.answers) + len(answers))
    # Domains of the database are no senders from outside; their subdomains may be.
    for name, expected in (("acme.example", 554), ("ACME.EXAMPLE", 554), ("sub.acme.example", 250), ("stranger.example", 250)):
        server.host.resolver.set(name.lower(), smarthost.sink)
        code, said = recipient(server.lan.stranger, JANE, f"nobody.has.it@{name}")
        assert code == expected and ("must log in" in said) == (code == 554), (name, code, said)


def the_database_stops_and_mail_waits(server):
    host, stranger = server.host, server.lan.stranger
    host.sh("systemctl stop mariadb mariadb.socket")
    assert host.sh("systemctl is-active postfix").out == "active\n"
    code, words = recipient(stranger, JANE)
    assert code == 451, words
    assert "database-away" in host.sh("mail-relay doctor", check=False).out
    with server.session(587) as session:
        session.login(JANE, password(JANE))
        session.docmd("MAIL", f"FROM:<{JANE}>")
        assert session.docmd("RCPT", f"TO:<{CUSTOMER}>")[0] == 451
    host.sh("systemctl start mariadb && systemctl reload postfix")
    wait_until(lambda: recipient(stranger, JANE)[0] == 250, "the database to be asked again")


def a_renewed_certificate_is_shown(server):
    def serial():
        with server.session(465) as session:
            return session.sock.getpeercert()["serialNumber"]

    before = serial()
    certify(server.host)
    wait_until(lambda: serial() != before, "the new certificate")


def the_guard_lets_in_whom_nobody_knows(server):
    """postscreen(8): not who is on a list, nor who talks before he is greeted. Others wait once, for six seconds."""
    host, lan = server.host, server.lan
    host.resolver.set("66.0.77.10.bl.lab.example", "127.0.0.2")
    code, words = recipient(lan.stranger, JANE)
    assert code == 550 and "blocked using bl.lab.example" in words, words
    hasty = lan.address(lan.stranger, 67)
    refused = lan.stranger.raw(b"EHLO mail.stranger.example\r\nMAIL FROM:<>\r\nRCPT TO:<jane@acme.example>\r\nQUIT\r\n", source=hasty)
    assert any(line.startswith("550 5.5.1 Protocol error") for line in refused), refused
    wait_until(lambda: lan.itself.reaches("127.0.0.1", 11332), "the filter")

    def pass_the_tests(to, source):
        with lan.stranger.smtp(to, source) as session:
            session.ehlo()
            assert session.has_extn("starttls")
            session.sendmail("who@stranger.example", [JANE], f"Subject: past the guard to {to}\r\n\r\nhi\r\n")

    # Both wait at the same time.
    with ThreadPoolExecutor() as pool:
        list(pool.map(pass_the_tests, RELAY, (lan.address(lan.stranger, 68), None)))
    for to in RELAY:
        server.arrived(JANE, f"past the guard to {to}")
    # Remembered: the second time nobody waits.
    assert host.sh("postconf -M smtp/inet").out.split()[-1] == "smtpd"
    with lan.itself.smtp("127.0.0.1") as session:
        session.sendmail("root", [JANE], "Subject: of the host itself, past the guard\r\n\r\nhi\r\n")
    server.arrived(JANE, "of the host itself, past the guard")


def the_filter_refuses_and_marks(server):
    """rspamd: GTUBE is what every filter takes for spam."""
    stranger = server.lan.stranger
    headers = f"From: who@stranger.example\nTo: {JANE}\nDate: Mon, 26 Oct 2026 10:00:00 +0000\nMessage-ID: <{{0}}@stranger.example>\nSubject: {{0}}\n\n"
    with pytest.raises(smtplib.SMTPDataError, match="Gtube") as refused:
        stranger.send("who@stranger.example", JANE, headers.format("junk") + f"{GTUBE}\n", RELAY[1])
    assert refused.value.smtp_code == 554
    stranger.send("who@stranger.example", JANE, headers.format("harmless") + "See you at noon.\n", RELAY[1])
    assert "default: False" in server.arrived(JANE, "harmless")["X-Spamd-Result"]


def milters_stop(server, smarthost):
    """Without the filter mail waits at the sender's; without the signer, of which the spec says so, it goes on unsigned."""
    host, stranger = server.host, server.lan.stranger
    host.sh("systemctl stop rspamd")
    with pytest.raises(smtplib.SMTPException) as refused:
        stranger.send("who@stranger.example", JANE, "Subject: not looked at\n\nhi\n", RELAY[1])
    assert "451" in str(refused.value)
    assert "milter-away" in host.sh("mail-relay doctor", check=False).out
    host.sh("systemctl start rspamd; systemctl stop opendkim")
    wait_until(lambda: server.lan.itself.reaches("127.0.0.1", 11332), "the filter")
    with server.session(587) as session:
        session.login(JANE, password(JANE))
        submit(session, JANE, CUSTOMER, "not signed")
    assert smarthost.wait_for("not signed")["DKIM-Signature"] is None
    host.sh("systemctl start opendkim")
    wait_until(lambda: server.lan.itself.reaches("127.0.0.1", 8891), "the signer")


def what_owners_send_is_signed(server, smarthost):
    with server.session(587) as session:
        session.login(JANE, password(JANE))
        submit(session, JANE, CUSTOMER, "signed", "User-Agent: Phone 1.0")
        submit(session, JANE, JOE, "signed for a colleague")
    mail = smarthost.wait_for("signed")
    assert "d=acme.example" in mail["DKIM-Signature"] and mail["User-Agent"] is None
    assert server.is_signed(mail.raw)
    assert not server.is_signed(mail.raw.replace("Subject: signed", "Subject: forged"))
    assert server.arrived(JOE, "signed for a colleague")["DKIM-Signature"]
    server.lan.stranger.send("who@stranger.example", JANE, "From: jane@acme.example\nSubject: not ours\n\nhi\n", RELAY[1])
    assert server.arrived(JANE, "not ours")["DKIM-Signature"] is None


def policies_of_the_database(server, smarthost):
    assert server.host.sh("postmap -q partner.example proxy:mysql:/etc/postfix/sql_tls_policies.cf").out.startswith("secure")
    with server.session(587) as session:
        session.login(JANE, password(JANE))
        submit(session, JANE, "who@partner.example", "to who must prove his name")
        submit(session, JANE, CUSTOMER, "to who need not")
    assert smarthost.wait_for("to who need not").tls == "TLSv1.3"
    assert server.host.wait_deferred() == ["Server certificate not verified"]
    server.host.sh("postsuper -d ALL")


def policies_that_cannot_be_asked(server, smarthost):
    """What has no policy for want of an answer is not sent as if it had none."""
    host = server.host
    host.sh("mariadb -e 'RENAME TABLE vimbadmin.tls_policy TO vimbadmin.away'; postfix reload")
    with server.session(587) as session:
        session.login(JANE, password(JANE))
        submit(session, JANE, CUSTOMER, "without an answer")
    assert host.wait_deferred() == ["client TLS configuration problem"]
    host.sh("mariadb -e 'RENAME TABLE vimbadmin.away TO vimbadmin.tls_policy'")
    host.sh("postfix reload; postqueue -f")
    smarthost.wait_for("without an answer")


def it_leaves_no_trace(host, etc):
    """Also where its Postfix came with it."""
    host.sh(host.os.purge.format(host.package_name("mail-server")))
    host.sh("apt-get autoremove -y --purge")
    changed = set(host.tree("/etc")) ^ set(etc)
    assert [line for line in changed if "postfix" in line or "mail-relay" in line] == []
    assert host.sh("ls /usr/lib/systemd/system | grep mail-relay", check=False).out == ""
