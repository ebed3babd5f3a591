"""While something that a relay needs is missing or away: cells of the matrix, and what must hold in each.

A cell is a dependency, and one way in which it is not as it should be: missing since the installation, gone, or back and wrong. The
cells of a round are disturbed at once and mended one by one; the last of them must hold the mail alone."""

import json
import signal
import smtplib
from contextlib import closing, contextmanager
from dataclasses import dataclass

from .doctor import settle
from .host import RELAY_ENV
from .partners import Partner
from .shell import wait_until

CA, TABLE = "/etc/ssl/relayhost.pem", "/etc/postfix/sender_relay"
CERTIFICATE, KEY = "/etc/ssl/relay.pem", "/etc/ssl/relay.key"
SALES, CUSTOMER = "sales@acme.example", "jane@customer.example"
# What is over must be forgotten within a minute.
SOON = 60
# After a long outage Postfix itself would try waiting mail much later than that: what leaves is sent by the relay.
SLOW = "queue_run_delay = 1h\nminimal_backoff_time = 1h\nmaximal_backoff_time = 1h\n"


def as_after_hours(host):
    host.write("/etc/mail-relay/main.cf.d/slow.cf", SLOW)


@dataclass
class Cell:
    name: str
    finding: str
    harm: str
    mend: str
    # Whether Postfix can say why mail waits, or not even queue it.
    says: bool = True


def gone(path, name, finding):
    return Cell(f"no {name}", finding, f"mv {path} {path}.away; rm -f {path}.cdb {path}.db {path}.lmdb", f"mv {path}.away {path}; touch {path}")


def wrong(path, name, finding, text):
    return Cell(name, finding, f"cp -p {path} {path}.away; {text} >{path}", f"cat {path}.away >{path}")


def damaged(table):
    """The compiled one, which no unit watches."""
    harm = f"for file in {table}.*; do echo damaged >$file.new; mv $file.new $file; done; systemctl reload postfix"
    return Cell("a damaged table", "table-closed", harm, f"touch {table}", says=False)


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


class Local:
    """A program of the host hands mail to sendmail(1), which takes it in any case."""

    def __init__(self, host):
        self.host, self.waiting = host, []

    def submit(self, subject, is_deferred=True):
        self.host.sh(f"printf 'Subject: {subject}\\n\\nhi\\n' | sendmail -f root {CUSTOMER}")
        self.waiting.append(subject)
        if is_deferred:
            self.host.wait_deferred()

    def arrives(self, smarthost):
        for subject in self.waiting:
            smarthost.wait_for(subject, SOON)
        self.waiting = []


class Client:
    """A program on another host: it is never refused for good, and tries again what was deferred."""

    def __init__(self, host, send):
        self.host, self.send, self.waiting, self.deferred = host, send, [], []

    def submit(self, subject, is_deferred=True):
        (self.waiting if self._taken(subject) else self.deferred).append(subject)
        if self.waiting and is_deferred:
            self.host.wait_deferred()

    def _taken(self, subject):
        try:
            self.send(f"Subject: {subject}\n\nhi\n")
        except smtplib.SMTPRecipientsRefused as refused:
            codes = [code for code, _ in refused.recipients.values()]
        except smtplib.SMTPResponseException as refused:
            codes = [refused.smtp_code]
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPNotSupportedError, ConnectionError):
            # As while Postfix restarts.
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
    # An apply that is still at work would repair what is damaged.
    settle(host)
    host.sh("; ".join(cell.harm for cell in cells))
    stopped(host, [cell.finding for cell in cells], row)
    *others, last = cells
    if others:
        sender.submit(row)
        host.sh("; ".join(cell.mend for cell in others))
        wait_until(lambda: not status(host)["can_send"], f"{last.name} alone: a status that says so", SOON)
    sender.submit(f"{last.name} alone", last.says)
    host.sh(last.mend)
    sender.arrives(smarthost)
    fine(host, row)
    tally(profile, len(cells))


def the_network_is_away(host, smarthost, sender, tally, profile):
    """Names and servers, one after the other: nothing on the host changes, and in the end all mail leaves."""
    wrong_name = "another server", "certificate-name", smarthost.wrong_name
    for name, finding, address in (("no such name", "dns", None), ("no server", "refused", smarthost.down), wrong_name):
        host.resolver.set(smarthost.name, address) if address else forget(host, smarthost.name)
        sender.submit(name)
        stopped(host, finding, name)
    with silent(host):
        stopped(host, "resolver-silent", "no resolver")
    host.resolver.set(smarthost.name, smarthost.good)
    sender.arrives(smarthost)
    fine(host, "network")
    tally(profile, 4)


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
            defers(f"before {kind} of {' and '.join(kinds)}")
            programs[kind] = Partner(host, kind)
        takes("programs")
    fine(host, "programs")
    tally(profile, len(programs))


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
