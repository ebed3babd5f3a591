//! Values, by kind.

use std::net::IpAddr;

use super::super::catalogue::{Catalogue, Kind, nearest};
use super::super::installation::Release;
use super::super::network::{Network, NetworkError, is_domain};
use super::super::value::references;
use super::{Subject, is_expression, literal_items, maps, restrictions, some_of};

pub(super) fn check(subject: &mut Subject<'_>, kind: &Kind) {
    let value = subject.value;
    if *kind != Kind::Raw {
        unknown_references(subject);
    }
    match kind {
        Kind::Maps => maps::list(subject),
        Kind::Restrictions(stage) => restrictions::check(subject, stage),
        Kind::Words(words) => {
            for item in literal_items(value) {
                word(subject, item.text, item.range(), words);
            }
            if value.is_empty() && !words.contains(&"") {
                word(subject, value, 0..0, words);
            }
        }
        Kind::TlsProtocols => tls_protocols(subject),
        Kind::Networks => networks(subject),
        Kind::Domains => domains(subject),
        Kind::Relays => relays(subject),
        Kind::Interfaces => interfaces(subject),
        Kind::Milters => milters(subject),
        // From here on the value is one item: with a reference in it, only Postfix can tell.
        _ if is_expression(value) => {}
        Kind::Boolean => boolean(subject),
        Kind::Integer(low, high) => integer(subject, *low, *high),
        Kind::Time => time(subject),
        Kind::Word(words) => word(subject, value, 0..value.len(), words),
        Kind::Hostname => hostname(subject),
        Kind::Ip => ip(subject),
        Kind::Path => path(subject),
        Kind::Transport => transport(subject),
        Kind::ReadOnly | Kind::Raw | Kind::Text => {}
    }
}

fn unknown_references(subject: &mut Subject<'_>) {
    for name in references(subject.value).unwrap_or_default() {
        if Catalogue::get(name).is_none() && !subject.defined.contains(&name) {
            subject.error(
                "unknown-reference",
                None,
                format!("nothing defines `${name}`: Postfix reads nothing there"),
            );
            if let Some(nearest) = Catalogue::nearest(name) {
                subject.hint(format!("Did you mean `${nearest}`? A dollar sign for itself is `$$`."));
            }
        }
    }
}

fn boolean(subject: &mut Subject<'_>) {
    let value = subject.value;
    if !value.eq_ignore_ascii_case("yes") && !value.eq_ignore_ascii_case("no") {
        subject.error("value-boolean", None, format!("`{}` is `yes` or `no`, not `{value}`", subject.name));
        subject.hint("Postfix says nothing when it starts; the daemon stops when it reads this.".to_owned());
    }
}

fn integer(subject: &mut Subject<'_>, low: i64, high: Option<i64>) {
    let (name, value) = (subject.name, subject.value);
    match value.parse::<i64>() {
        Ok(number) if number < low || high.is_some_and(|high| number > high) => {
            let bounds = high.map_or(format!("at least {low}"), |high| format!("from {low} to {high}"));
            subject.error("value-range", None, format!("`{name}` is {bounds}, not {number}"));
        }
        Ok(_) => {}
        Err(_) => {
            subject.error("value-integer", None, format!("`{name}` is a whole number, not `{value}`"));
            if let Some(bytes) = bytes(value) {
                subject.hint(format!("Postfix counts in bytes: {bytes}."));
            }
        }
    }
}

/// A size with a unit, in bytes.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match text[digits..].trim().to_ascii_lowercase().trim_end_matches('b').trim_end_matches('i') {
        "k" => 1u64 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit)
}

fn time(subject: &mut Subject<'_>) {
    let value = subject.value;
    let digits = value.strip_suffix(['s', 'm', 'h', 'd', 'w']).unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let message =
            format!("`{}` is a number followed by `s`, `m`, `h`, `d` or `w`, not `{value}`", subject.name);
        subject.error("value-time", None, message);
        let number: String = value.chars().take_while(char::is_ascii_digit).collect();
        let unit = value[number.len()..].trim_start().chars().next().map(|c| c.to_ascii_lowercase());
        if let Some(unit) = unit.filter(|unit| !number.is_empty() && "smhdw".contains(*unit)) {
            subject.hint(format!("Write `{number}{unit}`."));
        }
    } else if digits.parse::<i32>().is_err() {
        subject.error("value-range", None, format!("`{value}` is too long a time"));
    }
}

