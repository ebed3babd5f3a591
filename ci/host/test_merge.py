"""merge.awk: the layers of main.cf, each parameter once."""

import re


def merged(awk, *layers, titles="the package|this host|own.cf"):
    code, out, error = awk("merge.awk", *[layer.encode() for layer in layers], titles=titles)
    assert (code, error) == (0, b"")
    return out.decode()


def settings(text):
    """Logical lines as Postfix reads them: name to value, and no name twice."""
    found, name = {}, None
    for line in text.splitlines():
        if re.match(r"\s*(#|$)", line):
            continue
        if line[0] in " \t":
            found[name] += " " + line.strip()
        else:
            name, value = (part.strip() for part in line.split("=", 1))
            assert name not in found, name
            found[name] = value
    return found


def test_a_higher_layer_wins_and_the_lower_says_so(awk):
    text = merged(awk, "a = 1\nb = 2\n", "b = 3\n", "b = 4\nc = 5\n")
    assert settings(text) == {"a": "1", "b": "4", "c": "5"}
    assert text.count("# b: set by own.cf\n") == 2


def test_continuation_lines_go_with_their_parameter(awk):
    text = merged(awk, "a = 1,\n  2\n# between\n\t3\nb = 1\n", "a = 9\n", "# nothing\n")
    assert settings(text) == {"a": "9", "b": "1"}
    assert "# between" in text


def test_the_later_of_two_lines_in_a_layer_wins(awk):
    text = merged(awk, "x = 0\n", "y = 0\n", "x = 1\nx = 2\n")
    assert settings(text) == {"x": "2", "y": "0"}
    assert "# x: set by a later line\n" in text


def test_values_are_left_as_they_are(awk):
    line = r"smtp_generic_maps = inline:{{@$myhostname = a@b}} # & \1 %s"
    assert line + "\n" in merged(awk, line + "\n", "y=1\n", "# none\n")


def test_form_and_line_ends(awk):
    assert settings(merged(awk, "a=1\r\nb   =2\r\n", "c\t=\t3\n", "d =\n")) == {"a": "1", "b": "2", "c": "3", "d": ""}


def test_what_postfix_would_not_understand_is_named(awk):
    for bad, line in (("a = 1\nnonsense\n", 2), ("  floating\n", 1), ("two words = 1\n", 1), ("a = 1\n\n= 2\n", 3), ("$x = 1\n", 1)):
        code, _, error = awk("merge.awk", b"ok = 1\n", bad.encode(), titles="the package|this host")
        assert code == 2, bad
        assert b"line %d" % line in error and b"input1" in error


def test_own_parameters_stay_only_while_something_uses_them(awk):
    package, host = b"relayhost = $relay_smarthosts\nx = ${relay_from}\n", b"relay_smarthosts = [h]:1\nrelay_from = a@b\nrelay_root = c\n"
    options = {"titles": "the package|this host|own.cf", "optional": "relay_smarthosts relay_from relay_root"}
    text = awk("merge.awk", package, host, b"# none\n", **options)[1].decode()
    assert settings(text) == {"relayhost": "$relay_smarthosts", "x": "${relay_from}", "relay_smarthosts": "[h]:1", "relay_from": "a@b"}
    text = awk("merge.awk", package, host, b"relayhost = [own]:2\n", **options)[1].decode()
    assert settings(text) == {"relayhost": "[own]:2", "x": "${relay_from}", "relay_from": "a@b"}


def test_a_parameter_of_a_transport_is_one(awk):
    """Its name begins with that of a service, which may hold - and a dot."""
    assert settings(merged(awk, "a = 1\n", "b = 2\n", "smtp-slow.x_destination_rate_delay = 1s\n"))["smtp-slow.x_destination_rate_delay"] == "1s"


