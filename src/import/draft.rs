//! The spec while it is written: keys in sections, each with the settings that it comes from.

use std::fmt::Write as _;

use crate::diag::Span;

/// Sections in the order of docs/spec.md.
const ORDER: &[&str] = &[
    "package",
    "relay",
    "smarthost",
    "transports",
    "tls",
    "tls.policies",
    "aliases",
    "rewrite",
    "rewrite.senders",
    "headers",
    "limits",
    "network",
    "server",
    "inbound",
    "inbound.domains",
    "inbound.aliases",
    "abuse",
    "content",
    "content.headers",
    "content.mime-headers",
    "content.nested-headers",
    "content.body",
    "content.milter-headers",
    "milter",
    "notices",
    "access",
    "access.clients",
    "access.senders",
    "access.recipients",
    "restrictions",
    "submission",
    "submission.senders",
    "mailboxes",
    "mailboxes.aliases",
    "database",
    "database.queries",
    "database.results",
    "postscreen",
    "postscreen.lists",
    "services",
    "main-cf",
];

/// Keys that come first in their section, in the order of docs/spec.md.
const KEYS: &[&str] = &[
    "name",
    "version",
    "maintainer",
    "targets",
    "profile",
    "provider",
    "region",
    "from",
    "root-mail-to",
    "local-domains",
    "mail-domains",
    "hostname",
    "origin",
    "helo-name",
    "own-files",
    "host",
    "port",
    "tls",
    "auth",
    "mechanisms",
    "ip",
    "listen",
    "trusted",
    "certificate",
    "key",
];

/// Open questions.
pub(super) const TODO: &str = "TODO";

/// A spec.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    entries: Vec<Entry>,
    /// Lines at the top.
    pub(super) head: Vec<String>,
    /// Lines at the end, for what no key says.
    pub(super) lost: Vec<String>,
}

/// `key = value` in a section.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The section, such as `relay` or `inbound.domains`; one of several smarthosts is `smarthost#1`.
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: toml::Value,
    /// Comment lines above.
    pub(super) comments: Vec<String>,
    /// Names of the settings that it comes from.
    pub(super) origins: Vec<String>,
    /// Placeholder for the answer while the rest is checked.
    stand_in: Option<toml::Value>,
}

impl Entry {
    /// Adds a comment line.
    pub(super) fn comment(&mut self, text: impl Into<String>) -> &mut Self {
        self.comments.push(text.into());
        self
    }

    /// Whether a person has to answer it.
    pub(super) fn is_open(&self) -> bool {
        self.stand_in.is_some()
    }
}

impl Draft {
    /// Sets a key. One that already exists is replaced.
    pub(super) fn set(
        &mut self,
        section: &str,
        key: &str,
        value: impl Into<toml::Value>,
        origins: &[&str],
    ) -> &mut Entry {
        self.entries.retain(|entry| !(entry.section == section && entry.key == key));
        self.entries.push(Entry {
            section: section.to_owned(),
            key: key.to_owned(),
            value: value.into(),
            comments: Vec::new(),
            origins: origins.iter().map(|name| (*name).to_owned()).collect(),
            stand_in: None,
        });
        let last = self.entries.len() - 1;
        &mut self.entries[last]
    }

    /// Adds a question for a key. `check` rejects the value until the user answers.
    pub(super) fn ask(&mut self, section: &str, key: &str, list: bool, stand_in: &str, question: &str) {
        let wrap = |text: &str| {
            let value = toml::Value::String(text.to_owned());
            if list { toml::Value::Array(vec![value]) } else { value }
        };
        let entry = self.set(section, key, wrap(TODO), &[]);
        entry.stand_in = Some(wrap(stand_in));
        entry.comments.push(format!("TODO: {question}"));
    }

