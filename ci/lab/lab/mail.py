"""What stands around the Postfix of a mail server: Dovecot with mailboxes, a database that knows them, and their owners."""

import base64
import email
import email.policy
import imaplib

from .lan import RELAY, Lan, verifying
from .network import entered
from .shell import wait_until

NAME = "web1.corp.example"
# Each has a mailbox; the password is made of the name.
OWNERS = "jane@acme.example", "joe@acme.example", "ops@acme.example"

DOVECOT = {
    "2.3": """protocols = imap lmtp
ssl = no
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/srv/vmail/%u
}
""",
    "2.4": """dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = imap lmtp
ssl = no
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = ~/Maildir
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
userdb static {
  fields {
    uid = vmail
    gid = vmail
    home = /srv/vmail/%{user}
  }
}
""",
}
# As Dovecot's own pages for Postfix have it.
SOCKETS = """auth_mechanisms = plain login
# Who logs in wrongly on purpose need not wait.
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
"""
# Tables as ViMbAdmin has them, as far as Postfix asks for them.
SCHEMA = """
CREATE DATABASE vimbadmin;
USE vimbadmin;
CREATE TABLE domain (domain VARCHAR(255) PRIMARY KEY, active BOOLEAN);
CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, active BOOLEAN);
CREATE TABLE alias (address VARCHAR(255) PRIMARY KEY, goto TEXT, active BOOLEAN);
CREATE TABLE tls_policy (domain VARCHAR(255) PRIMARY KEY, policy VARCHAR(16), params VARCHAR(255));
INSERT INTO domain VALUES ('acme.example', 1), ('other.example', 1), ('left.example', 0);
INSERT INTO mailbox VALUES ('jane@acme.example', 1), ('joe@acme.example', 1), ('ops@acme.example', 1), ('gone@acme.example', 0);
INSERT INTO alias VALUES ('sales@acme.example', 'jane@acme.example,joe@acme.example', 1), ('@other.example', 'joe@acme.example', 1);
INSERT INTO tls_policy VALUES ('customer.example', 'may', NULL), ('partner.example', 'secure', 'match=mx.partner.example');
"""
# The same in tables of one's own, for PostgreSQL.
OWN_SCHEMA = """
CREATE TABLE domains (name TEXT PRIMARY KEY);
CREATE TABLE people (mail TEXT PRIMARY KEY, login TEXT);
CREATE TABLE redirections (mail TEXT PRIMARY KEY, target TEXT);
INSERT INTO domains VALUES ('acme.example');
INSERT INTO people VALUES ('jane@acme.example', 'jane@acme.example'), ('ops@acme.example', 'ops@acme.example');
INSERT INTO redirections VALUES ('sales@acme.example', 'jane@acme.example,ops@acme.example');
"""
# The same in a directory: people, more addresses of theirs, a domain. Whoever does not log in finds nothing.
DIRECTORY = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/misc.schema
pidfile /run/slapd/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile /etc/ldap/lab.pem
TLSCertificateKeyFile /etc/ldap/lab.key
security simple_bind=128
database mdb
suffix dc=acme,dc=example
directory /var/lib/ldap
access to attrs=userPassword by anonymous auth
access to * by dn.exact=cn=postfix,dc=acme,dc=example read
"""
ENTRIES = """dn: dc=acme,dc=example
objectClass: domain
objectClass: domainRelatedObject
dc: acme
associatedDomain: acme.example

