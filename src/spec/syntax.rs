//! Findings about text that is not TOML: one for each mistake, in terms that the author understands.

use crate::diag::{Diagnostic, SECRET, Severity, Span};

use super::{secrets, values};

/// The fault of a text that the parser rejects, with its places and messages.
pub(super) fn findings(text: &str, errors: &[(Option<Span>, &str)]) -> Vec<Diagnostic> {
    let mut findings = secrets::in_broken_text(text);
    if let Some(finding) = other_format(text) {
        findings.push(finding);
        return findings;
    }
    let is_covered = |span: &Span| {
        let secrets = findings.iter().filter(|finding| finding.code == SECRET);
        secrets.filter_map(|finding| finding.label.as_ref()).any(|(secret, _)| meets(secret, span))
    };
    let left: Vec<_> = errors.iter().filter(|(span, _)| !span.as_ref().is_some_and(is_covered)).collect();
    findings.extend(left.into_iter().map(|(span, message)| one(text, span.clone(), message)));
    findings
}

/// The message of the parser on one line.
pub(super) fn sentence(message: &str) -> String {
    format!("not TOML: {}", message.replace('\n', ", "))
}

fn meets(one: &Span, other: &Span) -> bool {
    one.start < other.end.max(other.start + 1) && other.start < one.end
}

fn one(text: &str, span: Option<Span>, message: &str) -> Diagnostic {
    let written = span.clone().and_then(|span| text.get(span)).unwrap_or_default().trim();
    let is_word = ["yes", "no", "on", "off"].iter().any(|word| word.eq_ignore_ascii_case(written));
    if !is_word && (!message.starts_with("string values must be quoted") || written.is_empty()) {
        return Diagnostic::new(Severity::Error, "syntax", span, sentence(message));
    }
    let word = values::shown(written);
    let finding = Diagnostic::new(Severity::Error, "syntax", span, format!("`{word}` must be in quotes"));
    finding.hint(match word.to_ascii_lowercase().as_str() {
        "yes" | "on" | "true" => "write true, or \"yes\" for text".to_owned(),
        "no" | "off" | "false" => "write false, or \"no\" for text".to_owned(),
        _ => format!("write \"{}\"", word.trim_matches(['"', '\''])),
    })
}

/// The format of a text that people may pass by mistake: JSON, YAML, a main.cf.
fn other_format(text: &str) -> Option<Diagnostic> {
    let mut start = 0;
    let mut first = None;
    let (mut yaml, mut main_cf, mut toml, mut sections) = (0, 0, 0, 0);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if !trimmed.is_empty() && !trimmed.starts_with('#') {
            first.get_or_insert((start..start + line.trim_end().len(), trimmed));
            let name = |text: &str| {
                let text = text.trim().trim_start_matches("- ");
                !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
            };
            let quoted = |text: &str| text.trim_start().starts_with(['"', '\'']);
            sections += usize::from(trimmed.starts_with('[') && trimmed.contains(']'));
            if trimmed.starts_with('[') || trimmed.split_once('=').is_some_and(|(_, value)| quoted(value)) {
                toml += 1;
            } else if trimmed.split_once('=').is_some_and(|(key, _)| name(key) && is_of_postfix(key.trim())) {
                main_cf += 1;
            } else if trimmed.split_once(':').is_some_and(|(key, rest)| {
                name(key) && (rest.is_empty() || rest.starts_with(' ')) && !trimmed.contains(" = ")
            }) {
                yaml += 1;
            }
        }
        start += line.len();
    }
    let (span, line) = first?;
    let (what, hint) = if line.starts_with('{') {
        ("JSON", SAMPLE)
    } else if toml == 0 && yaml > 0 || line == "---" {
        ("YAML", SAMPLE)
    } else if sections == 0 && main_cf > toml {
        (
            "a main.cf of Postfix",
            "use [relay] and the other sections; set other parameters in [main-cf]: soft_bounce = \"no\"",
        )
    } else {
        return None;
    };
    let message = format!("this is {what}, and a spec is TOML");
    Some(
        Diagnostic::error("syntax", span, message).hint(hint).hint("`postpack init` writes a starting point"),
    )
}

const SAMPLE: &str = "a section is [relay] on a separate line, and a key is from = \"noreply@acme.example\"";

/// Prefixes of main.cf parameters that every relay has.
fn is_of_postfix(name: &str) -> bool {
    ["smtp_", "smtpd_", "my", "inet_", "relayhost", "alias_", "append_", "mailbox_", "compatibility_"]
        .iter()
        .any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::other_format;

    #[test]
    fn formats() {
        for (text, what) in [
            ("{\"relay\": {\"provider\": \"ses\"}}", Some("JSON")),
            ("# a spec\nrelay:\n  provider: ses\n", Some("YAML")),
            ("---\nrelay: {}\n", Some("YAML")),
            (
                "smtpd_banner = $myhostname ESMTP\nmyorigin = /etc/mailname\nbiff = no\n",
                Some("a main.cf of Postfix"),
            ),
            ("[relay]\nprovider = ses\n", None),
            ("[relay]\nprovider: ses\n", None),
            ("provider = ses", None),
            ("", None),
        ] {
            let found = other_format(text).map(|finding| finding.message);
            assert_eq!(found, what.map(|what| format!("this is {what}, and a spec is TOML")), "{text}");
        }
    }
}
