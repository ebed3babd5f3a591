"""What `check` refuses (mistakes.toml) hurts on a real Postfix, which says nothing of it until mail comes."""

import re
import tomllib
from contextlib import contextmanager

import pytest
from lab.lan import Client
from lab.shell import LAB, tier, wait_until
from lab.sink import Sink

MISTAKES = tomllib.loads((LAB / "mistakes.toml").read_text())["mistake"]
# One for each kind of harm, for the standard tier: the rest say more of Postfix, and nothing more of what watches it here.
ONE_OF_EACH = list({kind: mistake for mistake in reversed(MISTAKES) for kind in mistake["harm"]}.values())
MAIN_CF = "/etc/postfix/main.cf"
CUSTOMER = "jane@customer.example"


@pytest.mark.long
# Where `postfix start` is not systemd's affair, as it is from Debian 13 on.
@pytest.mark.roots("debian-12")
def test_mistakes_hurt(relay, smarthost, tally):
    relay.deliver("without a mistake")
    own, unit = relay.read(MAIN_CF), relay.daemon_unit()
    relay.sh(f"systemctl stop '{unit}'")
    mistakes, harmless = MISTAKES if tier() == "full" else ONE_OF_EACH, []
    for number, mistake in enumerate(mistakes):
        [(kind, what)] = mistake["harm"].items()
        subject = f"mistake {number}"
        with answering(relay, smarthost, mistake.get("face", "good")) as sink:
            since = len(relay.log())
            restart(relay, replaced(own, mistake["live"]))
            try:
                getattr(Harm(relay, smarthost, sink, subject, since), kind)(what)
            except AssertionError as error:
                harmless.append(f"{mistake['what']}: {error}\n{relay.log()[since:]}")
        if kind == "waits":
            # It leaves once the mistake is put right, and with none of those to come.
            with answering(relay, smarthost, "good"):
                restart(relay, own)
                relay.sh("postqueue -f")
                smarthost.wait_for(subject)
                relay.wait_queue_empty()
    assert not harmless, "\n".join(harmless)
    with answering(relay, smarthost, "good"):
        restart(relay, own)
        relay.deliver("with all of them put right")
    tally("mistakes of one line that hurt", len(mistakes))


def replaced(main, lines):
    """main.cf with lines in place of those of the same names."""
    names = {line.split("=")[0].strip() for line in lines.splitlines() if "=" in line}
    kept, dropping = [], False
    for line in main.splitlines():
        if not line.startswith((" ", "\t", "#")):
            dropping = line.split("=")[0].strip() in names
        if not dropping:
            kept.append(line)
    return "\n".join([*kept, lines.strip(), ""])


# As `postfix stop` does it, which looks once a second.
STOP = """pid=$(tr -d ' ' </var/spool/postfix/pid/master.pid)
while [ "$(cat /proc/$pid/comm 2>/dev/null)" = master ]; do kill $pid; sleep 0.05; done"""


def restart(relay, main):
    """Start Postfix with this main.cf, or try to. Its unit takes twice as long."""
    relay.sh(STOP)
    relay.write(MAIN_CF, main)
    # Postfix's programs wait while main.cf is younger than two seconds.
    relay.sh(f"touch -d '10 seconds ago' {MAIN_CF}; postfix start", check=False)


@contextmanager
def answering(relay, smarthost, face):
    """The smarthost's name stands for one of its faces, or for a sink of this kind."""
    address = getattr(smarthost, face, None)
    relay.resolver.set(smarthost.name, address or smarthost.sink)
    if address:
        yield None
    else:
        with Sink(smarthost, face) as sink:
            yield sink


class Harm:
    """What a mistake does to a message with this subject: a method for each kind, which fails where nothing of it is seen."""

    def __init__(self, relay, smarthost, sink, subject, since):
        self._relay, self._smarthost, self._sink, self._subject, self._since = relay, smarthost, sink, subject, since
        self._itself = Client(relay.netns, "localhost", "127.0.0.1")

    def waits(self, pattern):
        self._relay.mail(self._subject)
        self._logs(pattern)
        assert self._relay.queue() and self._subject not in [mail["Subject"] for mail in self._smarthost.mails()]

    def arrives(self, facts):
        mail = self._relay.deliver(self._subject)
        assert {name: getattr(mail, name) for name in facts} == facts

    def without(self, verb):
        self._relay.mail(self._subject)
        wait_until(lambda: "." in self._sink.lines(), "a message")
        assert verb not in self._sink.verbs()

    def refused(self, pattern):
        answer = self._envelope("root@localhost")
        assert re.search(pattern, answer), answer

    def taken(self, sender):
        assert self._envelope(sender).startswith("250 ")

    def silent(self, pattern):
        with self._itself.connect("127.0.0.1") as session:
            self._logs(pattern)
            session.setblocking(False)
            with pytest.raises(BlockingIOError):
                session.recv(1)

    def stopped(self, pattern):
        self._logs(pattern)
        wait_until(lambda: not self._itself.reaches("127.0.0.1", 25), "Postfix to be gone")

    def _logs(self, pattern):
        def found():
            return re.search(pattern, self._relay.log()[self._since :])

        wait_until(found, f"{pattern} in the log")

    def _envelope(self, sender):
        """Postfix's first refusal of a message from its own host, or what it says to the recipient."""
        with self._itself.smtp("127.0.0.1") as session:
            session.ehlo()
            for command in f"MAIL FROM:<{sender}>", f"RCPT TO:<{CUSTOMER}>":
                code, words = session.docmd(command)
                if code >= 400:
                    break
            return f"{code} {words.decode()}"
