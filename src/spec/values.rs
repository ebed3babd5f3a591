//! Values of a spec, with one function for each type: addresses, names, paths, sizes, times.
//!
//! A valid value can be written into main.cf, a lookup table, a control file, a unit or a script without breaking out of its
//! line: no control characters, no blanks at the ends, and no `$` where Postfix would expand it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::diag::is_odd;
use crate::keys::spot::LEAST_BYTES;
use crate::relay::Sender;

/// The fault of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The fault, for the caret.
    pub(super) why: String,
    /// The fix.
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

type Checked<T> = Result<T, Fault>;

/// A text for a message: short, and without characters that would act on a terminal.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out: String = text
        .chars()
        .take(LONGEST)
        .flat_map(|c| if is_odd(c) { c.escape_default().collect() } else { vec![c] })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push_str("...");
    }
    out
}

/// A readable name of a character.
pub(super) fn character(c: char) -> String {
    match c {
        '\n' => "a line feed".to_owned(),
        '\r' => "a carriage return".to_owned(),
        '\t' => "a tab".to_owned(),
        '\0' => "a NUL".to_owned(),
        ' ' => "a blank".to_owned(),
        c if is_odd(c) => format!("the character U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

/// One line of text.
pub(super) fn line(text: &str) -> Checked<&str> {
    if text.is_empty() {
        return Err(Fault::new("it is empty"));
    }
    if let Some(odd) = text.chars().find(|c| is_odd(*c)) {
        return Err(Fault::new(format!("it holds {}", character(odd))));
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(Fault::new("it has a blank at its start or end"));
    }
    Ok(text)
}

/// One line of text without `$`.
fn plain(text: &str) -> Checked<&str> {
    line(text)?;
    only(text, |c| c != '$')
}

/// A text of allowed characters only.
fn only(text: &str, allowed: impl Fn(char) -> bool) -> Checked<&str> {
    match text.chars().find(|c| !allowed(*c)) {
        Some(odd) => Err(Fault::new(format!("{} is not allowed here", character(odd)))),
        None => Ok(text),
    }
}

/// Paragraphs: lines, blanks at the ends removed.
pub(super) fn paragraphs(text: &str) -> Checked<String> {
    let blank = [' ', '\t', '\r', '\n'];
    let lines: Vec<&str> =
        text.trim_matches(blank).lines().map(|line| line.trim_end_matches(blank)).collect();
    if lines.iter().all(|line| line.is_empty()) {
        return Err(Fault::new("it is empty"));
    }
    match lines.iter().flat_map(|line| line.chars()).find(|c| is_odd(*c)) {
        Some(odd) => Err(Fault::new(format!("it holds {}", character(odd)))),
        None => Ok(lines.join("\n")),
    }
}

/// A domain name of at least two labels.
pub(super) fn domain(text: &str) -> Checked<String> {
    let name = any_domain(text)?;
    if !name.contains('.') {
        return Err(Fault::new("it has no dot: a fully qualified name is required"));
    }
    Ok(name)
}

fn any_domain(text: &str) -> Checked<String> {
    plain(text)?;
    if !text.is_ascii() {
        return Err(Fault::new("it is not ASCII").hint("write it in the form of DNS (`xn--...`)"));
    }
    if text.len() > 253 {
        return Err(Fault::new("it has more than 253 characters"));
    }
    only(text, |c| c.is_ascii_alphanumeric() || c == '.' || c == '-')?;
    for label in text.split('.') {
        if label.is_empty() {
            return Err(Fault::new("it has an extra dot"));
        }
        if label.len() > 63 {
            return Err(Fault::new("a label has more than 63 characters"));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(Fault::new(format!("`{label}` begins or ends with a hyphen")));
        }
    }
    let last = text.rsplit('.').next().unwrap_or(text);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::new("it ends with a number, which names must not"));
    }
    Ok(text.to_ascii_lowercase())
}

/// The fully qualified name of a host.
pub(super) fn fqdn(text: &str) -> Checked<String> {
    let name = domain(text)?;
    if name == "localhost" || name.starts_with("localhost.") || name.ends_with(".localdomain") {
        return Err(Fault::new(
            "every host has this name: smarthosts reject it or treat mail from it as spam",
        ));
    }
    Ok(name)
}

/// A host name, or an address without brackets.
pub(super) fn host(text: &str) -> Checked<String> {
    plain(text)?;
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Err(Fault::new("it must not have brackets")
            .hint(format!("write `{inner}`: postpack adds the brackets")));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return Err(Fault::new("it is a URL").hint(match scheme {
            "smtps" => format!("write host = \"{rest}\" and tls = \"implicit\""),
            _ => format!("write host = \"{rest}\""),
        }));
    }
    if text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok() {
        return Ok(text.to_ascii_lowercase());
    }
    if let Some((name, port)) = text.rsplit_once(':') {
        return Err(
            Fault::new("it contains a colon").hint(format!("write host = \"{name}\" and port = {port}"))
        );
    }
    any_domain(text)
}

