"""name.sh: with which names Postfix starts, and what it calls a host whose own name it refuses."""

LONG = "a" * 64

# The system's name, and what main.cf calls the host: nothing where Postfix can use the name as it is.
NAMES = {
    "web1": "",
    "web1.acme.example": "",
    "WEB1.ACME.EXAMPLE": "",
    "web_1": "",
    "web_1.acme.example": "",
    "localhost": "",
    "localhost.localdomain": "",
    "1.example": "",
    "web1.10-0": "",
    LONG[:63]: "",
    "xn--bcher-kva.example": "",
    "web16.0": "web16.localdomain",
    "web16.10.0": "web16.localdomain",
    "10": "10.localdomain",
    "10.0.0.5": "10.localdomain",
    "web1.acme.example.": "web1.acme.example",
    "web1.": "web1",
    "web1..": "web1",
    "web1..acme": "web1.localdomain",
    LONG: "localhost.localdomain",
    f"web1.{LONG}": "web1.localdomain",
    f"{LONG}.acme.example": "localhost.localdomain",
    "bücher.example": "localhost.localdomain",
    "web1.bücher": "web1.localdomain",
    "web 1": "localhost.localdomain",
    "-web1": "localhost.localdomain",
    "web1-": "localhost.localdomain",
    "web1-.acme.example": "localhost.localdomain",
    ".web1": "localhost.localdomain",
    ".": "localhost.localdomain",
    "...": "localhost.localdomain",
    "": "localhost.localdomain",
    "(none)": "localhost.localdomain",
    "$(id)": "localhost.localdomain",
    "*": "localhost.localdomain",
}


def test_every_name_of_a_system(sh):
    for name, chosen in NAMES.items():
        script = "uname() { printf '%s\\n' \"$name\"; }; in_system() { :; }; relay_hostname='' hostname=''; choose_name; printf %s \"$chosen_name\""
        assert sh("name", script, name=name) == (0, chosen, ""), name


def test_a_name_of_ones_own_counts_more(sh):
    for relay, spec, chosen in (("a.example", "", "a.example"), ("", "b.example", "b.example"), ("a.example", "b.example", "a.example")):
        script = f"uname() {{ echo web16.0; }}; in_system() {{ :; }}; relay_hostname={relay} hostname={spec}; choose_name; echo \"$chosen_name\""
        assert sh("name", script) == (0, f"{chosen}\n", "")


def test_the_builder_of_an_image_leaves_no_name(sh):
    script = "uname() { echo builder.0; }; in_system() { return 1; }; relay_hostname='' hostname=''; choose_name; echo \"$chosen_name\""
    assert sh("name", script) == (0, "localhost.localdomain\n", "")


# Of relay.env: whether RELAY_HOSTNAME may be so.
CHOSEN = {
    "web1.acme.example": True, "WEB1.Acme.Example": True, "1.example": True, "xn--bcher-kva.example": True, "a.b1": True,
    "web16.0": False, "10.0.0.5": False, "web1": False, "web1.": False, "web_1.acme.example": False, "bücher.example": False,
    f"{LONG}.acme.example": False, f"{LONG[:63]}.acme.example": True, "web1-.acme.example": False, "-web1.acme.example": False,
    "web1..example": False, ".": False, "web1.acme.0": False,
}  # fmt: skip


def test_names_in_relay_env(awk):
    for name, good in CHOSEN.items():
        code, out, error = awk("env.awk", f"RELAY_HOSTNAME={name}\n".encode(), out="settings", hosts="")
        if good:
            assert (code, out.decode(), error) == (0, f"RELAY_HOSTNAME {name}\n", b""), name
        else:
            assert code == 2 and b"line 1: RELAY_HOSTNAME is not a full host name" in error, name
