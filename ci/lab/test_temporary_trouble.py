"""While something that a relay needs is missing or away, mail waits, status and doctor say why, and all recovers without a hand:
relays whose mail leaves by a smarthost, and gateways. See lab/trouble.py."""

import pytest

from lab.mail import certify
from lab.shell import wait_until
from lab.sink import Sink
from lab.trouble import (
    CA, CUSTOMER, DAMAGED, GONE, NO_CERTIFICATE, NO_KEY, NO_TABLE, OTHER_KEY, SALES, SOON, TABLE, WRONG, Client, Local, answer,
    as_after_hours, damaged, defers, findings, fine, forget, gone, nothing_came_back, offers, outlive, partners, programs_go, silent,
    stopped, takes, the_network_is_away,
)  # fmt: skip

# The oldest Postfix and systemd, the newest, and each package manager.
EACH = "debian-11", "debian-12", "debian-13", "rpm-dnf4", "rpm-dnf5", "pacman-7"
VIPS, NOBODY, BACKEND = "/etc/mail-relay/vips", "nobody@acme.example", "mail.acme.lan"


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_a_null_client_waits_for_what_it_needs(host, smarthost, tally):
    """It is installed before its CA file, its table, its credentials and the smarthost's name; then each goes away."""
    host.install("trouble-null")
    forget(host, smarthost.name)
    host.boot()
    root, shop = Local(host), "shop@shop.example"
    host.sh(f"printf 'Subject: of the shop\\n\\nhi\\n' | sendmail -f {shop} {CUSTOMER}")
    root.submit("of root")
    assert all("no certificate authorities" in reason for reason in host.wait_deferred())
    stopped(host, ["ca-file-missing", "credentials-missing"], "at first")
    host.write(CA, smarthost.authority.pem)
    wait_until(lambda: all("no credentials yet" in reason for reason in host.wait_deferred()), "no credentials", SOON)
    host.credentials()
    stopped(host, "table-closed", "at first")
    # The table leads everybody to the smarthost, and the shop by a transport of its own.
    host.write(TABLE, f"{shop} [smtp.lab.example]:587\n")
    stopped(host, "dns", "at first")
    host.resolver.set(smarthost.name, smarthost.good)
    root.arrives(smarthost)
    assert smarthost.wait_for("of the shop", SOON).helo == "mail.shop.example"
    fine(host, "at first")
    tally("missing at installation", 4)
    as_after_hours(host)
    outlive(host, smarthost, root, GONE, tally, "null client")
    nothing_came_back(host)
    # The table was compiled by apply, and goes with the package.
    host.remove()
    assert host.sh(f"ls {TABLE}*").out.split() == [TABLE]


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_what_a_null_client_needs_comes_back_wrong(host, smarthost, tally):
    """Or a table alone is missing, in the spec or in main.cf.d, or the network is away."""
    host.write(CA, smarthost.authority.pem)
    host.write(TABLE, "shop@shop.example [smtp.lab.example]:587\n")
    host.install("trouble-null")
    host.credentials()
    as_after_hours(host)
    host.boot()
    root = Local(host)
    for cells in (WRONG, [NO_TABLE], [damaged(TABLE)]):
        outlive(host, smarthost, root, cells, tally, "null client")
    a_table_of_main_cf_d(host, smarthost, root, tally)
    the_network_is_away(host, smarthost, root, tally, "null client")
    nothing_came_back(host)


@pytest.mark.roots("debian-11", "debian-13")
def test_own_ways_to_the_smarthost_wait_for_credentials(host, smarthost, tally):
    """By transport_maps and by what depends on the sender, past default_transport. A smarthost refuses mail without a login for good."""
    host.install("own-ways")
    host.boot()
    ways = {"gold": ("root", "jane@gold.example"), "silver": ("root", "jane@silver.example")}
    ways |= {name: (f"app@{name}.example", CUSTOMER) for name in ("shop", "lists")}
    for name, (sender, recipient) in ways.items():
        host.sh(f"printf 'Subject: {name}\\n\\nhi\\n' | sendmail -f {sender} {recipient}")
    wait_until(lambda: len(host.queue()) == len(ways), "all of it in the queue")
    assert all("no credentials yet" in reason for reason in host.wait_deferred())
    nothing_came_back(host)
    host.credentials()
    helo = {name: smarthost.wait_for(name, SOON) for name in ways}
    assert {mail.user for mail in helo.values()} == {smarthost.user}
    assert (helo["silver"].helo, helo["shop"].helo) == ("silver.acme.example", "mail.shop.example")
    tally("ways to the smarthost that wait for credentials", len(ways))