dn: cn=postfix,dc=acme,dc=example
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: postfix
userPassword:: {password}
"""
PERSON = """
dn: cn={name},dc=acme,dc=example
objectClass: inetOrgPerson
objectClass: inetLocalMailRecipient
cn: {name}
sn: {name}
mail: {name}@acme.example
mailLocalAddress: {address}
"""
SIGNER = """Domain acme.example
Selector lab
KeyFile /etc/dkimkeys/lab.private
Socket inet:8891@127.0.0.1
UserID opendkim
PidFile /run/opendkim/opendkim.pid
Mode sv
"""
# rspamd as a milter that looks itself, and asks nobody.
FILTER = {
    "worker-proxy.inc": 'bind_socket = "127.0.0.1:11332"; milter = yes; upstream "local" { default = yes; self_scan = yes; }',
    "worker-normal.inc": "enabled = false;",
    "worker-controller.inc": "enabled = false;",
    "options.inc": "disable_hyperscan = true;",
    "milter_headers.conf": 'use = ["x-spamd-result"]; skip_local = false;',
}
# What dkim.verify(3) of python3-dkim says of a message, with the key that DNS would have.
VERIFIER = """import dkim, re, sys
record = open("/etc/dkimkeys/lab.txt").read()
key = "".join(re.findall('"([^"]*)"', record)).encode()
print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda name, timeout=5: {b"lab._domainkey.acme.example.": key}[name]))
"""
# Whatever a setting, a shell or SQL could take for its own.
DIRECTORY_USER = "cn=postfix,dc=acme,dc=example"
DATABASE_USER, DATABASE_PASSWORD = "postfix", "d\\b p'a\"ss # $0 %s {x}"
DATABASE_LOGIN = {"RELAY_DATABASE_USERNAME": DATABASE_USER, "RELAY_DATABASE_PASSWORD": DATABASE_PASSWORD}


def password(owner):
    return f"p@ss of {owner}"


def certify(host):
    """A certificate, as an administrator puts it there before the package comes; another one each time."""
    key, end, certificate = host.smarthost.authority.certificate(NAME).partition("-----END PRIVATE KEY-----\n")
    host.write("/etc/ssl/relay.key", key + end, 0o600)
    host.write("/etc/ssl/relay.pem", certificate)


class MailServer:
    """A host with all of it; `lan.stranger` is the Internet."""

    def __init__(self, host):
        self.host, self.lan = host, Lan(host)
        self.authority = host.smarthost.authority
        # The root has the programs for all scenarios; Postfix starts what it works with.
        host.sh("systemctl --quiet disable mariadb postgresql slapd opendkim rspamd unbound postfix-mta-sts-resolver; update-ca-certificates")

    def close(self):
        self.lan.close()

    # Before the boot

    def keep_mailboxes(self):
        """Dovecot, after Postfix has its folders."""
        host = self.host
        host.sh("useradd --system --create-home --home-dir /srv/vmail vmail")
        host.write("/etc/dovecot/dovecot.conf", DOVECOT[host.sh("dovecot --version").out[:3]] + SOCKETS)
        rows = (f"{owner}:{{PLAIN.b64}}{base64.b64encode(password(owner).encode()).decode()}\n" for owner in OWNERS)
        host.write("/etc/dovecot/users", "".join(rows))

    def keep_signer(self):
        """OpenDKIM with a key for the domain."""
        self.host.write("/etc/opendkim.conf", SIGNER)
        self.host.sh("opendkim-genkey -D /etc/dkimkeys -d acme.example -s lab && chown opendkim /etc/dkimkeys/lab.*")

    def keep_filter(self):
        for name, text in FILTER.items():
            self.host.write(f"/etc/rspamd/local.d/{name}", f"{text}\n")

    def start(self, spec, **credentials):
        """All of it, with the package of a spec."""
        certify(self.host)
        self.host.install(spec)
        self.keep_mailboxes()
        self.host.credentials(**credentials)
        self.host.boot()
        # As an administrator looks at it after the first boot.
        assert self.host.sh("postconf -n 2>&1 >/dev/null").out == ""

    # After it

    def fill_database(self):
        quoted = DATABASE_PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        grant = f"CREATE USER {DATABASE_USER}@localhost IDENTIFIED BY '{quoted}'; GRANT SELECT ON vimbadmin.* TO {DATABASE_USER}@localhost;"
        self.host.sh("mariadb", input=SCHEMA + grant)

    def fill_postgresql(self):
        quoted = DATABASE_PASSWORD.replace("'", "''")
        self.host.sh("su postgres -c 'createdb mail'")
        grant = f"CREATE USER {DATABASE_USER} PASSWORD '{quoted}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {DATABASE_USER};"
        self.host.sh("su postgres -c 'psql -v ON_ERROR_STOP=1 mail'", input=OWN_SCHEMA + grant)

    def keep_directory(self):
        """OpenLDAP, with TLS, and nobody in it yet."""
        host = self.host
        host.write("/etc/ldap/slapd.conf", DIRECTORY)
        host.sh(
            "cp /etc/ssl/relay.pem /etc/ldap/lab.pem && cp /etc/ssl/relay.key /etc/ldap/lab.key && chown openldap /etc/ldap/lab.*"
            " && sed -i 's|^SLAPD_CONF=.*|SLAPD_CONF=/etc/ldap/slapd.conf|' /etc/default/slapd && rm -rf /var/lib/ldap/*"
        )

    def fill_directory(self):
        encoded = base64.b64encode(DATABASE_PASSWORD.encode()).decode()
        people = (("jane", "sales@acme.example"), ("ops", "sales@acme.example"), ("joe", "@other.example"))
        text = ENTRIES.format(password=encoded) + "".join(PERSON.format(name=name, address=address) for name, address in people)
        add = "slapadd -f /etc/ldap/slapd.conf && chown -R openldap: /var/lib/ldap"
        self.host.sh(f"systemctl stop slapd; {add}; systemctl start slapd", input=text)

    def arrived(self, owner, subject, timeout=30):
        """The one message with this subject in a mailbox, read over IMAP."""

        def found():
            return [mail for mail in self.mailbox(owner) if mail["Subject"] == subject]

        mails = wait_until(found, f"a mail with subject {subject!r} for {owner}", timeout)
        assert len(mails) == 1, f"{len(mails)} mails with subject {subject!r} for {owner}"
        return mails[0]

    def mailbox(self, owner):
        with entered(self.host.netns):
            session = imaplib.IMAP4("127.0.0.1", timeout=30)
        with session:
            session.login(owner, password(owner))
            session.select(readonly=True)
            numbers = session.search(None, "ALL")[1][0].split()
            texts = [session.fetch(number, "(RFC822)")[1][0][1] for number in numbers]
        return [email.message_from_bytes(text, policy=email.policy.default) for text in texts]

    def is_signed(self, text):
        """Whether a message bears a signature that verifies."""
        self.host.write("/srv/verify.py", VERIFIER)
        return self.host.sh("python3 /srv/verify.py", input=text).out == "True\n"

    def session(self, port, client=None, to=RELAY[0]):
        """A user's program on its port, within TLS; not logged in yet."""
        client = client or self.lan.stranger
        context = verifying(self.authority)
        if port == 465:
            return client.smtps(context, NAME, to)
        session = client.smtp(to, port=port)
        session.ehlo()
        session._host = NAME
        session.starttls(context=context)
        session.ehlo()
        return session
