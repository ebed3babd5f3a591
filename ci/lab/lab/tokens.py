"""An OAuth2 provider: a token endpoint over TLS for hosts, and for the smarthost an answer to whether a token holds.

Run as a program in the smarthost's namespace; the scenarios use the class Tokens. Each refresh token works once, as
Microsoft's may: its answer brings the next one.
"""

import json
import secrets
import shutil
import ssl
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

NAME = "login.lab.example"
# Where a host keeps what it has of the first smarthost.
FOLDER = "/var/lib/mail-relay/oauth2/PRIMARY"
USER, CLIENT, SECRET = "robot@acme.example", "client-1", "s e&c=ret+%\"'\\"
# As long as those of Microsoft 365.
LENGTH = 1500


def sign_in(host, **more):
    """What the provider has given to the administrator, in relay.env."""
    values = {"USERNAME": USER, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "REFRESH_TOKEN": "first-refresh-token"} | more
    lines = [f"RELAY_{key}='" + value.replace("'", "'\"'\"'") + "'\n" for key, value in values.items()]
    host.write("/etc/mail-relay/relay.env", "".join(lines), 0o600)


class Tokens:
    """What the provider does is a file that it reads at each request; what it was asked is another."""

    def __init__(self, smarthost):
        from . import network
        from .shell import wait_until

        self._folder = Path(tempfile.mkdtemp(prefix="postpack-tokens-"))
        (self._folder / "certificate").write_text(smarthost.authority.certificate(NAME))
        (self._folder / "asked").write_text("")
        self.tell(lifetime=3600, refresh="first-refresh-token")
        self._err = open(self._folder / "err", "wb")
        argv = ["/usr/bin/python3", __file__, self._folder, smarthost.oauth2]
        self._process = network.inside(smarthost.network.hub, argv, self._err)
        wait_until((self._folder / "listening").exists, "the token endpoint")

    def tell(self, **wishes):
        """lifetime: seconds of the next tokens; refresh: the refresh token that works now, None for none; withdrawn: no token holds."""
        file = self._folder / "wishes"
        known = json.loads(file.read_text()) if file.exists() else {}
        new = file.with_name("wishes.new")
        new.write_text(json.dumps({**known, **wishes}))
        new.rename(file)

    def refresh(self):
        """The refresh token that works now."""
        return json.loads((self._folder / "wishes").read_text())["refresh"]

    def asked(self):
        """What hosts asked for, as (grant, error)."""
        return [tuple(json.loads(line)) for line in (self._folder / "asked").read_text().splitlines()]

    def secrets(self):
        """Every secret that was ever in play."""
        return [SECRET, *(self._folder / "given").read_text().split()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        from . import network

        network.end(self._process, self._err)
        shutil.rmtree(self._folder)


class Provider:
    def __init__(self, folder):
        self.folder = folder
        self.tokens = {}  # token: its end
        self.lock = threading.Lock()

    def wishes(self):
        return json.loads((self.folder / "wishes").read_text())

    def note(self, name, text):
        with open(self.folder / name, "a") as file:
            file.write(f"{text}\n")

    def grant(self, form):
        with self.lock:
            wishes = self.wishes()
            kind, error = form.get("grant_type"), ""
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
                error = "invalid_client"
            elif kind == "refresh_token" and form.get("refresh_token") != wishes["refresh"]:
                error = "invalid_grant"
            elif kind not in ("refresh_token", "client_credentials"):
                error = "unsupported_grant_type"
            self.note("asked", json.dumps([kind, error]))
            if error:
                return 400, {"error": error, "error_description": "Token has been expired or revoked."}
            token, refresh = f"ya29.{secrets.token_urlsafe(LENGTH)[:LENGTH]}", f"1//{secrets.token_urlsafe(40)}"
            self.tokens[token] = time.time() + wishes["lifetime"]
            self.note("given", f"{token} {refresh}")
            answer = {"token_type": "Bearer", "expires_in": wishes["lifetime"], "access_token": token}
            if kind == "refresh_token":
                answer["refresh_token"] = refresh
                (self.folder / "wishes").write_text(json.dumps({**wishes, "refresh": refresh}))
            return 200, answer

    def introspect(self, form):
        active = self.tokens.get(form.get("token"), 0) > time.time() and not self.wishes().get("withdrawn")
        return 200, {"active": active, **({"username": USER} if active else {})}


def server(address, answers):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            code, answer = answers({key: values[0] for key, values in parse_qs(body).items()})
            text = json.dumps(answer, indent=2).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return ThreadingHTTPServer(address, Handler)


def main(folder, address):
    provider = Provider(folder)
    endpoint = server((address, 443), provider.grant)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "certificate")
    endpoint.socket = tls.wrap_socket(endpoint.socket, server_side=True)
    answers = server(("127.0.0.1", 8089), provider.introspect)
    threading.Thread(target=answers.serve_forever, daemon=True).start()
    (folder / "listening").touch()
    endpoint.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
