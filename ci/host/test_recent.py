"""What status and the doctor read from the mail log of the last day."""

LOG = rb"""1764300000.123456 web1 postfix/smtp[9]: connect to one.example[192.0.2.1]:587: Connection refused
1764300001.123456 web1 postfix/smtp[9]: 4XA: to=<o@acme.example>, orig_to=<root>, relay=two.example[192.0.2.2]:587, delay=1, dsn=2.0.0, status=sent (250 ok)
1764300002.123456 web1 postfix/smtp[9]: 4XB: SASL authentication failed; server three.example[192.0.2.3] said: 535 5.7.8 no
1764300003.123456 web1 postfix/smtp[9]: 4XB: to=<o@acme.example>, relay=two.example[192.0.2.2]:587, dsn=5.1.1, status=bounced (host two.example[192.0.2.2] said: 550 5.1.1 nobody)
1764300004.123456 web1 postfix/bounce[9]: 4XB: sender non-delivery notification: 4XC
1764300004.123456 web1 postfix/qmgr[9]: 4XC: from=<>, size=2000, nrcpt=1 (queue active)
1764300005.123456 web1 postfix/smtp[9]: 4XC: to=<o@acme.example>, relay=two.example[192.0.2.2]:587, dsn=5.0.0, status=bounced (host two.example said: 501 Invalid MAIL FROM address provided)
1764300006.123456 web1 postfix/qmgr[9]: 4XD: from=<>, size=2000, nrcpt=1 (queue active)
1764300007.123456 web1 postfix/smtp[9]: 4XD: to=<p@acme.example>, relay=two.example[192.0.2.2]:587, dsn=5.0.0, status=bounced (host two.example said: 501 again)
1764300007.123456 web1 postfix/bounce[9]: 4XD: postmaster non-delivery notification: 4XE
1764300008.123456 web1 postfix/qmgr[9]: 4XF: from=<a@acme.example>, size=2000, nrcpt=1 (queue active)
1764300009.123456 web1 postfix/smtp[9]: 4XF: to=<", dsn=2.0.0, status=sent (x"@acme.example>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect to one.example[192.0.2.1]:587: Connection refused)
1764300010.123456 web1 su: postfix/smtp[9]: to=<t@acme.example>, dsn=2.0.0, status=sent (by somebody else)
"""


def test_what_became_of_mail(awk):
    code, out, error = awk("delivery.awk recent.awk", LOG)
    assert (code, error) == (0, b"")
    lines = out.decode().splitlines()
    assert lines[1:3] == ["returned 3", "lost 2 1 host two.example said: 501 again"]
    assert sorted(lines[3:]) == [
        "way one.example:587 failed Connection refused",
        "way three.example failed SASL authentication failed; server three.example[192.0.2.3] said: 535 5.7.8 no",
        "way two.example:587 sent",
    ]


BY_SENDER = b"""1764300000.1 web1 postfix/smtp[9]: 4XA: to=<o@x>, relay=h.example[192.0.2.1]:587, dsn=2.0.0, status=sent (250 ok)
1764300001.1 web1 postfix/smarthost-shop-eu/smtp[9]: 4XB: SASL authentication failed; server h.example[192.0.2.1] said: 535 no
1764300002.1 web1 postfix/smarthost-b2/smtp[9]: connect to h.example[192.0.2.1]:587: Connection refused
1764300003.1 web1 postfix/smarthost-b2/smtp[9]: 4XC: to=<o@x>, relay=i.example[192.0.2.2]:465, dsn=2.0.0, status=sent (250 ok)
"""


