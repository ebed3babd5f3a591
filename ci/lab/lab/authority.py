"""A certificate authority of the lab's own."""

from .shell import locked, run


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

    def _request(self, name, subject, *options):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        files = ("-keyout", self._home / f"{name}.key", "-out", self._home / f"{name}.crt")
        # An own configuration: the distribution's would add extensions twice.
        (self._home / "openssl.cnf").write_text("[req]\ndistinguished_name = dn\n[dn]\n")
        config = ("-config", self._home / "openssl.cnf")
        run(["openssl", "req", "-x509", *config, *key, "-subj", subject, *files, *options])