fn word(subject: &mut Subject<'_>, text: &str, range: std::ops::Range<usize>, words: &[&str]) {
    if words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return;
    }
    let name = subject.name;
    let known: Vec<_> =
        words.iter().filter(|word| !word.is_empty()).map(|word| format!("`{word}`")).collect();
    let message = if text.is_empty() {
        format!("`{name}` cannot be empty")
    } else {
        format!("`{text}` is no value of `{name}`")
    };
    subject.error("value-word", Some(range), message);
    match nearest(text, words.iter().copied().filter(|word| !word.is_empty())) {
        Some(word) => subject.hint(format!("Did you mean `{word}`?")),
        None => subject.hint(format!("It is one of {}.", known.join(", "))),
    }
}

const PROTOCOLS: [&str; 6] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

fn tls_protocols(subject: &mut Subject<'_>) {
    let value = subject.value;
    if is_expression(value) {
        return;
    }
    let mut start = 0;
    for text in value.split([' ', '\t', ',', ':']) {
        let range = start..start + text.len();
        start = range.end + 1;
        let bound = text.strip_prefix(">=").or_else(|| text.strip_prefix("<="));
        let protocol = bound.or_else(|| text.strip_prefix('!')).unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        if !PROTOCOLS.iter().any(|known| known.eq_ignore_ascii_case(protocol)) {
            let message = format!("`{text}` is no TLS protocol: every connection would fail");
            subject.error("tls-protocol", Some(range), message);
            subject.hint(format!("The protocols are {}.", PROTOCOLS.join(", ")));
        } else if bound.is_some() {
            let old = subject.targets(|target| target.postfix.version < Release::new(3, 6));
            if !old.is_empty() {
                let message = format!("`{text}` needs Postfix 3.6: {} would send nothing", some_of(&old));
                subject.error("tls-protocol-syntax", Some(range), message);
                subject.hint("List what is excluded, such as `!SSLv2, !SSLv3, !TLSv1, !TLSv1.1`.".to_owned());
            }
        }
    }
}

fn networks(subject: &mut Subject<'_>) {
    for item in literal_items(subject.value) {
        let text = item.text.trim_start_matches('!');
        if text.starts_with('/') {
            continue;
        }
        let Err(error) = text.parse::<Network>() else { continue };
        match &error {
            NetworkError::HostBits(_) | NetworkError::Unbracketed(_) | NetworkError::Prefix(..) => {
                subject.error("network", Some(item.range()), format!("`{text}`: {error}"));
            }
            NetworkError::Address(_) if text.contains(':') && !text.starts_with('[') => {
                maps::one(subject, text, item.start);
            }
            // Other lists of clients take host names.
            NetworkError::Address(_)
                if subject.name == "mynetworks" || !is_domain(text.trim_start_matches('.')) =>
            {
                subject.error("network", Some(item.range()), format!("`{text}`: {error}"));
                continue;
            }
            NetworkError::Address(_) => continue,
        }
        match error {
            NetworkError::HostBits(network) => subject.hint(format!("Write `{network}`.")),
            NetworkError::Unbracketed(network) => subject.hint(format!("Write `{network}`.")),
            _ => {}
        }
    }
}

fn domains(subject: &mut Subject<'_>) {
    for item in literal_items(subject.value) {
        let text = item.text.trim_start_matches('!');
        let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if text.starts_with('/') || bracketed.is_some() {
            continue;
        }
        if text.contains(':') {
            maps::one(subject, text, item.start);
        } else if !is_domain(text.trim_start_matches('.')) {
            subject.error("domain", Some(item.range()), format!("`{text}` is no domain"));
            if let Some((_, domain)) = text.split_once('@').filter(|(_, domain)| is_domain(domain)) {
                subject.hint(format!("Write the domain alone: `{domain}`."));
            }
        }
    }
}

fn relays(subject: &mut Subject<'_>) {
    let mut count = 0;
    for item in literal_items(subject.value) {
        count += 1;
        if let Err(why) = relay(item.text) {
            subject.error("relay", Some(item.range()), format!("`{}`: {why}", item.text));
            subject.hint("Write `[mail.example.com]:587`; the port may be left out.".to_owned());
        } else if !item.text.starts_with('[') {
            let message =
                format!("`{}` has no brackets: Postfix sends to the MX hosts of that name", item.text);
            subject.warning("relay-mx", Some(item.range()), message);
        }
    }
    let old = subject.targets(|target| target.postfix.version < Release::new(3, 5));
    if count > 1 && !old.is_empty() {
        subject.error(
            "relay-list",
            None,
            format!("a list of relays needs Postfix 3.5: {} has one", some_of(&old)),
        );
    }
}

