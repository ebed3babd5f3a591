"""A host that somebody has set up by hand, years ago and well: it comes back as it was."""

import os

import pytest

from lab import roots
from lab.snapshot import facts

LONG_AGO = 1_234_567_890
# Where odd modes, owners, links and compiled tables are: everything that the package replaces is
# here, and what it has nothing to do with.
HANDMADE = {
    "main.cf": (0o644, "0:0"),
    "main.cf.2019": (0o600, "0:0"),
    "sasl_passwd": (0o640, "0:postfix"),
    "virtual": (0o604, "0:0"),
    "transport": (0o644, "nobody:0"),
    "aliases": (0o664, "0:mail"),
    "site/header_checks": (0o444, "0:0"),
    "site/master.cf": (0o644, "0:0"),
}
LINKS = {"header_checks": "site/header_checks", "master.cf": "/etc/postfix/site/master.cf"}

MAIN_CF = """# By hand, 2009
myorigin = web1.corp.example
mydestination = $myhostname, localhost
inet_interfaces = loopback-only
inet_protocols = ipv4
relayhost = [smtp.lab.example]:587
smtp_tls_security_level = encrypt
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = {type}:/etc/postfix/sasl_passwd
smtp_sasl_security_options = noanonymous
header_checks = regexp:/etc/postfix/header_checks
virtual_alias_maps = {type}:/etc/postfix/virtual
transport_maps = {type}:/etc/postfix/transport
alias_maps = {type}:/etc/postfix/aliases
alias_database =
compatibility_level = 2
"""


def set_up(host):
    """As its administrator left it."""
    kind = host.sh("postconf -dh default_database_type").out.strip()
    sasl = f"[smtp.lab.example]:587 {host.smarthost.user}:{host.smarthost.password}\n"
    texts = {
        "main.cf": MAIN_CF.format(type=kind),
        "main.cf.2019": "# a copy\n",
        "sasl_passwd": sasl,
        "virtual": "old-name@web1.corp.example jane@customer.example\n",
        "transport": "internal.example error:5.1.2 not from here\n",
        "aliases": "root: old-root@acme.example\n",
        "site/header_checks": "/^Subject: by hand/ PREPEND X-Hand: made\n",
        "site/master.cf": host.read("/etc/postfix/master.cf") + "# ours, 2009\n",
    }
    for name, text in texts.items():
        host.write(f"/etc/postfix/{name}", text)
    for name, target in LINKS.items():
        host.sh(f"ln -sf {target} /etc/postfix/{name}")
    for name in ("sasl_passwd", "virtual", "transport"):
        host.sh(f"postmap /etc/postfix/{name}")
    host.sh("postalias /etc/postfix/aliases")
    for name, (mode, owner) in HANDMADE.items():
        host.sh(f"chown {owner} /etc/postfix/{name}; chmod {mode:o} /etc/postfix/{name}")
    for age, path in enumerate(sorted(host.path("/etc/postfix").rglob("*"))):
        if not path.is_dir():
            os.utime(path, ns=((LONG_AGO + age) * 10**9 + 123456789,) * 2, follow_symlinks=False)
    host.sh("systemctl enable postfix.service")


def files(host):
    folder = host.path("/etc/postfix")
    return {str(path.relative_to(folder)): facts(path, times=True) for path in folder.rglob("*")}


def assert_works_by_hand(host, subject):
    """Each of the old tables has its part in this one message, and the last in another."""
    host.mail(f"by hand {subject}", to="root")
    mail = host.smarthost.wait_for(f"by hand {subject}")
    assert (mail.user, mail.envelope_to) == (host.smarthost.user, ["old-root@acme.example"])
    assert mail["X-Hand"] == "made" and "Received" in mail.headers
    assert host.deliver(f"virtual {subject}", to="old-name").envelope_to == ["jane@customer.example"]


@pytest.mark.roots(*roots.EACH)
@pytest.mark.on_postfix
def test_comes_back_byte_for_byte(host):
    set_up(host)
    host.boot()
    assert_works_by_hand(host, "before")
    before = files(host)

    said = host.install().text
    host.credentials()
    assert host.deliver("by the package").envelope_from == "noreply@acme.example"
    assert "kept as" not in said, "nobody has edited anything since we came"
    host.remove()

    assert files(host) == before
    assert_works_by_hand(host, "after")
    assert not [line for line in host.warnings() if "by the package" in line]


@pytest.mark.roots("debian-12", "rpm-dnf5", "pacman-7")
@pytest.mark.on_postfix
def test_in_an_image(host):
    """No systemd: the same files, without a service."""
    set_up(host)
    before = files(host)
    host.install()
    host.credentials()
    host.sh("mail-relay apply")
    assert host.sh("postconf -h relay_from").out == "noreply@acme.example\n"
    host.remove()
    assert files(host) == before


@pytest.mark.roots("debian-12")
def test_a_folder_in_the_way_is_refused(relay):
    relay.sh("rm /etc/postfix/header_checks && mkdir /etc/postfix/header_checks")
    before = files(relay)
    said = relay.sh("mail-relay apply", check=False)
    assert said.code == 1 and "/etc/postfix/header_checks is a folder" in said.text, said
    assert files(relay) == before
