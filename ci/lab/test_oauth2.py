"""XOAUTH2: a smarthost that takes access tokens, and a provider that gives them out, over TLS, for an hour at most."""

import pytest

from lab import tokens
from lab.host import RELAY_ENV
from lab.shell import wait_until

pytestmark = pytest.mark.on_postfix

COMMAND = "/usr/local/bin/credentials"


# The one root that has the plugin.
@pytest.mark.roots("rpm-dnf5")
def test_mail_leaves_by_access_tokens(host, smarthost, provider, tally):
    host.install("xoauth2")
    host.boot()
    provider.tell(lifetime=12)
    tokens.sign_in(host)
    assert host.deliver("by the first token").user == tokens.USER

    # It ends, and the connection that Postfix keeps with it.
    wait_until(lambda: host.sh(f"test $(date +%s) -gt $(cat {tokens.FOLDER}/expires)", check=False).code == 0, "the end of the token")
    host.sh("systemctl restart postfix")
    host.mail("waits for the second token")
    [reason] = host.wait_deferred()
    assert "SASL authentication failed" in reason
    assert "the access token for the smarthost has ended" in host.sh("mail-relay status", check=False).out
    provider.tell(lifetime=3600)
    host.sh("systemctl start mail-relay-refresh.service")
    assert smarthost.wait_for("waits for the second token").user == tokens.USER
    assert host.sh("systemctl is-active mail-relay-refresh.timer").out == "active\n"
    host.sh("systemctl start mail-relay-refresh.service; mail-relay apply")
    assert provider.asked() == [("refresh_token", "")] * 2, "a token that holds is used"
    assert "accepts the credentials" in host.sh("mail-relay apply --verify").out
    tally("access tokens", 2)

    # Revoked: said while the last token still holds.
    provider.tell(refresh=None)
    host.sh(f"echo 0 >{tokens.FOLDER}/renew")
    assert host.sh("systemctl start mail-relay-refresh.service", check=False).code == 1
    revoked = "invalid_grant Token has been expired or revoked.; mend: the refresh token is expired or revoked"
    assert revoked in host.sh("journalctl -b -o cat -u mail-relay-refresh").out
    assert revoked in host.sh("mail-relay status", check=False).out
    host.deliver("by the second token still")

    # The mend that was named, and nothing else.
    provider.tell(refresh="third-refresh-token")
    host.write(COMMAND, "#!/bin/sh\necho RELAY_REFRESH_TOKEN=third-refresh-token\n", 0o755)
    host.sh(f"sed -i s,^RELAY_REFRESH_TOKEN=.*,RELAY_COMMAND={COMMAND}, {RELAY_ENV}")
    wait_until(lambda: len(provider.asked()) == 4, "the third token")
    wait_until(lambda: revoked not in host.sh("mail-relay status", check=False).out, "the fault to be gone")
    host.sh("systemctl reset-failed mail-relay-refresh.service")
    host.reboot()
    host.deliver("after a boot")
    assert provider.asked()[2:] == [("refresh_token", "invalid_grant"), ("refresh_token", "")]

    told = host.sh("journalctl --no-pager --output=export --all; mail-relay status; mail-relay show-config", timeout=60).out
    assert not [secret for secret in provider.secrets() if secret in told]
    host.sh("mail-relay purge")
    assert host.sh("ls -d /var/lib/mail-relay /etc/mail-relay /var/spool/postfix/mail-relay", check=False).out == ""
