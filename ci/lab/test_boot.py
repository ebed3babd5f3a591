"""The apply of a boot: quick where nothing has changed, and right where something has."""

import pytest

from lab.host import RELAY_ENV
from lab.shell import tier

LIVE = "/etc/postfix"
OWN = "/etc/mail-relay/main.cf.d"
SHARE = "/usr/share/mail-relay"
# What may have changed while the host was off: the commands that change it, and those that take it back.
CHANGES = {
    "an edit by hand": (f"echo '# mine' >>{LIVE}/main.cf", ""),
    "a mode": (f"chmod 644 {LIVE}/sasl_passwd", ""),
    "an owner": (f"chown nobody {LIVE}/header_checks", ""),
    "a live file that is gone": (f"rm {LIVE}/header_checks", ""),
    "a compiled table that is gone": (f"rm {LIVE}/sasl_passwd.*", ""),
    "a compiled table that cannot be read": (f"for t in {LIVE}/sasl_passwd.*; do echo no >$t; done", ""),
    "a service": (f"echo 'by-hand unix - - n - 1 smtp' >>{LIVE}/master.cf", f"sed -i /^by-hand/d {LIVE}/master.cf"),
    "the sender": (f"echo RELAY_FROM=other@acme.example >>{RELAY_ENV}", f"sed -i /RELAY_FROM/d {RELAY_ENV}"),
    "a parameter": (f"echo 'smtp_connect_timeout = 9s' >{OWN}/own.cf", f"rm {OWN}/own.cf"),
    "a secret": ("umask 077; mkdir -p /run/secrets; echo other >/run/secrets/relay_username", "rm -r /run/secrets"),
    "a stored credential": ("umask 077; mkdir -p /etc/credstore; echo other >/etc/credstore/relay_username", "rm /etc/credstore/relay_username"),
    "the package": (f"sed -i.old s/ops@acme.example/root@acme.example/ {SHARE}/facts", f"mv {SHARE}/facts.old {SHARE}/facts"),
    "the package's main.cf": (f"sed -i.old s/^biff.*/biff=yes/ {SHARE}/main.cf", f"mv {SHARE}/main.cf.old {SHARE}/main.cf"),
    "the edits of master.cf": (f"cp {SHARE}/master.edits /root; echo 'M own/unix=own unix - - n - 0 smtp' >>{SHARE}/master.edits", f"cp /root/master.edits {SHARE}"),
    "the certificates": (
        "file=$(postconf -xh smtp_tls_CAfile); echo $file >/root/file; cp $file /root/ca.pem;"
        f" sed -i.old \"s|^ca_files=.*|ca_files='$file /root/ca.pem'|\" {SHARE}/facts; mail-relay apply; : >$(readlink -f $file)",
        f"cat /root/ca.pem >$(readlink -f $(cat /root/file)); mv {SHARE}/facts.old {SHARE}/facts",
    ),
}  # fmt: skip
# The standard tier has one of three.
SEEN = dict(list(CHANGES.items())[:: 1 if tier() == "full" else 3])
BOOT = "mail-relay apply --boot"
SAME = "mail-relay: nothing has changed\n"


@pytest.mark.long
@pytest.mark.roots("debian-12", "pacman-7")
def test_a_boot_sees_what_has_changed(relay, tally):
    """After the apply of a boot there is nothing left to change for a person's, whatever it was that changed."""
    relay.sh("systemctl stop mail-relay-apply.path; mail-relay apply")
    assert relay.sh(BOOT).out == SAME
    for kind, (change, back) in SEEN.items():
        relay.sh(change)
        done = relay.sh(BOOT)
        assert "mail-relay: applied" in done.out, f"{kind}: {done}"
        assert "nothing to change" in relay.sh("mail-relay apply").out, kind
        if back:
            relay.sh(f"{back}; mail-relay apply")
        tally("changes that a boot has seen")
    # What would be refused is not passed over.
    relay.sh(f"chmod 644 {RELAY_ENV}")
    done = relay.sh(BOOT, check=False)
    assert done.code == 2 and "can be read by others" in done.err, done
    relay.sh(f"chmod 600 {RELAY_ENV}; rm -rf /run/secrets")
    assert relay.sh(BOOT).out == SAME
    relay.reboot()
    assert SAME in relay.sh("journalctl -b -o cat -u mail-relay-apply").out
    relay.deliver("after a boot without a change")
