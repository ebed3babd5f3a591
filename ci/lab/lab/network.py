"""One small internet per worker: a bridge in the smarthost's network namespace.

Nothing of it is visible in the lab machine's own namespace, so that workers
use the same addresses side by side and no firewall or route there matters.
"""

import ctypes
import ipaddress
import itertools
import os
import re
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

from .shell import run, wait_until

NET = ipaddress.ip_network("10.99.0.0/16")
HOSTS = NET.network_address + 256  # below: the smarthost and its kin


class Network:
    def __init__(self):
        self.hub = f"postpack-{os.getpid()}-hub"
        self._hosts = itertools.count(1)
        _create(self.hub)
        # An address of its own: a bridge without one takes the lowest of its ports', and changes it when hosts come and go. Those that
        # stay would speak to the old one for up to a minute.
        self._ip("link", "add", "br0", "address", "02:00:00:00:00:01", "type", "bridge")
        self._ip("link", "set", "br0", "up")

    def add_address(self, address):
        self._ip("address", "add", f"{address}/{NET.prefixlen}", "dev", "br0")

    def attach(self):
        """A new namespace with eth0 on the bridge, and an address of its own in NET; returns both."""
        number = next(self._hosts)
        netns, address = f"postpack-{os.getpid()}-{number}", str(HOSTS + number)
        _create(netns)
        self._ip("link", "add", f"veth{number}", "type", "veth", "peer", "name", "eth0", "netns", netns)
        self._ip("link", "set", f"veth{number}", "master", "br0", "up")
        run(["ip", "-n", netns, "link", "set", "eth0", "up"])
        add_address(netns, f"{address}/{NET.prefixlen}")
        return netns, address

    def detach(self, netns):
        """Take the namespace off the bridge, and its name away. The kernel keeps a namespace, with its addresses, while a socket in it
        waits for the last words of a peer that is gone: on the bridge it would answer for the next host of those addresses."""
        run(["ip", "-n", netns, "link", "delete", "eth0"], check=False)
        _forget(netns)

    def close(self):
        _forget(self.hub)

    def _ip(self, *words):
        run(["ip", "-n", self.hub, *words])


def allow_many_hosts():
    """Several labs at a time use up Debian's default of 128 inotify instances: each booted systemd holds some."""
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(limit.read_text()) < 1024:
        limit.write_text("1024")


def clean():
    """Remove the namespaces of sessions that are gone."""
    for line in run(["ip", "netns", "list"]).out.splitlines():
        netns = line.split()[0]
        owner = re.match(r"postpack-(\d+)-", netns)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            run(["ip", "netns", "delete", netns])


def _create(netns):
    run(["ip", "netns", "add", netns])
    run(["ip", "-n", netns, "link", "set", "lo", "up"])


def _forget(netns):
    run(["ip", "netns", "delete", netns], check=False)


def add_address(netns, address):
    """One more for eth0, with its network: what is in it is reached over the bridge."""
    # nodad: who waits for duplicates of an IPv6 address cannot use it for a second or two.
    nodad = ["nodad"] if ":" in address else []
    run(["ip", "-n", netns, "address", "add", address, "dev", "eth0", *nodad])


def add_route(netns, network):
    run(["ip", "-n", netns, "route", "add", network, "dev", "eth0"])


def add_device(netns, name):
    """A network device that leads nowhere."""
    run(["ip", "-n", netns, "link", "add", name, "type", "veth", "peer", "name", f"{name}-peer"])


def remove_device(netns, name):
    run(["ip", "-n", netns, "link", "delete", name])


@contextmanager
def entered(netns):
    """Sockets that this thread makes between here and the end of the block are in the namespace, and stay there."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{netns}") as away:
        _setns(away)
        try:
            yield
        finally:
            _setns(home)


def _setns(namespace):
    """os.setns() is there from Python 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace.fileno(), 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def inside(netns, argv, log):
    """Start a process of the lab (not of a machine) in a namespace."""
    return subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{netns}", *map(str, argv)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        preexec_fn=_die_with_parent,
    )


def end(process, log):
    """End such a process, and close what it wrote to."""
    process.kill()
    process.wait()
    log.close()


def _die_with_parent():
    """A crashed session leaves no helper process behind (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Resolver:
    """The DNS server of one host, on its own loopback: every test says what a
    name means for it and may change that while the host runs."""

    ADDRESS = "127.0.0.53"
    # The domain of the senders exists; nobody answers at its address.
    NAMES = {"acme.example": "203.0.113.25"}

    def __init__(self, netns, home):
        self._names, self._records = dict(self.NAMES), []
        self._netns, self._home = netns, home
        self._file = home / "names"
        self._write()
        self._log = open(home / "dns.log", "ab")
        self._start()

    def _start(self):
        options = [
            "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--bind-interfaces", f"--listen-address={self.ADDRESS}", "--user=root", "--pid-file",
            f"--addn-hosts={self._file}", "--local-ttl=0", "--local=/#/", "--log-facility=-", *self._records,
        ]  # fmt: skip
        started = self._starts()
        self._process = inside(self._netns, ["dnsmasq", *options], self._log)
        wait_until(lambda: self._starts() > started, "dnsmasq")

    def _starts(self):
        return (self._home / "dns.log").read_text().count("started")

    def text(self, name, text):
        """A TXT record."""
        self._record(f"--txt-record={name},{text}")

    def replace_text(self, name, text):
        """A TXT record in place of all that the name has."""
        self._records = [option for option in self._records if not option.startswith(f"--txt-record={name},")]
        self.text(name, text)

    def pointer(self, address, name):
        """The PTR record of an IPv4 address."""
        self._record(f"--ptr-record={'.'.join(reversed(address.split('.')))}.in-addr.arpa,{name}")

    def mx(self, domain, host):
        """An MX record; "." is none."""
        self._record(f"--mx-host={domain},{host},10")

    def _record(self, option):
        """The server begins anew for it."""
        self._records.append(option)
        self._process.kill()
        self._process.wait()
        self._start()

    def set(self, name, address):
        """The address of a name; None: there is no such name."""
        self._names[name] = address
        self._write()
        self._process.send_signal(signal.SIGHUP)

    def _write(self):
        lines = [f"{address} {name}\n" for name, address in self._names.items() if address]
        self._file.write_text("".join(lines))

    def close(self):
        end(self._process, self._log)
