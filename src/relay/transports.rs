//! Mail that bypasses the smarthosts.

use super::NextHop;
use crate::diag::Span;

/// The route of mail to a domain or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// A domain, `.domain` for its subdomains, or an address.
    pub key: String,
    /// The route.
    pub way: Way,
    /// The place in the spec.
    pub span: Span,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To these servers, in order of failover.
    Hops(Vec<NextHop>),
    /// To the MX hosts of the domain.
    Direct,
    /// By the service of this name: to these servers, or if there are none, where other mail goes.
    Service(String, Vec<NextHop>),
    /// Through the smarthosts of the list with this name.
    Smarthost(String),
    /// Bounce, with this text.
    Error(String),
    /// Defer, with this text.
    Retry(String),
    /// Accept and delete.
    Discard,
}

impl Transport {
    /// Whether both routes lead to the same server.
    pub fn shares_server(&self, other: &Self) -> bool {
        self.hops().iter().any(|hop| other.hops().contains(hop))
    }

    /// The servers that the route names.
    pub fn hops(&self) -> &[NextHop] {
        match &self.way {
            Way::Hops(hops) | Way::Service(_, hops) => hops,
            _ => &[],
        }
    }
}

/// The route of mail to a domain, `.domain` or address, if there is an entry: that of the name, else that of the closest
/// parent domain; see transport(5), "TABLE SEARCH ORDER".
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
