"""Firewall rules that the package brings, put in force by the tools themselves as their comments and documents say."""

import pytest

from lab import roots
from lab.host import Host
from lab.lan import RELAY
from lab.shell import wait_until

pytestmark = pytest.mark.on_postfix

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
CLOSED_IN = f"""flush ruleset
table inet closed {{
    chain input {{
        type filter hook input priority filter; policy accept;
        iifname "lo" accept
        ct state established,related accept
        include "{OWN}/ingress*.nft"
        meta l4proto tcp reject with tcp reset
    }}
}}
"""
LOAD = "nft -c -f /etc/nftables.conf && nft -f /etc/nftables.conf"


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
    if "established" in server.sh("nft list chain inet firewalld filter_OUTPUT").out:
        assert_mail_alone_leaves(server, smarthost, "through firewalld")
    else:
        # Debian 11: whoever closes the way out, closes it in the midst of each connection, whatever any policy accepts (firewalld #705).
        assert server.sh("firewall-cmd --version").out == "0.9.3\n"
        assert not reaches(server, "postfix", smarthost.good, 587)
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


# The way in, to the relay of a network

TRUSTED = "10.66.0.0/24", "fd00:66::/64"
OTHER = 8080
FOR_USERS = 465, 587


def test_a_host_that_closes_the_way_in_lets_in_the_mail_of_its_network(network_server):
    server, lan = network_server, network_server.lan
    server.sh(f"systemd-run --quiet python3 -m http.server --bind :: {OTHER}")
    wait_until(lambda: lan.stranger.reaches(RELAY[0], OTHER), "something else that listens")
    for close in (ufw_in, firewalld_in, nftables_in):
        assert_all_reach_it(lan)
        close(server, lan)


def assert_all_reach_it(lan):
    for client in (lan.app, lan.stranger):
        for to in RELAY:
            assert all(client.reaches(to, port) for port in (25, OTHER, *FOR_USERS))


def assert_only_mail_gets_in(server, lan, subject):
    for to in RELAY:
        assert not lan.stranger.reaches(to, 25)
        # Users are wherever they are, and log in.
        assert all(lan.stranger.reaches(to, port) for port in FOR_USERS)
        for client in (lan.app, lan.script, lan.stranger):
            assert not client.reaches(to, OTHER)
        lan.app.send("shop@acme.example", "jane@customer.example", f"Subject: {subject} to {to}\n\nx\n", to)
        server.smarthost.wait_for(f"{subject} to {to}")
    server.deliver(f"{subject}, of the host itself")


def ufw_in(server, lan):
    assert "Port:\n  25/tcp" in server.sh("ufw app info 'Mail Relay In'").out
    server.sh("sed -i 's/^IPT_SYSCTL=.*/IPT_SYSCTL=/' /etc/default/ufw; ufw default reject incoming")
    for network in TRUSTED:
        allow = f'ufw allow from {network} to any app "Mail Relay In"'
        assert allow in " ".join(server.sh("ufw app info 'Mail Relay In'").out.split())
        server.sh(allow)
    assert "Ports:\n  465,587/tcp" in server.sh("ufw app info 'Mail Relay Users'").out
    server.sh("ufw allow 'Mail Relay Users'; ufw --force enable")
    assert_only_mail_gets_in(server, lan, "through ufw")
    server.sh("ufw disable && nft flush ruleset")


def firewalld_in(server, lan):
    server.sh("firewall-offline-cmd --check-config")
    assert "ports: 25/tcp" in server.sh("firewall-offline-cmd --info-service=mail-relay-in").out
    assert "ports: 465/tcp 587/tcp" in server.sh("firewall-offline-cmd --info-service=mail-relay-users").out
    server.sh("systemctl start firewalld && firewall-cmd --state")
    assert_only_mail_gets_in(server, lan, "through firewalld")
    server.sh("systemctl stop firewalld && nft flush ruleset")


def nftables_in(server, lan):
    server.write("/etc/nftables.conf", CLOSED_IN)
    server.sh(f"{LOAD} && {LOAD}")
    assert_only_mail_gets_in(server, lan, "through nft")
    # They go with the package, and the firewall loads without them.
    server.remove()
    server.sh(LOAD)
    assert not lan.app.reaches(RELAY[0], 25)