/// Whether a checked host is an address.
pub(super) fn is_address_literal(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// The name in EHLO: a host name, or an address in brackets.
pub(super) fn helo_name(text: &str) -> Checked<String> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner)
            if inner.parse::<Ipv4Addr>().is_ok()
                || inner.strip_prefix("IPv6:").is_some_and(|rest| rest.parse::<Ipv6Addr>().is_ok()) =>
        {
            Ok(text.to_owned())
        }
        _ if text.parse::<Ipv4Addr>().is_ok() => {
            Err(Fault::new("an address needs brackets here").hint(format!("write `[{text}]`")))
        }
        _ => fqdn(text),
    }
}

/// A mail address.
pub(super) fn address(text: &str) -> Checked<String> {
    plain(text)?;
    if text.contains('<') {
        return Err(Fault::new("it has a name").hint("write only the address: `ops@acme.example`"));
    }
    if text.contains(',') {
        return Err(Fault::new("it contains a comma").hint(
            "where several are allowed, write them as a list: [\"a@acme.example\", \"b@acme.example\"]",
        ));
    }
    let Some((local, host)) = text.rsplit_once('@') else {
        return Err(Fault::new("it has no `@`"));
    };
    local_part(local)?;
    let host =
        domain(host).map_err(|fault| Fault { why: format!("after the `@`: {}", fault.why), ..fault })?;
    if text.len() > 254 {
        return Err(Fault::new("it has more than 254 characters"));
    }
    Ok(format!("{local}@{host}"))
}

fn local_part(text: &str) -> Checked<&str> {
    if text.is_empty() {
        return Err(Fault::new("the part before the `@` is empty"));
    }
    if !text.is_ascii() {
        return Err(Fault::new("it is not ASCII: most smarthosts do not accept such addresses"));
    }
    // The characters that RFC 5321 allows, without those with a meaning in Postfix, its tables or a shell.
    only(text, |c| c.is_ascii_alphanumeric() || "._+=&'~-".contains(c))?;
    if text.starts_with('.') || text.ends_with('.') || text.contains("..") {
        return Err(Fault::new("it has an extra dot"));
    }
    if text.starts_with('-') {
        return Err(Fault::new("it begins with a hyphen: Postfix does not accept such addresses"));
    }
    if text.len() > 64 {
        return Err(Fault::new("the part before the `@` has more than 64 characters"));
    }
    Ok(text)
}

/// A local user name.
pub(super) fn local_name(text: &str) -> Checked<String> {
    plain(text)?;
    if let Some((name, _)) = text.split_once('@') {
        return Err(Fault::new("it is an address").hint(format!("write only the local name: `{name}`")));
    }
    only(text, |c| c.is_ascii_alphanumeric() || "._+-".contains(c))?;
    local_part(text)?;
    Ok(text.to_ascii_lowercase())
}

