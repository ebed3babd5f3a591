"""When the smarthost is not as it should be: nothing is lost, nothing goes in clear,
and the host says why."""

import re

import pytest

from lab import roots
from lab.sink import Sink

pytestmark = pytest.mark.roots(*roots.EACH)


def assert_queued_and_explained(relay, subject, reason):
    """The mail waits, and each place where a person looks names the reason."""
    relay.mail(subject)
    relay.wait_deferred()

    status = relay.sh("mail-relay status", check=False)
    tested = relay.sh("mail-relay test", check=False, timeout=180)

    assert status.code == 1 and re.search(reason, status.text, re.IGNORECASE), status
    assert tested.code == 1 and re.search(reason, tested.text, re.IGNORECASE), tested
    assert len(relay.queue()) == 2


def assert_mended(relay, smarthost, subject):
    """As soon as the fault is gone, what was queued arrives."""
    relay.resolver.set(smarthost.name, smarthost.good)
    relay.sh("mail-relay apply && postqueue -f")
    smarthost.wait_for(subject)


def test_wrong_password(relay, smarthost):
    relay.credentials(password="not the password")
    relay.sh("mail-relay apply")
    subject = "wrong password"
    assert_queued_and_explained(relay, subject, r"535|authentication|password")
    relay.credentials()
    assert_mended(relay, smarthost, subject)


def test_unknown_authority(relay, smarthost):
    relay.resolver.set(smarthost.name, smarthost.unknown_ca)
    subject = "unknown CA"
    assert_queued_and_explained(relay, subject, r"certificate|trust|\bCA\b")
    assert_mended(relay, smarthost, subject)


def test_certificate_for_another_name(relay, smarthost):
    relay.resolver.set(smarthost.name, smarthost.wrong_name)
    subject = "wrong name"
    assert_queued_and_explained(relay, subject, r"certificate|name|match")
    assert_mended(relay, smarthost, subject)


def test_smarthost_down(relay, smarthost):
    relay.resolver.set(smarthost.name, smarthost.down)
    subject = "down"
    assert_queued_and_explained(relay, subject, r"refuse|reach|connect")
    assert_mended(relay, smarthost, subject)


def test_nothing_is_sent_in_clear(relay, smarthost):
    for kind in ("no-tls", "broken-tls"):
        with Sink(smarthost, kind) as sink:
            relay.resolver.set(smarthost.name, smarthost.sink)
            assert_queued_and_explained(relay, kind, r"TLS")
            assert sink.verbs() <= {"EHLO", "STARTTLS", "QUIT", "RSET"}
        assert_mended(relay, smarthost, kind)
        relay.wait_queue_empty()


def test_no_credentials_yet(bare_relay, smarthost):
    bare_relay.boot()
    subject = "no credentials"
    assert_queued_and_explained(bare_relay, subject, r"RELAY_USERNAME")

    # Writing relay.env is all that a person has to do.
    bare_relay.credentials()
    smarthost.wait_for(subject)
