//! Differences between two packages of one format, for `diff` and `verify`.

use std::collections::BTreeMap;

use super::{InspectedFile, Inspection};

/// One value that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Difference {
    /// The part of the package.
    pub kind: Part,
    /// Name of the field or script, or path of the file.
    pub name: String,
    /// The value of the first package; nothing if only the second has it.
    pub before: Option<String>,
    /// The value of the second package; nothing if only the first has it.
    pub after: Option<String>,
}

/// The parts of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// A field of the metadata.
    Field,
    /// A file, folder or link; its value is mode, owner, and digest or target.
    File,
    /// A script, trigger or hook.
    Script,
}

impl Part {
    /// `field`, `file` or `script`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::File => "file",
            Self::Script => "script",
        }
    }
}

impl Inspection {
    /// Returns the differences to another package, by part and name.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let fields = |side: &Self| by_name(side.fields.iter().cloned());
        compare(&mut found, Part::Field, fields(self), fields(after));
        let files = |side: &Self| by_name(side.files.iter().map(row));
        compare(&mut found, Part::File, files(self), files(after));
        let scripts = |side: &Self| by_name(side.scripts.iter().cloned());
        compare(&mut found, Part::Script, scripts(self), scripts(after));
        found
    }
}

fn row(file: &InspectedFile) -> (String, String) {
    let content = file.sha256.as_deref().or(file.target.as_deref()).unwrap_or_default();
    (file.path.clone(), format!("{} {} {content}", file.mode, file.owner).trim_end().to_owned())
}

type Values = BTreeMap<String, Vec<String>>;

/// A name may have several values: pacman writes a line for each dependency.
fn by_name(pairs: impl Iterator<Item = (String, String)>) -> Values {
    let mut values = Values::new();
    for (name, value) in pairs {
        values.entry(name).or_default().push(value);
    }
    values
}

fn compare(found: &mut Vec<Difference>, kind: Part, mut before: Values, mut after: Values) {
    let names: std::collections::BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    for name in names {
        let mut new = after.remove(&name).unwrap_or_default();
        let mut old = before.remove(&name).unwrap_or_default();
        // A value that both have is not a difference, in any position among the values of its name.
        old.retain(|value| match new.iter().position(|other| other == value) {
            Some(at) => {
                new.remove(at);
                false
            }
            None => true,
        });
        // One value on each side is a change. With several, the pairs are unknown.
        if let ([one], [other]) = (old.as_slice(), new.as_slice()) {
            let (before, after) = (Some(one.clone()), Some(other.clone()));
            found.push(Difference { kind, name, before, after });
            continue;
        }
        let removed = old.into_iter().map(|value| (Some(value), None));
        for (before, after) in removed.chain(new.into_iter().map(|value| (None, Some(value)))) {
            found.push(Difference { kind, name: name.clone(), before, after });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(depends: &[&str]) -> Inspection {
        let fields = depends.iter().map(|value| ("depend".to_owned(), (*value).to_owned())).collect();
        Inspection { format: "pacman", fields, files: Vec::new(), scripts: Vec::new() }
    }

    fn shown(before: &[&str], after: &[&str]) -> Vec<(Option<String>, Option<String>)> {
        let found = package(before).differences(&package(after));
        found.into_iter().map(|difference| (difference.before, difference.after)).collect()
    }

    #[test]
    fn repeated_fields_are_compared_as_sets() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(shown(&["a", "b", "c"], &["c", "a", "b"]), []);
        assert_eq!(shown(&["a", "b"], &["a", "c"]), [(text("b"), text("c"))]);
        assert_eq!(shown(&["a", "b"], &["b"]), [(text("a"), None)]);
        assert_eq!(shown(&["b"], &["a", "b"]), [(None, text("a"))]);
        assert_eq!(shown(&["a", "a"], &["a"]), [(text("a"), None)]);
        let all = [(text("a"), None), (text("b"), None), (None, text("c")), (None, text("d"))];
        assert_eq!(shown(&["a", "b"], &["c", "d"]), all);
    }
}
