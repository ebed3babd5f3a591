"""smarthosts.sh: which smarthosts have credentials, and where mail of single senders goes by them."""

import pytest

# Two smarthosts for all senders, a list of two for `shop-eu`, and one that wants no login.
FACTS = """
smarthosts='PRIMARY BACKUP SHOP_EU SHOP_BACKUP OPEN'
smarthost_PRIMARY='primary smtp.one 587 starttls password'
smarthost_BACKUP='backup smtp.two 587 starttls password'
smarthost_SHOP_EU='shop-eu smtp.one 587 starttls password shop-eu'
smarthost_SHOP_BACKUP='shop-backup smtp.two 465 wrapper password shop-eu'
smarthost_OPEN='open fd00::5 25 starttls none open'
ways='shop-eu open'
implicit_tls_ports='465'
direct=''
"""
EMPTY = "relay_host='' relay_port='' relay_env=relay.env database='' token_hosts=''"


@pytest.fixture
def plan(sh):
    """plan(names of smarthosts with credentials, script): what the script prints after plan_smarthosts."""

    def run(names, script, facts=FACTS):
        lines = f"{facts}\n{EMPTY}\nread_env() {{ printf '%s\\n' {names}; }}\nfind_password_hosts\nplan_smarthosts \"$state\"\n{script}"
        code, out, error = sh("smarthosts", lines)
        assert (code, error) == (0, ""), error
        return out

    return run


WAYS = 'rows_of_ways; echo "relayhost=$relayhost blocked=$blocked left=$left_out"'


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ("PRIMARY BACKUP SHOP_EU SHOP_BACKUP", ["smarthost-shop-eu:[smtp.one]:587, [smtp.two]:465", "[smtp.one]:587, [smtp.two]:587", "", ""]),
        ("PRIMARY SHOP_BACKUP", ["smarthost-shop-eu:[smtp.two]:465", "[smtp.one]:587", "", "backup shop-eu"]),
        ("SHOP_EU", ["smarthost-shop-eu:[smtp.one]:587", "", "", "shop-backup"]),
        ("PRIMARY BACKUP", ["retry:4.7.8 no credentials yet: put RELAY_SHOP_EU_USERNAME and RELAY_SHOP_EU_PASSWORD into relay.env", "[smtp.one]:587, [smtp.two]:587", "shop-eu", ""]),
        ("", ["retry:4.7.8 no credentials yet: put RELAY_SHOP_EU_USERNAME and RELAY_SHOP_EU_PASSWORD into relay.env", "", "shop-eu", ""]),
    ],
)  # fmt: skip
def test_a_list_waits_for_its_own_credentials(plan, names, rows):
    way, relayhost, blocked, left = rows
    expected = f"relay_way_shop_eu = {way}\nrelay_way_open = smarthost-open:[ipv6:fd00::5]:25\nrelayhost={relayhost} blocked={blocked} left={left}\n"
    assert plan(names, WAYS) == expected


def test_keys_of_relay_env(plan):
    script = 'for one in $smarthosts; do echo "$one: $(login_keys "$one" /dev/null)"; done; echo "$(waiting_keys "$waiting")"'
    assert plan("PRIMARY SHOP_BACKUP", script).splitlines() == [
        "PRIMARY: RELAY_USERNAME and RELAY_PASSWORD",
        "BACKUP: RELAY_BACKUP_USERNAME and RELAY_BACKUP_PASSWORD",
        # The same server as the first, and an account of its own.
        "SHOP_EU: RELAY_SHOP_EU_USERNAME and RELAY_SHOP_EU_PASSWORD",
        "SHOP_BACKUP: RELAY_SHOP_BACKUP_USERNAME and RELAY_SHOP_BACKUP_PASSWORD",
        "OPEN: RELAY_OPEN_USERNAME and RELAY_OPEN_PASSWORD",
        "RELAY_BACKUP_USERNAME and RELAY_BACKUP_PASSWORD; RELAY_SHOP_EU_USERNAME and RELAY_SHOP_EU_PASSWORD",
    ]


def test_an_account_of_single_senders_alone(plan):
    """Where the smarthost of all others wants no login."""
    facts = FACTS.replace("starttls password'", "starttls none'")
    assert plan("", 'login_keys SHOP_EU /dev/null; echo "$relayhost"', facts) == "RELAY_SHOP_EU_USERNAME and RELAY_SHOP_EU_PASSWORD\n[smtp.one]:587, [smtp.two]:587\n"


def test_tokens_and_passwords_on_different_lists(plan):
    facts = FACTS.replace("wrapper password", "wrapper xoauth2").replace("587 starttls password shop-eu", "587 starttls xoauth2 shop-eu")
    script = 'login_keys PRIMARY /dev/null; login_keys SHOP_EU /dev/null; echo "$token_hosts"'
    assert plan("PRIMARY", script, facts).splitlines() == [
        "RELAY_USERNAME and RELAY_PASSWORD",
        "RELAY_SHOP_EU_USERNAME, RELAY_SHOP_EU_CLIENT_ID and RELAY_SHOP_EU_REFRESH_TOKEN",
        "SHOP_EU SHOP_BACKUP",
    ]


def test_smarthosts_in_force(plan):
    live = """live() { case $1 in
        relayhost) echo '[smtp.one]:587, [smtp.two]:587' ;;
        relay_way_shop_eu) echo 'smarthost-shop-eu:[smtp.one]:587, [smtp.two]:465' ;;
        relay_way_open) echo 'retry:4.7.8 no credentials yet: put this, and that' ;;
    esac; }
    find_relays live; echo "$usual"; echo "$relays"; echo "$idle" """
    assert plan("", live).splitlines() == [
        "[smtp.one]:587 [smtp.two]:587",
        "[smtp.one]:587 [smtp.two]:587 shop-eu/[smtp.one]:587 shop-eu/[smtp.two]:465",
        "open",
    ]


DIRECT = FACTS.replace("direct=''", "direct='stated'")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # Without credentials there is no fallback, and mail still leaves.
        ("SHOP_EU SHOP_BACKUP", "relayhost= blocked= left=primary backup"),
        ("BACKUP SHOP_EU SHOP_BACKUP", "relayhost=[smtp.two]:587 blocked= left=primary"),
    ],
)
def test_a_fallback_of_mx_hosts(plan, names, expected):
    assert plan(names, WAYS, DIRECT).splitlines()[-1] == expected


def test_a_fallback_in_force(plan):
    live = """live() { case $1 in
        smtp_fallback_relay) echo '[smtp.two]:587' ;;
        relayhost) echo 'never asked' ;;
    esac; }
    ways=''; find_relays live; echo "$usual"; sends_directly && has_fallback && echo yes"""
    assert plan("", live, DIRECT).splitlines() == ["[smtp.two]:587", "yes"]
    # A relay without any smarthost has no fallback, and one with smarthosts of an older postpack has no fact about it.
    assert plan("", "smarthosts=''; sends_directly && ! has_fallback && echo yes", FACTS) == "yes\n"
    assert plan("", "! sends_directly && ! has_fallback && echo yes", FACTS) == "yes\n"
