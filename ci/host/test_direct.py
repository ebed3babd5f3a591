"""doctor_direct.sh: what other servers expect of a host that sends mail to them itself."""

import struct

import pytest
from test_domains import answer, labels

OWN, OWN6 = "203.0.113.5", "2001:db8::5"


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("203.0.113.5", "203.0.113.5", True),
        ("203.0.113.5", "203.0.113.0/24", True),
        ("203.0.113.5", "203.0.113.4/30", True),
        ("203.0.113.5", "203.0.113.8/29", False),
        ("203.0.113.5", "203.0.112.0/22", True),
        ("203.0.113.5", "0.0.0.0/0", True),
        ("203.0.113.5", "203.0.113.50", False),
        ("203.0.113.5", "2001:db8::/32", False),
        ("2001:db8::5", "203.0.113.5", False),
        ("2001:db8::5", "2001:db8::/32", True),
        ("2001:db8::5", "2001:0DB8:0:0:0:0:0:5", True),
        ("2001:db8::5", "2001:db8::4/127", True),
        ("2001:db8::5", "2001:db8::6/127", False),
        ("2001:db8::5", "2001:db8::/29", True),
        ("2001:db8::5", "2001:dc0::/29", False),
    ],
)
def test_networks(sh, address, network, inside):
    code, _, error = sh("doctor_direct", f"is_within {address} {network}")
    assert (code, error) == (0 if inside else 1, "")


@pytest.mark.parametrize(
    ("address", "label"),
    [("192.0.2.1", "1.2.0.192"), ("2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"), ("::1", "1" + 31 * ".0")],
)
def test_names_in_block_lists(sh, address, label):
    assert sh("doctor_direct", f"reversed {address}") == (0, label + "\n", "")


def text_answer(domain, *texts, code=0, cut=False):
    packet = struct.pack(">6H", 0x7070, (0x8380 if cut else 0x8180) | code, 1, len(texts), 0, 0) + labels(domain) + struct.pack(">2H", 16, 1)
    for strings in texts:
        data = b"".join(bytes([len(part)]) + part.encode() for part in strings)
        packet += b"\xc0\x0c" + struct.pack(">2HIH", 16, 1, 300, len(data)) + data
    return packet


@pytest.mark.parametrize(
    ("packet", "code", "out"),
    [
        (text_answer("a.example", ["v=spf1 -all"], ["other=1"]), 0, "v=spf1 -all\nother=1\n"),
        (text_answer("a.example", ["v=spf1 ip4:192.0.2.0/24 ", "-all"]), 0, "v=spf1 ip4:192.0.2.0/24 -all\n"),
        (text_answer("a.example", ["a\x1b[31m\nb"]), 0, "a_[31m_b\n"),
        (text_answer("a.example"), 0, ""),
        (text_answer("a.example", code=3), 1, ""),
        (text_answer("a.example", cut=True), 3, ""),
        (answer("a.example", mx=[(5, "mx.a.example")]), 0, ""),
        # A string that is longer than the record.
        (text_answer("a.example", ["abc"])[:-4] + b"\xffabc", 0, "abc\n"),
    ],
)
def test_text_records(awk, packet, code, out):
    said = awk("dns_mx.awk", " ".join(map(str, packet)).encode() + b"\n", want=16)
    assert (said[0], said[1].decode()) == (code, out)


def world(texts, addresses, mx=None):
    """The functions that ask DNS, with these answers; a domain that has no text does not exist."""

    def cases(table):
        return "".join(f"{name}) printf '%s\\n' '{value}' ;;\n" for name, value in table.items())

    return f"""
        txt_of() {{ case $1 in {cases(texts)} *) return 1 ;; esac; }}
        mx_of() {{ case $1 in {cases(mx or {})} *) return 1 ;; esac; }}
        addresses_of() {{ case $1 in {cases(addresses)} *) return 2 ;; esac; }}
        finding() {{ echo "$*"; }}
        sender() {{ echo noreply@acme.example; }}
    """


