"""What DNS says of mail domains."""

import socket
import struct
import threading

import pytest

NO_ERROR, SERVER_FAILURE, NO_NAME = 0, 2, 3


def labels(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def answer(domain, code=NO_ERROR, mx=()):
    """A DNS answer whose records point to the question for their names."""
    text = struct.pack(">6H", 0x7070, 0x8180 | code, 1, len(mx), 0, 0) + labels(domain) + struct.pack(">2H", 15, 1)
    for preference, name in mx:
        # Relative to the domain, if it ends with it: the usual compression.
        inside = name.endswith("." + domain)
        host = labels(name.removesuffix("." + domain))[:-1] + b"\xc0\x0c" if inside else labels(name)
        text += b"\xc0\x0c" + struct.pack(">2HIH", 15, 1, 300, len(host) + 2) + struct.pack(">H", preference) + host
    return text


CASES = [
    (answer("a.example", NO_NAME), 1, ""),
    (answer("a.example", SERVER_FAILURE), 2, ""),
    (b"", 2, ""),
    (b"short", 2, ""),
    (answer("a.example"), 0, ""),
    (answer("a.example", mx=[(0, "")]), 0, "0 .\n"),
    (answer("a.example", mx=[(20, "mx2.a.example"), (5, "in.other.example")]), 0, "20 mx2.a.example\n5 in.other.example\n"),
    # What no host name has.
    (answer("a.example", mx=[(5, "a\x1b[31m*$(id).other.example")]), 0, "5 a__31m___id_.other.example\n"),
    # A name that points to itself.
    (answer("a.example", mx=[(1, "x.a.example")])[:-2] + b"\xc0\x2b", 0, None),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_answers(awk, case):
    packet, code, out = CASES[case]
    said = awk("dns_mx.awk", " ".join(map(str, packet)).encode() + b"\n")
    assert said[0] == code and (out is None or said[1].decode() == out)


def test_a_name_without_end_is_cut(awk):
    """Names that point to each other make an answer of 4 kB a text of 12 MB."""
    packet = answer("a")
    begin = len(packet) + 14
    block = (b"\x3f" + b"a" * 63) * 48 + struct.pack(">H", 0xC000 | begin)
    record = b"\xc0\x0c" + struct.pack(">2HIHH", 15, 1, 300, len(block) + 2, 1) + block
    again = b"\xc0\x0c" + struct.pack(">2HIHH", 15, 1, 300, 4, 1) + struct.pack(">H", 0xC000 | begin)
    packet = packet[:6] + struct.pack(">H", 60) + packet[8:] + record + again * 59
    code, out, _ = awk("dns_mx.awk", " ".join(map(str, packet)).encode() + b"\n")
    assert code == 0 and out.count(b"\n") == 60 and max(map(len, out.split())) < 400


def test_a_query_on_the_wire(sh):
    code, out, error = sh("dns", "dns_query shop.co.example. | od -An -v -tu1 | tr -s ' \\n' ' '")
    assert (code, error) == (0, "")
    wanted = struct.pack(">6H", 0x7070, 0x0100, 1, 0, 0, 0) + labels("shop.co.example") + struct.pack(">2H", 15, 1)
    assert bytes(map(int, out.split())) == wanted


# Name of the host, domains of local names, `from`, domains that the spec keeps, MX records (None: no such domain) -> findings
WEB = "web1.corp.example"
ROWS = [
    (WEB, [WEB], "noreply@acme.example", [], {"acme.example": "mx.acme.example"}, []),
    # A host called like a mail domain below another.
    (WEB, [WEB], "noreply@acme.example", [], {"acme.example": "mx.acme.example", WEB: "mx.corp.example"}, [f"host-name-mail {WEB} mx.corp.example"]),
    (WEB, [WEB], "noreply@acme.example", [WEB], {"acme.example": "mx.acme.example", WEB: "mx.corp.example"}, []),
    (WEB, [WEB], "noreply@acme.example", [], {"acme.example": "mx.acme.example", WEB: WEB}, []),
    (WEB, [WEB, "old.web.example"], "@acme.example", [], {"acme.example": "a", "old.web.example": "b"}, ["host-name-mail old.web.example b"]),
    ("shop.example", ["localhost.localdomain"], "app@shop.example", [], {"shop.example": "mx.shop.example"}, []),
    ("nas.lan", ["nas.lan"], "noreply@acme.example", [], {"nas.lan": "x", "acme.example": "y"}, []),
    (WEB, [WEB], "noreply@acme.example", [], {}, ["sender-domain acme.example does not exist in DNS"]),
    (WEB, [WEB], "@acme.example", [], {"acme.example": "."}, ['sender-domain acme.example accepts no mail (its MX record is ".")']),
    (WEB, [WEB], "@acme.example", [], {"acme.example": ""}, ["sender-domain acme.example has neither an MX record nor an address"]),
    (WEB, [WEB], "@corp.example", [], {"corp.example": WEB.upper()}, [f"sender-domain-here corp.example {WEB.upper()}"]),
    (WEB, [WEB], "@corp.example", [], {"corp.example": f"{WEB}\nmx2.corp.example"}, []),
    (WEB, [WEB], "", [], {}, []),
    (WEB, [WEB], "", [], {WEB: "-h"}, [f"host-name-mail {WEB} -h"]),
]


@pytest.mark.parametrize("row", range(len(ROWS)))
@pytest.mark.parametrize("receives", ["", "corp.example"])
def test_findings(sh, tmp_path, row, receives):
    name, own, sender, kept, records, findings = ROWS[row]
    cases = "".join(f"{domain}) printf '%s\\n' '{mx}' ;;\n" for domain, mx in records.items())
    maps = ", ".join(f"inline:{{ {{@{domain} = @{domain}}} }}" for domain in ["partner.example", *kept])
    script = f"""
        probe_folder={tmp_path}
        live() {{ case $1 in
            relay_host_domain) echo {own[0]} ;; relay_system_domain) echo {own[-1]} ;; relay_from) echo '{sender}' ;;
            virtual_alias_maps) echo 'inline:{{ {{root = ops@acme.example}} }}, {maps}' ;;
            myhostname) echo {name} ;; relay_domains) echo '{receives}' ;;
        esac; }}
        mx_of() {{ case $1 in {cases} *) return 1 ;; esac; }}
        timeout() {{ return 2; }}
        finding() {{ echo "$*"; }}
        look_at_domains"""
    code, out, error = sh("build dns doctor_domains", script)
    found = [line for line in findings if not (receives and line.startswith("sender-domain-here"))]
    assert (code, out.splitlines(), error) == (0, found, "")


def test_a_resolver_that_answers_and_one_that_does_not(sh, tmp_path):
    """The way over bash and UDP; the port of a test is not 53."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]

        def serve():
            _, client = server.recvfrom(4096)
            server.sendto(answer("a.example", mx=[(20, "mx2.a.example"), (5, "in.other.example")]), client)

        threading.Thread(target=serve, daemon=True).start()
        script = f"probe_folder={tmp_path} dns_port={port}; nameservers() {{ echo 127.0.0.1; }}; mx_of a.example; echo $?; mx_of b.example; echo $?"
        assert sh("dns", script) == (0, "in.other.example\nmx2.a.example\n0\n2\n", "")
