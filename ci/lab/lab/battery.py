"""Recipients and dialogues by which relays have been abused, beyond `relaying`: nested and routed addresses, raw RCPT commands,
and messages hidden in the text of another one."""

import socket
import time
from contextlib import suppress

from .network import entered
from .relaying import ERRORS, batches

# DOM is a name or domain of the relay.
NESTED = (
    "victim%customer.example@DOM", "customer.example!victim@DOM", "@DOM:victim@customer.example", "victim@customer.example@DOM",
    '"victim@customer.example"@DOM', '"victim%customer.example"@DOM', '"customer.example!victim"@DOM', "victim%customer.example%DOM",
    "DOM!customer.example!victim", '"@DOM:victim@customer.example"@DOM', "victim%[10.99.0.8]@DOM", "victim@[10.99.0.8]@DOM",
    '"victim@[10.99.0.8]"@DOM', "postmaster%customer.example@DOM", '"postmaster@customer.example"@DOM', "postmaster@customer.example@DOM",
    "customer.example!postmaster@DOM", '"postmaster\\@customer.example"@DOM', "@customer.example@DOM", "victim%customer.example@postmaster@DOM",
    "victim\\@customer.example@DOM", '"victim\\"@customer.example"@DOM', "victim@customer.example,x@DOM", "victim@customer.example x@DOM",
    "victim@customer.example;@DOM", "victim(x)@customer.example(@DOM)", "victim+x@customer.example@DOM", "root+victim=customer.example@DOM",
    "owner-x@DOM", "%customer.example@DOM", "!victim@DOM", "a!b%c@DOM",
)  # fmt: skip
ODD = (
    "postmaster@customer.example", "abuse@customer.example", "POSTMASTER@CUSTOMER.EXAMPLE", "victim@customer.example.",
    "victim@customer..example", "victim@.customer.example", "victim@customer.example@", "<victim@customer.example>",
    "victim@customer.example>", "victim@[10.99.0.8]", "victim@10.99.0.8", "victim@[127.0.0.1]", "victim@[10.66.0.5]", "root@[10.66.0.5]",
    "victim@[IPv6:fd00:66::5]", "root@[fd00:66::5]", "root@[IPv6:fd00:66::5]", "victim@[::1]", "victim@[web1.corp.example]",
    "victim@[customer.example]", "victim@#2130706433", "victim@sub.acme.example", "victim@acme.example.customer.example",
    "victim@xacme.example", "v\u00edctim@customer.example", "victim@c\u00fcstomer.example", "victim\uff20customer.example",
    "victim@customer\u3002example", "v\u00edctim%customer.example@acme.example", '""@customer.example', "@customer.example", "victim@",
    "victim@@customer.example", "root@localhost.localdomain", "x@localhost.localdomain", "x@localhost.corp.example", "x@corp.example",
    "victim@mail.acme.example", "error:x@customer.example", "smtp:victim@customer.example", "retry:@customer.example",
    "double-bounce@customer.example", "abuse@localhost",
)  # fmt: skip
# Whole commands; NAME is the relay's own name.
RAW = (
    "RCPT TO:victim@customer.example", "RCPT TO: <victim@customer.example>", "RCPT TO:<postmaster@NAME>,<victim@customer.example>",
    "RCPT TO:<postmaster@NAME> <victim@customer.example>", "RCPT TO:<@customer.example,@acme.example:postmaster@NAME>",
    "RCPT TO:<victim@customer.example> NOTIFY=NEVER", "RCPT TO:<victim@customer.example> ORCPT=rfc822;postmaster@NAME",
    "RCPT TO:<victim@customer.example> SIZE=1", "rcpt to:<victim@customer.example>", "RCPT TO:Victim <victim@customer.example>",
    "RCPT TO:<victim@customer.example\0@acme.example>", "RCPT TO:<victim@customer.example\t@acme.example>",
)  # fmt: skip
SENDERS = "spammer@stranger.example", "", "postmaster@NAME", "sales@acme.example"
# What some server may take for the end of a text. Postfix ends it at CR LF . CR LF alone.
ENDS = b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r\r\n.\r\r\n", b"\r\n\0.\r\n", b"\n\n.\n\n"


def commands(name, domains):
    """Each RCPT command of the battery, for a relay with this name and these domains."""
    nested = [f"RCPT TO:<{local.replace('DOM', domain)}>" for domain in domains for local in NESTED]
    return nested + [f"RCPT TO:<{address}>" for address in ODD] + [line.replace("NAME", name) for line in RAW]


def battery(begin, name, domains):
    """Each sender with each command, up to a whole message: (sender, command, code) of each. `begin` makes a session and says EHLO."""
    answers = []
    for sender in (sender.replace("NAME", name) for sender in SENDERS):
        for some in batches(commands(name, domains), ERRORS - 1):
            with begin() as session:
                answers += [(sender, line, _attempt(session, sender, line)) for line in some]
    return answers


def _attempt(session, sender, line):
    session.docmd("RSET")
    code, _ = session.docmd("MAIL", f"FROM:<{sender}>" + ("" if line.isascii() else " SMTPUTF8"))
    if code < 400:
        session.send(line.encode() + b"\r\n")
        code, _ = session.getreply()
    if code < 400:
        code, _ = session.docmd("DATA")
    if code < 400:
        session.send(f"Subject: battery\r\n\r\n{line.replace(chr(0), '')}\r\n.\r\n".encode())
        code, _ = session.getreply()
    return code


def smuggle(client, to, envelope, hidden, login=None):
    """A text with a second message behind each of ENDS, by DATA in the same packet, DATA in a later one, and BDAT: how many were tried.
    The hidden message's subject is `smuggled`."""
    tried = 0
    for end in ENDS:
        for way in ("at once", "split", "bdat"):
            with entered(client.netns), socket.create_connection((to, 25), 20, (client._source(to), 0)) as connection:
                _dialogue(connection, envelope, hidden, end, way)
            tried += 1
    return tried


def _dialogue(connection, envelope, hidden, end, way):
    replies = connection.makefile("rb")

    def reply():
        while (line := replies.readline())[3:4] == b"-":
            pass
        return line

    reply()
    for command in ("EHLO mail.stranger.example", f"MAIL FROM:<{envelope[0]}>", f"RCPT TO:<{envelope[1]}>", "DATA"):
        connection.sendall(f"{command}\r\n".encode())
        assert reply()[:1] in b"23", command
    text = b"Subject: smuggled\r\n\r\nsmuggled\r\n"
    begin = b"Subject: around\r\n\r\nhello" + end + f"MAIL FROM:<{hidden[0]}>\r\nRCPT TO:<{hidden[1]}>\r\n".encode()
    if way == "bdat":
        connection.sendall(begin + b"BDAT %d LAST\r\n" % len(text) + text + b"\r\n.\r\nQUIT\r\n")
    else:
        connection.sendall(begin + b"DATA\r\n")
        if way == "split":
            # Long enough that Postfix has answered the first part, if it is going to.
            time.sleep(0.3)
        connection.sendall(text + b".\r\nQUIT\r\n")
    connection.settimeout(5)
    with suppress(OSError):
        while connection.recv(4096):
            pass
