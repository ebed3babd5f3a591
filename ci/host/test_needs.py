"""What Postfix needs besides the package: which tables a configuration refers to, and what is wrong with files of the administrator."""

import pytest
from conftest import processor_seconds

# What `postconf -nx` and `postconf -Px` print, and what of it the administrator brings.
REFERRED = [
    ("transport_maps = hash:/etc/postfix/a", ["hash:/etc/postfix/a"]),
    ("transport_maps = lmdb:/etc/postfix/a, cidr:/b, lmdb:/etc/postfix/a", ["lmdb:/etc/postfix/a", "cidr:/b"]),
    ("transport_maps = proxy:mysql:/etc/postfix/own.cf", ["mysql:/etc/postfix/own.cf"]),
    ("transport_maps = unionmap:{ regexp:/a, pcre:/b }", ["regexp:/a", "pcre:/b"]),
    ("smtpd_sender_restrictions = check_sender_access { texthash:/a, x=y }, permit", ["texthash:/a"]),
    ("smtp/unix/smtp_tls_policy_maps = cdb:/etc/postfix/policy", ["cdb:/etc/postfix/policy"]),
    # Of the package, of Postfix itself, and no tables.
    ("header_checks = regexp:/etc/postfix/ours", []),
    ("smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd", []),
    ("smtp_tls_session_cache_database = btree:/var/lib/postfix/smtp_scache", []),
    ("postscreen_cache_map = btree:/var/lib/postfix/postscreen_cache", []),
    ("address_verify_map = btree:/var/lib/postfix/verify_cache", []),
    ("smtpd_milters = unix:/run/milter.sock", []),
    ("virtual_transport = lmtp:unix:/run/lmtp", []),
    ("transport_maps = inline:{ {a = smtp:[b]:25} }", []),
]


@pytest.mark.parametrize(("line", "tables"), REFERRED)
def test_the_tables_that_a_configuration_refers_to(sh, line, tables):
    script = f"""postconf() {{ [ "$3" = -nx ] && echo '{line}'; }}
postfix_dir=/etc/postfix tables='ours:regexp'; own_tables /etc/postfix"""
    assert sh("needs", script) == (0, "".join(f"{table}\n" for table in tables), "")


def test_a_table_that_is_built_is_named_by_its_place_when_it_is_live(sh):
    script = """postconf() { [ "$3" = -nx ] && echo 'transport_maps = hash:/state/stage/a'; }
postfix_dir=/etc/postfix tables=''; own_tables /state/stage"""
    assert sh("needs", script) == (0, "hash:/etc/postfix/a\n", "")


@pytest.mark.parametrize(("compiled", "made"), [(None, "reload"), ("lmdb", "no"), ("damaged", "restart")])
def test_tables_of_the_administrator_are_compiled(sh, tmp_path, compiled, made):
    """Like postmap with LMDB: a damaged table is neither read nor replaced."""
    source, table = tmp_path / "vips", tmp_path / "vips.lmdb"
    source.write_text("a b\n")
    if compiled:
        table.write_text(compiled)
    script = f"""postmap() {{
    case $(cat {table} 2>&1) in *damaged*) echo postmap: fatal: no LMDB file >&2; return 1 ;; esac
    [ "$1" = -q ] || {{ echo lmdb >{table}; echo compiled; }}
}}
timeout() {{ shift; "$@"; }}
own_tables() {{ echo lmdb:{source}; }}
find_host_tables /stage; compile_own_tables /stage; echo $recompiled; cat $state/compiled 2>/dev/null; :"""
    out = ("" if made == "no" else "compiled\n") + f"{made}\n" + (f"{table}\n" if compiled is None else "")
    assert sh("needs", script) == (0, out, "")
    assert table.read_text().strip() == "lmdb"


def pem(kind):
    return f"-----BEGIN {kind}-----\nx\n-----END {kind}-----\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "it does not exist"),
        ("", "it contains no certificate"),
        ("not a certificate\n", "it contains no certificate"),
        (pem("PRIVATE KEY"), "it contains no certificate"),
        (pem("CERTIFICATE"), "its first certificate is damaged"),
    ],
)
def test_a_file_that_is_no_bundle_of_authorities(sh, tmp_path, content, reason):
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    assert sh("needs", f"why_no_authorities {tmp_path}/ca.pem") == (0, f"{reason}\n", "")


