//! Verdicts on all settings, as text for people and as JSON with stable codes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::judge::masked;
use super::map::Mapped;
use super::proof::{Proof, Reason};
use super::questions::Question;
use super::reading::{Fault, Place, Reading};
use super::role::Role;
use super::stock;
use crate::diag::printable;

/// The verdict on a setting. The order is that of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A person has to answer.
    Asked,
    /// No key of a spec says it.
    Lost,
    /// The relay does something else on purpose.
    Changed,
    /// It was broken or unsafe, and is no longer.
    Fixed,
    /// A key of the spec says it.
    Key,
    /// Written to `[main-cf]` or `[services]`.
    MainCf,
    /// The relay does the same without being told.
    Implied,
    /// Without effect on this relay.
    Dropped,
}

impl Code {
    /// The stable word in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Lost => "lost",
            Self::Changed => "changed",
            Self::Fixed => "fixed",
            Self::Key => "key",
            Self::MainCf => "main-cf",
            Self::Implied => "implied",
            Self::Dropped => "dropped",
        }
    }

    /// The heading in the text.
    fn title(self) -> &'static str {
        match self {
            Self::Asked => "Unanswered",
            Self::Lost => "Lost",
            Self::Changed => "Changed",
            Self::Fixed => "Fixed",
            Self::Key => "Kept, by a key",
            Self::MainCf => "Kept, in Postfix syntax",
            Self::Implied => "Implied",
            Self::Dropped => "Dropped",
        }
    }
}

/// A setting, or something else of the source, with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The parameter, service, row or file.
    pub subject: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// Its value as written, without secrets; `None` if it is no parameter.
    pub value: Option<String>,
    /// The verdict.
    pub code: Code,
    /// Keys of the spec.
    pub keys: Vec<String>,
    /// Why.
    pub reason: String,
    /// Whether a package of Postfix brings it like this.
    pub stock: bool,
}

/// The whole report.
#[derive(Debug)]
pub struct Report {
    /// The source.
    pub source: String,
    /// The profile.
    pub role: String,
    /// Why this one.
    pub reasons: Vec<String>,
    /// Whether mail leaves by the MX of each domain today.
    pub direct: bool,
    /// The version of Postfix whose defaults count.
    pub version: String,
    /// The stock that it is nearest to.
    pub stock: Option<String>,
    /// One for each parameter of main.cf, in the order of the file.
    pub settings: Vec<Item>,
    /// Settings other than parameters.
    pub others: Vec<Item>,
    /// Oddities in the files.
    pub remarks: Vec<Fault>,
    /// The comparison on each target.
    pub proof: Vec<Proof>,
}

impl Report {
    pub(super) fn new(reading: &Reading<'_>, mapped: Mapped, role: Role, proof: Vec<Proof>) -> Self {
        let settings = reading
            .settings
            .iter()
            .map(|setting| {
                let given = mapped.verdicts.get(&setting.name);
                Item {
                    subject: setting.name.clone(),
                    place: Some(setting.place.clone()),
                    value: Some(masked(&setting.name, &setting.value)),
                    code: given.map_or(Code::Lost, |given| given.code),
                    keys: given.map(|given| given.keys.clone()).unwrap_or_default(),
                    reason: given.map_or_else(|| "no verdict".to_owned(), |given| given.reason.clone()),
                    stock: !stock::of_parameter(&setting.name, &setting.value).is_empty(),
                }
            })
            .collect();
        let others = mapped
            .others
            .into_iter()
            .map(|other| Item {
                subject: other.subject,
                place: other.place,
                value: None,
                code: other.code,
                keys: Vec::new(),
                reason: other.reason,
                stock: false,
            })
            .collect();
        let mut remarks = reading.remarks.take();
        remarks.sort_by(|a, b| a.place.cmp(&b.place));
        Self {
            source: reading.source.name.clone(),
            role: role.profile.name().to_owned(),
            reasons: role.reasons,
            direct: role.direct,
            version: reading.version.to_string(),
            stock: reading.stock.as_deref().map(stock::title),
            settings,
            others,
            remarks,
            proof,
        }
    }

