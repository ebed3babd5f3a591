//! Mail that goes another way than the rest.

use super::NextHop;
use crate::diag::Span;

/// Where mail for a domain or an address goes on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// A domain, `.domain` for all below it, or an address.
    pub key: String,
    /// Where to.
    pub way: Way,
    /// Where the spec says so.
    pub span: Span,
}

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To this server.
    Hop(NextHop),
    /// To the servers that DNS names (MX).
    Direct,
    /// Back to the sender, with these words.
    Error(String),
    /// Nowhere for now: it waits, with these words.
    Retry(String),
    /// Taken and thrown away.
    Discard,
}

impl Transport {
    /// Whether mail goes to the same server by both.
    pub fn shares_server(&self, other: &Self) -> bool {
        matches!(self.way, Way::Hop(_)) && self.way == other.way
    }
}

/// The way of mail for a domain, `.domain` or address, if it is not that of the rest: its own, else that of all below a
/// domain above it; see transport(5), "TABLE SEARCH ORDER".
pub fn way_of<'a>(transports: &'a [Transport], key: &str) -> Option<&'a Transport> {
    let domain = key.rsplit_once('@').map_or(key, |(_, domain)| domain);
    let above = domain.match_indices('.').map(|(at, _)| &domain[at..]);
    [key, domain].into_iter().chain(above).find_map(|key| transports.iter().find(|one| one.key == key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_key_counts() {
        let keys = ["alerts@acme.example", "acme.example", ".acme.example", ".example"];
        let all: Vec<_> =
            keys.map(|key| Transport { key: key.to_owned(), way: Way::Discard, span: 0..0 }).to_vec();
        let found = |key| way_of(&all, key).map(|one| one.key.as_str());
        assert_eq!(found("alerts@acme.example"), Some("alerts@acme.example"));
        assert_eq!(found("other@acme.example"), Some("acme.example"));
        assert_eq!(found("mx.acme.example"), Some(".acme.example"));
        assert_eq!(found("acme.test"), None);
        assert_eq!(found(".acme.example"), Some(".acme.example"));
        assert_eq!(found("other.example"), Some(".example"));
    }
}
