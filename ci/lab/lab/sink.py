"""A server that takes everything and writes down every line it was sent.

Run as a program in the smarthost's namespace; the scenarios use the class Sink.
Kinds: `plain` offers nothing; `no-tls` offers AUTH but no STARTTLS; `broken-tls` offers both and then
refuses STARTTLS, as a man in the middle would; `any-password` is a good server
that lets in everybody; `no-sender`, `no-relay`, `no-recipient`, `no-auth`,
`no-basic-auth`, `no-more` and `no-content` are such servers that refuse what
their names say, the last two when a message is there. `no-word` hangs up,
`no-thanks` greets with a refusal, and `old-tls` speaks TLS 1.1 at most.
"""

import asyncio
import base64
import ssl
import sys
import tempfile
from pathlib import Path

EXTENSIONS = {
    "plain": [],
    "no-tls": ["AUTH PLAIN LOGIN"],
    "broken-tls": ["STARTTLS", "AUTH PLAIN LOGIN"],
}
WITHIN_TLS = {
    **dict.fromkeys(
        ("any-password", "no-sender", "no-relay", "no-recipient", "no-basic-auth", "no-more", "no-content", "old-tls"), ["AUTH PLAIN"]
    ),
    "no-auth": ["SIZE"],
}
EXTENSIONS |= dict.fromkeys(WITHIN_TLS, ["STARTTLS"])
REFUSALS = {
    ("no-sender", "MAIL"): "550 5.7.60 Client does not have permissions to send as this sender",
    ("no-relay", "RCPT"): "554 5.7.1 Relay access denied",
    ("no-recipient", "RCPT"): "550 5.1.1 no such user here",
    ("no-thanks", "greeting"): "554 5.7.1 you are on our list",
    ("no-more", "."): "452 4.2.2 Daily sending quota exceeded",
    ("no-content", "."): "450 4.7.1 message looks like spam, for now",
    ("no-basic-auth", "AUTH"): "535 5.7.139 Authentication unsuccessful, basic authentication is disabled",
}


class Sink:
    def __init__(self, smarthost, kind, certificate=None, ports=(25, 587)):
        from . import network
        from .shell import wait_until

        self._log = Path(tempfile.mkstemp(prefix="postpack-sink-")[1])
        self._err = open(f"{self._log}.err", "wb")
        argv = ["/usr/bin/python3", __file__, kind, smarthost.sink, self._log, certificate or smarthost.certificate, *ports]
        self._process = network.inside(smarthost.network.hub, argv, self._err)
        wait_until(lambda: self.lines() == ["listening"], "the sink")

    def lines(self):
        return self._log.read_text(errors="replace").splitlines()

    def verbs(self):
        """The commands that clients sent."""
        return {line.split(":")[0].split()[0].upper() for line in self.lines()[1:] if line}

    def logins(self):
        """The pairs of user and password that came by AUTH PLAIN, as bytes."""
        sent = [line.split()[2] for line in self.lines() if line.startswith("AUTH PLAIN ")]
        return [tuple(base64.b64decode(words).split(b"\0")[1:]) for words in sent]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        from . import network

        network.end(self._process, self._err)
        self._log.unlink()
        Path(self._err.name).unlink()


async def serve(kind, address, log, certificate, ports):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    if kind == "old-tls":
        tls.set_ciphers("ALL:@SECLEVEL=0")
        tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1

    async def session(reader, writer):
        def say(*lines):
            writer.write("".join(f"{line}\r\n" for line in lines).encode())

        if kind == "no-word":
            writer.close()
            return
        say(REFUSALS.get((kind, "greeting"), "220 sink ESMTP"))
        in_data, extensions = False, EXTENSIONS.get(kind, [])
        while line := await reader.readline():
            text = line.decode(errors="replace").rstrip("\r\n")
            print(text, file=log, flush=True)
            verb = text.split(" ")[0].upper()
            if refusal := REFUSALS.get((kind, verb)):
                say(refusal)
                in_data = False
            elif in_data:
                in_data = text != "."
                if not in_data:
                    say("250 taken")
            elif verb == "EHLO":
                offers = ["sink", *extensions]
                say(*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")
            elif verb == "STARTTLS" and kind in WITHIN_TLS:
                say("220 go on")
                await writer.start_tls(tls)
                extensions = WITHIN_TLS[kind]
            elif verb == "STARTTLS":
                say("454 no TLS today")
            elif verb == "AUTH":
                say("235 welcome")
            elif verb == "DATA":
                in_data = True
                say("354 go on")
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("250 fine")
            await writer.drain()
        writer.close()

    for port in ports:
        await asyncio.start_server(session, address, port)
    print("listening", file=log, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    kind, address, log, certificate, *ports = sys.argv[1:]
    with open(log, "w") as file:
        asyncio.run(serve(kind, address, file, certificate, map(int, ports)))
