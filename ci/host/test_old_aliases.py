"""old_aliases.awk: which aliases of before lead elsewhere now."""

HERE = b"# of this package\ndev: web@acme.example\npostmaster: root\nroot: ops@acme.example\n"
# An alias file, and what is told of it.
FILES = [
    (b"postmaster: root\nmailer-daemon: postmaster\nwww: webmaster\nwebmaster: root\n", []),
    (b"root: ops@acme.example\n", []),
    (b"root: OPS@acme.example, other@acme.example\n", [("root", "other@acme.example")]),
    (b"root: joe\n", [("root", "the local user joe")]),
    (b"dev: dev@acme.example\n", []),
    (b"test: dev@acme.example\n", [("test", "dev@acme.example")]),
    (b"one: two\ntwo: three@x.example\n", [("one", "three@x.example"), ("two", "three@x.example")]),
    (b"one: two\ntwo: one\n", []),
    (b"rt: |/usr/bin/rt --secret x\n", [("rt", "the program /usr/bin/rt")]),
    (b"rt: \"|/usr/bin/rt, x\", root\n", [("rt", "the program /usr/bin/rt,")]),
    (b"log: /var/log/mails\nlist: :include:/etc/list\n", [("log", "the file /var/log/mails"), ("list", "the list /etc/list")]),
    (b"joe: \\joe, jane@x.example\n", [("joe", "the local user joe, jane@x.example")]),
    (b"a: b@x.example,\n\tc@x.example\n# comment\n   ,d@x.example\n", [("a", "b@x.example, c@x.example, d@x.example")]),
    (b"\"Quoted\" : q@x.example\r\n", [("quoted", "q@x.example")]),
    (b"what is this\n:\n", []),
    (b"", []),
]  # fmt: skip


def test_aliases_that_lead_elsewhere(awk):
    for text, told in FILES:
        code, out, error = awk("old_aliases.awk", HERE, text, root="ops@acme.example")
        lines = [tuple(line.split("\t")) for line in out.decode().splitlines()]
        assert (code, lines, error) == (0, told, b""), text
