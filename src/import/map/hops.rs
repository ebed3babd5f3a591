//! Next hops of relayhost and other parameters, and the names under which tables have them.

use crate::import::tables;
use crate::relay::Provider;

/// A next hop of `relayhost`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::import) struct Hop {
    pub(in crate::import) host: String,
    pub(in crate::import) port: Option<u16>,
    /// Whether its MX is not looked up.
    pub(super) bracketed: bool,
}

/// `[host]:port`, `host:port`, `host`; a transport in front is left out.
pub(in crate::import) fn hop(text: &str) -> Option<Hop> {
    let text = ["smtp:", "relay:", "smtps:", "lmtp:", "inet:"]
        .iter()
        .find_map(|way| text.strip_prefix(way))
        .unwrap_or(text);
    let text = text.trim();
    let (host, rest, bracketed) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            (host, rest, true)
        }
        None => match text.rsplit_once(':') {
            Some((host, _)) => (host, &text[host.len()..], false),
            None => (text, "", false),
        },
    };
    let host = host.trim_start_matches("ipv6:").trim_start_matches("IPv6:").trim_end_matches('.');
    let port = match rest.strip_prefix(':') {
        None => None,
        Some("smtp") => Some(25),
        Some("submission") => Some(587),
        Some("smtps" | "submissions") => Some(465),
        Some(digits) => Some(digits.parse().ok()?),
    };
    (!host.is_empty() && !host.contains([' ', '$', '/', '@'])).then(|| Hop {
        host: host.to_owned(),
        port,
        bracketed,
    })
}

/// Names that providers had before.
pub(super) const OLD_NAMES: [(&str, &str); 4] = [
    ("in.mailjet.com", "in-v3.mailjet.com"),
    ("smtp-relay.sendinblue.com", "smtp-relay.brevo.com"),
    ("smtp.googlemail.com", "smtp.gmail.com"),
    ("outlook.office365.com", "smtp.office365.com"),
];

/// The next hops of a list.
pub(super) fn hops(written: &str) -> Vec<Hop> {
    tables::items(written).iter().filter_map(|item| hop(item)).collect()
}

/// The provider that all of them belong to.
pub(super) fn owner(hops: &[Hop]) -> Option<Provider> {
    let known = crate::relay::Providers::builtin().all().into_iter();
    known
        .filter(|own| own.name != Provider::CUSTOM && !hops.is_empty())
        .find(|own| hops.iter().all(|hop| own.owns(&hop.host)))
}

/// Keys under which Postfix looks a server up.
pub(super) fn keys_of(hop: &Hop) -> Vec<String> {
    let host = &hop.host;
    let port = hop.port.unwrap_or(25);
    let mut keys =
        vec![format!("[{host}]"), host.clone(), format!("[{host}]:{port}"), format!("{host}:{port}")];
    for (number, name) in [(25, "smtp"), (587, "submission"), (465, "smtps"), (465, "submissions")] {
        if port == number {
            keys.push(format!("[{host}]:{name}"));
            keys.push(format!("{host}:{name}"));
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_hops() {
        let read = |text| hop(text).map(|hop| (hop.host, hop.port, hop.bracketed));
        assert_eq!(read("[smtp.acme.example]:587"), Some(("smtp.acme.example".to_owned(), Some(587), true)));
        assert_eq!(
            read("smtp.acme.example:submission"),
            Some(("smtp.acme.example".to_owned(), Some(587), false))
        );
        assert_eq!(read("smtp:[10.0.0.1]"), Some(("10.0.0.1".to_owned(), None, true)));
        assert_eq!(read("[2001:db8::1]:25"), Some(("2001:db8::1".to_owned(), Some(25), true)));
        assert_eq!(read("acme.example"), Some(("acme.example".to_owned(), None, false)));
        for bad in ["", "$mydomain", "[x", "x:99999999", "a b", "[]:25"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
