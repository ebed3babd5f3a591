"""What the metrics count, and how it is written."""

from conftest import LIB

LOG = rb"""Nov 21 09:00:01 web1 postfix/smtp[9]: 7E12258405E: to=<o@acme.example>, orig_to=<root>, relay=x[192.0.2.1]:587, delay=1, dsn=2.0.0, status=sent (250 ok)
2026-11-21T09:00:01+00:00 web1 postfix/smtp[9]: 4XYZabc: to=<p@acme.example>, relay=x[192.0.2.1]:587, delay=1, dsn=2.0.0, status=sent (250 status=bounced)
Nov 21 09:00:02 web1 postfix/error[9]: 7E12258405F: to=<q@acme.example>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect: Connection refused)
Nov 21 09:00:03 web1 postfix/smtp[9]: 7E122584060: to=<r@acme.example>, relay=x[192.0.2.1]:587, delay=1, dsn=5.1.1, status=bounced (host said: 550)
Nov 21 09:00:03 web1 postfix/local[9]: 7E122584061: to=<s@web1>, relay=local, delay=1, dsn=2.0.0, status=sent (delivered to mailbox)
Nov 21 09:00:04 web1 postfix/bounce[9]: 7E122584060: sender non-delivery notification: 7E122584062
Nov 21 09:00:04 web1 postfix/qmgr[9]: 7E122584062: from=<>, size=2000, nrcpt=1 (queue active)
Nov 21 09:00:04 web1 postfix/smtp[9]: 7E122584062: to=<n@acme.example>, relay=x[192.0.2.1]:587, delay=1, dsn=5.0.0, status=bounced (host said: 501)
Nov 21 09:00:05 web1 su: postfix/smtp[9]: to=<t@acme.example>, dsn=2.0.0, status=sent (by somebody else)
"""
QUEUE = b"""\
{"queue_name": "deferred", "queue_id": "A", "arrival_time": 1000, "message_size": 400, "recipients": [{"address": "o@x", "delay_reason": "Connection refused"}, {"address": "p@x", "delay_reason": "535 5.7.8"}]}
{"queue_name": "deferred", "queue_id": "B", "arrival_time": 1500, "message_size": 30, "recipients": [{"address": "o@x", "delay_reason": "what nobody knows"}]}
{"queue_name": "active", "queue_id": "C", "arrival_time": 1990, "message_size": 2, "recipients": [{"address": "o@x"}]}
"""


def test_deliveries(awk):
    assert awk("delivery.awk metrics_log.awk", LOG) == (0, b"delivered 2\ndeferred 1\nbounced 2\nlost 1\n", b"")
    assert awk("delivery.awk metrics_log.awk", b"") == (0, b"delivered 0\ndeferred 0\nbounced 0\nlost 0\n", b"")


def test_the_queue(awk):
    code, out, error = awk("reasons.awk json.awk metrics_queue.awk", (LIB / "reasons.tsv").read_bytes(), QUEUE, now="2000")
    assert (code, error) == (0, b"")
    samples = dict(line.split(" ", 1) for line in out.decode().splitlines() if not line.startswith("#"))
    told = {name.removeprefix("mail_relay_"): value for name, value in samples.items() if value != "0"}
    assert told == {
        'queue_messages{queue="deferred"}': "2", 'queue_bytes{queue="deferred"}': "430", 'queue_oldest_seconds{queue="deferred"}': "1000",
        'queue_messages{queue="active"}': "1", 'queue_bytes{queue="active"}': "2", 'queue_oldest_seconds{queue="active"}': "10",
        'waiting_messages{reason="refused"}': "1", 'waiting_messages{reason="other"}': "1",
    }  # fmt: skip
    assert 'mail_relay_waiting_messages{reason="quota"}' in samples, "a reason that was never seen"


def test_a_label_stays_within_its_quotes(sh):
    assert sh("metrics", "label \"$text\"", text='a"b\\c\nd') == (0, 'a\\"b\\\\cd', "")


def test_a_log_of_another_account_fills_no_disk(sh, tmp_path):
    """On Ubuntu it belongs to rsyslog's account, which can make it as long as it likes, with holes."""
    log = tmp_path / "mail.log"
    log.write_bytes(b"")
    (tmp_path / "scratch").mkdir()
    inode = log.stat().st_ino
    (tmp_path / "metrics").write_text(f"log_file {log}\nlog_inode {inode}\nlog_size 0\ndelivered 5\n")
    log.write_bytes(LOG)
    with log.open("r+b") as file:
        file.truncate(1 << 27)
    script = """scratch=$state/scratch moment=7
        postconf() { echo "$state/mail.log"; }
        count_deliveries; echo "$delivered $last_delivery"; cat "$scratch/mark"; du -sk "$scratch" | cut -f 1"""
    code, out, error = sh("log metrics", script)
    *mark, size = out.splitlines()
    assert (code, error) == (0, "") and int(size) < 1000
    assert mark == ["7 7", f"log_file {log}", "log_cursor ", f"log_inode {inode}", f"log_size {1 << 27}"]
