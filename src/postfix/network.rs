//! Networks as Postfix writes them, in `mynetworks` and in cidr tables, and names of hosts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address block without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No address before the `/`.
    #[error("`{0}` is no IP address")]
    Address(String),
    /// IPv6 without brackets: Postfix reads the first colon as the end of a table type.
    #[error("an IPv6 address needs brackets: `{0}`")]
    Unbracketed(String),
    /// No length, or too long.
    #[error("`/{0}` is not a valid prefix length in `{1}`")]
    Prefix(String, IpAddr),
    /// Bits after the prefix are set.
    #[error("bits after the prefix are set: the network is `{0}`")]
    HostBits(Network),
}

impl Network {
    /// The block of `prefix` bits in which `address` lies.
    pub fn containing(address: IpAddr, prefix: u8) -> Self {
        let address = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(v4) & mask))
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(v6) & mask))
            }
        };
        Self { address, prefix: prefix.min(bits(address)) }
    }

    /// The first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits are fixed.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether everything in `other` is in here.
    pub fn contains(&self, other: &Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.prefix <= other.prefix
            && Self::containing(other.address, self.prefix) == *self
    }

    /// As a pattern of a cidr table, where brackets are not needed.
    pub fn cidr(&self) -> String {
        format!("{}/{}", self.address, self.prefix)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// As `mynetworks` takes it: IPv6 in brackets.
impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (host, prefix) = match text.rsplit_once('/') {
            Some((host, prefix)) => (host, Some(prefix)),
            None => (text, None),
        };
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address: IpAddr =
            bracketed.unwrap_or(host).parse().map_err(|_| NetworkError::Address(host.to_owned()))?;
        let prefix = match prefix {
            None => bits(address),
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= bits(address) && digits.bytes().all(|b| b.is_ascii_digit()))
                .ok_or_else(|| NetworkError::Prefix(digits.to_owned(), address))?,
        };
        let network = Self::containing(address, prefix);
        if network.address != address {
            return Err(NetworkError::HostBits(network));
        }
        if address.is_ipv6() && bracketed.is_none() {
            return Err(NetworkError::Unbracketed(network.to_string()));
        }
        if address.is_ipv4() && bracketed.is_some() {
            return Err(NetworkError::Address(host.to_owned()));
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}/{}", self.prefix),
            IpAddr::V6(address) => write!(f, "[{address}]/{}", self.prefix),
        }
    }
}

/// Whether a text can be the name of a host or a domain.
pub(super) fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Network, NetworkError> {
        text.parse()
    }

    #[test]
    fn what_mynetworks_takes() {
        for text in ["127.0.0.0/8", "[::1]/128", "0.0.0.0/0", "[::]/0", "[2001:db8::]/32"] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        assert_eq!(read("192.168.1.7").unwrap().to_string(), "192.168.1.7/32");
        assert_eq!(read("[::1]").unwrap().to_string(), "[::1]/128");
    }

    #[test]
    fn what_mynetworks_does_not_take() {
        for (text, message) in [
            ("192.168.1.1/24", "bits after the prefix are set: the network is `192.168.1.0/24`"),
            ("::1/128", "an IPv6 address needs brackets: `[::1]/128`"),
            ("[10.0.0.0]/8", "`[10.0.0.0]` is no IP address"),
            ("10.0.0.0/33", "`/33` is not a valid prefix length in `10.0.0.0`"),
            ("10.0.0.0/+8", "`/+8` is not a valid prefix length in `10.0.0.0`"),
            ("10.0.0/8", "`10.0.0` is no IP address"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn containment() {
        let all = read("0.0.0.0/0").unwrap();
        assert!(all.contains(&read("10.0.0.0/8").unwrap()));
        assert!(!all.contains(&read("[::1]").unwrap()));
        assert!(!read("10.0.0.0/8").unwrap().contains(&all));
    }

    proptest! {
        #[test]
        fn written_as_read(address in any::<IpAddr>(), prefix in 0u8..=128) {
            let network = Network::containing(address, prefix);
            prop_assert_eq!(read(&network.to_string()), Ok(network));
        }
    }
}
