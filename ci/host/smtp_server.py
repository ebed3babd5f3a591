"""A real SMTP server on the loopback, over real TLS, that does as a test wants: as `SmtpServer(pem, auth=[], ...)`."""

import base64
import socket
import socketserver
import ssl
import threading
import time


class SmtpServer:
    def __init__(self, pem, **behaviour):
        self.lines = []  # every line that came, with TLS or without: (tls, bytes)
        options = {
            "greeting": "220 test ESMTP", "silent": False, "starttls": "offered", "wrapped": False, "auth": ["PLAIN", "LOGIN"],
            "auth_in_clear": False, "login": (b"user", b"secret"), "sender": "250 ok", "recipient": "250 ok",
            "refusal": "535 5.7.8 wrong\x1b[2J password", "on_auth": lambda: None, "challenge": b'{"status":"400","scope":"https://mail.example/\x1b[2J"}',
        } | behaviour  # fmt: skip
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        if pem:
            context.load_cert_chain(pem)
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    Session(owner, options, context, self.request).run()
                except OSError:  # the client has gone
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def logins(self):
        """The pairs that came by AUTH PLAIN."""
        words = [line.split()[2] for _, line in self.lines if line.startswith(b"AUTH PLAIN ")]
        return [tuple(base64.b64decode(word).split(b"\0", 2)[1:]) for word in words]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Session:
    def __init__(self, owner, options, context, connection):
        self.owner, self.options, self.context = owner, options, context
        self.tls = False
        self.use(connection)

    def use(self, connection):
        self.connection = connection
        self.connection.settimeout(30)
        self.file = connection.makefile("rb")

    def start_tls(self):
        try:
            self.use(self.context.wrap_socket(self.connection, server_side=True))
        except ssl.SSLError as error:  # the client turned away
            raise OSError(error) from error
        self.tls = True

    def say(self, *lines):
        for line in lines[:-1]:
            self.connection.sendall(f"{line[:3]}-{line[4:]}\r\n".encode())
        self.connection.sendall(f"{lines[-1]}\r\n".encode())

    def line(self):
        text = self.file.readline()
        if not text:
            raise OSError("closed")
        text = text.rstrip(b"\r\n")
        self.owner.lines.append((self.tls, text))
        return text

    def run(self):
        if self.options["wrapped"]:
            self.start_tls()
        if self.options["silent"]:
            while self.connection.recv(4096):
                time.sleep(0.01)
            return
        if not self.options["greeting"]:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.say(self.options["greeting"])
        while True:
            verb, _, rest = self.line().partition(b" ")
            if verb == b"QUIT":
                self.say("221 bye")
                return
            getattr(self, verb.decode().lower(), self.unknown)(rest)

    def unknown(self, _):
        self.say("502 what?")

    def ehlo(self, _):
        extensions = ["250 test", "250 SIZE 1000"]
        if self.options["starttls"] and not self.tls:
            extensions.append("250 STARTTLS")
        if self.options["auth"] and (self.tls or self.options["auth_in_clear"]):
            extensions.append(f"250 AUTH {' '.join(self.options['auth'])}")
        self.say(*extensions, "250 HELP")

    def starttls(self, _):
        if self.options["starttls"] == "refused":
            self.say("454 4.7.0 no TLS today")
        else:
            self.say("220 go on")
            self.start_tls()

    def auth(self, rest):
        kind, _, words = rest.partition(b" ")
        self.options["on_auth"]()
        if kind == b"PLAIN":
            pair = tuple(base64.b64decode(words, validate=True).split(b"\0", 2)[1:])
        elif kind == b"XOAUTH2":
            self.say("334 ")
            line = self.line()
            self.options["on_auth"]()
            user, bearer = base64.b64decode(line, validate=True).removesuffix(b"\1\1").split(b"\1")
            pair = (user.removeprefix(b"user="), bearer.removeprefix(b"auth=Bearer "))
            if pair != self.options["login"]:
                # Why, in a challenge that is answered by nothing.
                self.say("334 " + base64.b64encode(self.options["challenge"]).decode())
                assert self.line() == b""
        else:
            self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.line(), validate=True)
            self.say("334 UGFzc3dvcmQ6")
            pair = (user, base64.b64decode(self.line(), validate=True))
        self.say("235 2.7.0 welcome" if pair == self.options["login"] else self.options["refusal"])

    def mail(self, _):
        self.say(self.options["sender"])

    def rcpt(self, _):
        self.say(self.options["recipient"])

    def rset(self, _):
        self.say("250 ok")
