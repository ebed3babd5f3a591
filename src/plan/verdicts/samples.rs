//! A spec of each profile, and each key that the table names as a person would set it.

use crate::diag::Source;
use crate::relay::Profile;

const PACKAGE: &str =
    "[package]\nname = 'acme-mail-relay'\nversion = '1.0.0'\nmaintainer = 'Ops <ops@acme.example>'\n";
const CERTIFICATE: &str = "[server]\ncertificate = '/etc/ssl/relay.pem'\n";

/// A spec of each profile in which nothing is wrong.
fn base(profile: Profile) -> toml::Table {
    let smarthost = "[smarthost]\nhost = 'smtp.lab.example'\n";
    let named = "from = 'noreply@acme.example'\nroot-mail-to = 'ops@acme.example'\n";
    let sections = match profile {
        Profile::NullClient => format!("{named}{smarthost}"),
        Profile::LanRelay => format!("{named}{smarthost}[network]\ntrusted = ['10.66.0.0/24']\n"),
        Profile::Submission => format!("{named}{smarthost}{CERTIFICATE}[submission.senders]\n'jane@acme.example' = 'jane'\n"),
        Profile::MailGateway => {
            "from = '@acme.example'\nroot-mail-to = 'ops@acme.example'\n[inbound.domains]\n'acme.example' = '10.0.0.5'\n".to_owned()
        }
        Profile::MailServer => {
            format!("from = '@acme.example'\nroot-mail-to = 'ops@acme.example'\n{CERTIFICATE}[mailboxes]\naddresses = ['jane@acme.example']\n")
        }
    };
    format!("{PACKAGE}[relay]\nprofile = '{}'\n{sections}", profile.name()).parse().unwrap()
}

