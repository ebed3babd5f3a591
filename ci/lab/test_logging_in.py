"""Logging in as Postfix does, with the account of each smarthost, and what status and doctor say of it."""

import json

import pytest

from lab.doctor import ask, settle
from lab.host import RELAY_ENV
from lab.shell import wait_until
from lab.sink import Sink

pytestmark = pytest.mark.on_postfix

BACKUP = "backup.lab.example"


def status(host):
    return json.loads(host.sh("mail-relay status --format json", check=False).out)


@pytest.mark.roots("debian-12", "debian-13")
def test_a_refused_password_with_relay_verify(relay, smarthost):
    """status and doctor agree on the refusal, and what they say ends it; mail leaves meanwhile."""
    good = relay.read(RELAY_ENV)
    assert not status(relay)["tried_since_change"]
    relay.deliver("before")
    assert status(relay)["tried_since_change"]
    relay.write(RELAY_ENV, good.replace("RELAY_PASSWORD=", "RELAY_PASSWORD=x") + "RELAY_VERIFY=yes\n", 0o600)
    assert relay.sh("mail-relay apply", check=False).code == 1
    settle(relay)
    relay.sh("systemctl reset-failed")
    told = status(relay)
    assert told["can_send"] and "535" in told["configuration"]["why"], told
    assert "RELAY_USERNAME and RELAY_PASSWORD" in told["configuration"]["why"]
    relay.deliver("meanwhile")
    text = relay.sh("mail-relay doctor", check=False).out
    assert "not all is as it should be" in text and "535" in text, text
    relay.write(RELAY_ENV, good + "RELAY_VERIFY=yes\n", 0o600)
    judge_again(relay, "credentials-refused")


def judge_again(relay, finding):
    """The new text was saved before the doctor looked: it is applied by itself."""
    settle(relay)
    relay.sh("mail-relay apply")
    settle(relay)
    assert finding not in [one["id"] for one in ask(relay)]
    assert status(relay)["configuration"]["in_step"]


@pytest.mark.roots("debian-12")
def test_two_smarthosts_of_different_hosts(host, smarthost, tmp_path):
    """The plain keys are the account at the first alone; what is wrong with one of them is no word about all mail."""
    host.resolver.set(BACKUP, smarthost.sink)
    certificate = tmp_path / "backup.pem"
    certificate.write_text(smarthost.authority.certificate(BACKUP))
    with Sink(smarthost, "any-password", certificate) as sink:
        host.install("two-hosts")
        host.credentials()
        host.boot()
        host.deliver("by the first")
        told = status(host)
        assert told["smarthosts"] == ["[smtp.lab.example]:587"] and told["waiting_smarthosts"] == [f"[{BACKUP}]:587"], told
        [one] = ask(host)
        assert one["id"] == "credentials-partly" and "RELAY_BACKUP_USERNAME and RELAY_BACKUP_PASSWORD" in one["mend"], one
        # The first is dead, and the second may not have its password.
        host.resolver.set(smarthost.name, smarthost.down)
        host.mail("waits")
        assert any("refused" in reason for reason in host.wait_deferred())
        assert sink.logins() == []
        host.sh(f"printf 'RELAY_BACKUP_USERNAME=b\\nRELAY_BACKUP_PASSWORD=c\\n' >>{RELAY_ENV} && mail-relay apply && postqueue -f")
        wait_until(lambda: (b"b", b"c") in sink.logins(), "a login at the second")
        assert set(sink.logins()) == {(b"b", b"c")}
        shown = host.sh("mail-relay status").out
        assert "[smtp.lab.example]:587 (failed the last time: " in shown and f"[{BACKUP}]:587 (took mail)" in shown, shown
        [one] = ask(host)
        assert (one["id"], one["severity"]) == ("refused", "warning") and "another smarthost" in one["why"], one
    with Sink(smarthost, "no-basic-auth", certificate):
        host.resolver.set(smarthost.name, smarthost.good)
        told = ask(host)
        assert [one["severity"] for one in told] == ["warning"], told


@pytest.mark.roots("debian-12")
def test_status_names_what_waits_for_credentials(bare_relay):
    bare_relay.boot()
    shown = bare_relay.sh("mail-relay status", check=False).out
    assert "[smtp.lab.example]:587 (waits for credentials)" in shown, shown
    bare_relay.credentials()
    bare_relay.sh("mail-relay apply")
    assert "mail can leave; not tried" in bare_relay.sh("mail-relay status").out
    bare_relay.deliver("tried")
    assert "mail can leave; a message left at" in bare_relay.sh("mail-relay status").out


# Of the level, and of a table: what the doctor may not try.
LEVELS = ("smtp_tls_security_level = dane-only", "smtp_tls_security_level = fingerprint", "smtp_tls_policy_maps = inline:{{[smtp.lab.example]:587 = secure match=nexthop}}")


@pytest.mark.roots("debian-12", "debian-13")
def test_the_doctor_gives_no_password_to_whom_postfix_would_not(relay, smarthost):
    """A man in the middle with a certificate of nobody: Postfix does not talk to it, nor does the doctor log in."""
    relay.resolver.set(smarthost.name, smarthost.sink)
    nobody = smarthost.certificate.with_name("unknown_ca.pem")
    for level in LEVELS:
        relay.write("/etc/mail-relay/main.cf.d/local.cf", f"{level}\n" + ("" if "level" in level else "smtp_tls_security_level = encrypt\n"))
        with Sink(smarthost, "any-password", nobody) as sink:
            relay.sh("mail-relay apply")
            settle(relay)
            told = ask(relay)
            assert "login-untried" in [one["id"] for one in told], told
            assert sink.logins() == [], level
            relay.sh("mail-relay apply --verify", check=False)
            assert sink.logins() == [], level
