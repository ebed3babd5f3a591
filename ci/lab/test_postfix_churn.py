"""Postfix comes, changes and goes, before the relay package, under it and together with it."""

import pytest

from lab import roots

pytestmark = pytest.mark.roots(*roots.EACH)


def assert_relays(host, when):
    """Nobody has helped: mail leaves as it should, and the host thinks so, too."""
    mail = host.deliver(when)
    assert (mail.user, mail.tls) == (host.smarthost.user, "TLSv1.3")
    host.sh("mail-relay status")


def test_under_the_relay(relay):
    """A new Postfix may edit main.cf; the package's own configuration comes back."""
    relay.sh("postconf -e relayhost=")
    relay.upgrade_postfix()
    assert relay.sh("ls /etc/postfix").out.count("main.cf.saved-") == 1
    assert_relays(relay, "upgraded")
    relay.downgrade_postfix()
    assert_relays(relay, "downgraded")
    relay.reinstall_postfix()
    assert_relays(relay, "reinstalled")
    assert relay.warnings() == []

    for gone, take_out in (("torn out", relay.tear_out_postfix), ("wiped", relay.wipe_postfix)):
        take_out()
        for verb in ("status", "apply"):
            said = relay.sh(f"mail-relay {verb}", check=False)
            assert said.code == 1 and "not installed" in said.text, said
        relay.install_postfix()
        assert_relays(relay, f"{gone} and back")


def test_together_with_the_relay(relay):
    """Both in one transaction."""
    relay.upgrade_postfix(together_with="null-client-next")
    assert relay.deliver("both upgraded").envelope_to == ["oncall@acme.example"]
    assert_relays(relay, "upgraded together")
    relay.downgrade_postfix(together_with="null-client")
    assert relay.deliver("both downgraded").envelope_to == ["ops@acme.example"]
    assert_relays(relay, "downgraded together")
    both = f"postfix {relay.package_name()}"
    relay.sh(relay.os.remove.format(both))
    relay.install()
    assert_relays(relay, "removed together and back")


def test_without_postfix_there_is_no_relay(relay):
    """The package manager says so beforehand."""
    removal = relay.sh(relay.os.remove.format("postfix"), check=False)
    assert relay.package_name() in removal.text, removal
    if relay.os.takes_dependents_along:
        assert removal.code == 0 and relay.sh("command -v mail-relay", check=False).code != 0
        relay.install_postfix()
        relay.install()
    else:
        assert removal.code != 0
    # relay.env has outlived it.
    assert_relays(relay, "back")


def test_before_the_relay(host):
    host.boot()
    host.install_postfix()
    host.upgrade_postfix()
    host.downgrade_postfix()
    host.reinstall_postfix()
    host.wipe_postfix()
    host.install_postfix()
    host.install()
    host.credentials()
    assert_relays(host, "after all that")
