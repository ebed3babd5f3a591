"""Each generation of clients uses a published repository, and refuses what is not from its owner. No host boots."""

import re
import shutil
import time
from contextlib import closing

import pytest

from lab.host import Host
from lab.published import Client, Repository, Web, manager_of
from lab.shell import wait_until

pytestmark = pytest.mark.on_postfix

ROOTS = ("debian-11", "debian-12", "debian-13", "debian-sid", "rpm-dnf4", "rpm-dnf5", "pacman-7")
# Clients on roots of their own, by the root that they belong to.
OTHERS = {"rpm-dnf4": "rpm-dnf4-zypper", "pacman-7": "pacman-7-older"}
DAY = 86_400


@pytest.fixture
def repository(tmp_path):
    repository = Repository(tmp_path / "acme")
    repository.publish("1.0.0")
    return repository


@pytest.fixture
def web(host, repository):
    with closing(Web(host, repository.site)) as web:
        yield web


@pytest.fixture
def client(host, root, repository, web):
    """A host that was told of the repository by the commands of its page, and has the relay."""
    return bootstrapped(host, root, repository)


@pytest.fixture
def other(root, smarthost, repository):
    """Another client of the same family, with its web server."""
    name = OTHERS[root]
    with closing(Host(name, smarthost)) as host, closing(Web(host, repository.site)) as web:
        yield bootstrapped(host, name, repository), web


def bootstrapped(host, root, repository):
    client = Client(host, manager_of(root))
    client.bootstrap(repository)
    client.upgrade()
    assert client.version() == "1.0.0"
    return client


@pytest.mark.roots(*ROOTS)
def test_hosts_follow_a_repository_and_refuse_what_is_not_its_own(client, repository, web, tmp_path):
    follow_and_refuse(client, repository, web, tmp_path)


@pytest.mark.roots(*OTHERS)
def test_zypper_and_pacman_6_do_so(other, repository, tmp_path):
    client, web = other
    follow_and_refuse(client, repository, web, tmp_path)


def follow_and_refuse(client, repository, web, tmp_path):
    # Published to testing, nothing changes; promoted, it is there.
    repository.publish("1.1.0", suite="testing")
    web.show(repository.site)
    client.upgrade()
    assert client.version() == "1.0.0"
    repository("repo", "promote", "testing", "stable", "-q")
    web.show(repository.site)
    client.upgrade()
    assert client.version() == "1.1.0"

    old = tmp_path / "old"
    shutil.copytree(repository.site, old)
    repository.publish("1.2.0")

    # An upload that has come as far as the packages.
    web.show(old)
    for path in repository.site.rglob("*"):
        inside = path.relative_to(repository.site)
        if path.is_file() and ("pool" in path.parts or "by-hash" in path.parts or "snapshots" in path.parts):
            (web.root / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, web.root / inside)
    client.upgrade()
    assert client.version() == "1.1.0"

    # One bit of an index, of its signature, of a package.
    manager = client.manager
    for pattern in dict.fromkeys((*manager.indexes, *manager.signatures, manager.packages)):
        web.show(repository.site)
        web.tamper(pattern)
        said = client.upgrade(check=False)
        assert client.version() == "1.1.0", f"{pattern}: {said}"

    # All of it, published by somebody else.
    stranger = Repository(tmp_path / "stranger")
    stranger.publish("1.9.0")
    web.show(stranger.site)
    said = client.upgrade(check=False)
    assert client.version() == "1.1.0" and re.search("(?i)key|signature|gpg", said), said

    web.show(repository.site)
    client.upgrade()
    assert client.version() == "1.2.0"


@pytest.mark.roots("debian-11", "debian-12", "debian-13", "debian-sid")
def test_apt_refuses_an_older_index(host, root, tmp_path):
    """Somebody shows hosts an index of before, with its signature. Of the formats only apt's has a date for that."""
    repository = Repository(tmp_path / "acme", keys=False)
    repository.keys(repository.key("first.key", clock=("faketime", "-f", "-20d")))
    repository.publish("1.0.0")
    old = tmp_path / "old"
    shutil.copytree(repository.site, old)
    with closing(Web(host, repository.site)) as web:
        client = bootstrapped(host, root, repository)
        repository.publish("1.1.0")
        web.show(repository.site)
        client.upgrade()
        assert client.version() == "1.1.0"
        web.show(old)
        client.upgrade(check=False)
        offered = client.host.sh("apt-cache madison acme-mail-relay").out
        assert "1.1.0-1" in offered and "1.0.0-1" not in offered
        # One that expires is refused in the end, though nothing newer is known.
        settings = repository.home / "repo.toml"
        settings.write_text(settings.read_text().replace("[repository]\n", "[repository]\nvalid-days = 7\n"))
        repository("repo", "resign", "-q", clock=("faketime", "-f", "-8d"))
        web.show(repository.site)
        said = client.upgrade(check=False)
        assert re.search("expired|no longer valid", said), said


@pytest.mark.roots(*ROOTS)
def test_hosts_refuse_an_expired_key_until_they_know_its_extension(host, root, tmp_path):
    """The owner was late: hosts have the key with its old end, which has passed."""
    lives = 180
    repository = Repository(tmp_path / "acme", keys=False)
    first = repository.key("first.key", "--days", "1", clock=("faketime", "-f", f"-{DAY - lives}s"))
    ends = time.time() + lives
    repository.keys(first)
    repository.publish("1.0.0")
    with closing(Web(host, repository.site)) as web:
        client = bootstrapped(host, root, repository)
        assert time.time() < ends, "the host was too slow for the key"
        wait_until(lambda: time.time() > ends + 2, "the end of the key", lives + 10)
        repository("key", "extend", "first.key", "--days", "400", "-q")
        repository.publish("1.1.0")
        web.show(repository.site)
        said = client.upgrade(check=False)
        assert client.version() == "1.0.0", said
        # The commands of the page bring the key as it is now.
        client.bootstrap(repository)
        client.upgrade()
        assert client.version() == "1.1.0"


@pytest.mark.roots(*ROOTS)
def test_hosts_live_through_a_change_of_keys_and_a_rollback(client, repository, web):
    change_keys(client, repository, web)


@pytest.mark.roots(*OTHERS)
def test_zypper_and_pacman_6_live_through_it(other, repository):
    client, web = other
    change_keys(client, repository, web)


def change_keys(client, repository, web):
    first, second = '[[keys]]\nuse = "sign"\nfile = "first.key"\n', repository.key("second.key")

    def upgraded(version):
        web.show(repository.site)
        client.upgrade()
        client.host.sh(client.manager.install.replace("acme-mail-relay", "acme-repository"), timeout=300)
        assert client.version() == version

    # A longer life of the key, then its successor is announced.
    repository("key", "extend", "first.key", "--days", "400", "-q")
    repository("repo", "resign", "-q")
    upgraded("1.0.0")
    repository.keys(first, second.replace("sign", "announce"))
    repository.publish("1.1.0")
    upgraded("1.1.0")
    # It takes over. What the first key signed is still offered.
    repository.keys(second, '[[keys]]\nuse = "retire"\ncertificate = "first.key.asc"\n')
    repository.publish("1.2.0")
    upgraded("1.2.0")
    # Hosts stay where they are when the repository goes back, and go on with it.
    repository("repo", "rollback", "stable", "--to", "3", "-q")
    web.show(repository.site)
    client.upgrade(check=False)
    assert client.version() in ("1.2.0", "1.1.0")
    repository.publish("1.3.0")
    upgraded("1.3.0")
    assert repository("repo", "verify", "-q") == ""
