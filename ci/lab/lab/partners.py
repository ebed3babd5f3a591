"""Programs that Postfix asks, played in a few lines: a policy service that has no opinion, and a milter that sees nothing wrong.

Run as a program in a host's network namespace; the scenarios use the class Partner. See SMTPD_POLICY_README and MILTER_README."""

import socketserver
import struct
import sys

PORTS = {"policy": 10040, "milter": 8895}
# Version 2, no actions, and no event but the end of a message.
NEGOTIATION = b"O" + struct.pack(">III", 2, 0, 0x7F)


class Partner:
    """`Partner(host, "policy")` answers until it is closed."""

    def __init__(self, host, kind):
        from . import network
        from .shell import wait_until

        self._log = open(host.home / f"{kind}.log", "w+b")
        self._process = network.inside(host.netns, ["/usr/bin/python3", __file__, kind], self._log)
        wait_until(lambda: (host.home / f"{kind}.log").read_text() == "listening\n", kind)

    def close(self):
        from . import network

        network.end(self._process, self._log)


class Policy(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            if line == b"\n":
                self.wfile.write(b"action=DUNNO\n\n")


class Milter(socketserver.StreamRequestHandler):
    def handle(self):
        while head := self.rfile.read(4):
            packet = self.rfile.read(struct.unpack(">I", head)[0])
            if packet[:1] == b"O":
                self.answer(NEGOTIATION)
            elif packet[:1] == b"E":
                self.answer(b"c")
            elif packet[:1] == b"Q":
                return

    def answer(self, packet):
        self.wfile.write(struct.pack(">I", len(packet)) + packet)


if __name__ == "__main__":
    [kind] = sys.argv[1:]
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", PORTS[kind]), {"policy": Policy, "milter": Milter}[kind]) as server:
        print("listening", flush=True)
        server.serve_forever()