    /// The entry of a key.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.section == section && entry.key == key)
    }

    /// The entry of a key, to change it.
    pub(super) fn get_mut(&mut self, section: &str, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.section == section && entry.key == key)
    }

    /// All entries.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether a section has a key.
    pub(super) fn has_section(&self, section: &str) -> bool {
        self.entries.iter().any(|entry| entry.section == section)
    }

    /// Takes a section out.
    pub(super) fn drop_section(&mut self, section: &str) {
        self.entries.retain(|entry| entry.section != section);
    }

    /// Takes one option of a service out.
    pub(super) fn without_option(&mut self, index: usize, name: &str) {
        if let Some(toml::Value::Table(options)) = self.entries.get_mut(index).map(|entry| &mut entry.value) {
            options.remove(name);
        }
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, index: usize) -> Entry {
        self.entries.remove(index)
    }

    pub(super) fn remove_section(&mut self, section: &str) {
        self.entries.retain(|entry| entry.section != section);
    }

    /// Placeholders of open answers.
    pub(super) fn stand_ins(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry.stand_in.as_ref()? {
            toml::Value::Array(items) => items.first().and_then(toml::Value::as_str),
            value => value.as_str(),
        })
    }

    /// The spec as text.
    pub(super) fn to_text(&self) -> String {
        self.write(false).0
    }

    /// The spec with stand-ins for the answers, and where the line of each entry is in it.
    pub(super) fn with_stand_ins(&self) -> (String, Vec<(Span, usize)>) {
        self.write(true)
    }

    fn write(&self, stand_ins: bool) -> (String, Vec<(Span, usize)>) {
        let mut text = String::new();
        let mut places = Vec::new();
        for line in &self.head {
            let _ = writeln!(text, "{}", comment(line));
        }
        let rank = |section: &str| {
            let base = section.split('#').next().unwrap_or(section);
            let base = if base.starts_with("services.") { "services" } else { base };
            ORDER.iter().position(|known| *known == base).unwrap_or(ORDER.len())
        };
        let mut sections: Vec<&str> = Vec::new();
        for entry in &self.entries {
            if !sections.contains(&entry.section.as_str()) {
                sections.push(&entry.section);
            }
        }
        sections.sort_by_key(|section| rank(section));
        for section in sections {
            if !text.is_empty() {
                text.push('\n');
            }
            match section.split_once('#') {
                Some((name, _)) => {
                    let _ = writeln!(text, "[[{name}]]");
                }
                None => {
                    let _ = writeln!(text, "[{section}]");
                }
            }
            let mut of_section: Vec<(usize, &Entry)> =
                self.entries.iter().enumerate().filter(|(_, entry)| entry.section == section).collect();
            of_section.sort_by_key(|(_, entry)| {
                KEYS.iter().position(|key| *key == entry.key).unwrap_or(KEYS.len())
            });
            for (index, entry) in of_section {
                if !stand_ins {
                    for line in &entry.comments {
                        let _ = writeln!(text, "{}", comment(line));
                    }
                }
                let start = text.len();
                let value = entry.stand_in.as_ref().filter(|_| stand_ins).unwrap_or(&entry.value);
                let _ = writeln!(text, "{} = {}", quoted_key(&entry.key), written(value));
                places.push((start..text.len(), index));
            }
        }
        if !self.lost.is_empty() && !stand_ins {
            text.push_str("\n# Settings without a key:\n");
            for line in &self.lost {
                let _ = writeln!(text, "{}", comment(line));
            }
        }
        (text, places)
    }
}

/// One comment line with any content.
fn comment(text: &str) -> String {
    let text: String = text.chars().map(|c| if crate::diag::is_odd(c) { ' ' } else { c }).collect();
    format!("# {text}").trim_end().to_owned()
}

/// A key of TOML, in quotes where it needs them.
pub(super) fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { key.to_owned() } else { written(&toml::Value::String(key.to_owned())) }
}

/// A value on one line; a list of more than six items, or a long one, on several.
pub(super) fn written(value: &toml::Value) -> String {
    if let toml::Value::Array(items) = value
        && (items.len() > 6 || items.iter().map(|item| item.to_string().len() + 2).sum::<usize>() > 90)
    {
        let lines = items.iter().map(|item| format!("  {},\n", written(item))).collect::<Vec<_>>().concat();
        return format!("[\n{lines}]");
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_in_the_order_of_the_reference() {
        let mut draft = Draft::default();
        draft.set("limits", "hops", 30, &[]);
        draft.set("relay", "from", "a@b.example", &["myorigin"]).comment("main.cf:1");
        draft.ask("relay", "root-mail-to", true, "x@y.example", "who receives mail to root?");
        draft.set("inbound.domains", "acme.example", "mail.acme.example", &[]);
        draft.lost.push("lost: x".to_owned());
        insta::assert_snapshot!(draft.to_text(), @r#"
        [relay]
        # main.cf:1
        from = "a@b.example"
        # TODO: who receives mail to root?
        root-mail-to = ["TODO"]

        [limits]
        hops = 30

        [inbound.domains]
        "acme.example" = "mail.acme.example"

        # Settings without a key:
        # lost: x
        "#);
        let (text, places) = draft.with_stand_ins();
        assert!(text.contains("x@y.example") && !text.contains('#'));
        assert_eq!(&text[places[0].0.clone()], "from = \"a@b.example\"\n");
    }
}
