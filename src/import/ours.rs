//! A configuration that postpack itself wrote. Parameters that every relay has do not come from a key: comparison with the relay
//! of a starter spec finds them, and the tables for local names have known forms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::map::{Given, Mapped};
use super::reading::{Reading, Setting};
use super::report::Code;
use super::source::Source;
use super::tables::{self, Row, Table};
use crate::diag::Source as Text;
use crate::plan::{self, Planned};
use crate::platform::Distribution;
use crate::relay::{Profile, Provider, Providers};
use crate::spec;
use crate::template::Templates;

/// Parameters of apply(8) that every such configuration has.
const MARKS: [&str; 3] = ["relay_ca_file", "relay_host_domain", "relay_system_name"];
/// The edits of master.cf in a package.
const EDITS: &str = "/usr/share/mail-relay/master.edits";
/// Services of every relay.
pub(super) const SERVICES: [&str; 3] = ["bounce-cleanup", "submission-cleanup", "tlsproxy"];
/// Parameters with tables for local names.
const REWRITES: [&str; 6] = [
    "virtual_alias_maps",
    "canonical_maps",
    "sender_canonical_maps",
    "recipient_canonical_maps",
    "smtp_generic_maps",
    "lmtp_generic_maps",
];

/// The master.cf that apply(8) makes of the package's edits on a host without other changes; `None` without edits.
pub(super) fn master_cf(source: &Source) -> Option<String> {
    let found = source.get(EDITS)?;
    let edits = String::from_utf8_lossy(&found.bytes).into_owned();
    let lines: Vec<&str> = edits.lines().collect();
    let mut text = String::new();
    if !lines.iter().any(|line| line.starts_with("M smtp/inet=") || *line == "X smtp/inet") {
        text.push_str("smtp inet n - y - - smtpd\n");
    }
    for line in lines {
        if let Some((_, service)) = line.strip_prefix("M ").and_then(|edit| edit.split_once('=')) {
            text.push_str(service);
            text.push('\n');
        }
    }
    Some(text)
}

/// Whether postpack wrote this main.cf.
pub(super) fn is_ours(settings: &[Setting]) -> bool {
    MARKS.iter().all(|mark| settings.iter().any(|setting| setting.name == *mark))
}

/// Removes the tables for local names, which the relay makes of `from` and `root-mail-to`.
pub(super) fn undo(settings: &mut [Setting]) {
    for setting in settings.iter_mut().filter(|setting| REWRITES.contains(&setting.name.as_str())) {
        let kept: Vec<String> =
            tables::items(&setting.value).into_iter().filter(|item| !is_construct(item)).collect();
        setting.value = kept.join(", ");
    }
}

/// `inline:{ {@$myorigin = $relay_from} }`, or a fixed point such as `{@acme.example = @acme.example}`.
fn is_construct(item: &str) -> bool {
    item.starts_with("${relay_")
        || item.strip_prefix("inline:").is_some_and(|table| {
            let row = table.trim_matches(['{', '}', ' ']);
            row.contains('$') || row.split_once('=').is_some_and(|(key, value)| key.trim() == value.trim())
        })
}

/// Baselines by profile, provider, and whether there is a smarthost.
type Known = BTreeMap<(&'static str, String, bool), Arc<Baseline>>;

/// Parameters and rows of tables of a relay without any setting.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    settings: BTreeMap<String, String>,
    rows: BTreeSet<(String, String)>,
}

impl Baseline {
    /// The relay of a starter spec; empty if it cannot be planned, which tests exclude.
    pub(super) fn new(profile: Profile, provider: &str, smarthost: bool) -> Arc<Self> {
        static KNOWN: Mutex<Known> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || Arc::new(Self::read(profile, provider, smarthost).unwrap_or_default());
        Arc::clone(known.entry((profile.name(), provider.to_owned(), smarthost)).or_insert_with(read))
    }