def a_table_of_main_cf_d(host, smarthost, sender, tally):
    """No spec names it: apply finds it in main.cf, and watches it."""
    late, own = "/etc/postfix/late", "/etc/mail-relay/main.cf.d/own.cf"
    host.write(own, "late_folder = /etc/postfix\nrelocated_maps = $default_database_type:$late_folder/late\n")
    stopped(host, "table-closed", "main.cf.d")
    host.sh(f"printf 'Subject: main.cf.d\\n\\nhi\\n' | sendmail -f root {CUSTOMER}")
    sender.waiting.append("main.cf.d")
    host.write(late, "nobody@customer.example somebody@customer.example\n")
    sender.arrives(smarthost)
    host.sh(f"rm {own} {late}")
    fine(host, "without main.cf.d")
    tally("null client")


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_a_lan_relay_waits_for_what_it_needs(host, smarthost, lan, tally):
    host.install("trouble-lan")
    as_after_hours(host)
    host.boot()
    app = Client(host, lambda text: lan.app.send("app@acme.example", CUSTOMER, text))
    app.submit("of a client")
    everything = {"ca-file-missing", "credentials-missing", "server-certificate", "policy-away"}
    stopped(host, everything, "at first")
    host.write(CA, smarthost.authority.pem)
    certify(host)
    host.credentials()
    stopped(host, ["table-closed", "milter-away"], "at first")
    host.write(TABLE, "shop@shop.example [smtp.lab.example]:587\n")
    with partners(host) as programs:
        app.arrives(smarthost)
        fine(host, "at first")
        tally("missing at installation", len(everything) + 2)
        assert offers(lan.app, "starttls")
        for cells in ([NO_CERTIFICATE, *GONE], [OTHER_KEY, *WRONG], [DAMAGED, NO_TABLE], [damaged(TABLE)]):
            outlive(host, smarthost, app, cells, tally, "lan relay")
        programs_go(host, programs, lambda kind: app.submit(kind), lambda kind: app.arrives(smarthost), tally, "lan relay")
        the_network_is_away(host, smarthost, app, tally, "lan relay")
    nothing_came_back(host)


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_a_gateway_defers_while_something_is_away(host, smarthost, lan, tally):
    """It is installed before everything that it needs; then the server behind it goes away."""
    host.install("trouble-gateway")
    host.resolver.set("stranger.example", smarthost.elsewhere)
    as_after_hours(host)
    host.boot()
    stranger = lan.stranger
    # None of it may become a refusal.
    assert not offers(stranger, "starttls") and not offers(stranger, "smtputf8")
    defers(stranger, "at first")
    everything = {"table-closed", "server-certificate", "next-hop-dns", "policy-away", "milter-away"}
    stopped(host, everything, "at first")
    host.write(VIPS, "vip@customer.example OK\n")
    certify(host)
    with partners(host):
        wait_until(lambda: offers(stranger, "starttls"), "STARTTLS", SOON)
        defers(stranger, "no server behind yet")
        host.resolver.set(BACKEND, smarthost.good)
        takes(stranger, "at first")
        fine(host, "at first")
        tally("missing at installation", len(everything))
        code, words = answer(stranger, NOBODY)
        assert code == 550 and "Access denied" in words and smarthost.good not in words
        the_server_behind_is_away(host, smarthost, stranger, tally)
        nothing_came_back(host)


@pytest.mark.roots(*EACH)
@pytest.mark.long
def test_a_gateway_defers_while_its_files_or_programs_are_away(host, smarthost, lan, tally):
    host.write(VIPS, "vip@customer.example OK\n")
    certify(host)
    for name, address in (("stranger.example", smarthost.elsewhere), (BACKEND, smarthost.good)):
        host.resolver.set(name, address)
    host.install("trouble-gateway")
    as_after_hours(host)
    host.boot()
    stranger = lan.stranger
    with partners(host) as programs:
        takes(stranger, "at first")
        files_go(host, stranger, tally)
        programs_go(host, programs, lambda kind: defers(stranger, kind), lambda kind: takes(stranger, kind), tally, "gateway")
        nothing_came_back(host)


