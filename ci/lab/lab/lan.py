"""A relay's local network: clients in network namespaces of their own, two that the relay trusts and a stranger."""

import smtplib
import socket
import ssl
from contextlib import suppress

from .network import add_address, add_route, entered

RELAY = "10.66.0.5", "fd00:66::5"


class Client:
    """Who speaks SMTP from a namespace, by its first addresses unless a session names another."""

    def __init__(self, netns, name, *addresses):
        self.netns, self.name, self.addresses = netns, name, addresses

    def smtp(self, to=RELAY[0], source=None, port=25):
        """A session, up to the relay's greeting; nothing is said yet."""
        bound = (source or self._source(to), 0)
        with entered(self.netns):
            return smtplib.SMTP(to, port, local_hostname=self.name, timeout=30, source_address=bound)

    def smtps(self, context, name, to=RELAY[0], port=465):
        """The same within TLS from the first byte, with the server of this name."""
        with entered(self.netns):
            plain = socket.create_connection((to, port), 30, (self._source(to), 0))
        session = smtplib.SMTP(local_hostname=self.name, timeout=30)
        session.sock = context.wrap_socket(plain, server_hostname=name)
        code, words = session.getreply()
        assert code == 220, words
        session.ehlo()
        return session

    def send(self, sender, recipient, text, to=RELAY[0]):
        """One message, with the envelope as it is given; smtplib's own exceptions where it is refused."""
        with self.smtp(to) as session:
            session.sendmail(sender, [recipient], text.replace("\n", "\r\n"))

    def reaches(self, to, port):
        """Does it get a connection?"""
        try:
            self.connect(to, port).close()
        except OSError:
            return False
        return True

    def connect(self, to, port=25):
        """A connection on which nothing is read or said yet."""
        with entered(self.netns):
            return socket.create_connection((to, port), 5, (self._source(to), 0))

    def raw(self, said, to=RELAY[0], source=None):
        """All at once, without waiting for an answer; what came back until the relay hung up."""
        with entered(self.netns), socket.create_connection((to, 25), 30, (source or self._source(to), 0)) as connection:
            connection.sendall(said)
            answers = []
            # Who hangs up with words still unread resets the connection.
            with suppress(ConnectionResetError):
                while piece := connection.recv(65536):
                    answers.append(piece)
            return b"".join(answers).decode(errors="replace").splitlines()

    def _source(self, to):
        return next(address for address in self.addresses if (":" in address) == (":" in to))


class Lan:
    """The clients of a host that is not booted yet: Postfix listens on no address that the host has not got."""

    trusted = "10.66.0.", "fd00:66::"
    outside = "10.77.0.", "fd00:77::"

    def __init__(self, host):
        self._network = host.smarthost.network
        self._join(host.netns, *RELAY, beside=self.outside)
        self.app = self._client("app.lan.example", self.trusted, 10)
        self.script = self._client("cron.lan.example", self.trusted, 11)
        self.stranger = self._client("mail.stranger.example", self.outside, 66)
        self.itself = Client(host.netns, "localhost", "127.0.0.1", "::1")

    def address(self, client, number):
        """One more address of a client, which to the relay is somebody else."""
        return self._join(client.netns, f"{client.addresses[0].rpartition('.')[0]}.{number}")[0]

    def close(self):
        for client in (self.app, self.script, self.stranger):
            self._network.detach(client.netns)

    def _client(self, name, networks, number):
        netns, _ = self._network.attach()
        beside = self.trusted if networks is self.outside else self.outside
        return Client(netns, name, *self._join(netns, *(f"{network}{number}" for network in networks), beside=beside))

    def _join(self, netns, *addresses, beside=()):
        """Addresses, and the way to networks that are on the same wire."""
        for address in addresses:
            add_address(netns, f"{address}/{64 if ':' in address else 24}")
        for network in beside:
            add_route(netns, f"{network}/64" if ":" in network else f"{network}0/24")
        return addresses


def verifying(authority):
    """What a client that trusts only this authority asks of the relay's certificate."""
    return ssl.create_default_context(cadata=authority.pem)
