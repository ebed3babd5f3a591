//! Faults of single settings, and values that messages must not show.

use super::files::is_template;
use super::reading::{Fault, Reading, Setting};
use super::tables;
use crate::diag::printable;
use crate::postfix::catalogue::{Catalogue, Kind};

impl Reading<'_> {
    /// Parts that Postfix does not know, or cannot read.
    pub(super) fn judge(&self, setting: &Setting, faults: &mut Vec<Fault>) {
        let value = self.expand(&setting.value);
        let mut fault = |code, message: String, hint: String, fatal| {
            faults.push(Fault { code, place: setting.place.clone(), message, hint, fatal });
        };
        let name = &setting.name;
        if has_password(&value) {
            fault(
                "secret",
                format!("`{name}` holds a password, which everybody on the host can read"),
                "put it into relay.env; change it if the file was ever shared".to_owned(),
                false,
            );
        }
        let Some(info) = Catalogue::get(name) else {
            if !self.refers_to(name) && !super::env::is_variable(name) {
                let near = Catalogue::nearest(name)
                    .map(|near| format!("did you mean `{near}`?"))
                    .unwrap_or_default();
                fault(
                    "unknown-parameter",
                    format!("Postfix has no parameter `{name}` and ignores it"),
                    near,
                    false,
                );
            }
            return;
        };
        if value.contains('$') || is_template(&value) {
            return;
        }
        let (wrong, right) = match &info.kind {
            Kind::Boolean => {
                (!["yes", "no"].contains(&value.to_ascii_lowercase().as_str()), "`yes` or `no`".to_owned())
            }
            Kind::Integer(..) => (value.parse::<i64>().is_err(), "a whole number".to_owned()),
            Kind::Time => {
                let number = value.trim_end_matches(['s', 'm', 'h', 'd', 'w']);
                (
                    number.parse::<u64>().is_err() || value.len() - number.len() > 1,
                    "a number with one unit: s, m, h, d or w".to_owned(),
                )
            }
            Kind::Word(words) if name.ends_with("_tls_security_level") => (
                !words.iter().any(|word| word.eq_ignore_ascii_case(&value)),
                format!(
                    "one of {}",
                    words
                        .iter()
                        .filter(|word| !word.is_empty())
                        .map(|word| format!("`{word}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
            _ => return,
        };
        if wrong && info.exists_in(self.version) {
            let shown = printable(&value);
            fault(
                "bad-value",
                format!("`{name}` cannot be `{shown}`, and Postfix stops here"),
                format!("write {right}"),
                true,
            );
        }
    }

    /// Whether another value refers to a name of the administrator's own, or a service of master.cf uses it.
    pub(super) fn refers_to(&self, name: &str) -> bool {
        let forms = [format!("${name}"), format!("${{{name}"), format!("$({name}")];
        let uses = |text: &str| {
            forms.iter().any(|form| {
                text.match_indices(form.as_str()).any(|(at, _)| {
                    !text[at + form.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                })
            })
        };
        self.settings.iter().any(|setting| uses(&setting.value))
            || self
                .services
                .iter()
                .flatten()
                .any(|placed| placed.service.arguments.iter().any(|argument| uses(&argument.to_string())))
    }
}

/// `static:user:password`, and credentials in a URL.
pub(super) fn has_password(value: &str) -> bool {
    tables::items(value).iter().any(|item| {
        let own = item.strip_prefix("static:").is_some_and(|rest| {
            rest.trim_start_matches('{').contains(':')
                && !rest.starts_with(['/', '['])
                && !rest.contains("::")
                && ![
                    "lmtp:", "smtp:", "relay:", "error:", "virtual:", "local:", "lmtps:", "smtps:",
                    "discard:", "retry:",
                ]
                .iter()
                .any(|way| rest.starts_with(way))
        });
        let url = item.split_once("://").is_some_and(|(_, rest)| {
            rest.split('/').next().is_some_and(|host| host.contains('@') && host.contains(':'))
        });
        own || url
    })
}

/// A value as messages may show it.
pub(super) fn masked(name: &str, value: &str) -> String {
    if has_password(value) || (name.contains("password") && value.starts_with("inline:")) {
        return "(masked)".to_owned();
    }
    printable(value)
}