/// A foreign sender or recipient: an address, or a domain for all of its addresses.
pub(super) fn sender(text: &str) -> Checked<String> {
    if let Some(name) = text.strip_prefix('@') {
        return Err(Fault::new("it begins with `@`").hint(format!("write `{}` for the domain", shown(name))));
    }
    if text.contains('@') { address(text) } else { domain(text) }
}

/// Recipients: a domain, `.domain` for its subdomains, or an address.
pub(super) fn recipients(text: &str) -> Checked<String> {
    match text.strip_prefix('.') {
        Some(parent) => domain(parent).map(|domain| format!(".{domain}")),
        None => sender(text).map(|name| name.to_ascii_lowercase()),
    }
}

/// A sender to rewrite: a local name, an address, `scan*@domain`, `@domain` for all of a domain, `@.domain` for all below it, or `*`
/// for all others.
pub(super) fn rewritten(text: &str) -> Checked<Sender> {
    let lower = |text: String| text.to_ascii_lowercase();
    // A single label is a domain of a network (`@.lan`).
    let below = |text: &str| domain(&format!("x.{text}")).map(|_| Sender::Below(lower(text.to_owned())));
    if text == "*" {
        return Ok(Sender::All);
    }
    if let Some(parent) = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')) {
        return below(parent);
    }
    match text.rsplit_once('@') {
        Some(("" | "*", name)) => match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            Some(parent) => below(parent),
            None => domain(name).map(lower).map(Sender::Domain),
        },
        Some((local, name)) if local.contains('*') => {
            if name.contains('*') {
                let hint = format!(
                    "write `@{}` for all addresses of these domains",
                    shown(name).trim_start_matches('*')
                );
                return Err(Fault::new("a `*` in the domain needs one in place of the local part").hint(hint));
            }
            address(&format!("{}@{name}", local.replace('*', "x")))?;
            Ok(Sender::Pattern(lower(local.to_owned()), lower(name.to_owned())))
        }
        Some(_) => address(text).map(lower).map(Sender::Address),
        None => local_name(text).map(Sender::Local),
    }
}

/// An action with text for the client: ASCII, which every client can read.
pub(super) fn access_text(text: &str) -> Checked<&str> {
    plain(text)?;
    if text.is_ascii() { Ok(text) } else { Err(Fault::new("it is not ASCII: not every client can read it")) }
}

/// `Name <mail@domain>`.
pub(super) fn person(text: &str) -> Checked<String> {
    line(text)?;
    let hint = "write it as `Platform Team <platform@acme.example>`";
    let Some((name, rest)) = text.split_once('<') else {
        return Err(Fault::new("it has no mail address in angle brackets").hint(hint));
    };
    let Some(mail) = rest.strip_suffix('>') else {
        return Err(Fault::new("it does not end with `>`").hint(hint));
    };
    let name = name.trim_end();
    if name.is_empty() {
        return Err(Fault::new("it has no name before the address").hint(hint));
    }
    only(name, |c| !"<>\"\\,;@".contains(c))?;
    let mail =
        address(mail).map_err(|fault| Fault { why: format!("the address: {}", fault.why), ..fault })?;
    Ok(format!("{name} <{mail}>"))
}

/// A web address.
pub(super) fn url(text: &str) -> Checked<String> {
    line(text)?;
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return Err(Fault::new("it does not begin with `https://`"));
    };
    only(rest, |c| c.is_ascii_graphic() && !"<>\"'`\\{}|^".contains(c))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = authority.split_once(':').unwrap_or((authority, "443"));
    if authority.contains('@') || port.parse::<u16>().is_err() {
        return Err(Fault::new("before the path, a web address has only a host and a port"));
    }
    any_domain(name).map_err(|fault| Fault { why: format!("its host: {}", fault.why), ..fault })?;
    Ok(text.to_owned())
}

/// A web address with encryption.
pub(super) fn https(text: &str) -> Checked<String> {
    if text.starts_with("http://") {
        return Err(Fault::new("it does not begin with `https://`, and secrets are sent there"));
    }
    url(text)
}

