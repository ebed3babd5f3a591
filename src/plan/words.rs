//! Names of values of a relay in Postfix syntax.

use crate::relay::{IpVersion, TlsLevel};

/// Protocols that nobody should speak any more (RFC 8996). As exclusions, which every version reads.
pub(super) const OLD_PROTOCOLS: &str = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1";

/// The value of inet_protocols.
pub(super) fn protocols(ip: IpVersion) -> &'static str {
    match ip {
        IpVersion::Any => "all",
        IpVersion::V4 => "ipv4",
        IpVersion::V6 => "ipv6",
    }
}

/// The host itself, as mynetworks takes it.
pub(super) const LOOPBACK: &str = "127.0.0.0/8 [::1]/128";

/// Protocols for outgoing connections.
pub(super) fn loopback(ip: IpVersion) -> &'static str {
    match ip {
        IpVersion::Any => LOOPBACK,
        IpVersion::V4 => "127.0.0.0/8",
        IpVersion::V6 => "[::1]/128",
    }
}

/// A server as a next hop: itself, and not those that DNS names for its domain.
pub(super) fn server(host: &str, port: u16) -> String {
    let family = if host.contains(':') { "ipv6:" } else { "" };
    format!("[{family}{host}]:{port}")
}

/// Postfix's name of a TLS security level.
pub(super) fn level_name(level: TlsLevel) -> &'static str {
    match level {
        TlsLevel::Secure => "secure",
        TlsLevel::Verify => "verify",
        TlsLevel::Dane => "dane",
        TlsLevel::DaneOnly => "dane-only",
        TlsLevel::Encrypt => "encrypt",
        TlsLevel::May => "may",
        TlsLevel::None => "none",
    }
}
