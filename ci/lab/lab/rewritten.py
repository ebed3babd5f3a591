"""Sends the rows of rewriting.py, and compares what arrives with what must become of them."""

from .rewriting import bare
from .shell import wait_until


def begin(host, spec):
    host.install(spec)
    host.credentials()
    host.boot()
    assert host.sh("postconf -n 2>&1 >/dev/null").out == ""


def send(host, rows, clients):
    """All rows; those of sendmail by one command."""
    script = ""
    for row in rows:
        if row.way == "sendmail":
            # The words of a here-document stay as they are.
            script += f"sendmail -i -f '{row.sender or '<>'}' -- '{row.recipient}' <<'END' || exit\n{row.text}END\n"
    if script:
        host.sh(script)
    for way, client in clients.items():
        own = [row for row in rows if row.way == way]
        if own:
            with client.smtp(client.addresses[0] if way == "smtp" else "10.66.0.5") as session:
                for row in own:
                    session.sendmail(row.sender, [row.recipient], row.text.replace("\n", "\r\n"))


def arrived(places, rows):
    """The message of each row, in one of these places."""

    def all_there():
        mails = {mail["Subject"]: mail for place in places for mail in place.mails()}
        return mails if all(row.subject in mails for row in rows) else None

    return wait_until(all_there, f"{len(rows)} messages", timeout=90)


def judge(rules, row, mail, milter=None):
    """What is wrong with a message, in words."""
    expected = {
        "envelope from": rules.sender(row.sender),
        "envelope to": rules.envelope(row.recipient),
        "From": rules.header_sender(bare(row.header("From") or row.sender), row),
    }
    found = {"envelope from": mail.envelope_from, "envelope to": " ".join(mail.envelope_to), "From": bare(mail["From"])}
    for name, rule in (("To", rules.recipient), ("Cc", rules.recipient), ("Reply-To", rules.reply)):
        if header := row.header(name):
            expected[name], found[name] = header if row.foreign else rule(header), bare(mail[name])
    if milter is not None:
        sender, header = milter[row.subject]
        expected["milter's From"], found["milter's From"] = expected["From"], bare(header)
        # smtpd(8) tells milters what the client said, before cleanup(8) has seen it.
        expected["milter's sender"] = rules.sender(row.sender) if row.way == "sendmail" else row.sender
        found["milter's sender"] = sender
    wrong = [f"{name}: {found[name]!r}, not {value!r}" for name, value in expected.items() if found[name] != value]
    return f"{rules.host}: {row}: {'; '.join(wrong)}" if wrong else None


def check(host, smarthost, rules, rows, clients, tally, milter=None, places=()):
    send(host, rows, clients)
    mails = arrived((smarthost, *places), rows)
    seen = milter.seen() if milter else None
    wrong = [found for row in rows if (found := judge(rules, row, mails[row.subject], seen))]
    assert not wrong, "\n".join(wrong)
    tally("rows of rewriting", len(rows))
