"""A resolver on a host that validates: unbound, with a root of DNS of the lab's own, which is signed."""

from .shell import run

CONFIGURATION = """server:
  interface: 127.0.0.1
  chroot: ""
  trust-anchor-file: /etc/unbound/root.ds
{unsigned}
auth-zone:
  name: "."
  zonefile: /etc/unbound/root.zone.signed
  for-downstream: no
  for-upstream: yes
  fallback-enabled: no
"""
ROOT = """. 3600 IN SOA ns.lab.example. lab.lab.example. 1 3600 600 86400 3600
. 3600 IN NS ns.lab.example.
"""
# One key for keys, one for all else.
SIGN = """cd /etc/unbound
rm -f K.+* root.ds
signer=$(ldns-keygen -k -a ECDSAP256SHA256 .)
ldns-signzone root.zone "$(ldns-keygen -a ECDSAP256SHA256 .)" "$signer"
cp "$signer.ds" root.ds
systemctl restart unbound
"""


def validate(host, signed, unsigned=""):
    """Have a host ask nobody else. Both are lines of a zone file; those of a domain without signatures are known to nobody above it."""
    host.write("/etc/unbound/root.zone", ROOT + signed)
    lines = "".join(f'  local-data: "{line}"\n' for line in unsigned.splitlines())
    host.write("/etc/unbound/unbound.conf", CONFIGURATION.format(unsigned=lines))
    host.sh(SIGN)
    host.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions edns0 trust-ad\n")


def server(domain, address, key=""):
    """The lines of a domain with one server, and, if it has a record of its key (TLSA 3 1 1), that one."""
    lines = f"{domain}. 3600 IN MX 10 mx.{domain}.\nmx.{domain}. 3600 IN A {address}\n"
    return lines + (f"_25._tcp.mx.{domain}. 3600 IN TLSA 3 1 1 {key}\n" if key else "")


def key_of(certificate):
    """What TLSA 3 1 1 says of a certificate: the SHA-256 of its public key."""
    script = 'openssl x509 -in "$0" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d " " -f 1'
    return run(["/bin/sh", "-c", script, certificate]).out.strip()