def test_accounts_at_one_server_are_told_apart(awk, sh, tmp_path):
    ways = [line for line in awk("delivery.awk recent.awk", BY_SENDER)[1].decode().splitlines() if line.startswith("way ")]
    assert sorted(ways) == [
        "way b2/h.example:587 failed Connection refused",
        "way b2/i.example:465 sent",
        "way h.example:587 sent",
        "way shop-eu/h.example failed SASL authentication failed; server h.example[192.0.2.1] said: 535 no",
    ]
    (tmp_path / "ways").write_text("".join(f"{line[4:]}\n" for line in sorted(ways)))
    names = "'[h.example]:587' 'shop-eu/[h.example]:587' 'b2/[i.example]:465' 'b2/[h.example]:25'"
    code, out, error = sh("recent", f'for one in {names}; do echo "$(way_result "$one" {tmp_path}/ways)"; done')
    assert (code, error) == (0, "")
    assert out.splitlines() == ["sent", "failed SASL authentication failed; server h.example[192.0.2.1] said: 535 no", "sent", ""]


def test_the_last_result_of_a_way_counts(awk):
    for one, two, result in (
        (b"connect to h.example[192.0.2.1]:587: Connection timed out", b"4XA: to=<o@x>, relay=h.example[192.0.2.1]:587, dsn=2.0.0, status=sent (250 ok)", "sent"),
        (b"4XA: to=<o@x>, relay=h.example[192.0.2.1]:587, dsn=2.0.0, status=sent (250 ok)", b"connect to h.example[192.0.2.1]:587: Connection timed out", "failed"),
        (b"4XA: SASL authentication failed; server h.example[192.0.2.1] said: 535 no", b"4XB: to=<o@x>, relay=h.example[192.0.2.1]:587, dsn=2.0.0, status=sent (250 ok)", "sent"),
        (b"4XB: to=<o@x>, relay=h.example[192.0.2.1]:587, dsn=2.0.0, status=sent (250 ok)", b"4XA: to=<o@x>, relay=h.example[192.0.2.1]:587, dsn=4.7.5, status=deferred (Server certificate not verified)", "failed"),
    ):  # fmt: skip
        text = b"".join(b"Nov 28 21:00:00 web1 postfix/smtp[9]: " + line + b"\n" for line in (one, two))
        ways = [line for line in awk("delivery.awk recent.awk", text)[1].decode().splitlines() if line.startswith("way ")]
        assert len(ways) == 1 and ways[0].split()[2] == result, ways


def test_a_program_that_ends_is_told_until_mail_leaves_or_postfix_starts(awk):
    fatal = b"postfix/smtp[9]: fatal: SASL per-connection initialization failed"
    sent = b"postfix/smtp[9]: 4XA: to=<o@x>, relay=h.example[192.0.2.1]:587, dsn=2.0.0, status=sent (250 ok)"
    started = b"postfix/master[9]: daemon started -- version 3.5.25, configuration /etc/postfix"
    forged = b"postfix/smtp[9]: 4XB: fatal: no"
    dead = ["dead SASL per-connection initialization failed"]
    for lines, told in (
        ([fatal], dead),
        ([sent, fatal], dead),
        ([started, fatal, forged], dead),
        ([fatal, sent], []),
        ([fatal, started], []),
        ([forged], []),
        ([b"postfix/smtpd[9]: fatal: a client's session alone"], []),
    ):
        text = b"".join(b"Nov 28 21:00:00 web1 " + line + b"\n" for line in lines)
        out = awk("delivery.awk recent.awk", text)[1].decode().splitlines()
        assert [line for line in out if line.startswith("dead")] == told, lines


def test_time_stamps(awk, sh):
    sent = b"postfix/smtp[9]: 4XA: to=<o@x>, relay=h[192.0.2.1]:587, dsn=2.0.0, status=sent (250 ok)\n"
    for stamp, seconds in (
        (b"1764300001.123456 web1 ", "1764300001"),
        (b"2025-11-28T03:20:01.5+00:00 web1 ", "1764300001"),
        (b"Nov 28 03:20:01 web1 ", None),
    ):
        [first] = [line for line in awk("delivery.awk recent.awk", stamp + sent)[1].decode().splitlines() if line.startswith("delivered ")]
        _, number, moment = first.split(" ", 2)
        code, out, error = sh("recent", f"TZ=UTC seconds_of '{moment}'", TZ="UTC")
        assert (number, code, error) == ("1", 0, "") and out.strip().isdigit(), first
        assert seconds is None or out.strip() == seconds, (first, out)
