"""Fixtures of the scenarios: `host` on each root that the run selected, and `smarthost`."""

import itertools
import json
import os
import time
from collections import Counter
from contextlib import closing

import pytest

from lab import machine, network, roots, tiers, tokens, verdicts
from lab.host import Host
from lab.lan import Lan
from lab.mail import MailServer, certify
from lab.record import recording, uses
from lab.shell import RUN, locked, tier
from lab.smarthost import Smarthost


# Tests of the lab itself, which are no scenarios.
collect_ignore = ["own"]


def pytest_addoption(parser):
    parser.addoption("--root", action="append", choices=roots.names(), help="only on this root")
    parser.addoption("--shard", metavar="N/M", help="only the Nth of M parts of the scenarios")
    parser.addoption("--remembered", action="store_true", help="leave out scenarios that have passed with the same bytes")


def pytest_configure(config):
    config.addinivalue_line("markers", "roots(*names): the scenario is about these roots only")
    config.addinivalue_line("markers", "full(why): these rows of a scenario of the standard tier are in the full tier alone")
    config.addinivalue_line("markers", "on_postfix: the host has all that the relay depends on, as the distribution brings it; scenarios share its installation")
    config.addinivalue_line("markers", "long: the scenario takes half a minute and more, so it begins early")
    config.read_on_import = {}
    if not hasattr(config, "workerinput"):
        machine.clean(everything=False)
        network.clean()
        network.allow_many_hosts()
        # The workers share what one of them installs.
        os.environ["LAB_SESSION"] = str(os.getpid())


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        for folder in RUN.glob(f"{os.getpid()}-0-*"):
            machine.discard(folder)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    """Records what a module of scenarios reads when it is imported."""
    with recording() as used:
        yield
    if isinstance(collector, pytest.Module):
        collector.config.read_on_import[collector.path] = used


