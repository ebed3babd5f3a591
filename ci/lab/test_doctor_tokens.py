"""What mail-relay doctor says where the relay logs in by access tokens: the token that is in force is tried, too."""

import pytest

from lab import tokens
from lab.doctor import ask, judge, settle

pytestmark = pytest.mark.on_postfix

REFRESH = "systemctl start mail-relay-refresh.service"


# The one root that has the plugin.
@pytest.mark.roots("rpm-dnf5")
def test_what_can_be_wrong_with_access_tokens(host, smarthost, provider, tally):
    host.install("xoauth2")
    host.boot()
    [one] = ask(host)
    assert one["id"] == "credentials-missing" and "RELAY_REFRESH_TOKEN" in one["mend"], one
    tokens.sign_in(host)
    host.deliver("by a token")
    settle(host)
    assert ask(host) == []

    def told(finding, words, mend=""):
        [one] = ask(host)
        assert one["id"] == finding and words in one["what"] and mend in one["mend"], (finding, one)
        tally("ways to break access tokens")

    # The provider withdraws it before its time, and the smarthost says why not.
    provider.tell(withdrawn=True)
    told("token-refused", '"status":"401"')
    provider.tell(withdrawn=False)
    # Somebody else's mailbox.
    tokens.sign_in(host, USERNAME="other@acme.example", REFRESH_TOKEN=provider.refresh())
    host.sh("mail-relay apply")
    settle(host)
    told("token-refused", "535 5.7.8", "RELAY_USERNAME")
    tokens.sign_in(host, REFRESH_TOKEN=provider.refresh())
    host.sh("mail-relay apply")
    settle(host)
    assert ask(host) == []

    host.sh("systemctl stop mail-relay-refresh.timer")
    judge(host, "refresh-timer-off")
    host.sh(f"echo 0 >{tokens.FOLDER}/expires; echo 0 >{tokens.FOLDER}/renew")
    told("token-missing", "the last one has ended")
    judge(host, "token-missing")
    assert ask(host) == []
    host.sh(host.os.tear_out.format("sasl-xoauth2"))
    judge(host, "sasl-plugin")

    # The consent is taken back: known before mail waits.
    right = provider.refresh()
    provider.tell(refresh=None)
    host.sh(f"echo 0 >{tokens.FOLDER}/renew; {REFRESH}", check=False)
    told("token-fault", "invalid_grant", "the refresh token is expired or revoked")
    host.sh(f"echo 0 >{tokens.FOLDER}/expires")
    told("token-missing", "invalid_grant", "the refresh token is expired or revoked")
    host.resolver.set(tokens.NAME, smarthost.down)
    host.sh(REFRESH, check=False)
    told("token-missing", "Failed to connect", REFRESH)
    host.resolver.set(tokens.NAME, smarthost.oauth2)
    provider.tell(refresh=right)
    judge(host, "token-missing", REFRESH)
    assert ask(host) == []
    host.deliver("after all of it")
    heard = host.sh("journalctl --no-pager --output=export --all; mail-relay doctor", timeout=60).out
    assert not [secret for secret in provider.secrets() if secret in heard]
