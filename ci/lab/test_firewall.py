"""Firewall rules that the package brings, put in force by the tools themselves as their comments and documents say."""

import pytest

from lab import roots
from lab.host import Host

OWN = "/usr/share/mail-relay/firewall"
EXCLUSIVE = f'include "{OWN}/exclusive*.nft"\n'
CLOSED = f"""table inet closed {{
    chain output {{
        type filter hook output priority filter; policy accept;
        oifname "lo" accept
        ct state established,related accept
        include "{OWN}/egress*.nft"
        meta l4proto tcp reject with tcp reset
        drop
    }}
}}
"""
LOAD = "nft -c -f /etc/nftables.conf && nft -f /etc/nftables.conf"

pytestmark = pytest.mark.roots("debian-12", "debian-13", "rpm-dnf5", "pacman-7")


def reaches(host, user, address, port):
    """Does a program of that user get a connection?"""
    probe = f"import socket; socket.create_connection(('{address}', {port}), timeout=10)"
    return host.sh(f'setpriv --reuid={user} --regid={user} --clear-groups python3 -c "{probe}"', check=False).code == 0


def assert_mail_alone_leaves(server, smarthost, subject):
    server.deliver(subject)
    assert reaches(server, "postfix", smarthost.good, 587)
    assert not reaches(server, "postfix", smarthost.good, 465)


def test_mail_leaves_a_host_that_closes_the_way_out(server, smarthost):
    for port in (25, 465, 587):
        assert reaches(server, "daemon", smarthost.good, port)
    ufw(server, smarthost)
    firewalld(server, smarthost)
    nftables(server, smarthost)


def ufw(server, smarthost):
    assert "Port:\n  587/tcp" in server.sh("ufw app info 'Mail Relay Out'").out
    # A container's sysctl is not its own.
    server.sh("sed -i 's/^IPT_SYSCTL=.*/IPT_SYSCTL=/' /etc/default/ufw")
    server.sh("ufw default reject outgoing && ufw allow out to any app 'Mail Relay Out' && ufw --force enable")
    assert_mail_alone_leaves(server, smarthost, "through ufw")
    server.sh("ufw disable && nft flush ruleset")
    assert reaches(server, "daemon", smarthost.good, 465)


def firewalld(server, smarthost):
    server.sh("firewall-offline-cmd --check-config")
    assert "ports: 587/tcp" in server.sh("firewall-offline-cmd --info-service=mail-relay-out").out
    closed = "firewall-offline-cmd --policy=closed"
    server.sh(
        "firewall-offline-cmd --new-policy=closed"
        f" && {closed} --add-ingress-zone=HOST && {closed} --add-egress-zone=ANY && {closed} --set-target=REJECT"
        " && systemctl start firewalld && firewall-cmd --state"
    )
    assert_mail_alone_leaves(server, smarthost, "through firewalld")
    server.sh("systemctl stop firewalld && nft flush ruleset")
    assert reaches(server, "daemon", smarthost.good, 465)


def nftables(server, smarthost):
    # Nobody speaks to port 25, and what else there is stays open. Loaded twice is as once.
    server.write("/etc/nftables.conf", EXCLUSIVE)
    server.sh(f"{LOAD} && {LOAD}")
    assert server.sh("nft list tables").out == "table inet mail_relay\n"
    for user in ("daemon", "root", "postfix"):
        assert not reaches(server, user, smarthost.good, 25)
        assert reaches(server, user, "127.0.0.1", 25)
    assert reaches(server, "daemon", smarthost.good, 587)
    server.deliver("by another port than 25")

    server.write("/etc/nftables.conf", CLOSED)
    server.sh(LOAD)
    assert_mail_alone_leaves(server, smarthost, "through nft")
    server.sh("mail-relay test ops@acme.example")
    assert not reaches(server, "daemon", smarthost.good, 587)

    # They go with the package, and the firewall loads without them.
    server.write("/etc/nftables.conf", f"flush ruleset\n{CLOSED}{EXCLUSIVE}")
    server.sh(LOAD)
    server.remove()
    server.sh(LOAD)


@pytest.mark.roots("pacman-7")
def test_only_postfix_speaks_to_a_smarthost_on_port_25(root, smarthost):
    server = Host(roots.with_programs(root), smarthost)
    try:
        server.install("port-25")
        server.credentials()
        server.boot()
        assert reaches(server, "daemon", smarthost.good, 25)
        server.sh(f"nft -f {OWN}/exclusive.nft")
        server.deliver("by port 25")
        assert not reaches(server, "daemon", smarthost.good, 25)
        # mail-relay asks the smarthost, too.
        server.sh("mail-relay test ops@acme.example")
    finally:
        server.close()
