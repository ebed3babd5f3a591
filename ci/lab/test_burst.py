"""Thousands of messages while the host changes beneath them."""

from collections import Counter
from contextlib import contextmanager

import pytest

from lab.burst import Burst
from lab.shell import tier, wait_until

MESSAGES = 10_000 if tier() == "full" else 1_000
# As long as nobody is there to help: Postfix tries deferred mail again after five minutes.
PATIENCE = 180


@pytest.mark.long
@pytest.mark.roots("debian-12")
def test_nothing_is_lost_and_nothing_comes_twice(relay, smarthost):
    """An upgrade of the package, then the account at the smarthost changes: first there, so that
    the old one is refused, then here."""
    with Burst(relay, MESSAGES) as burst:
        wait_until(lambda: burst.accepted > 0.1 * MESSAGES, "the burst to be at work", PATIENCE)
        with during(burst):
            relay.install("null-client-next")
        with during(burst):
            smarthost.accept("relay-user-2", "another password")
            wait_until(lambda: "535 5.7.8" in relay.log(), "the old account to be refused", PATIENCE)
            relay.credentials("relay-user-2", "another password")
            wait_until(lambda: "sasl_username=relay-user-2" in smarthost.log(), "the new account", PATIENCE)
        burst.finish()
    assert burst.accepted >= MESSAGES
    wait_until(lambda: len(smarthost.mails()) >= burst.accepted, "all to arrive", PATIENCE)
    relay.wait_queue_empty()

    mails = smarthost.mails()
    assert Counter(mail["Subject"] for mail in mails) == {f"burst {n}": 1 for n in range(burst.accepted)}
    assert all(mail.body == f"This is message {mail['Subject'].split()[1]}.\n" for mail in mails)
    assert {mail.user for mail in mails} == {smarthost.user, "relay-user-2"}


@contextmanager
def during(burst):
    """What happens in the block happens while messages are submitted."""
    before = burst.accepted
    yield
    assert before < burst.accepted
