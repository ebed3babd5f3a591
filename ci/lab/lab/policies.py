"""The web server of domains that publish how mail to them is protected (MTA-STS, RFC 8461).

Run as a program in the smarthost's namespace, with an address and a folder: NAME.pem is the certificate of a host, NAME.txt the
policy that it has. The scenarios use the class Policies."""

import ssl
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Policies:
    """`Policies(smarthost, {"customer.example": "smtp.lab.example"})`: the server that mail to each domain must find."""

    def __init__(self, smarthost, servers):
        from . import network
        from .shell import wait_until

        self._folder = tempfile.TemporaryDirectory(prefix="postpack-policies-")
        folder = Path(self._folder.name)
        for domain, server in servers.items():
            host = f"mta-sts.{domain}"
            (folder / f"{host}.pem").write_text(smarthost.authority.certificate(host))
            (folder / f"{host}.txt").write_text(f"version: STSv1\r\nmode: enforce\r\nmx: {server}\r\nmax_age: 86400\r\n")
        self._log = open(folder / "log", "wb")
        self._process = network.inside(smarthost.network.hub, ["/usr/bin/python3", __file__, smarthost.elsewhere, folder], self._log)
        wait_until(lambda: (folder / "log").read_text() == "listening\n", "the server of policies")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        from . import network

        network.end(self._process, self._log)
        self._folder.cleanup()


def serve(address, folder):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path == "/.well-known/mta-sts.txt"
            text = (folder / f"{self.headers['Host']}.txt").read_bytes() if known else b""
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    def choose(connection, name, _):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / f"{name}.pem")
        connection.context = context

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(next(folder.glob("*.pem")))
    context.sni_callback = choose
    server = HTTPServer((address, 443), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
