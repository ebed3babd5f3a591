//! Trust in a main.cf: open relays, and parameters that trust too many clients.

use std::net::IpAddr;
use std::ops::Range;

use super::super::list::items;
use super::super::network::Network;
use super::super::trust::{Grant, Width, grants};
use super::super::value::Value;
use super::CLASSES;
use super::lists::{Outcome, Values, Walk, expand, is_enough_to_start, walk};
use super::lookup::{Answer, lookup};
use super::whole::File;
use crate::diag::Severity;

/// How deep references are followed.
const DEPTH: usize = 8;

impl File<'_> {
    fn is_written(&self, name: &str) -> bool {
        self.written.iter().any(|parameter| parameter.name == name)
    }

    /// Effect of the lists that decide about destinations on a stranger.
    pub(super) fn relaying(&mut self) {
        let main = self.main;
        let values = |name: &str| main.get(name).map(|value| value.as_str().to_owned());
        let recipient = self.value("smtpd_recipient_restrictions").unwrap_or_default();
        // The default of the relay list ends with defer_unauth_destination.
        let Some(relay) = self.value("smtpd_relay_restrictions") else { return };
        let name = if relay.is_empty() && !recipient.is_empty() {
            "smtpd_recipient_restrictions"
        } else {
            "smtpd_relay_restrictions"
        };
        if !is_enough_to_start(relay, &values) && !is_enough_to_start(recipient, &values) {
            self.about(name, |subject| {
                let message =
                    "no restriction list refuses unauthorised destinations: smtpd(8) would not start";
                subject.error("no-reject-unauth-destination", None, message.to_owned());
                subject.hint("Put `reject_unauth_destination` into `smtpd_relay_restrictions`.".to_owned());
            });
            return;
        }
        let special = self.has_authority_of_its_own();
        let walks = [("smtpd_relay_restrictions", relay), ("smtpd_recipient_restrictions", recipient)]
            .map(|(name, list)| (name, walk(list, "recipient", &values, special)));
        if walks.iter().any(|(_, walk)| walk.is_closed()) {
            return;
        }
        // The end of a walk is an open relay if the other list permits everybody. If the end is uncertain, the user must decide.
        let refused = walks.iter().any(|(_, walk)| walk.end == Outcome::Refuses);
        if refused {
            for (name, walk) in walks {
                self.may_relay(name, &walk);
            }
            return;
        }
        let culprit = walks.into_iter().find_map(|(name, walk)| match walk.end {
            Outcome::Permits(step) => Some((name, step)),
            _ => None,
        });
        let (name, range, what) = match &culprit {
            Some((name, step)) => (*name, Some(step.range.clone()), format!("`{}` permits it", step.text())),
            None => (name, None, "no list refuses it".to_owned()),
        };
        self.about(name, |subject| {
            let message = format!("any client may send anywhere, {what}: this is an open relay");
            subject.error("open-relay", range, message);
            subject.hint("Put `reject_unauth_destination` before what permits.".to_owned());
        });
    }

    /// A list of a person's that leaves it to a table or a server which strangers may send anywhere.
    fn may_relay(&mut self, name: &'static str, walk: &Walk) {
        let [first, ..] = walk.may.as_slice() else { return };
        if !self.is_written(name) {
            return;
        }
        let message = format!("`{}` decides which strangers may send anywhere", first.text());
        let range = first.range.clone();
        self.about(name, |subject| {
            subject.warning("may-relay", Some(range), message);
            subject.hint("Put it after `reject_unauth_destination`, if it is to refuse mail.".to_owned());
        });
    }

    /// Whether clients' certificates are verified by an authority that the relay names, and by no other.
    fn has_authority_of_its_own(&self) -> bool {
        let named = ["smtpd_tls_CAfile", "smtpd_tls_CApath"]
            .iter()
            .filter_map(|name| self.value(name))
            .filter(|path| !path.is_empty());
        let mut named = named.peekable();
        let is_public = |path: &str| {
            path.contains("relay_ca_file")
                || ["/etc/ssl/cert", "/etc/pki/tls/cert", "/etc/pki/ca-trust", "/etc/ca-certificates"]
                    .iter()
                    .any(|start| path.starts_with(start))
        };
        named.peek().is_some() && !named.any(is_public) && !self.is("tls_append_default_CA", "yes")
    }

    /// Restriction classes without a value: smtpd(8) would not start.
    pub(super) fn classes(&mut self) {
        let declared = self.value(CLASSES).unwrap_or_default();
        for class in items(declared) {
            if !class.text.contains('$') && self.is_empty(class.text) {
                let message = format!(
                    "`{}` is declared, and has no restrictions: smtpd(8) would not start",
                    class.text
                );
                self.about(CLASSES, |subject| {
                    subject.error("restriction-class", Some(class.range()), message);
                });
            }
        }
    }

    /// Parameters that trust too many.
    pub(super) fn grants(&mut self) {
        let main = self.main;
        let values = |name: &str| main.get(name).map(|value| value.as_str().to_owned());
        let logins = self.is("smtpd_sasl_auth_enable", "yes");
        for grant in grants() {
            let Some(value) = main.get(grant.name).map(Value::as_str) else { continue };
            let Some((range, whom)) = too_wide(&grant, value, logins, &values) else { continue };
            let may = format!("they may {}", grant.what);
            let (code, end) = if grant.relays {
                ("open-relay", ": this is an open relay")
            } else {
                ("trusts-everybody", "")
            };
            let message = match whom {
                Whom::Item(text) => format!("`{text}` is everybody, and {may}{end}"),
                Whom::Sum => format!("all of this is wider than any network, and {may}{end}"),
                Whom::Value => format!("with `{} = {value}` clients may {}{end}", grant.name, grant.what),
            };
            self.about(grant.name, |subject| subject.push(Severity::Error, code, range, message));
        }
    }
}

