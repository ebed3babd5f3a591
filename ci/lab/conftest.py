"""Fixtures of the scenarios: `host` on each root that the run selected, and `smarthost`."""

import fcntl
import os

import pytest

from lab import machine, network, roots
from lab.host import Host
from lab.shell import RUN
from lab.smarthost import Smarthost


def pytest_addoption(parser):
    parser.addoption("--root", action="append", choices=roots.names(), help="only on this root")


def pytest_configure(config):
    config.addinivalue_line("markers", "roots(*names): the scenario is about these roots only")
    if not hasattr(config, "workerinput"):
        machine.clean(everything=False)
        network.clean()
        # The workers share what one of them installs.
        os.environ["LAB_SESSION"] = str(os.getpid())


def pytest_generate_tests(metafunc):
    """A scenario that takes `host` runs once on each root."""
    if "root" in metafunc.fixturenames:
        about = metafunc.definition.get_closest_marker("roots")
        names = about.args if about else roots.names()
        selected = metafunc.config.getoption("root") or names
        metafunc.parametrize("root", [name for name in names if name in selected], scope="session")


def pytest_collection_modifyitems(items):
    """A scenario about other roots than the selected ones is not part of the run, so
    that a skipped one, which pytest would make of it, never looks like a passed one."""
    items[:] = [item for item in items if "NOTSET" not in item.nodeid]


@pytest.fixture(scope="session")
def smarthost_of_worker(tmp_path_factory):
    """One smarthost and one network per worker."""
    smarthost = Smarthost(tmp_path_factory.mktemp("smarthost"))
    yield smarthost
    smarthost.close()


@pytest.fixture
def smarthost(smarthost_of_worker):
    """The smarthost, with no mail in it."""
    smarthost_of_worker.empty()
    return smarthost_of_worker


@pytest.fixture
def host(root, smarthost):
    """A pristine host, not booted."""
    host = Host(root, smarthost)
    yield host
    host.close()


@pytest.fixture
def relay(root, smarthost):
    """A host with the null client installed, credentials in place, booted. Its
    installation is done once per root and session, and is the layer below."""
    host = Host(root, smarthost, [installed(root, smarthost)])
    host.credentials()
    host.boot()
    yield host
    host.close()


def installed(root, smarthost):
    folder = RUN / f"{os.environ['LAB_SESSION']}-installed-{root}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        layer = folder / "layer"
        if not layer.exists():
            host = Host(root, smarthost)
            try:
                host.install()
                host.freeze(layer)
            finally:
                host.close()
    return layer


LAST_WORDS = "mailq; journalctl --boot --no-pager --output=short | tail -n 60"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed scenario's report ends with what its host has to say."""
    outcome = yield
    report = outcome.get_result()
    host = item.funcargs.get("host") or item.funcargs.get("relay")
    if report.failed and call.when == "call" and host is not None and host.booted:
        report.sections.append(("host", host.sh(LAST_WORDS, check=False).text))