REFUSED = (
    "# what must not be done\n"
    "myorigin\tnever\t\tlocal names live in it\n"
    "soft_bounce\tonly\tno\trefused mail would stay\n"
    "masquerade_domains\tonly\t\tit must be empty\n"
    "classes\tonly\tone two|three\ttwo values\n"
    "default_privs\tnot\troot postfix\tcommands would run as root\n"
    "data\thas\treject\tstrangers would be served\n"
    "xclient\tclients\t\tthey could be anybody\n"
    "stop\tclosed\t\tstrangers would be served\n"
    "maillog_file\tunder\t/var/\tPostfix would not start\n"
)
CASES = [
    ("myorigin = $myhostname", True),
    ("soft_bounce = yes", True),
    ("soft_bounce=NO", False),
    ("soft_bounce =\n  yes", True),
    ("soft_bounce =\n# between\n\tno", False),
    ("soft_bounce = $x", True),
    ("masquerade_domains =", False),
    ("masquerade_domains = acme.example", True),
    ("classes = one,\n  Two", False),
    ("classes = two, one", True),
    ("classes = three", False),
    ("default_privs = nobody", False),
    ("default_privs = root", True),
    ("default_privs = rooter", False),
    ("data = permit, reject", False),
    ("data = permit_mynetworks", True),
    ("data = $mine", False),
    ("maillog_file = /var/log/mail.log", False),
    ("maillog_file = /dev/stdout", True),
    ("maillog_file =", False),
    ("xclient = 0.0.0.0/0", True),
    ("xclient = 0.0.0.0/1, 128.0.0.0/1", True),
    ("xclient = [::]/0", True),
    ("xclient = [::]/1 [8000::]/1", True),
    ("xclient = [2000::]/3", True),
    ("xclient = static:all", True),
    ("xclient = 127.0.0.1 STATIC:x", True),
    ("xclient = pcre:{{/./ OK}}", True),
    ("xclient = cidr:{{0.0.0.0/0 OK}}", True),
    ("xclient = .com", True),
    ("xclient = org", True),
    ("xclient = de", True),
    ("xclient = 10.0.0.0/8, 0.0.0.0/0", True),
    ("xclient = 198.0.0.0/8 199.0.0.0/8", True),
    ("xclient =", False),
    ("xclient = 127.0.0.1", False),
    ("xclient = 127.0.0.0/8 [::1]/128", False),
    ("xclient = 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16", False),
    ("xclient = 198.51.100.0/24", False),
    ("xclient = [2001:db8::]/32", False),
    ("xclient = [fd00::]/8", False),
    ("xclient = mail.acme.example", False),
    ("xclient = .acme.example", False),
    ("xclient = cidr:/etc/postfix/x", False),
    ("xclient = printserver", False),
    ("xclient = $mynetworks", False),
    ("xclient = $mynetworks 0.0.0.0/0", True),
    ("xclient = 0.0.0.0/0, ${mynetworks}", True),
    ("xclient = $mynetworks, 10.0.0.0/8", False),
    ("xclient = ${own?{0.0.0.0/0}}", False),
    ("stop = permit_mynetworks, reject", False),
    ("stop = permit_mynetworks, permit, reject", True),
    ("stop = static:OK, reject", True),
    ("stop = warn_if_reject reject", True),
    ("stop = permit_mynetworks", True),
    ("stop = $mine", False),
    ("stop = permit, $mine", True),
    ("stop = $mine, permit", False),
    ("other = myorigin", False),
]


def test_what_would_undo_the_relay_is_refused_in_the_highest_layers_alone(awk, tmp_path):
    table = tmp_path / "refused"
    table.write_text(REFUSED)
    options = {"titles": "the package|this host|own.cf", "refused": str(table)}
    for lines, refused in CASES:
        for more in "\n", "\nlast = 1\n", "\n\n# the end\n":
            code, _, error = awk("merge.awk", b"a = 1\n", b"b = 1\n", ("first = 1\n" + lines + more).encode(), **options)
            assert code == (2 if refused else 0), (lines, error)
            if refused:
                name = lines.split("=")[0].strip().encode()
                assert b"line 2: '" + name + b"' would undo this relay: " in error, error
        code, _, error = awk("merge.awk", lines.encode() + b"\n", lines.encode() + b"\n", b"# nothing\n", **options)
        assert code == 0, (lines, error)


def test_the_refused_line_of_the_first_of_two_files_is_named(awk, tmp_path):
    table = tmp_path / "refused"
    table.write_text(REFUSED)
    options = {"titles": "the package|this host|a.cf|b.cf", "refused": str(table)}
    code, _, error = awk("merge.awk", b"a = 1\n", b"b = 1\n", b"c = 1\nsoft_bounce =\n yes\n", b"d = 1\n", **options)
    assert code == 2 and b"input2, line 2" in error, error