/// Who is trusted.
enum Whom {
    Item(String),
    Sum,
    Value,
}

/// Parts of a value that trust too many clients.
fn too_wide(
    grant: &Grant,
    value: &str,
    logins: bool,
    values: Values<'_>,
) -> Option<(Option<Range<usize>>, Whom)> {
    match grant.width {
        Width::Word(word) => value.eq_ignore_ascii_case(word).then_some((None, Whom::Value)),
        Width::Lacks(word) => {
            let has = items(value).iter().any(|item| item.text.eq_ignore_ascii_case(word));
            (logins && !has && !value.contains('$')).then_some((None, Whom::Value))
        }
        Width::Clients | Width::Domains | Width::Keys => {
            let mut sum = Sum::default();
            for item in items(value) {
                let text = expand(item.text, values, DEPTH);
                let parts = items(&text);
                let wide = parts.iter().find(|part| is_everybody(part.text, grant.width, &mut sum));
                if let Some(wide) = wide {
                    return Some((Some(item.range()), Whom::Item(wide.text.to_owned())));
                }
            }
            sum.is_too_wide().then_some((None, Whom::Sum))
        }
    }
}

/// Strangers, by the keys of table lookups.
const CLIENTS: [&[&str]; 2] = [
    &["203.0.113.77", "2001:db8::77", "stranger.invalid"],
    &["198.51.100.9", "2001:db8:1::9", "a.other.invalid"],
];
const DOMAINS: [&[&str]; 2] = [&["stranger.invalid"], &["a.other.invalid"]];
const KEYS: [&[&str]; 2] = [
    &["61:1A:0B:77:5C:11:90:8E:F2:03:55:9A:12:CC:08:34"],
    &["A2:90:33:1E:FF:00:45:63:0B:9D:21:77:CE:10:5F:88"],
];

fn is_everybody(text: &str, width: Width, sum: &mut Sum) -> bool {
    let text = text.trim_start_matches('!');
    if width == Width::Clients {
        // A mask of zero length takes any address before it.
        if text.ends_with("/0") && block(text).is_some() {
            return true;
        }
        if let Some(network) = block(text) {
            sum.add(network);
            return false;
        }
        if let Some(rows) = text.strip_prefix("cidr:{").and_then(|rows| rows.strip_suffix('}')) {
            for row in items(rows) {
                let row = row.text.trim_matches(['{', '}', ' ', '\t']);
                let pattern = row.split([' ', '\t']).next().unwrap_or_default();
                if let Some(network) = block(pattern) {
                    sum.add(network);
                }
            }
        }
    }
    if text.contains(':') && !text.starts_with('[') {
        let strangers = match width {
            Width::Domains => DOMAINS,
            Width::Keys => KEYS,
            _ => CLIENTS,
        };
        let knows = |keys: &&[&str]| keys.iter().any(|key| lookup(text, key) == Answer::Yes);
        return strangers.iter().all(knows);
    }
    // Reverse DNS says what its owner likes; a top-level domain is everybody in it.
    let domain = text.trim_start_matches('.').trim_end_matches('.');
    let is_name = !domain.is_empty() && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    width != Width::Keys && is_name && !domain.bytes().all(|b| b.is_ascii_digit()) && is_top_level(domain)
}

/// A network with or without brackets, and with bits after the prefix.
fn block(text: &str) -> Option<Network> {
    let text = text.replace(['[', ']'], "");
    let (address, prefix) = text.split_once('/').unwrap_or((&text, "128"));
    Some(Network::containing(address.parse().ok()?, prefix.parse().ok()?))
}

