//! Values of examples that are still in a spec.

use toml::de::DeTable;

use super::open::texts;
use crate::diag::{Diagnostic, Span};

/// Domains that RFC 2606 reserves for documentation, besides the top-level domain `example`.
const RESERVED: [&str; 3] = ["example.com", "example.net", "example.org"];

/// A warning about values that are still those of an example: their domain is reserved for documentation and receives no mail.
pub(super) fn find(table: &DeTable<'_>) -> Option<Diagnostic> {
    let mut first: Option<(String, Span)> = None;
    let mut keys: Vec<String> = Vec::new();
    texts(table, &mut |path, text, span| {
        let Some(domain) = reserved(text) else { return };
        if first.as_ref().is_none_or(|(_, known)| span.start < known.start) {
            first = Some((domain, span));
        }
        if !keys.iter().any(|known| known == path) {
            keys.push(path.to_owned());
        }
    });
    let (domain, span) = first?;
    keys.sort();
    let message = format!("`{domain}` is a domain for examples: it receives no mail");
    Some(Diagnostic::warning("example-value", span, message).hint(format!("replace it in {}", list(&keys))))
}

/// The first domain in a text that is reserved for documentation.
fn reserved(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    text.split(|c| !is_part(c)).map(|word| word.trim_matches('.').to_ascii_lowercase()).find(|word| {
        let is_in = |domain: &str| {
            word.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        word.ends_with(".example") || RESERVED.iter().any(|domain| is_in(domain))
    })
}

fn list(keys: &[String]) -> String {
    match keys {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [all @ .., last] => format!("`{}` and `{last}`", all.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_domains_for_documentation_are_found() {
        for (text, domain) in [
            ("ops@acme.example", "acme.example"),
            ("Platform Team <platform@ACME.Example>", "acme.example"),
            ("@acme.example", "acme.example"),
            ("https://mail.example.org:8080/x", "mail.example.org"),
            ("example.com", "example.com"),
            ("see acme.example.", "acme.example"),
        ] {
            assert_eq!(reserved(text).as_deref(), Some(domain), "{text}");
        }
        for text in [
            "ops@acme.test",
            "example",
            "an example of mine",
            "notexample.com",
            "ops@example.de",
            "acme.examples",
        ] {
            assert_eq!(reserved(text), None, "{text}");
        }
    }

    #[test]
    fn one_warning_names_all_keys() {
        let text = "[relay]\nfrom = 'a@acme.example'\nprovider = 'ses'\n[package]\nname = 'x'\nmaintainer = 'M <m@acme.example>'\n";
        let find = |text: &str| find(&crate::spec::parse(text).unwrap());
        let finding = find(text).unwrap();
        assert_eq!(finding.label.unwrap().0.start, text.find("'a@").unwrap());
        assert_eq!(finding.hints, ["replace it in `package.maintainer` and `relay.from`"]);
        assert_eq!(find("[relay]\nfrom = 'a@acme.test'\n"), None);
    }
}