/// Whether a text is `[host]:port`, with or without brackets or port.
fn relay(text: &str) -> Result<(), String> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("the bracket is not closed")?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':').ok_or("only `:port` can follow the bracket")?),
        };
        let address = host.strip_prefix("ipv6:").or_else(|| host.strip_prefix("IPv6:")).unwrap_or(host);
        if address.parse::<IpAddr>().is_ok() { ("address.literal", port) } else { (host, port) }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    if host.contains(']') || port.is_some_and(|port| port.contains(']')) {
        return Err("a bracket is closed that was not opened".to_owned());
    }
    if !is_domain(host) {
        return Err(format!("`{host}` is no host name"));
    }
    match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => match port.parse::<u16>() {
            Ok(1..) => Ok(()),
            _ => Err(format!("`{port}` is not a port")),
        },
        Some("") => Err("the port after the colon is missing".to_owned()),
        Some(port) if !port.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            Err(format!("`{port}` is not a port"))
        }
        _ => Ok(()),
    }
}

fn interfaces(subject: &mut Subject<'_>) {
    for item in literal_items(subject.value) {
        let text = item.text;
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let named = matches!(text, "all" | "loopback-only" | "localhost");
        if !named && bare.parse::<IpAddr>().is_err() && !(text.contains('.') && is_domain(text)) {
            let message = format!("`{text}` is no address to listen on: Postfix would not start");
            subject.error("interface", Some(item.range()), message);
            match nearest(text, ["all", "loopback-only", "localhost"].into_iter()) {
                Some(word) => subject.hint(format!("Did you mean `{word}`?")),
                None => subject.hint("It is `all`, `loopback-only`, or a list of addresses.".to_owned()),
            }
        }
    }
}

fn milters(subject: &mut Subject<'_>) {
    for item in literal_items(subject.value) {
        let text = item.text.trim_matches(|c| matches!(c, '{' | '}' | ' ' | '\t'));
        let endpoint = text.split([',', ' ', '\t']).next().unwrap_or_default();
        let fits = match endpoint.split_once(':') {
            Some(("inet", rest)) => rest.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty()),
            Some(("unix" | "local", path)) => !path.is_empty(),
            _ => false,
        };
        if !fits {
            subject.error("milter", Some(item.range()), format!("`{endpoint}` is no mail filter"));
            subject.hint("Write `inet:host:port` or `unix:path`.".to_owned());
        }
    }
}

fn hostname(subject: &mut Subject<'_>) {
    let (name, value) = (subject.name, subject.value);
    if value.starts_with('[') && value.ends_with(']') {
        return;
    }
    if value == "localhost" || value.starts_with("localhost.") || value.ends_with(".localdomain") {
        subject.error(
            "hostname-localhost",
            None,
            format!("`{name} = {value}`: others refuse mail from a host of that name"),
        );
        subject
            .hint("Use a name under a domain of your own, or remove it: the host's own is used.".to_owned());
    } else if !is_domain(value) {
        subject.error("hostname", None, format!("`{value}` is no host name"));
    } else if name != "mydomain" && !value.contains('.') {
        subject.error(
            "hostname",
            None,
            format!("`{name} = {value}` has no domain: others refuse such a name"),
        );
    }
}

fn ip(subject: &mut Subject<'_>) {
    let value = subject.value;
    let bare = value.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(value);
    if !value.is_empty() && bare.parse::<IpAddr>().is_err() {
        subject.error("address", None, format!("`{value}` is no IP address"));
    }
}

fn path(subject: &mut Subject<'_>) {
    let value = subject.value;
    if !(value.is_empty() || value.starts_with('/') || matches!(value, "no" | "none")) {
        subject.error("path", None, format!("`{}` is an absolute path, not `{value}`", subject.name));
    }
}

fn transport(subject: &mut Subject<'_>) {
    let value = subject.value;
    let service = value.split_once(':').map_or(value, |(service, _)| service);
    if !service.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        subject.error(
            "transport",
            None,
            format!("`{service}` is no transport: it is a service name of master.cf"),
        );
    }
}
