"""A provider like Amazon SES: it refuses the null sender with 501 and recipients that begin with `nobody`, and takes the rest.

Run as a program in the smarthost's namespace; the scenarios use the class Picky.
"""

import asyncio
import ssl
import sys
import tempfile
from pathlib import Path

REFUSED_SENDER = "501 Invalid MAIL FROM address provided"


class Picky:
    def __init__(self, smarthost):
        from . import network
        from .shell import wait_until

        self._log = Path(tempfile.mkstemp(prefix="postpack-picky-")[1])
        self._err = open(f"{self._log}.err", "wb")
        argv = ["/usr/bin/python3", __file__, smarthost.sink, self._log, smarthost.certificate]
        self._process = network.inside(smarthost.network.hub, argv, self._err)
        wait_until(lambda: "listening" in self.text(), "the picky provider")

    def text(self):
        """All that clients sent."""
        return self._log.read_text(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        from . import network

        network.end(self._process, self._err)
        self._log.unlink()
        Path(self._err.name).unlink()


async def serve(address, log, certificate):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)

    async def session(reader, writer):
        def say(*lines):
            writer.write("".join(f"{line}\r\n" for line in lines).encode())

        say("220 picky ESMTP")
        in_data, secure = False, False
        while line := await reader.readline():
            text = line.decode(errors="replace").rstrip("\r\n")
            print(text, file=log, flush=True)
            words = text.upper()
            if in_data:
                in_data = text != "."
                if not in_data:
                    say("250 taken")
            elif words.startswith("EHLO"):
                say("250-picky", "250 AUTH PLAIN" if secure else "250 STARTTLS")
            elif words == "STARTTLS":
                say("220 go on")
                await writer.start_tls(tls)
                secure = True
            elif words.startswith("AUTH"):
                say("235 welcome")
            elif words.startswith("MAIL FROM:<>"):
                say(REFUSED_SENDER)
            elif words.startswith("RCPT TO:<NOBODY"):
                say("550 5.1.1 no such user")
            elif words == "DATA":
                in_data = True
                say("354 go on")
            elif words == "QUIT":
                say("221 bye")
                break
            else:
                say("250 fine")
            await writer.drain()
        writer.close()

    await asyncio.start_server(session, address, 587)
    print("listening", file=log, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    address, log, certificate = sys.argv[1:]
    with open(log, "w") as file:
        asyncio.run(serve(address, file, certificate))
