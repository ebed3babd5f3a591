//! Senders to rewrite, and their new addresses.

/// An address, and the display name before it in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAddress {
    /// The address; `@domain` keeps the local part of the sender.
    pub address: String,
    /// The name in the syntax of a header: quoted or encoded if necessary.
    pub name: Option<String>,
}

impl NamedAddress {
    /// The domain, if the local part of the sender is kept.
    pub fn domain(&self) -> Option<&str> {
        self.address.strip_prefix('@')
    }
}

/// A sender to rewrite, in lower case. Those that Postfix must compare first come first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sender {
    /// A local user name.
    Local(String),
    /// An address.
    Address(String),
    /// Addresses of a domain whose local part matches; `*` stands for any text.
    Pattern(String, String),
    /// All addresses of a domain.
    Domain(String),
    /// All addresses of the domains below one.
    Below(String),
    /// All others.
    All,
}

impl Sender {
    /// The order in which senders are compared with an address: the narrowest first.
    pub fn rank(&self) -> (u8, std::cmp::Reverse<usize>) {
        let (rank, length) = match self {
            Self::Local(_) => (0, 0),
            Self::Address(_) => (1, 0),
            Self::Pattern(local, _) => (2, local.len()),
            Self::Domain(_) => (3, 0),
            Self::Below(parent) => (4, parent.len()),
            Self::All => (5, 0),
        };
        (rank, std::cmp::Reverse(length))
    }

    /// Whether an address, in lower case, is one of these. An address without a local part (`@domain`) stands for any address of the
    /// domain.
    pub fn may_be(&self, address: &str) -> bool {
        let Some((local, domain)) = address.rsplit_once('@') else { return false };
        match self {
            Self::Local(_) => false,
            Self::Address(own) if local.is_empty() => own.ends_with(address),
            Self::Address(own) => own == address,
            Self::Pattern(pattern, own) => own == domain && (local.is_empty() || fits(pattern, local)),
            Self::Domain(own) => own == domain,
            Self::Below(parent) => {
                domain.strip_suffix(parent.as_str()).is_some_and(|rest| rest.ends_with('.'))
            }
            Self::All => true,
        }
    }
}

/// Whether a text matches a pattern with `*`.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_of_patterns() {
        let pattern = |local: &str| Sender::Pattern(local.to_owned(), "acme.example".to_owned());
        for (sender, address, fits) in [
            (pattern("scan*"), "scan7@acme.example", true),
            (pattern("scan*"), "scan@acme.example", true),
            (pattern("scan*"), "ascan@acme.example", false),
            (pattern("scan*"), "scan7@mail.acme.example", false),
            (pattern("*-scan"), "a-scan@acme.example", true),
            (pattern("a*b*c"), "a-b-b-c@acme.example", true),
            (pattern("a*b*c"), "ac@acme.example", false),
            (pattern("ab*ba"), "aba@acme.example", false),
            (pattern("scan*"), "@acme.example", true),
            (Sender::Below("lan".to_owned()), "a@printer.lan", true),
            (Sender::Below("lan".to_owned()), "a@x.printer.lan", true),
            (Sender::Below("lan".to_owned()), "a@lan", false),
            (Sender::Below("lan".to_owned()), "a@wlan", false),
            (Sender::Domain("lan".to_owned()), "a@lan", true),
            (Sender::Address("a@lan".to_owned()), "@lan", true),
            (Sender::Address("a@lan".to_owned()), "b@lan", false),
        ] {
            assert_eq!(sender.may_be(address), fits, "{sender:?} {address}");
        }
        let mut senders = vec![
            Sender::All,
            Sender::Below("lan".to_owned()),
            Sender::Below("a.lan".to_owned()),
            pattern("a*"),
        ];
        senders.sort_by_key(Sender::rank);
        assert_eq!(
            senders,
            [pattern("a*"), Sender::Below("a.lan".to_owned()), Sender::Below("lan".to_owned()), Sender::All]
        );
    }
}
