"""old_aliases.awk: which aliases of before lead elsewhere now."""

from conftest import processor_seconds

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


def lost(sh, tmp_path):
    """The aliases of before that lost_aliases names, of a program for mailing lists."""
    (tmp_path / "tables").mkdir(exist_ok=True)
    (tmp_path / "tables/aliases").write_bytes(HERE)
    script = """
        share=$state relay_root_mail_to=ops@acme.example
        old() { case $1 in alias_maps) echo "hash:$state/list/aliases" ;; mydestination) echo localhost ;; esac; }
        forwards() { :; }
        lost_aliases"""
    return sh("name build before", script)


def test_a_link_in_the_folder_of_another_account_is_not_followed(sh, tmp_path):
    """Its owner would have root print lines of any file."""
    (tmp_path / "list").mkdir()
    (tmp_path / "list/aliases").write_text("news: \"|/usr/lib/lists/post news\"\n")
    assert lost(sh, tmp_path) == (0, "alias\tnews\twent to the program /usr/lib/lists/post\n", "")
    (tmp_path / "shadow").write_text("root:$y$j9T$TopSecret:19000:0:99999:7:::\n")
    (tmp_path / "list/aliases").unlink()
    (tmp_path / "list/aliases").symlink_to("../shadow")
    assert lost(sh, tmp_path) == (0, "", "")


def test_a_long_file_of_aliases_ends_soon(sh, tmp_path):
    (tmp_path / "list").mkdir()
    with (tmp_path / "list/aliases").open("w") as file:
        file.write("news: other@x.example\n")
        file.truncate(1 << 36)
    began = processor_seconds()
    assert "alias\tnews\twent to other@x.example" in lost(sh, tmp_path)[1]
    assert processor_seconds() - began < 20