/// Top-level domains in which strangers have names: all of two letters, and the oldest. A host may have a short name.
fn is_top_level(name: &str) -> bool {
    const OLDEST: [&str; 9] = ["com", "net", "org", "edu", "gov", "mil", "int", "info", "biz"];
    let name = name.to_ascii_lowercase();
    name.len() == 2 && name.bytes().all(|b| b.is_ascii_alphabetic()) || OLDEST.contains(&name.as_str())
}

/// Public addresses, as parts of all: an IPv4 /8 and an IPv6 /16 are what one owner can have.
#[derive(Default)]
struct Sum {
    four: f64,
    six: f64,
}

impl Sum {
    fn add(&mut self, network: Network) {
        let of = |text: &str| text.parse::<Network>().is_ok_and(|block| block.contains(&network));
        // RFC 1918, 6598, 3927, 4193, 4291; nobody comes from there over the Internet.
        let private = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "[fc00::]/7",
            "[fe80::]/10",
            "[::1]/128",
        ];
        if private.iter().any(|block| of(block)) {
            return;
        }
        let part = 0.5_f64.powi(i32::from(network.prefix()));
        match network.address() {
            IpAddr::V4(_) => self.four += part,
            IpAddr::V6(_) => self.six += part,
        }
    }

    fn is_too_wide(&self) -> bool {
        self.four > 0.5_f64.powi(8) || self.six > 0.5_f64.powi(16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each parameter that grants trust, with values that are too wide and values that are not.
    #[test]
    fn parameters_that_trust_everybody() {
        let clients_wide = [
            "0.0.0.0/0",
            "[::]/0",
            "::/0",
            "0.0.0.0/1, 128.0.0.0/1",
            "0.0.0.0/1",
            "[::]/1,[8000::]/1",
            "[2000::]/3",
            "static:all",
            "static:",
            "pcre:{{/./ OK}}",
            "regexp:{{/^/ OK}}",
            "cidr:{{0.0.0.0/0 OK}}",
            "cidr:{{0.0.0.0/1 OK}, {128.0.0.0/1 OK}}",
            "cidr:{{::/0 OK}}",
            ".com",
            "de",
            "10.0.0.0/8, com",
            "$wide",
            "127.0.0.0/8, ${wide}",
            "unionmap:{static:x, inline:{a=b}}",
            "198.0.0.0/8, 199.0.0.0/8",
            "1.2.3.4/0",
        ];
        let clients_narrow = [
            "",
            "127.0.0.1",
            "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16",
            "198.51.100.0/24",
            "[2001:db8::]/32",
            "[fd00::]/8",
            "127.0.0.0/8, [::1]/128",
            "mail.acme.example",
            ".acme.example",
            "cidr:/etc/postfix/x",
            "hash:/etc/postfix/x",
            "regexp:{{/^10\\./ OK}}",
            "cidr:{{10.0.0.0/8 OK}}",
            "$unknown",
            "$narrow",
            "printserver",
            "/etc/postfix/list",
        ];
        let domains_wide = [
            "static:all",
            "com, net, org",
            "uk",
            "pcre:{{/./ OK}}",
            "regexp:{{/\\./ OK}}",
            "$everything",
            "acme.example, .com",
        ];
        let domains_narrow = [
            "acme.example",
            "",
            "$narrow",
            "corp",
            "inline:{acme.example=OK}",
            "hash:/x",
            "regexp:{{/acme/ OK}}",
        ];
        let keys_wide = ["static:x", "regexp:{{/:/ OK}}"];
        let keys_narrow = ["hash:/etc/postfix/certs", "inline:{{61:1A = x}}", ""];
        let values = |name: &str| {
            let text = match name {
                "wide" => "0.0.0.0/1, 128.0.0.0/1",
                "narrow" => "acme.example",
                "everything" => "static:x",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let mut cells = 0;
        for grant in grants() {
            let (wide, narrow): (&[&str], &[&str]) = match grant.width {
                Width::Clients => (&clients_wide, &clients_narrow),
                Width::Domains => (&domains_wide, &domains_narrow),
                Width::Keys => (&keys_wide, &keys_narrow),
                Width::Word("yes") => (&["yes", "YES"], &["no", "$x"]),
                Width::Word(_) => (&["haproxy"], &["", "$x"]),
                Width::Lacks(_) => (&["", "noplaintext"], &["noanonymous", "noplaintext, NoAnonymous", "$x"]),
            };
            for (list, expected) in [(wide, true), (narrow, false)] {
                for value in list {
                    let found = too_wide(&grant, value, true, &values).is_some();
                    assert_eq!(found, expected, "{} = {value}", grant.name);
                    cells += 1;
                }
            }
        }
        assert!(cells > 400, "{cells}");
    }
}
