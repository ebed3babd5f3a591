"""Which of the messages that wait are tried again while the cause may be over."""

import pytest
from conftest import LIB, processor_seconds

NOW, YEAR = 1_800_000_000, 31_536_000
AWAY = "connect to {}[192.0.2.1]:587: Connection refused"
NO_NAME = "Host or domain name not found. Name service error for name={} type=MX: Host not found, try again"


def queue(*messages):
    """Messages A, B, ... with their age and the reason of each recipient."""
    lines = []
    for name, (age, *reasons) in zip("ABCDEFG", messages, strict=False):
        recipients = ", ".join(f'{{"address": "o@x", "delay_reason": "{reason}"}}' for reason in reasons)
        lines.append(f'{{"queue_name": "deferred", "queue_id": "{name}", "arrival_time": {NOW - age}, "recipients": [{recipients}]}}\n')
    return "".join(lines).encode()


SMARTHOST, STRANGER = AWAY.format("smtp.lab.example"), AWAY.format("mx.stranger.example")
CASES = [
    # One cause: the oldest and the newest message are tried, and all follow.
    ("", [(50, SMARTHOST), (90, SMARTHOST), (10, SMARTHOST)], ["B A B C", "C A B C"]),
    ("", [(9, SMARTHOST, SMARTHOST)], ["A A"]),
    ("", [(9, SMARTHOST), (8, AWAY.format("other.lab.example"))], ["A A", "B B"]),
    ("", [(9, NO_NAME.format("smtp.lab.example")), (5 * YEAR, SMARTHOST)], ["A A", "B B"]),
    ("", [(9, "Cannot start TLS: handshake failure"), (9, "Server certificate not trusted")], ["B B"]),
    ("", [(9, "host x[192.0.2.1] refused to talk to me: 421 later")], ["A A"]),
    ("", [(9, "host x[192.0.2.1] refused to talk to me: 554 blocked using zen.spamhaus.org")], []),
    # What the server wants to have later, a login that was refused, a recipient's trouble.
    ("", [(9, "host x[192.0.2.1] said: 450 4.2.0 Greylisted"), (9, "host x[192.0.2.1] said: 451 sending limit exceeded")], []),
    ("", [(9, "SASL authentication failed; server x[192.0.2.1] said: 535 5.7.8 no")], []),
    ("", [(9, "4.7.8 no credentials yet: put RELAY_USERNAME into it")], []),
    ("", [(9, "what nobody knows"), (9,)], []),
    # Without a smarthost: servers of strangers are their own matter, but for a network of ours that was away.
    ("yes", [(9, STRANGER), (9, AWAY.format("mail.acme.lan"))], ["B B"]),
    ("yes", [(9, NO_NAME.format("stranger.example")), (7200, NO_NAME.format("gone.example"))], ["A A"]),
    ("yes", [(7200, NO_NAME.format("mail.acme.lan"))], ["A A"]),
    ("yes", [(30, NO_NAME.format("a.example")), (9, NO_NAME.format("b.example"))], ["A A B", "B A B"]),
]


def chosen(awk, text, direct):
    code, out, error = awk(
        "reasons.awk json.awk retry.awk", (LIB / "reasons.tsv").read_bytes(), text, now=NOW, known="mail.acme.lan 10.0.0.5", direct=direct,
    )  # fmt: skip
    assert (code, error) == (0, b"")
    return sorted(out.decode().splitlines())


@pytest.mark.parametrize(("direct", "messages", "tried"), CASES)
def test_the_messages_that_are_tried(awk, direct, messages, tried):
    assert chosen(awk, queue(*messages), direct) == tried


def test_many_are_tried_together(awk):
    line = '{{"queue_name": "deferred", "queue_id": "M{0}", "arrival_time": {2}, "recipients": [{{"address": "o@x", "delay_reason": "{1}"}}]}}\n'
    text = "".join(line.format(number, SMARTHOST, NOW - 9000 + number) for number in range(6000))
    assert chosen(awk, text.encode(), "") == ["M0 all", "M4999 all"]


def test_mail_follows_the_message_that_left(sh, tmp_path):
    """M1 has left, M2 waits again, and Postfix is still at M3."""
    for place in ("incoming", "active", "deferred"):
        (tmp_path / place / "M").mkdir(parents=True)
    (tmp_path / "deferred/M/M2").touch()
    (tmp_path / "active/M3").touch()
    (tmp_path / "tried").write_text("M1 A B\nM2 C\nM3 D\n")
    script = 'postqueue() { echo "$@" >>"$state/asked"; }; spool=$state scratch=$state; see_what_left; cat "$state/tried" "$state/asked"; release all'
    assert sh("retry", script)[:2] == (0, "M3 D\n-i A\n-i B\n")
    assert (tmp_path / "asked").read_text().endswith("-f\n")


def test_it_repeats_while_mail_waits(sh):
    """Twice, and ends; without the option once, whatever waits."""
    script = """
        need_root() { :; }
        load_facts() { :; }
        mktemp() { command mktemp -d "$state/x.XXXXXX"; }
        sleep() { echo "sleep $(($1 >= 15 && $1 < 25))"; }
        retry_once() { echo once; }
        mail_is_deferred() { left=$((left - 1)); [ "$left" -ge 0 ]; }
        left=2
        retry_main --repeat
        retry_main
        retry_main --again
    """
    code, out, error = sh("retry", script)
    assert (code, out) == (2, "sleep 1\nonce\nsleep 1\nonce\nonce\n") and "retry takes --repeat" in error, error


@pytest.mark.parametrize("program", ["json.awk queue.awk", "reasons.awk json.awk retry.awk", "reasons.awk json.awk metrics_queue.awk"])
def test_a_message_with_many_recipients_ends_soon(awk, program):
    """Any user can send one, and each look at the queue reads it."""
    line = queue((9, *(f"host x[192.0.2.1] said: 450 4.2.0 {number} {'x' * 250}" for number in range(20000))))
    files = [line] if "reasons" not in program else [(LIB / "reasons.tsv").read_bytes(), line]
    began = processor_seconds()
    code, _, error = awk(program, *files, now=NOW)
    assert (code, error) == (0, b"") and processor_seconds() - began < 15
