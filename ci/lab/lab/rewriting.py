"""Who submits what, and how it must arrive: the table of test_rewriting.py and test_rewriting_servers.py.

A row is one message. What must become of it is said by `Rules`, which knows nothing of Postfix: it is what docs/ promise.
"""

import itertools
from dataclasses import dataclass, field

FROM, OPS = "noreply@acme.example", "ops@acme.example"
CUSTOMER, COLLEAGUE = "jane@customer.example", "bob@partner.example"


@dataclass
class Rules:
    """A spec on a host of this name."""

    host: str
    from_: str = FROM
    technical: bool = True
    local: tuple = ()  # local-domains
    aliases: dict = field(default_factory=dict)
    senders: dict = field(default_factory=dict)
    redirections: dict = field(default_factory=dict)  # aliases of domains and mailboxes
    system: str = ""  # the system's own name, where RELAY_HOSTNAME is another
    system_local: bool = True

    def name(self, address):
        """The local name that an address stands for, or None."""
        local, at, domain = address.partition("@")
        domain = domain.lower()
        own = {"localhost", "localhost.localdomain", *self.local}
        roots = {self.host.lower(), self.system.lower()}
        if self.technical:
            own |= {self.host.lower(), self.host.lower().partition(".")[0]}
        if self.system and self.system_local:
            own |= {self.system.lower()}
        return local if not at or domain in own or (local == "root" and domain in roots) else None

    def sender(self, address):
        """The envelope sender, and an address of From or Sender."""
        if not address:
            return ""
        if "@" in address and (listed := self.listed(address)):
            return listed
        name = self.name(address)
        if name in self.senders:
            return self.senders[name]
        if "*" in self.senders:
            return self.senders["*"]
        if name is None:
            return address
        return name + self.from_ if self.from_.startswith("@") else self.from_

    def listed(self, address):
        """What the spec says of an address or its domain."""
        key = address.lower()
        return self.senders.get(key) or self.senders.get("@" + key.rpartition("@")[2])

    def header_sender(self, address, row):
        """From. In mail of strangers, names without a domain are nobody's here."""
        return self.listed(address) or address if row.foreign else self.sender(address)

    def envelope(self, address):
        """The envelope recipient. Headers keep the addresses that are redirected."""
        return self.redirections.get(address) or self.recipient(address)

    def recipient(self, address):
        """A recipient, and an address of To or Cc."""
        name = self.name(address)
        return address if name is None else self.aliases.get(name, OPS)

    def reply(self, address):
        """Reply-To: nobody could answer a local name; all else stays, also what is rewritten as a sender."""
        name = self.name(address)
        if name is None or "@" in address and address.lower() in self.senders:
            return address
        if name in self.senders:
            return self.senders[name]
        return name + self.from_ if self.from_.startswith("@") else self.from_


@dataclass
class Row:
    """A message: `way` is sendmail, smtp (of a program of the host), lan (of a client), user (logged in), or stranger."""

    number: int
    way: str
    sender: str
    recipient: str
    headers: tuple  # pairs

    @property
    def foreign(self):
        return self.way == "stranger"

    @property
    def subject(self):
        return f"row {self.number}"

    @property
    def text(self):
        lines = [f"{name}: {value}" for name, value in (*self.headers, ("Subject", self.subject))]
        return "\n".join(lines) + "\n\nhi\n"

    def header(self, name):
        return next((value for own, value in self.headers if own == name), None)


def bare(header):
    """The address of a header that has one."""
    address = header.partition("<")[2].partition(">")[0] or header.split(" (")[0]
    return address.strip().strip('"')


WRITTEN = ("{}", "<{}>", "Some Body <{}>", '"Body, Some" <{}>', "{} (Some Body)", "=?utf-8?q?J=C3=A4ne?= <{}>")


def rows(ways, senders, recipients, numbers):
    """Each sender by each way, with recipients, and forms of the header, in turn."""
    found = []
    to, forms, replies = itertools.cycle(recipients), itertools.cycle(WRITTEN), itertools.cycle([None, *recipients, *filter(None, senders)])
    for way, sender in itertools.product(ways, senders):
        recipient, reply = next(to), next(replies)
        headers = [("From", next(forms).format(sender or CUSTOMER)), ("To", recipient), ("Cc", next(to))]
        headers += [("Reply-To", reply)] if reply else []
        found.append(Row(next(numbers), way, sender, recipient, tuple(headers)))
    # A program that writes no From: it is made of the envelope.
    found += [Row(next(numbers), way, sender, CUSTOMER, ()) for way, sender in itertools.product(ways, senders[:2]) if sender]
    return found