def pytest_generate_tests(metafunc):
    """A scenario that takes `host` or `relay` runs once on each root that it is about."""
    own = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "root" in metafunc.fixturenames and not any(names.startswith("root") for names in own):
        about = metafunc.definition.get_closest_marker("roots")
        metafunc.parametrize("root", about.args if about else roots.names(), scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Scenarios that are no part of the run are deselected, not skipped. The long ones come early, so that no worker is still at
    one when the others have ended, and among short ones, because a worker is given many neighbours at first."""
    chosen = config.getoption("keyword") or any("::" in word or word.endswith(".py") for word in config.args)
    if faults := list(tiers.faults(items, not chosen)):
        raise pytest.UsageError("\n".join(faults))
    shard, selected = config.getoption("shard"), config.getoption("root") or roots.names()
    wanted = [item for item in items if tiers.root_of(item) in selected]
    if tier() == "standard":
        wanted = [item for item in wanted if tiers.in_standard(item)]
    if shard:
        wanted = [item for item in wanted if tiers.in_shard(item, shard)]
    passed = remembered(wanted, config)
    wanted = [item for item in wanted if item.nodeid not in passed]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    long = [item for item in wanted if item.get_closest_marker("long")]
    short = iter([item for item in wanted if not item.get_closest_marker("long")])
    items[:] = [one for item in long for one in (item, *itertools.islice(short, 2))]
    items += short


def remembered(items, config):
    """The scenarios among these that need not run again: for all workers as the first of them finds it."""
    if not config.getoption("remembered"):
        return set()
    file = session_folder("remembered") / "scenarios"
    with locked(file.with_name("lock")):
        if not file.exists():
            found = [item.nodeid for item in items if verdicts.holds(item, config.read_on_import[item.path])]
            file.write_text(json.dumps(found))
    return set(json.loads(file.read_text()))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Remembers a scenario that passed, and forgets one that did not."""
    item.passed = []
    start = time.monotonic()
    with recording() as used:
        yield
    imported = item.config.read_on_import[item.path]
    if item.passed == [True, True, True]:
        verdicts.remember(item, imported, used, time.monotonic() - start)
    else:
        verdicts.forget(item, imported)


@pytest.fixture(scope="session")
def smarthost_of_worker(tmp_path_factory):
    """One smarthost and one network per worker; one authority, which the roots trust."""
    smarthost = Smarthost(session_folder("authority"), tmp_path_factory.mktemp("other-authority"))
    yield smarthost
    smarthost.close()


@pytest.fixture
def smarthost(smarthost_of_worker):
    """The smarthost, with no mail in it."""
    smarthost_of_worker.empty()
    return smarthost_of_worker


@pytest.fixture
def host(root, smarthost, request):
    """A pristine host, or one with the distribution's Postfix (`on_postfix`); not booted."""
    with closing(Host(root, smarthost, below(root, smarthost, request))) as host:
        yield host


@pytest.fixture
def lan(host):
    """The network around the host, which has its addresses before it boots."""
    with closing(Lan(host)) as lan:
        yield lan


@pytest.fixture
def control(root, smarthost):
    """A second pristine host, to compare with."""
    with closing(Host(root, smarthost)) as host:
        yield host


@pytest.fixture
def partnered_host(root, smarthost):
    """A host with Postfix, where what works with a relay can be obtained; not booted."""
    root = roots.with_partners(root)
    with closing(Host(root, smarthost, with_postfix(root, smarthost))) as host:
        host.disable("fail2ban", "firewalld")
        yield host


@pytest.fixture
def bare_relay(root, smarthost):
    """A host with the null client installed, without credentials, not booted. Its
    installation is done once per root and session, and is the layer below."""
    with closing(Host(root, smarthost, [installed(root, smarthost)])) as host:
        yield host


@pytest.fixture
def relay(root, smarthost):
    """The same with credentials in force, booted."""
    with closing(Host(root, smarthost, applied(root, smarthost))) as host:
        yield host.boot()


@pytest.fixture(scope="session")
def kept(smarthost_of_worker):
    """The booted relays that a worker keeps from scenario to scenario: by kind, the root and the host."""
    relays = {}
    yield relays
    for _, relay in relays.values():
        relay.close()


@pytest.fixture
def idle_relay(root, smarthost, kept, request):
    """Such a relay for a scenario that only sends mail and looks, and changes nothing on the host: the next one finds it as it is."""
    yield from keep("idle", root, smarthost, kept, request)


@pytest.fixture
def repaired_relay(root, smarthost, kept, request):
    """Such a relay for a scenario that breaks the host and repairs it: the next one finds it healthy."""
    yield from keep("repaired", root, smarthost, kept, request)


def keep(kind, root, smarthost, kept, request):
    """The worker's relay of this kind: closed after a failure, and when the next scenario is about another root."""
    name, relay = kept.pop(kind, (root, None))
    if name != root:
        relay.close()
        relay = None
    # Asked for in any case: this scenario uses what the layers are made of.
    layers = applied(root, smarthost)
    relay = relay or Host(root, smarthost, layers)
    try:
        yield relay if relay.booted else relay.boot()
    finally:
        # A scenario without a verdict has failed in a fixture.
        if getattr(request.node, "failed", True):
            relay.close()
        else:
            kept[kind] = root, relay


@pytest.fixture
def server(root, smarthost):
    """A host with programs that write to root, and a relay with all that it brings for them; booted. Of the programs only cron runs."""
    programs = roots.with_programs(root)
    with closing(Host(programs, smarthost, applied(programs, smarthost, "integrations"))) as host:
        begin_quietly(host)
        yield host


@pytest.fixture
def provider(host, smarthost):
    """Gives out access tokens, and the host's smarthost takes them."""
    host.resolver.set(smarthost.name, smarthost.oauth2)
    host.resolver.set(tokens.NAME, smarthost.oauth2)
    with tokens.Tokens(smarthost) as provider:
        yield provider


def begin_quietly(host):
    """Boot without the programs that a scenario starts itself."""
    host.disable("fail2ban", "firewalld", "dovecot", "haproxy")
    host.boot()


@pytest.fixture
def network_server(root, smarthost, request):
    """A host with the same programs, and a relay of a network with rules for firewalls; its network is `network_server.lan`."""
    programs = roots.with_programs(root)
    with closing(Host(programs, smarthost, below(programs, smarthost, request))) as host, closing(Lan(host)) as host.lan:
        certify(host)
        host.install("lan-relay-firewall")
        host.credentials()
        begin_quietly(host)
        yield host


@pytest.fixture
def mail_server(root, smarthost, request):
    """A host with what a mail server works with (a root with the recipe `NAME-server`), and no relay yet; not booted."""
    root = f"{root}-server"
    with closing(Host(root, smarthost, below(root, smarthost, request))) as host, closing(MailServer(host)) as server:
        yield server


@pytest.fixture
def installation(root, smarthost):
    """The layer in which the null client is installed, for scenarios that work on disks alone."""
    return installed(root, smarthost)


def installed(root, smarthost, spec="null-client"):
    return layer(f"installed-{root}-{spec}", root, smarthost, [], lambda host: host.install(spec))


def applied(root, smarthost, spec="null-client"):
    """Layers of a relay whose credentials are in force."""

    def apply(host):
        host.credentials()
        host.sh("mail-relay apply")

    below = [installed(root, smarthost, spec)]
    return [layer(f"applied-{root}-{spec}", root, smarthost, below, apply), *below]


def below(root, smarthost, request):
    """The layers of the host of a scenario, by its marker."""
    return with_postfix(root, smarthost) if request.node.get_closest_marker("on_postfix") else []


def with_postfix(root, smarthost):
    """Layers of a host that has what the relay depends on."""

    def install(host):
        host.install_postfix()
        host.install_packages(host.os.dependencies)

    return [layer(f"postfix-{root}", root, smarthost, [], install)]


def layer(name, root, smarthost, below, prepare):
    """What prepare(host) changes on a host, once per session."""
    folder = session_folder(name) / "layer"
    made_of = folder.with_name("made-of")
    with locked(folder.with_name("lock")):
        if not folder.exists():
            with recording() as used, closing(Host(root, smarthost, below)) as host:
                prepare(host)
                host.freeze(folder)
            made_of.write_text(json.dumps(sorted(used)))
    uses(*json.loads(made_of.read_text()))
    return folder


def session_folder(name):
    """What the workers of one session share; it goes when the session has gone."""
    return RUN / f"{os.environ['LAB_SESSION']}-0-{name}"


@pytest.fixture
def tally(request):
    """tally("kills", 3): what a scenario did beside passing; the end of the run shows the sums."""

    def add(what, number=1):
        request.node.user_properties.append(("tally", (what, number)))

    return add


def pytest_terminal_summary(terminalreporter, config):
    sums = Counter()
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    for report in reports:
        if getattr(report, "when", None) == "call":
            for _, (what, number) in (p for p in report.user_properties if p[0] == "tally"):
                sums[what] += number
    if sums:
        terminalreporter.section("counts")
        for what, number in sorted(sums.items()):
            terminalreporter.line(f"{number:7} {what}")
    if passed := remembered([], config):
        terminalreporter.section("remembered: passed before with the same package, root, scenario and lab")
        for scenario, ids in itertools.groupby(sorted(passed), lambda name: name.partition("[")[0]):
            terminalreporter.line(f"{scenario} {' '.join(name.removeprefix(scenario) for name in ids)}")
    done = {report.nodeid for report in reports if getattr(report, "when", None)}
    terminalreporter.line(f"lab: {len(done)} scenarios run, {len(passed)} remembered")
    if failed := [report for report in reports if getattr(report, "failed", False)]:
        terminalreporter.section("the first failure")
        terminalreporter.line(first_words(failed[0]))


def first_words(report):
    """A failure within one screen: the scenario, what went wrong, the host's last words, and the command that repeats it."""
    wrong = str(getattr(report.longrepr, "reprcrash", None) or report.longrepr)
    last = "\n".join(words for name, words in report.sections if name == "host")
    return "\n".join([
        report.nodeid, *wrong.splitlines()[-15:], "", *(f"host: {line}" for line in last.splitlines()[-15:]), "",
        f"repeat it alone: ci/lab/run -n 0 '{report.nodeid}'",
    ])  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Nothing to run is no failure where all of it has passed before."""
    if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and remembered([], session.config):
        session.exitstatus = pytest.ExitCode.OK


LAST_WORDS = "mailq; journalctl --boot --no-pager --output=short | tail -n 60"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed scenario's report ends with what its host has to say."""
    outcome = yield
    report = outcome.get_result()
    item.failed = report.failed
    item.passed.append(report.passed)
    hosts = ("host", "gateway", "bare_relay", "relay", "idle_relay", "repaired_relay", "server", "network_server", "partnered_host")
    host = next((item.funcargs[name] for name in hosts if name in item.funcargs), None)
    if server := item.funcargs.get("mail_server"):
        host = server.host
    if report.failed and call.when == "call" and host is not None and host.booted:
        report.sections.append(("host", host.sh(LAST_WORDS, check=False).text))