def test_certificates_that_postfix_can_use_and_cannot(sh, pki, tmp_path):
    """The files of the lab's authorities: NAME.pem has a certificate and its key."""
    good, other = pki / "good.pem", pki / "other-name.pem"
    assert sh("needs", f"why_no_authorities {pki}/ca.crt; why_no_certificate {good} {good}") == (0, "", "")
    code, out, err = sh("needs", f"why_no_certificate {good} {other}")
    assert (code, out, err) == (0, f"the key {other} does not belong to the certificate {good}\n", "")
    for text, reason in ((pem("CERTIFICATE"), "is damaged"), ("x\n", "contains no certificate"), ("", "does not exist, or is empty")):
        (tmp_path / "wrong.pem").write_text(text)
        assert reason in sh("needs", f"why_no_certificate {tmp_path}/wrong.pem {good}")[1]


@pytest.mark.parametrize(
    ("database", "version", "soon"),
    [
        ("mysql", "3.5.25", False),
        ("pgsql", "3.8", False),
        ("pgsql", "3.8-20230101", False),
        ("mysql", "3.9.0", True),
        ("pgsql", "3.10.13", True),
        ("mysql", "4.0.0", True),
        ("ldap", "3.10.13", False),
    ],
)
def test_a_database_that_was_away_is_soon_asked_again_where_postfix_can(sh, tmp_path, database, version, soon):
    for name in ("login", "sql.cf"):
        (tmp_path / name).write_text(f"{name}\n")
    script = f"database={database} mail_version={version} tables=sql.cf:database database_login=yes into={tmp_path}; add_login; cat {tmp_path}/sql.cf"
    assert sh("build", script) == (0, "sql.cf\n" + ("retry_interval = 5\n" if soon else "") + "login\n", "")


def test_no_table_is_compiled_where_another_account_can_put_a_link(sh, tmp_path):
    """postmap, as root, would write to what the link leads to; so would a removal delete there."""
    script = """
        postmap() { echo "postmap $3"; }
        why_closed() { :; }
        mkdir -p "$state/folder" && echo 'a b' >"$state/folder/own" && host_tables=hash:$state/folder/own
        for owner in 65534 0; do
            chown "$owner" "$state/folder"
            compile_own_tables "$state" 2>&1
            touch "$state/folder/own.db" && echo "$state/folder/own.db" >"$state/compiled"
            drop_own_compiled
            ls "$state/folder"
        done"""
    code, out, err = sh("needs", script)
    folder = tmp_path / "folder"
    assert (code, err) == (0, "")
    assert out.split("\n") == [
        f"mail-relay: {folder}/own is not compiled: others than root can write to {folder}; mend: chown -h root:root {folder}; chmod go-w {folder}",
        "own", "own.db", f"postmap hash:{folder}/own", "own", "",
    ], out  # fmt: skip


def test_a_file_without_end_is_given_up(sh, tmp_path):
    """The account that has a folder with a table, a certificate or a secret could put a file of a terabyte there."""
    for name in ("table", "relay_password"):
        with (tmp_path / name).open("w") as file:
            file.truncate(1 << 38)
    began = processor_seconds()
    script = """
        read_seconds=1 watched_files= certificate_files= host_tables=cidr:$state/table share=$state/share
        digests_of_own_files; why_no_authorities "$state/table"; why_no_certificate "$state/table" "$state/table"
        secrets=$state credential_folders= encrypted_folders= settings=$state/etc relay_env=$state/etc/relay.env
        find_ca_file() { :; }
        inputs"""
    code, out, error = sh("files sources needs inputs", script)
    assert (code, error) == (0, "") and processor_seconds() - began < 20
    assert out.splitlines() == [f"{tmp_path}/table ", "it contains no certificate", f"{tmp_path}/table contains no certificate"]