# Names of hosts of null clients, and whether they are technical.
HOSTS = {
    "web1.corp.example": True,
    "shop.example": False,
    "shop.co.uk": False,
    "web1": True,
    "nas.lan": True,
    "WEB1.Corp.Example": True,
}
NULL_CLIENT = {
    "local": ("printers.acme",),
    "aliases": {"webmaster": "web@acme.example"},
    "senders": {
        "backup": "backups@acme.example",
        "jane@lab.acme.example": "research@acme.example",
        "@scanner.lan": "scans@acme.example",
        "app@web1.corp.example": "app@acme.example",
    },
}


def of_null_client(host, numbers):
    """Names without a domain, the host's, and those that look alike."""
    names = ("www-data", "root", f"www-data@{host}", f"root@{host}", "cron@localhost", "info@lists.other.example")
    senders = (*names, "backup", "app@web1.corp.example", "jane@lab.acme.example", "a4@scanner.lan", "shop@acme.example", "x@printers.acme", "")
    recipients = (
        CUSTOMER, "root", f"info@{host}", "jane@lab.acme.example", "webmaster", "www-data@localhost", COLLEAGUE, FROM,
        f"root@{host}", "a4@scanner.lan", "info@lists.other.example", "postmaster", "x@printers.acme",
    )  # fmt: skip
    return rows(("sendmail", "smtp"), senders, recipients, numbers)


LAN = {"jane@lab.acme.example": "research@acme.example", "@scanner.lan": "scans@acme.example"}


def of_lan(host, numbers):
    """Clients, and programs of the relay."""
    senders = ("root", "jane@lab.acme.example", "a4@scanner.lan", "cron@localhost", f"www-data@{host}", "shop@acme.example", COLLEAGUE, "")
    recipients = (CUSTOMER, "jane@lab.acme.example", "a4@scanner.lan", "root", COLLEAGUE)
    return rows(("lan", "smtp", "sendmail"), senders, recipients, numbers)


def of_all(host, numbers):
    """One sender for all, with exceptions; bounces stay bounces."""
    senders = ("root", "a4@scanner.lan", "backup", "camera@10.66.0.9.invalid", COLLEAGUE, f"www-data@{host}", "alerts@acme.example", "")
    return rows(("lan", "sendmail"), senders, (CUSTOMER, COLLEAGUE, "a4@scanner.lan"), numbers)


SALES, TEAM = "sales@acme.example", "team@acme.example"
JANE, JOE = "jane@acme.example", "joe@acme.example"
GATEWAY = {"senders": LAN, "redirections": {TEAM: COLLEAGUE}}
SERVER = {"senders": {**LAN, SALES: "shop@acme.example"}, "redirections": {TEAM: JOE}}


def of_strangers(recipients, numbers):
    """Mail from anybody for the domains of the relay. Who writes no From gets none."""
    senders = (CUSTOMER, COLLEAGUE, "a4@scanner.lan", "jane@lab.acme.example", "")
    return [row for row in rows(("stranger",), senders, recipients, numbers) if row.headers]


def of_gateway(host, numbers):
    """Clients that it trusts, its own programs, and strangers."""
    senders = ("root", "jane@lab.acme.example", "a4@scanner.lan", "cron@localhost", f"www-data@{host}", "shop@acme.example", COLLEAGUE, "")
    recipients = (CUSTOMER, SALES, "jane@lab.acme.example", TEAM, "a4@scanner.lan", "root", f"root@{host}", "www-data@localhost")
    return rows(("lan", "sendmail"), senders, recipients, numbers) + of_strangers((SALES, TEAM, OPS), numbers)


def of_server(host, numbers):
    """Users, its own programs, and strangers."""
    recipients = (CUSTOMER, JOE, "jane@lab.acme.example", TEAM, "a4@scanner.lan", COLLEAGUE)
    users = rows(("user",), (JANE, SALES, "Jane@acme.example"), recipients, numbers)
    own = ("root", "cron@localhost", f"www-data@{host}", "jane@lab.acme.example", "a4@scanner.lan", "shop@acme.example", "")
    return users + rows(("sendmail",), own, ("root", *recipients, f"root@{host}"), numbers) + of_strangers((JOE, TEAM, OPS), numbers)