/// An absolute path on the host.
pub(super) fn path(text: &str) -> Checked<String> {
    plain(text)?;
    if !text.starts_with('/') {
        return Err(Fault::new("it is not absolute: it must begin with `/`"));
    }
    only(text, |c| c.is_ascii_alphanumeric() || "/._+@:-".contains(c))?;
    if text.ends_with('/') || text.split('/').any(|part| part == ".." || part == ".") || text.contains("//") {
        return Err(Fault::new("it is not a plain path of a file"));
    }
    Ok(text.to_owned())
}

/// A size in bytes: `10MB` (millions), `10MiB` (2^20), `51200`.
pub(super) fn size(text: &str) -> Checked<u64> {
    let hint = "write it as `10MB`, `25MiB`, `100kB` or a number of bytes";
    let (number, unit) =
        quantity(text).ok_or_else(|| Fault::new("it is not a number with a unit").hint(hint))?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" if (1..LEAST_BYTES).contains(&number) => {
            let hint = format!("write it with its unit: `{number}MB`, `{number}MiB` or `{number}kB`");
            return Err(Fault::new(format!(
                "{number} bytes are too small for a message: the unit is missing"
            ))
            .hint(hint));
        }
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return Err(Fault::new(format!("`{unit}` is not a unit of size")).hint(hint)),
    };
    // Postfix stores sizes in a signed long, whose limit is 2 GiB on 32-bit systems.
    number
        .checked_mul(factor)
        .filter(|bytes| (1..=i32::MAX as u64).contains(bytes))
        .ok_or_else(|| Fault::new("a size is at least 1 byte and less than 2 GiB"))
}

/// A human-readable size.
pub(super) fn human_size(bytes: u64) -> String {
    match bytes {
        _ if bytes > 0 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes > 0 && bytes.is_multiple_of(1_000_000) => format!("{} MB", bytes / 1_000_000),
        _ => format!("{bytes} bytes"),
    }
}

/// A time in seconds: `30s`, `15m`, `4h`, `5d`, `2w`.
pub(super) fn duration(text: &str) -> Checked<u64> {
    let hint = "write it as `30s`, `15m`, `4h`, `5d` or `2w`";
    let (number, unit) =
        quantity(text).ok_or_else(|| Fault::new("it is not a number with a unit").hint(hint))?;
    let factor: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        "" if number == 0 => 1,
        "" => {
            let hint = format!(
                "write it with its unit: `{number}s`, `{number}m`, `{number}h`, `{number}d` or `{number}w`"
            );
            return Err(Fault::new("the unit is missing").hint(hint));
        }
        _ => return Err(Fault::new(format!("`{}` is not a unit of time", shown(unit))).hint(hint)),
    };
    // 100 days is the maximum of the queue lifetimes in Postfix, and more than enough for the other times.
    number
        .checked_mul(factor)
        .filter(|seconds| *seconds <= 8_640_000)
        .ok_or_else(|| Fault::new("it is more than 100 days"))
}

/// A number and the rest of the text.
fn quantity(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim_start_matches(' ')))
}

