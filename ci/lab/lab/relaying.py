"""Ways to make a mail server relay that should not: recipients, senders, and commands beside mail."""

import itertools
import re

VICTIM = "victim@customer.example"
# Addresses that look like the relay's own, and name another behind it. NAME is a name of the relay.
ROUTED = (
    "victim%customer.example@NAME", "victim%customer.example", "customer.example!victim", "customer.example!victim@NAME",
    "@NAME:victim@customer.example", "@localhost,@NAME:victim@customer.example", '"victim@customer.example"@NAME',
    '"victim@customer.example"', "victim@customer.example@NAME", '"victim%customer.example"@NAME', "victim%customer.example%NAME",
    "NAME!customer.example!victim", "@NAME:victim%customer.example", "victim%customer.example@localhost",
    "victim%customer.example@[127.0.0.1]", "customer.example!victim%NAME", "victim@customer.example%NAME",
)  # fmt: skip
PLAIN = (
    VICTIM, f"{VICTIM}.", VICTIM.upper(), f'"victim"@customer.example', "victim@[10.99.0.2]", "victim@[IPv6:::ffff:10.99.0.2]",
    "victim@[IPv6:::ffff:127.0.0.1]", "root", "postmaster", "root@NAME", "root@localhost", "ops@acme.example",
)  # fmt: skip
SENDERS = (
    "spammer@stranger.example", "", "root", "noreply@acme.example", "root@NAME", "double-bounce@NAME", "ops@acme.example",
    '"spammer"@stranger.example', "spammer@[10.66.0.10]", "spammer%acme.example@NAME", "@acme.example:spammer@stranger.example",
)  # fmt: skip
COMMANDS = (
    f"VRFY {VICTIM}", "VRFY root", "EXPN root", "EXPN postmaster", "ETRN customer.example", "ETRN @customer.example", "ETRN #queue",
    "TURN", "ATRN customer.example", f"SEND FROM:<{VICTIM}>", f"SOML FROM:<{VICTIM}>", f"SAML FROM:<{VICTIM}>",
    "XCLIENT ADDR=10.66.0.10 NAME=app.lan.example", "XCLIENT ADDR=127.0.0.1", "XFORWARD ADDR=127.0.0.1", "BDAT 0 LAST", "DATA",
    "PROXY TCP4 10.66.0.10 10.66.0.5 4711 25", "AUTH PLAIN AHVzZXIAcGFzcw==",
)  # fmt: skip
HELOS = "mail.stranger.example", "NAME", "localhost", "[127.0.0.1]", "[10.66.0.10]", "[IPv6:::1]"
# Below it Postfix answers at once; after it, one second later each time.
ERRORS = 9


class Attempts:
    """Every answer that a relay gave to somebody who tried."""

    def __init__(self, name):
        self._name = name
        self.answers = []

    def named(self, texts):
        return [text.replace("NAME", self._name) for text in texts]

    def refused(self):
        return [answer for answer in self.answers if answer[1] >= 400]

    def accepted(self):
        return [answer for answer in self.answers if answer[1] < 400]

    def envelopes(self, begin, senders=SENDERS, recipients=PLAIN + ROUTED):
        """Each sender with each recipient. `begin` makes a session and says EHLO, and may do more."""
        for sender, some in itertools.product(self.named(senders), batches(self.named(recipients), ERRORS - 1)):
            with begin() as session:
                for recipient in some:
                    self._note((sender, recipient), self._envelope(session, sender, recipient))

    def _envelope(self, session, sender, recipient):
        """The answer that counts: the first refusal, or what the relay says to the message."""
        # A MAIL that came before stands until the RSET.
        session.docmd("RSET")
        for verb, words in (("MAIL", f"FROM:<{sender}>"), ("RCPT", f"TO:<{recipient}>"), ("DATA", "")):
            answer = session.docmd(verb, words)
            if answer[0] >= 400:
                return answer
        return message(session, "relayed")

    def commands(self, begin, commands=COMMANDS):
        for some in batches(commands, ERRORS - 1):
            with begin() as session:
                for command in some:
                    self._note(command, session.docmd(command))

    def helos(self, connect):
        for verb, name in itertools.product(("HELO", "EHLO"), self.named(HELOS)):
            with connect() as session:
                session.docmd(verb, name)
                session.docmd("MAIL", "FROM:<spammer@stranger.example>")
                self._note((verb, name), session.docmd("RCPT", f"TO:<{VICTIM}>"))

    def pipelined(self, send, recipients=PLAIN + ROUTED):
        """A whole dialogue in one piece, message and all, by whoever does not care for the answers."""
        for recipient in self.named(recipients):
            lines = ["EHLO mail.stranger.example", "MAIL FROM:<>", f"RCPT TO:<{recipient}>", "DATA", "Subject: piped", "", "x", ".", "QUIT"]
            codes = [int(line[:3]) for line in send("\r\n".join([*lines, ""]).encode()) if re.match(r"\d{3}( |$)", line)]
            # The greeting, then EHLO, MAIL, RCPT and DATA; since 3.9 Postfix hangs up after the first of them.
            self._note(("pipelined", recipient), (max(codes[1:5], default=421), b""))

    def _note(self, what, answer):
        code, text = answer
        self.answers.append((what, code, text.decode(errors="replace")))


def message(session, subject):
    """The text of a message, after the relay has asked for it."""
    session.send(f"Subject: {subject}\r\n\r\nx\r\n.\r\n")
    return session.getreply()


def batches(items, size):
    items = list(items)
    return [items[at : at + size] for at in range(0, len(items), size)]