def files_go(host, stranger, tally):
    """Without a certificate there is no STARTTLS, and mail is taken; without the table it is deferred."""
    table = gone(VIPS, "table", "table-closed")
    for cells in ([NO_CERTIFICATE, table], [DAMAGED], [NO_KEY], [OTHER_KEY]):
        certificate, *tables = cells
        row = ", ".join(cell.name for cell in cells)
        host.sh("; ".join(cell.harm for cell in cells))
        wait_until(lambda: not offers(stranger, "starttls"), f"{row}: no STARTTLS", SOON)
        stopped(host, [cell.finding for cell in cells], row)
        for cell in tables:
            defers(stranger, row)
            host.sh(cell.mend)
        takes(stranger, row)
        host.sh(certificate.mend)
        wait_until(lambda: offers(stranger, "starttls"), f"{row}: STARTTLS", SOON)
        tally("gateway", len(cells))
    fine(host, "files")


def the_server_behind_is_away(host, smarthost, stranger, tally):
    """Both new recipients and mail that is already in the queue."""
    known = lambda subject: stranger.send("jane@stranger.example", SALES, f"Subject: {subject}\n\nhi\n")
    rows = [("no such name", "next-hop-dns", None), ("no server", "next-hop-away", smarthost.down)]
    for name, finding, address in rows:
        forget(host, BACKEND) if address is None else host.resolver.set(BACKEND, address)
        stopped(host, finding, name)
        known(name)  # verified before, so it is taken
        host.wait_deferred()
        code, words = answer(stranger, f"new-{finding}@acme.example")
        assert code == 450 and ("not found" in words or "refused" in words), words
    host.resolver.set(BACKEND, smarthost.sink)
    with Sink(smarthost, "no-thanks", ports=(2424,)):
        stopped(host, "next-hop-away", "a server that refuses everybody")
        known("refused by everybody")
        host.wait_deferred()
    with silent(host):
        stopped(host, "resolver-silent", "no resolver")
    host.resolver.set(BACKEND, smarthost.good)
    smarthost.wait_for("refused by everybody", SOON)
    for name, finding, _ in rows:
        smarthost.wait_for(name, SOON)
        takes(stranger, f"{name}: the server's own answer", f"new-{finding}@acme.example")
    # The server itself refuses it: that is permanent.
    wait_until(lambda: answer(stranger, NOBODY)[0] == 550, "the server's own refusal", SOON)
    fine(host, "the server behind")
    tally("gateway", 4)


@pytest.mark.roots("debian-12")
def test_a_program_of_a_gateway_submits_by_sendmail(host, smarthost, lan):
    """The first example of FILTER_README works in the sandbox, and where a stricter one stops it, doctor says so."""
    host.install("trouble-gateway")
    host.write("/usr/local/bin/spamfilter", '#!/bin/sh\nexec /usr/sbin/sendmail -G -i "$@"\n', 0o755)
    host.resolver.set("stranger.example", smarthost.elsewhere)
    host.resolver.set(BACKEND, smarthost.good)
    host.write(VIPS, "vip@customer.example OK\n")
    certify(host)
    host.write("/etc/mail-relay/main.cf.d/filter.cf", "content_filter = spamfilter:\n")
    host.boot()
    # What comes back from the filter must not go there again: the local submission service has none.
    host.sh("postconf -P pickup/unix/content_filter=; mail-relay apply")
    with partners(host):
        send = lambda subject: lan.stranger.send("jane@stranger.example", SALES, f"Subject: {subject}\n\nhi\n")
        takes(lan.stranger, "at first")
        send("filtered")
        smarthost.wait_for("filtered")
        drop_in = f"/etc/systemd/system/{host.daemon_unit()}.d/strict.conf"
        host.write(drop_in, "[Service]\nNoNewPrivileges=yes\n")
        host.sh("systemctl daemon-reload; systemctl restart postfix")
        send("hangs")
        wait_until(lambda: "sandbox-sendmail" in findings(host), "sandbox-sendmail", SOON)