# The record, other records, and what is found: None is nothing.
SPF = [
    ("v=spf1 ip4:203.0.113.0/24 -all", {}, None),
    ("V=SPF1 IP4:203.0.113.5 ~all", {}, None),
    ("v=spf1 ip4:192.0.2.0/24 -all", {}, "spf-refuses"),
    ("v=spf1 ip4:192.0.2.0/24 ?all", {}, "spf-refuses"),
    ("v=spf1 ip4:192.0.2.0/24", {}, "spf-refuses"),
    ("v=spf1 +all", {}, None),
    ("v=spf1 -ip4:203.0.113.5 +all", {}, "spf-refuses"),
    ("v=spf1 a -all", {}, None),
    ("v=spf1 a:other.example -all", {}, "spf-refuses"),
    ("v=spf1 a:near.example/24 -all", {}, None),
    ("v=spf1 mx -all", {}, None),
    ("v=spf1 mx:none.example -all", {}, "spf-refuses"),
    ("v=spf1 include:_spf.provider.example -all", {"_spf.provider.example": "v=spf1 ip4:203.0.113.5 -all"}, None),
    ("v=spf1 include:_spf.provider.example -all", {"_spf.provider.example": "v=spf1 ip4:192.0.2.1 -all"}, "spf-refuses"),
    ("v=spf1 include:_spf.provider.example ip4:203.0.113.5 -all", {"_spf.provider.example": "v=spf1 -all"}, None),
    ("v=spf1 redirect=_spf.acme.example", {"_spf.acme.example": "v=spf1 ip4:203.0.113.5 -all"}, None),
    ("v=spf1 redirect=_spf.acme.example", {"_spf.acme.example": "v=spf1 -all"}, "spf-refuses"),
    # What cannot be told is no finding.
    ("v=spf1 exists:%{i}.acme.example -all", {}, None),
    ("v=spf1 ptr -all", {}, None),
    # A record that leads to itself.
    ("v=spf1 include:acme.example -all", {}, None),
    ("google-site-verification=x", {}, "spf-missing"),
]


@pytest.mark.parametrize("row", range(len(SPF)))
def test_spf(sh, tmp_path, row):
    record, others, found = SPF[row]
    addresses = {"acme.example": OWN, "mx.acme.example": OWN, "other.example": "192.0.2.9", "near.example": "203.0.113.99"}
    script = world({"acme.example": record, **others}, addresses, {"acme.example": "mx.acme.example"})
    code, out, error = sh("doctor_direct", f"probe_folder={tmp_path} own={OWN}\n{script}\nlook_at_spf")
    assert (out.split(" ")[0].strip() or None, error) == (found, ""), out


# PTR, the addresses of its name, of the greeting, and the finding
NAMES = [
    ("mx1.acme.example", OWN, OWN, ""),
    ("", OWN, OWN, f"direct-no-ptr {OWN} mail.acme.example"),
    ("mx1.acme.example", "192.0.2.1", OWN, f"direct-ptr-differs {OWN} mx1.acme.example"),
    ("mx1.acme.example", OWN, "192.0.2.1", f"direct-helo mail.acme.example {OWN} mx1.acme.example"),
    ("mx1.acme.example", f"192.0.2.1\n{OWN}", f"{OWN}\n192.0.2.1", ""),
]


@pytest.mark.parametrize("row", range(len(NAMES)))
def test_names_of_the_address(sh, row):
    pointer, forward, greeting, found = NAMES[row]
    script = world({}, {"mx1.acme.example": forward, "mail.acme.example": greeting})
    script += f"""
        timeout() {{ [ -z '{pointer}' ] || echo '{OWN} {pointer}'; }}
        live() {{ echo mail.acme.example; }}
        own={OWN}
        look_at_name_of_address"""
    code, out, error = sh("doctor_direct", script)
    assert (code, out.strip(), error) == (0, found, "")


def test_block_lists(sh):
    script = world({}, {"5.113.0.203.bl.example": "127.0.0.2", "5.113.0.203.refused.example": "127.255.255.254", "5.113.0.203.wild.example": "192.0.2.1"})
    script += f"own={OWN} direct_lists='none.example bl.example refused.example wild.example'\nlook_at_block_lists"
    assert sh("doctor_direct", script)[1:] == (f"direct-listed {OWN} bl.example 127.0.0.2\n", "")