/// A day, as seconds since 1970 UTC.
pub(super) fn date(text: &str) -> Checked<u64> {
    let hint = "write it as `2026-11-21`";
    let digits = text.len() == 10 && text.is_ascii();
    let day: jiff::civil::Date = text
        .parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| Fault::new("it is not a day of the calendar").hint(hint))?;
    // Package formats store times in 32 bits.
    if !(1980..2106).contains(&day.year()) {
        return Err(Fault::new("the year is not from 1980 to 2105"));
    }
    let midnight = day
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_err(|error| Fault::new(error.to_string()))?
        .timestamp()
        .as_second();
    u64::try_from(midnight).map_err(|_| Fault::new("it is before 1970"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses<T: std::fmt::Debug>(check: impl Fn(&str) -> Checked<T>, texts: &[&str]) {
        for text in texts {
            assert!(check(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_leaves_its_line() {
        let breaking = ["a\nb", "a\rb", "a\0b", " a", "a ", "", "a\u{2028}b", "a\u{202e}b", "\u{feff}a"];
        refuses(|text| line(text).map(str::to_owned), &breaking);
        let tails = [
            "\n", "\r", "\0", "$", "$(id)", "${x}", "`id`", "\"", "\\", " ", "\t", "#", "|", ";", "%s", "{",
            "}",
        ];
        for tail in tails {
            for at in ["", "x"] {
                let add = |text: &str| format!("{text}{tail}{at}");
                assert!(address(&add("ops@acme.example")).is_err(), "{tail:?}");
                assert!(address(&format!("ops{tail}{at}@acme.example")).is_err(), "{tail:?}");
                assert!(host(&add("acme.example")).is_err(), "{tail:?}");
                assert!(fqdn(&add("acme.example")).is_err(), "{tail:?}");
                assert!(local_name(&add("web")).is_err(), "{tail:?}");
                assert!(path(&add("/etc/x")).is_err(), "{tail:?}");
            }
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address("Ops+x@ACME.example").unwrap(), "Ops+x@acme.example");
        let wrong =
            ["ops", "@acme.example", "ops@", "a@b", "a..b@acme.example", "-a@acme.example", "ö@acme.example"];
        refuses(address, &wrong);
        refuses(address, &["a b@acme.example", "|sh@acme.example", "/x@acme.example", "a@acme.example."]);
    }

    #[test]
    fn hosts() {
        for good in ["smtp.acme.example", "relay", "192.0.2.1", "2001:db8::1", "xn--bcher-kva.example"] {
            assert_eq!(host(good).unwrap(), good);
        }
        let wrong = [
            "smtp.acme.example:587",
            "[smtp.acme.example]",
            "smtp://x",
            "1.2.3",
            "a_b.example",
            "bücher.example",
        ];
        refuses(host, &wrong);
        refuses(fqdn, &["web1", "localhost", "localhost.localdomain", "a.localdomain", "-a.example", "a..b"]);
        assert!(helo_name("[192.0.2.1]").is_ok() && helo_name("[IPv6:2001:db8::1]").is_ok());
        refuses(helo_name, &["[x]", "192.0.2.1", "web1"]);
    }

    #[test]
    fn sizes_and_times() {
        assert_eq!(size("10MB").unwrap(), 10_000_000);
        assert_eq!(size("25 MiB").unwrap(), 25 << 20);
        assert_eq!(size("51200").unwrap(), 51_200);
        assert_eq!((size("10000").unwrap(), size("9999B").unwrap()), (10_000, 9999));
        refuses(
            size,
            &["", "25", "9999", "MB", "10 apples", "0", "3GiB", "99999999999999999999", "-1", "1.5MB"],
        );
        assert_eq!(duration("5d").unwrap(), 432_000);
        assert_eq!(duration("0").unwrap(), 0);
        refuses(duration, &["5", "5 days", "101d", "", "d", "99999999999999999999d", "1h30m"]);
    }

    #[test]
    fn people_links_and_days() {
        assert_eq!(person("Jörg <j@acme.example>").unwrap(), "Jörg <j@acme.example>");
        refuses(
            person,
            &["j@acme.example", "<j@acme.example>", "J <j>", "J <j@acme.example> x", "a, b <j@acme.example>"],
        );
        assert!(url("https://acme.example/relay?x=1").is_ok());
        refuses(
            url,
            &["acme.example", "ftp://acme.example", "https://a b", "https://u:p@acme.example/", "https://"],
        );
        assert_eq!(date("1980-01-01").unwrap(), 315_532_800);
        refuses(
            date,
            &["2026-02-30", "26-01-01", "2026-1-1", "today", "2200-01-01", "20260101", "2026-W01-1"],
        );
        refuses(path, &["x", "/a b", "/a/../b", "/", "/a/", "//a", "C:\\x"]);
    }
}
