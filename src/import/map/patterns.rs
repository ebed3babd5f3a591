//! Regular expressions for a whole header, an address or all addresses of a domain, and those of Perl in POSIX syntax.

use super::is_domain;
use crate::import::tables::{Row, Shape};

/// A pattern that every sender fits.
pub(super) fn catches_all(pattern: &str) -> bool {
    matches!(
        pattern.trim_start_matches('^').trim_end_matches('$'),
        ".*" | ".+" | "(.*)" | "(.+)" | ".*@.*" | ".+@.+" | "(.*)@(.*)" | ".*@.+" | ".+@.*" | "."
    )
}

/// The key of an indexed table that a pattern of addresses stands for: `jane@acme.example`, `@acme.example` for a domain,
/// `jane@` for any domain.
pub(super) fn address(pattern: &str) -> Option<String> {
    let anchored = pattern.starts_with('^');
    let body = pattern.trim_start_matches('^').trim_end_matches('$');
    let body = body.replace("\\.", ".").replace("\\-", "-").replace("\\@", "@");
    let body = ["(.*)", "(.+)", "([^@]+)", "([^@]*)", "[^@]+", "[^@]*", ".*", ".+"]
        .iter()
        .find_map(|any| body.strip_prefix(any))
        .map_or_else(|| body.clone(), |rest| format!("@{}", rest.trim_start_matches('@')));
    let (local, domain) = body.split_once('@')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-=".contains(c);
    if !local.chars().all(plain) || (!local.is_empty() && !anchored) {
        return None;
    }
    match domain {
        "" | ".*" | ".+" if !local.is_empty() => Some(format!("{}@", local.to_lowercase())),
        domain if is_domain(domain) => Some(format!("{local}@{domain}").to_lowercase()),
        _ => None,
    }
}

/// A pattern that stands for a header as a whole: `^Received:`, `^X-Mailer:.*`.
pub(super) fn header(pattern: &str) -> Option<String> {
    let name = pattern.strip_prefix('^')?.trim_end_matches('$').trim_end_matches(".*").strip_suffix(':')?;
    let plain = name.replace("\\-", "-");
    (!plain.is_empty() && plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        .then(|| plain.to_lowercase())
}

/// A pattern as POSIX has it; `None` where only Perl's expressions can say it, or a flag changes what it means.
pub(super) fn posix(row: &Row, shape: Shape) -> Option<String> {
    if row.flags.contains(['!', '?', 'm', 'U', 'A', 'E', 'X']) {
        return None;
    }
    if shape == Shape::Regexp {
        return Some(row.key.clone());
    }
    let mut out = String::new();
    let mut chars = row.key.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let next = chars.next()?;
                let class = match next {
                    's' => "[:space:]",
                    'd' => "[:digit:]",
                    'w' => "[:alnum:]_",
                    'S' if !in_class => "^[:space:]",
                    'W' if !in_class => "^[:alnum:]_",
                    'D' if !in_class => "^[:digit:]",
                    'b' | 'B' | 'A' | 'Z' | 'z' | 'Q' | 'E' | 'x' | 'p' | 'P' | 'h' | 'R' | 'K' => {
                        return None;
                    }
                    'n' | 'r' | 't' => return None,
                    other => {
                        out.push('\\');
                        out.push(other);
                        continue;
                    }
                };
                if in_class {
                    out.push_str(class);
                } else {
                    out.push('[');
                    out.push_str(class);
                    out.push(']');
                }
            }
            '[' => {
                in_class = true;
                out.push(c);
            }
            ']' => {
                in_class = false;
                out.push(c);
            }
            '(' if chars.peek() == Some(&'?') => return None,
            '*' | '+' | '?' | '}'
                if chars.peek() == Some(&'?') || (c != '?' && chars.peek() == Some(&'+')) =>
            {
                return None;
            }
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, flags: &str) -> Row {
        let place = crate::import::Place { file: "t".to_owned(), line: 1, column: 1 };
        Row { key: key.to_owned(), value: String::new(), flags: flags.to_owned(), place }
    }

    #[test]
    fn patterns_of_perl() {
        for (perl, posix_text) in [
            ("^Subject:\\s+x", Some("^Subject:[[:space:]]+x")),
            ("[\\s\\d]", Some("[[:space:][:digit:]]")),
            ("\\.exe\\W", Some("\\.exe[^[:alnum:]_]")),
            ("\\bmiracle\\b", None),
            ("(?:a)", None),
            ("a*?", None),
        ] {
            assert_eq!(posix(&row(perl, "i"), Shape::Pcre).as_deref(), posix_text, "{perl}");
        }
        assert_eq!(posix(&row("x", "!"), Shape::Regexp), None);
    }

    #[test]
    fn headers_as_a_whole() {
        assert_eq!(header("^X-Originating-IP:").as_deref(), Some("x-originating-ip"));
        assert_eq!(header("^Received:.*").as_deref(), Some("received"));
        assert_eq!(header("^From:.*@node"), None);
    }

    #[test]
    fn patterns_for_everything() {
        for pattern in [".*", "^.*$", ".+", "^(.*)@(.*)$", "."] {
            assert!(catches_all(pattern), "{pattern}");
        }
        for pattern in ["^root@", ".*@acme.example$", ""] {
            assert!(!catches_all(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_of_addresses() {
        for (pattern, key) in [
            ("^root@", Some("root@")),
            ("^www-data@.*$", Some("www-data@")),
            ("^(.*)@scan\\.acme\\.example$", Some("@scan.acme.example")),
            (".*@acme.example", Some("@acme.example")),
            ("@acme\\.example$", Some("@acme.example")),
            ("^Jane@acme\\.example$", Some("jane@acme.example")),
            ("root@", None),
            ("^(a|b)@acme.example$", None),
            ("^.*-list@acme.example$", None),
            (".*", None),
        ] {
            assert_eq!(address(pattern).as_deref(), key, "{pattern}");
        }
    }
}
