"""The relay of a network as its clients meet it."""

from .lan import RELAY, verifying
from .mail import NAME

FROM = "noreply@acme.example"
CUSTOMER = "jane@customer.example"


def start(host, spec):
    host.install(spec)
    host.credentials()
    host.boot()
    # As an administrator looks at it after the first boot.
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""


def greeted(client, to=RELAY[0], source=None, port=25):
    session = client.smtp(to, source, port)
    session.ehlo()
    return session


def secure(client, smarthost, to=RELAY[0], source=None):
    """A session that has begun TLS with the server of this name, by this authority; nothing less will do."""
    session = greeted(client, to, source)
    session._host = NAME  # whom the certificate must name; smtplib takes it from the address it was given
    session.starttls(context=verifying(smarthost.authority))
    session.ehlo()
    return session


def assert_refused(attempts, host, smarthost, sent):
    assert attempts.answers and attempts.accepted() == []
    # Newer Postfix hangs up on who does not wait for answers.
    assert [answer for answer in attempts.answers if answer[1] < 500 and "pipelined" not in answer[0]] == []
    assert host.queue() == [] and len(smarthost.mails()) == sent
    # The relay goes on.
    host.deliver(f"after {sent} messages and the attempts")
