"""Runs the parts of the host command as the host command runs them, under every awk and every sh that a host may have."""

import os
import pathlib
import resource
import subprocess

import pytest
from smtp_server import SmtpServer

LIB = pathlib.Path(__file__).parents[2] / "templates/host/lib"
AWKS = {"mawk": ["mawk"], "gawk": ["gawk"], "busybox": ["busybox", "awk"]}
SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}
# As the user of a smarthost's own name would see it; localhost has an address of its own everywhere.
HOST = "localhost"


def processor_seconds():
    """Of all programs that have ended. Unlike the time on the clock, it does not depend on what else this machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(params=AWKS)
def awk(request, tmp_path):
    """awk("part.awk program.awk", *files, **variables): exit code, standard output, standard error, all bytes; a file is given as its bytes, and the
    assignments that stand before it in the list `before`."""

    def run(program, *files, before=(), **variables):
        paths = []
        for number, content in enumerate(files):
            path = tmp_path / f"input{number}"
            path.write_bytes(content)
            paths += [*(before[number] if before else ()), str(path)]
        options = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        options += [word for name in program.split() for word in ("-f", str(LIB / name))]
        result = subprocess.run(
            [*AWKS[request.param], *options, *paths],
            capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, timeout=60, check=False,
        )
        return result.returncode, result.stdout, result.stderr

    return run


@pytest.fixture(params=SHELLS)
def sh(request, tmp_path):
    """sh("part part", script, **environment): exit code, standard output, standard error, as texts, in a shell that has these parts
    of the host command; $lib, $state and $before are set, $state to an empty folder."""

    def run(parts, script, **environment):
        lines = [f". {LIB}/{part}.sh" for part in ["common", "place", "running", *parts.split()]]
        # After the first, which sets it.
        lines.insert(1, f"unset IFS; lib={LIB} state={tmp_path} before={tmp_path}/before")
        result = subprocess.run(
            [*SHELLS[request.param], "-uc", "\n".join([*lines, script])], capture_output=True, text=True,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"], **environment}, timeout=60, check=False,
        )  # fmt: skip
        return result.returncode, result.stdout, result.stderr

    return run


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """Certificates: ca.crt, and NAME.pem of servers."""
    home = tmp_path_factory.mktemp("pki")
    (home / "openssl.cnf").write_text("[req]\ndistinguished_name = dn\n[dn]\n")

    def openssl(*argv):
        subprocess.run(["openssl", *argv], cwd=home, check=True, capture_output=True)

    def request(name, subject, *options):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key")
        openssl("req", *key, "-config", "openssl.cnf", "-subj", f"/CN={subject}", "-out", f"{name}.crt", *options)

    for ca in ("ca", "other-ca"):
        request(ca, ca, "-x509", "-addext", "basicConstraints=critical,CA:true", "-days", "30")
    servers = {
        "good": (HOST, "ca", "20"),
        "other-name": ("mail.example.net", "ca", "20"),
        "below": (f"a.{HOST}", "ca", "20"),
        "unknown-ca": (HOST, "other-ca", "20"),
        "expired": (HOST, "ca", "-1"),
    }
    for name, (subject, ca, days) in servers.items():
        request(name, subject, "-new")
        (home / "extensions").write_text(f"subjectAltName=DNS:{subject}\nbasicConstraints=CA:false\n")
        signed = ("-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-extfile", "extensions")
        openssl("x509", "-req", "-in", f"{name}.crt", "-out", f"{name}.crt", *signed, "-days", days)
        pem = (home / f"{name}.key").read_text() + (home / f"{name}.crt").read_text()
        (home / f"{name}.pem").write_text(pem)
    return home


@pytest.fixture
def server(pki):
    """server(certificate="good", **behaviour)"""
    running = []

    def start(certificate="good", **behaviour):
        running.append(SmtpServer(pki / f"{certificate}.pem", **behaviour).__enter__())
        return running[-1]

    yield start
    for one in running:
        one.__exit__()
