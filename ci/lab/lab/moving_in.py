"""A host that moves in: its configuration is collected on it, imported here, and becomes its package."""

import json

from . import packages
from .host import RELAY_ENV
from .shell import REPOSITORY, run

COLLECTED = "/root/collected.tar"


def postpack(*words, code=0):
    """The binary under test; `code` is its exit status."""
    done = run([*packages.binary(), *words], cwd=REPOSITORY, timeout=300, check=False)
    assert done.code == code, done
    return done


def collect(host, *options):
    """What the printed collector packs on the host, as bytes."""
    script = postpack("import", "--collect").out
    host.sh(f"sh -s -- {' '.join(options)} > {COLLECTED}", input=script)
    return host.path(COLLECTED).read_bytes()


class Import:
    """The spec and the report of a host, and the package that the lab knows as `name`."""

    def __init__(self, host, name, *answers, code=0):
        folder = packages.of(name)
        folder.mkdir(parents=True)
        self.name, self.spec = name, folder / "relay.toml"
        archive, accounts, report = (folder / each for each in ("host.tar", "relay.env", "report.json"))
        masked = collect(host)
        assert host.smarthost.password.encode() not in masked
        archive.write_bytes(collect(host, "--with-secrets"))
        written = ["-o", self.spec, "--report", report, "--format", "json", "--relay-env", accounts]
        said = postpack("import", archive, *written, *answers, code=code)
        self.accounts = accounts.read_text()
        assert accounts.stat().st_mode & 0o777 == 0o600
        # Masked or not, it is the same spec, and neither shows a secret.
        hidden = folder / "masked.tar"
        hidden.write_bytes(masked)
        assert postpack("import", hidden, *answers, code=code).out == self.spec.read_text()
        self.report = json.loads(report.read_text())
        for text in (said.out + said.err, self.spec.read_text(), report.read_text()):
            assert host.smarthost.password not in text
        postpack("build", self.spec, "-o", folder)

    def install(self, host):
        """As docs/move-in.md says: the accounts first, then the package."""
        host.write(RELAY_ENV, self.accounts, 0o600)
        return host.install(self.name)

    def verdicts(self):
        """The verdict on each parameter."""
        return {one["subject"]: one["verdict"] for one in self.report["settings"]}
