"""A certificate authority of the lab's own."""

import os

from .shell import locked, run

# What openssl's ca wants to be told, which alone can say when a certificate begins.
CA = """
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = lab
[lab]
database = index
default_md = sha256
policy = any
unique_subject = no
serial = serial
[any]
commonName = supplied
[server]
subjectAltName = DNS:$ENV::NAME
basicConstraints = CA:false
"""


class Authority:
    def __init__(self, home, name):
        self._home = home
        with locked(home / "lock"):
            if not (home / "ca.crt").exists():
                self._request(
                    "ca", f"/CN={name}", "-days", "3650", "-addext", "basicConstraints=critical,CA:true",
                    "-addext", "keyUsage=critical,keyCertSign",
                )  # fmt: skip
        self.pem = (home / "ca.crt").read_text()

    def certificate(self, name):
        """Key and chain of a server, in one PEM text as smtpd_tls_chain_files takes it."""
        ca = ("-CA", self._home / "ca.crt", "-CAkey", self._home / "ca.key")
        with locked(self._home / "lock"):
            self._request(
                name, f"/CN={name}", "-days", "365", *ca,
                "-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=CA:false",
            )  # fmt: skip
            return (self._home / f"{name}.key").read_text() + (self._home / f"{name}.crt").read_text()

    def certificate_of_time(self, name, begins, ends):
        """The same, valid from and to these moments (YYYYMMDDHHMMSSZ)."""
        with locked(self._home / "lock"):
            (self._home / "ca.cnf").write_text(CA)
            (self._home / "index").write_text("")
            request, key = self._home / f"{name}.request", self._home / f"{name}.of-time.key"
            given = {"cwd": self._home, "env": {**os.environ, "NAME": name}}
            new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}")
            run(["openssl", "req", "-new", "-config", "ca.cnf", *new, "-keyout", key, "-out", request], **given)
            sign = ("-batch", "-notext", "-create_serial", "-cert", "ca.crt", "-keyfile", "ca.key", "-extensions", "server")
            times = ("-startdate", begins, "-enddate", ends)
            done = run(["openssl", "ca", "-config", "ca.cnf", *sign, *times, "-outdir", ".", "-in", request], **given)
            return key.read_text() + done.out

    def _request(self, name, subject, *options):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        files = ("-keyout", self._home / f"{name}.key", "-out", self._home / f"{name}.crt")
        # An own configuration: the distribution's would add extensions twice.
        (self._home / "openssl.cnf").write_text("[req]\ndistinguished_name = dn\n[dn]\n")
        config = ("-config", self._home / "openssl.cnf")
        run(["openssl", "req", "-x509", *config, *key, "-subj", subject, *files, *options])
