"""The smarthost: a real Postfix with Dovecot SASL, and what can be wrong with one."""

import base64
import email
import email.policy
import time
from dataclasses import dataclass, field

from . import roots
from .authority import Authority
from .machine import Machine
from .network import Network
from .shell import LAB, wait_until

NAME = "smtp.lab.example"


@dataclass
class Mail:
    """A message as the smarthost took it."""

    envelope_from: str
    envelope_to: list
    user: str  # who authenticated; '' when nobody did
    tls: str  # protocol of the session, such as TLSv1.3; '' when in clear
    helo: str
    raw: str  # as sent, without the smarthost's own Received line
    headers: email.message.Message = field(repr=False)

    @property
    def body(self):
        return self.raw.partition("\n\n")[2]

    def __getitem__(self, name):
        return self.headers[name]


class Smarthost:
    """Faces are addresses at which NAME can be: a host's resolver picks one."""

    user, password = "relay-user", 'p@ss:w #$0"rd'
    name = NAME

    good = "10.99.0.2"
    wrong_name = "10.99.0.3"  # trusted certificate, for another name
    unknown_ca = "10.99.0.4"  # right name, by an authority that nobody knows
    down = "10.99.0.5"  # refuses every connection
    sink = "10.99.0.6"  # see sink.py
    oauth2 = "10.99.0.7"  # takes access tokens, too; see tokens.py
    elsewhere = "10.99.0.8"  # the servers of other domains, on port 25

    def __init__(self, authority_home, nobody_home):
        self.network = Network()
        for address in (self.good, self.wrong_name, self.unknown_ca, self.down, self.sink, self.oauth2, self.elsewhere):
            self.network.add_address(address)
        self.authority = Authority(authority_home, "lab CA")
        self._machine = Machine([roots.path("smarthost")], "smarthost", self.network.hub)
        self._configure(Authority(nobody_home, "CA of nobody"))
        self._machine.boot()
        wait_until(
            lambda: self._machine.sh("postfix status", check=False).code == 0, "smarthost's postfix"
        )
        self._seen = {}

    def wait_for(self, subject, timeout=30):
        """The one message with this subject."""

        def found():
            return [m for m in self.mails() if m["Subject"] == subject]

        mails = wait_until(found, f"a mail with subject {subject!r} at the smarthost", timeout)
        assert len(mails) == 1, f"{len(mails)} mails with subject {subject!r}"
        return mails[0]

    def accept(self, user, password):
        """From now on this is the usual account, and no other can log in."""
        self._account = (user, password)
        secret = base64.b64encode(password.encode()).decode()
        self._machine.write("/etc/dovecot/users.new", f"{user}:{{PLAIN.b64}}{secret}\n")
        self._machine.sh("cd /etc/dovecot && chgrp dovecot users.new && chmod 640 users.new && mv users.new users")
        # Dovecot looks at the file once a second, and only at its time in whole seconds and its size.
        time.sleep(1.05 - time.time() % 1)

    def mails(self):
        for path in self._machine.path("/srv/mail").glob("*.eml"):
            if path.name not in self._seen:
                self._seen[path.name] = _parse(path.read_text(errors="surrogateescape"))
        return list(self._seen.values())

    def empty(self):
        for path in self._machine.path("/srv/mail").glob("*.eml"):
            path.unlink()
        if self._account != (self.user, self.password):
            self.accept(self.user, self.password)
        self._seen.clear()

    # Credentials of a scenario's own

    def expect(self, *pairs):
        """Let in these pairs in addition to the usual one, and forget what came before."""
        odd = self._machine.path("/srv/odd")
        (odd / "expected").write_text("".join(f"{user.hex()}:{password.hex()}\n" for user, password in pairs))
        (odd / "received").write_bytes(b"")

    def received(self):
        """The pairs that came over the wire since, as bytes."""
        lines = self._machine.path("/srv/odd/received").read_text().split()
        return [tuple(bytes.fromhex(word) for word in line.split(":")) for line in lines]

    @property
    def certificate(self):
        """The good one, with its key, for another server at this name."""
        return self._machine.path("/etc/postfix/good.pem")

    def log(self):
        path = self._machine.path("/var/log/mail.log")
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self):
        self._machine.close()
        self.network.close()

    def _configure(self, nobody):
        machine, files = self._machine, LAB / "smarthost"
        machine.write("/etc/hostname", f"{NAME}\n")
        machine.write("/etc/hosts", f"127.0.0.1 localhost\n{self.good} {NAME}\n")
        for name in ("main.cf", "master.cf"):
            text = (files / name).read_text()
            for face in ("good", "wrong_name", "unknown_ca", "oauth2", "elsewhere"):
                text = text.replace(f"@{face}@", getattr(self, face))
            machine.write(f"/etc/postfix/{name}", text)
        for name in ("dovecot.conf", "oauth2.conf", "password.lua"):
            machine.write(f"/etc/dovecot/{name}", (files / name).read_text())
        machine.write("/usr/local/bin/lab-deliver", (files / "deliver").read_text(), 0o755)
        # Dovecot's user writes there.
        machine.sh("mkdir -m 0777 /srv/odd; touch /srv/odd/expected /srv/odd/received; chmod 666 /srv/odd/received")
        self.accept(self.user, self.password)
        machine.write("/etc/postfix/good.pem", self.authority.certificate(NAME), 0o600)
        machine.write("/etc/postfix/wrong_name.pem", self.authority.certificate("mail.other.example"), 0o600)
        machine.write("/etc/postfix/unknown_ca.pem", nobody.certificate(NAME), 0o600)


def _parse(text):
    """What lab-deliver wrote: envelope lines, an empty line, the message."""
    envelope, _, message = text.partition("\n\n")
    facts = dict(line.split("=", 1) for line in envelope.split("\n"))
    received, raw = _split_first_header(message)
    assert received.startswith("Received:"), received
    tls = received.partition("(using ")[2].split(" ")[0]
    return Mail(
        envelope_from=facts["sender"],
        envelope_to=facts["recipients"].split(),
        user=facts["user"],
        tls=tls,
        helo=received.split()[2],
        raw=raw,
        headers=email.message_from_string(raw, policy=email.policy.default),
    )


def _split_first_header(message):
    """The first header field with its continuation lines, and the rest."""
    lines = message.splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines) if n and not line.startswith((" ", "\t")))
    return "".join(lines[:end]), "".join(lines[end:])