/// Each key that the table names, as a person would set it.
pub(super) fn sample(key: &str) -> Option<&'static str> {
    Some(match key {
        "relay.profile" => "",
        "relay.from" => "relay.from = '@acme.example'",
        "relay.root-mail-to" => "relay.root-mail-to = 'root@acme.example'",
        "relay.origin" => "relay.origin = 'lab.acme.example'",
        "relay.hostname" => "relay.hostname = 'mail.acme.example'",
        "relay.helo-name" => "relay.helo-name = 'mail.acme.example'",
        "smarthost" => "smarthost.host = 'smtp.other.example'",
        "smarthost.auth" => "smarthost = { host = 'smtp.other.example', auth = 'none' }",
        "smarthost.mechanisms" => "smarthost = { host = 'smtp.other.example', mechanisms = ['plain'] }",
        "smarthost.port" => "smarthost = { host = 'smtp.other.example', port = 2525 }",
        "smarthost.tls" => "smarthost = { host = 'smtp.other.example', tls = 'starttls' }",
        "transports" => "transports.'partner.example' = 'mx.partner.example'",
        "tls.level" => "tls.level = 'encrypt'",
        "tls.ca-file" => "tls.ca-file = '/etc/ssl/ca.pem'",
        "tls.client-cert" => "tls.client-cert = '/etc/ssl/relay.pem'",
        "tls.client-key" => "tls = { client-cert = '/etc/ssl/relay.pem', client-key = '/etc/ssl/relay.key' }",
        "tls.connection-reuse" => "tls.connection-reuse = false",
        "tls.log-level" => "tls.log-level = 2",
        "tls.match" => "tls = { level = 'secure', match = 'mail.acme.example' }",
        "tls.min-version" => "tls.min-version = '1.3'",
        "tls.policies" => "tls.policies.'partner.example' = 'secure'",
        "network.allow-bare-newlines" => "network.allow-bare-newlines = true",
        "tls.allow-cleartext-password" => "tls.allow-cleartext-password = true",
        "aliases" => "aliases.web = 'web@acme.example'",
        "rewrite.senders" => "rewrite.senders.web = 'web@acme.example'",
        "rewrite.client-headers" => "rewrite.client-headers = false",
        "headers.strip" => "headers.strip = ['user-agent']",
        "headers.patterns" => "headers.patterns = ['^X-Lab:']",
        "network.ip" => "network.ip = 'ipv4'",
        "network.listen" => "network.listen = ['10.66.0.5']",
        "network.trusted" => "network.trusted = ['10.67.0.0/24']",
        "server.certificate" => "server.certificate = '/etc/ssl/other.pem'",
        "server.key" => "server = { certificate = '/etc/ssl/relay.pem', key = '/etc/ssl/relay.key' }",
        "server.tls" => "server = { certificate = '/etc/ssl/relay.pem', tls = 'encrypt' }",
        "server.auth" => "server = { certificate = '/etc/ssl/relay.pem', auth = 'dovecot' }",
        "server.allow-cleartext-password" => {
            "server = { certificate = '/etc/ssl/relay.pem', auth = 'dovecot', allow-cleartext-password = true }"
        }
        "server.proxy-protocol" => "server.proxy-protocol = true\nnetwork.listen = ['10.66.0.5']",
        "access.clients" => "access.clients.'10.1.2.3' = 'reject'",
        "access.senders" => "access.senders.'bad.example' = 'reject'",
        "access.recipients" => "access.recipients.'bad.example' = 'reject'",
        "access.allowed-senders" => "access.allowed-senders = ['acme.example']",
        "restrictions.client" => "restrictions.client = ['reject_unknown_reverse_client_hostname']",
        "restrictions.helo" => "restrictions.helo = ['reject_invalid_helo_hostname']",
        "restrictions.sender" => "restrictions.sender = ['reject_unknown_sender_domain']",
        "restrictions.recipient" => "restrictions.recipient = ['reject_unknown_recipient_domain']",
        "inbound.domains" => "inbound.domains.'other.example' = '10.0.0.6'",
        "inbound.recipients" => {
            "inbound = { domains = { 'other.example' = '10.0.0.6' }, recipients = 'any' }"
        }
        "inbound.alias-domains" => {
            "inbound = { alias-domains = ['old.example'], aliases = { 'info@old.example' = 'info@acme.example' } }"
        }
        "inbound.aliases" => "inbound.aliases.'info@acme.example' = 'jane@acme.example'",
        "mailboxes" => "mailboxes.addresses = ['jane@other.example']",
        "mailboxes.aliases" => "mailboxes.aliases.'info@acme.example' = 'jane@acme.example'",
        "mailboxes.lmtp" => "mailboxes.lmtp = 'private/other-lmtp'",
        "submission.senders" => "submission.senders.'joe@acme.example' = 'joe'",
        "abuse.block-words" => "abuse = { block-lists = ['zen.spamhaus.org'], block-words = 'see the wiki' }",
        "abuse.spf" => "abuse.spf = true\npackage.targets = 'deb'",
        "postscreen.lists" => "postscreen.lists.'zen.spamhaus.org' = 3",
        "postscreen.threshold" => "postscreen = { lists = { 'zen.spamhaus.org' = 3 }, threshold = 3 }",
        "content.headers" => "content.headers.'^X-Bad:' = 'reject'",
        "content.mime-headers" => "content.mime-headers.'^X-Bad:' = 'reject'",
        "content.nested-headers" => "content.nested-headers.'^X-Bad:' = 'reject'",
        "content.body" => "content.body.'bad' = 'reject'",
        "content.milter-headers" => {
            "content.milter-headers.'^X-Bad:' = 'reject'\nmilter.servers = 'unix:private/rspamd'"
        }
        "milter.servers" => "milter.servers = 'unix:private/rspamd'",
        "milter.local" => "milter = { servers = 'unix:private/rspamd', local = true }",
        "milter.default-action" => "milter = { servers = 'unix:private/rspamd', default-action = 'accept' }",
        "milter.connect-timeout" => "milter = { servers = 'unix:private/rspamd', connect-timeout = '5s' }",
        "milter.command-timeout" => "milter = { servers = 'unix:private/rspamd', command-timeout = '5s' }",
        "milter.content-timeout" => "milter = { servers = 'unix:private/rspamd', content-timeout = '5s' }",
        "notices.classes" => "notices.classes = ['resource']",
        "notices.to" => "notices.to = 'ops@acme.example'",
        "notices.bounces-to" => "notices.bounces-to = 'ops@acme.example'",
        "notices.double-bounces-to" => "notices.double-bounces-to = 'ops@acme.example'",
        "notices.delays-to" => "notices.delays-to = 'ops@acme.example'",
        "services" => "services.'pickup/unix'.wakeup = 30",
        _ => return None,
    })
}

pub(super) fn limit(key: &str) -> Option<String> {
    let name = key.strip_prefix("limits.")?;
    Some(match name {
        "message-size" => "limits.message-size = '10MB'".to_owned(),
        "header-size" => "limits.header-size = '100kB'".to_owned(),
        name if name.starts_with("client-") => format!("limits.{name} = 10"),
        "concurrency" | "recipients" | "hops" => format!("limits.{name} = 10"),
        name => format!("limits.{name} = '2h'"),
    })
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(into)), toml::Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

pub(super) fn with(profile: Profile, more: &str) -> Source {
    let mut table = base(profile);
    merge(&mut table, more.parse().unwrap());
    Source { name: "relay.toml".to_owned(), text: toml::to_string(&table).unwrap() }
}
