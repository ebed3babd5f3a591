//! The codes of `postpack check`, from `pkg/diagnostics.toml`.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::relay::Profile;

/// A code with its explanation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code, which diagnostics show in brackets after `error`.
    #[serde(skip)]
    pub name: String,
    /// The cause.
    pub cause: String,
    /// The fix.
    pub fix: String,
    /// The profile of the examples.
    #[serde(default = "null_client")]
    pub profile: String,
    /// Part of a spec with the fault; empty if a spec alone cannot show it.
    #[serde(default)]
    pub bad: String,
    /// The same part without the fault.
    #[serde(default)]
    pub good: String,
}

fn null_client() -> String {
    Profile::NullClient.name().to_owned()
}

/// All codes, sorted.
pub fn codes() -> &'static [Code] {
    static CODES: OnceLock<Vec<Code>> = OnceLock::new();
    CODES.get_or_init(|| {
        let text = include_str!("../../pkg/diagnostics.toml");
        // The file is embedded, and a test reads it.
        let table: std::collections::BTreeMap<String, Code> = toml::from_str(text).unwrap_or_default();
        table.into_iter().map(|(name, code)| Code { name, ..code }).collect()
    })
}

impl Code {
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}, a finding of `postpack check`\n\n", self.name);
        let _ = writeln!(text, "  Cause: {}\n  Fix:   {}", self.cause, self.fix);
        for (title, part) in [("Refused", &self.bad), ("Accepted", &self.good)] {
            if !part.is_empty() {
                let _ = writeln!(text, "\n{title}:\n\n{}", super::indented(part.trim_end()));
            }
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "topic": "code",
            "name": self.name,
            "cause": self.cause,
            "fix": self.fix,
            "profile": self.profile,
            "bad": self.bad,
            "good": self.good,
        })
    }
}