    fn read(profile: Profile, provider: &str, smarthost: bool) -> Option<Self> {
        // The names and networks of the starter are in no other spec, so no real value looks like a default.
        let starter = spec::starter(provider, profile);
        let mut starter = starter.replace("acme", "starter").replace("192.168.1.0/24", "192.0.2.0/24");
        if smarthost && provider == Provider::CUSTOM && !starter.contains("\n[smarthost]") {
            starter.push_str("\n[smarthost]\nhost = \"smtp.starter.example\"\n");
        }
        let text = Text { name: "starter".to_owned(), text: starter };
        let planned = Planned::new(spec::load(&text, &Providers::builtin()).0?);
        let files = plan::render(&planned, Distribution::get("debian-13")?, &Templates::builtin()).ok()?;
        let files: BTreeMap<String, Vec<u8>> =
            files.into_iter().map(|file| (file.path, file.content)).collect();
        let source = Source::files("starter", files);
        let reading = super::reading::read(&source).ok()?;
        let mut baseline = Self::default();
        for setting in &reading.settings {
            baseline.settings.insert(setting.name.clone(), reading.expand(&setting.value));
            for spec in tables::named(&reading.expand(&setting.value)) {
                if let Table::Rows(_, rows) = &*reading.table(&spec) {
                    baseline.rows.extend(rows.iter().map(|row| (row.key.clone(), row.value.clone())));
                }
            }
        }
        Some(baseline)
    }

    /// Whether a row of a table is in the starter's as well.
    pub(super) fn has_row(&self, row: &Row) -> bool {
        self.rows.contains(&(row.key.clone(), row.value.clone()))
    }

    /// Items of a list that the starter does not have.
    pub(super) fn others(&self, name: &str, items: Vec<String>) -> Vec<String> {
        let own = self.settings.get(name).map(|value| tables::items(value)).unwrap_or_default();
        items.into_iter().filter(|item| !own.contains(item)).collect()
    }

    /// Whether a parameter is the starter's, and its tables have no other rows.
    fn has(&self, reading: &Reading<'_>, setting: &Setting) -> bool {
        let value = reading.expand(&setting.value);
        let more = |spec: &String| matches!(&*reading.table(spec), Table::Rows(_, rows) if !rows.is_empty());
        self.settings.get(&setting.name) == Some(&value) && !tables::named(&value).iter().any(more)
    }
}

/// Removes keys from the draft whose settings are the starter's.
pub(super) fn forget(mapped: &mut Mapped, reading: &Reading<'_>) {
    let Some(baseline) = reading.baseline() else { return };
    let is_usual =
        |name: &String| reading.setting(name).is_some_and(|setting| baseline.has(reading, setting));
    let entries = mapped.draft.entries();
    let usual: Vec<usize> = (0..entries.len())
        .rev()
        .filter(|index| {
            let entry = &entries[*index];
            !matches!(entry.section.as_str(), "package" | "relay")
                && !entry.section.starts_with("smarthost")
                && !entry.origins.is_empty()
                && entry.origins.iter().all(is_usual)
        })
        .collect();
    for index in usual {
        mapped.draft.remove(index);
    }
    for setting in reading.settings.iter().filter(|setting| baseline.has(reading, setting)) {
        let keys = mapped.verdicts.get(&setting.name).map(|given| given.keys.clone()).unwrap_or_default();
        let reason = "the relay has it without a key".to_owned();
        mapped.verdicts.insert(setting.name.clone(), Given { code: Code::Implied, keys, reason });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_for_local_names() {
        for item in [
            "${relay_returns?{inline:{ {$relay_return = $relay_root_mail_to} }}}",
            "inline:{ {@$myorigin = $relay_from} }",
            "inline:{ {@acme.example = @acme.example} }",
        ] {
            assert!(is_construct(item), "{item}");
        }
        for item in ["hash:/etc/postfix/virtual", "inline:{ {jane = jane@acme.example} }"] {
            assert!(!is_construct(item), "{item}");
        }
    }

    #[test]
    fn every_profile_has_a_baseline() {
        for profile in Profile::ALL {
            for smarthost in [false, true] {
                let count = Baseline::new(*profile, "custom", smarthost).settings.len();
                assert!(count > 30, "{}", profile.name());
            }
        }
    }
}