    /// Everything that has a verdict.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.settings.iter().chain(&self.others)
    }

    /// How many have a verdict.
    pub fn count(&self, code: Code) -> usize {
        self.items().filter(|item| item.code == code).count()
    }

    /// Whether nothing is lost and no question is open.
    pub fn is_whole(&self) -> bool {
        self.count(Code::Lost) == 0 && self.count(Code::Asked) == 0
    }

    /// Parameters that differ without a reason: a defect of the import.
    pub fn without_reason(&self) -> Vec<&str> {
        let all = self.proof.iter().flat_map(|proof| &proof.differences);
        all.filter(|difference| difference.reason == Reason::None)
            .map(|difference| difference.name.as_str())
            .collect()
    }

    /// The report for people.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}: {}", printable(&self.source), self.role);
        if self.direct {
            text.push_str(", without a smarthost today");
        }
        text.push('\n');
        for reason in &self.reasons {
            let _ = writeln!(text, "  {reason}");
        }
        match &self.stock {
            Some(stock) => {
                let _ = writeln!(text, "  nearest to {stock}; defaults of Postfix {}", self.version);
            }
            None => {
                let _ = writeln!(text, "  defaults of Postfix {}", self.version);
            }
        }
        for code in [Code::Asked, Code::Lost, Code::Changed, Code::Fixed] {
            self.section(&mut text, code);
        }
        if !self.remarks.is_empty() {
            text.push_str("\nIn the files\n");
            for fault in &self.remarks {
                let _ = writeln!(text, "  {}: {}", fault.place, printable(&fault.message));
            }
        }
        for code in [Code::Key, Code::MainCf, Code::Implied, Code::Dropped] {
            self.short(&mut text, code);
        }
        for proof in &self.proof {
            Self::compared(&mut text, proof);
        }
        text
    }

    /// Each with its reason.
    fn section(&self, text: &mut String, code: Code) {
        let items: Vec<&Item> = self.items().filter(|item| item.code == code).collect();
        if items.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n{} ({})", code.title(), items.len());
        // Several settings with one reason are one line.
        let mut by_reason: Vec<(&str, Vec<&Item>)> = Vec::new();
        for item in items {
            match by_reason.iter_mut().find(|(reason, _)| *reason == item.reason) {
                Some((_, same)) => same.push(item),
                None => by_reason.push((&item.reason, vec![item])),
            }
        }
        for (reason, items) in by_reason {
            let _ = writeln!(text, "  {}: {}", subjects(&items), printable(reason));
        }
    }

    /// Names only; what a package of Postfix brings is counted.
    fn short(&self, text: &mut String, code: Code) {
        let items: Vec<&Item> = self.items().filter(|item| item.code == code).collect();
        if items.is_empty() {
            return;
        }
        let own: Vec<String> =
            items.iter().filter(|item| !item.stock).map(|item| printable(&item.subject)).collect();
        let stock = items.len() - own.len();
        let mut line = own.join(", ");
        if stock > 0 {
            let more = format!("{stock} of the package's own main.cf");
            line = if line.is_empty() { more } else { format!("{line}, and {more}") };
        }
        let _ = writeln!(text, "\n{} ({})\n{}", code.title(), items.len(), folded(&line));
    }

    fn compared(text: &mut String, proof: &Proof) {
        let _ = writeln!(
            text,
            "\nCompared on {}: {} parameters are the same, {} differ",
            proof.target,
            proof.same,
            proof.differences.len()
        );
        let mut by_reason: BTreeMap<Reason, Vec<&str>> = BTreeMap::new();
        for difference in &proof.differences {
            by_reason.entry(difference.reason).or_default().push(&difference.name);
        }
        for (reason, names) in by_reason {
            let _ = writeln!(text, "  {} ({})", reason.name(), names.len());
            if matches!(reason, Reason::None | Reason::Lost | Reason::Changed) {
                text.push_str(&folded(&names.join(", ")));
                text.push('\n');
            }
        }
        let (same, different): (Vec<&Question>, Vec<&Question>) =
            proof.questions.iter().partition(|asked| asked.before == asked.after);
        let _ = writeln!(
            text,
            "\nMail before and after: {} answers are the same, {} differ",
            same.len(),
            different.len()
        );
        for asked in different {
            let _ = writeln!(
                text,
                "  {}: {} -> {}",
                printable(&asked.question),
                printable(&asked.before),
                printable(&asked.after)
            );
        }
    }

    /// The summary on one line.
    pub fn summary(&self) -> String {
        let count = |code: Code| self.count(code);
        format!(
            "{}: {} settings; {} kept, {} implied, {} dropped, {} fixed, {} changed, {} lost, {} unanswered",
            self.role,
            self.settings.len(),
            count(Code::Key) + count(Code::MainCf),
            count(Code::Implied),
            count(Code::Dropped),
            count(Code::Fixed),
            count(Code::Changed),
            count(Code::Lost),
            count(Code::Asked)
        )
    }

    /// The report for programs.
    pub fn to_json(&self) -> Value {
        let item = |item: &Item| {
            json!({
                "subject": item.subject,
                "place": item.place,
                "value": item.value,
                "verdict": item.code.name(),
                "keys": item.keys,
                "reason": item.reason,
                "stock": item.stock,
            })
        };
        let fault = |fault: &Fault| json!({ "code": fault.code, "place": fault.place, "message": fault.message, "hint": fault.hint });
        let proof = |proof: &Proof| {
            let differences: Vec<Value> = proof
                .differences
                .iter()
                .map(|it| json!({ "name": it.name, "before": it.before, "after": it.after, "reason": it.reason.name() }))
                .collect();
            json!({ "target": proof.target, "same": proof.same, "differences": differences, "questions": proof.questions })
        };
        json!({
            "source": self.source,
            "role": self.role,
            "reasons": self.reasons,
            "direct": self.direct,
            "postfix": self.version,
            "stock": self.stock,
            "whole": self.is_whole(),
            "settings": self.settings.iter().map(item).collect::<Vec<_>>(),
            "others": self.others.iter().map(item).collect::<Vec<_>>(),
            "remarks": self.remarks.iter().map(fault).collect::<Vec<_>>(),
            "proof": self.proof.iter().map(proof).collect::<Vec<_>>(),
        })
    }
}

/// Subjects, each once with its places: `main.cf:3 myorigin, transport_maps (transport:1, transport:4)`.
fn subjects(items: &[&Item]) -> String {
    let mut seen: Vec<(&str, Vec<String>)> = Vec::new();
    for item in items {
        let place = item.place.as_ref().map(ToString::to_string);
        match seen.iter_mut().find(|(subject, _)| *subject == item.subject) {
            Some((_, places)) => {
                let new: Vec<String> = place.into_iter().filter(|place| !places.contains(place)).collect();
                places.extend(new);
            }
            None => seen.push((&item.subject, place.into_iter().collect())),
        }
    }
    let words = seen.iter().map(|(subject, places)| match places.as_slice() {
        [] => printable(subject),
        [place] => format!("{place} {}", printable(subject)),
        places => format!("{} ({})", printable(subject), places.join(", ")),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Indented lines of at most 110 characters.
fn folded(text: &str) -> String {
    let mut lines = String::from("  ");
    let mut width = 2;
    for (index, word) in text.split(' ').enumerate() {
        if width + word.len() > 110 {
            lines.push_str("\n  ");
            width = 2;
        } else if index > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += word.len();
    }
    lines
}
