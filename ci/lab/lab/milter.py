"""A milter that takes everything and writes down the envelope sender, the From header and the subject of each message.

Run as a program in a host's namespace; the scenarios use the class Milter. The protocol is that of libmilter, version 6: packets of
a length (four bytes), a command (one byte) and its data.
"""

import asyncio
import struct
import sys
import tempfile
from pathlib import Path

ADDRESS = "127.0.0.1", 8891
# Macros, and the end of a message or of a session, want no answer.
SILENT = b"DAQK"


class Milter:
    def __init__(self, host):
        from . import network
        from .shell import wait_until

        self._log = Path(tempfile.mkstemp(prefix="postpack-milter-")[1])
        self._err = open(f"{self._log}.err", "wb")
        self._process = network.inside(host.netns, ["/usr/bin/python3", __file__, self._log], self._err)
        wait_until(lambda: self._lines() == ["listening"], "the milter")

    def seen(self):
        """Envelope sender and From header by subject."""
        rows = [line.split("\t") for line in self._lines()[1:]]
        return {subject: (sender, header) for sender, header, subject in rows}

    def _lines(self):
        return self._log.read_text(errors="replace").splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        from . import network

        network.end(self._process, self._err)
        self._log.unlink()
        Path(self._err.name).unlink()


async def serve(log):
    async def session(reader, writer):
        sender, headers = "", {}
        while size := await reader.read(4):
            size += await reader.readexactly(4 - len(size))
            packet = await reader.readexactly(struct.unpack("!I", size)[0])
            command, data = packet[:1], packet[1:]
            if command == b"M":
                sender, headers = data.split(b"\0")[0].decode(errors="replace").strip("<>"), {}
            elif command == b"L":
                name, value = data.split(b"\0")[:2]
                headers[name.decode().lower()] = " ".join(value.decode(errors="replace").split())
            elif command == b"E":
                print(sender, headers.get("from", ""), headers.get("subject", ""), sep="\t", file=log, flush=True)
            # Version 6, no changes, and every command is wanted.
            answer = b"O" + struct.pack("!III", 6, 0, 0) if command == b"O" else b"c"
            if command not in SILENT:
                writer.write(struct.pack("!I", len(answer)) + answer)
                await writer.drain()
        writer.close()

    await asyncio.start_server(session, *ADDRESS)
    print("listening", file=log, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        asyncio.run(serve(file))
