//! SPDX licence expressions (SPDX specification, annex D).

use super::values::{Fault, line, shown};
use crate::diag::{Diagnostic, Span, nearest};

/// Common identifiers for packages of configuration. Others are accepted with a warning.
const KNOWN: &[&str] = &[
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "EPL-2.0",
    "EUPL-1.2",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "IPL-1.0",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unlicense",
    "Zlib",
];

/// Checks the grammar of an expression.
pub(super) fn check(text: &str) -> Result<String, Fault> {
    line(text)?;
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut depth = 0u32;
    // An operator or `)` must follow an operand, and nothing else.
    let mut after_operand = false;
    for word in spaced.split_whitespace() {
        match word {
            "(" if !after_operand => depth += 1,
            ")" if after_operand && depth > 0 => depth -= 1,
            "AND" | "OR" | "WITH" if after_operand => after_operand = false,
            "(" | ")" | "AND" | "OR" | "WITH" => return Err(Fault::new(format!("`{word}` is out of place"))),
            _ if after_operand => {
                return Err(Fault::new(format!("an operator is missing before `{}`", shown(word))).hint(
                    "identifiers must not contain blanks (`Apache-2.0`); `AND`, `OR` or `WITH` separates them",
                ));
            }
            _ if word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte)) => {
                after_operand = true;
            }
            _ => return Err(Fault::new(format!("`{}` is not an SPDX identifier", shown(word)))),
        }
    }
    if depth > 0 || !after_operand {
        return Err(Fault::new("it is not complete"));
    }
    Ok(text.to_owned())
}

/// A warning about the first identifier that is not a common one.
pub(super) fn unknown(text: &str, span: Span) -> Option<Diagnostic> {
    let spaced = text.replace(['(', ')'], " ");
    // An exception follows WITH, from a different list.
    let mut words = spaced.split_whitespace();
    while let Some(word) = words.next() {
        if word == "WITH" {
            words.next();
        } else if !(["AND", "OR"].contains(&word) || KNOWN.contains(&word) || word.starts_with("LicenseRef-"))
        {
            let finding =
                Diagnostic::warning("license", span, format!("`{word}` is not a common SPDX identifier"));
            let [only, later] =
                ["only", "or-later"].map(|end| format!("{}-{end}", word.trim_end_matches('+')));
            if KNOWN.contains(&only.as_str()) {
                return Some(finding.hint(format!("write `{only}` or `{later}`")));
            }
            return Some(match nearest(word, KNOWN.iter().copied()) {
                Some(near) => finding.hint(format!("did you mean `{near}`?")),
                None => finding.hint("see https://spdx.org/licenses/; your own terms are `LicenseRef-Name`"),
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "(MIT AND ISC) OR GPL-2.0-or-later WITH Bison-exception-2.2",
            "LicenseRef-Acme",
        ] {
            assert!(check(good).is_ok(), "{good}");
            assert_eq!(unknown(good, 0..1), None, "{good}");
        }
        for bad in ["", "MIT OR", "Apache 2.0", "(MIT", "MIT)", "OR MIT", "MIT/X11", "MIT\nX", "()"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(unknown("GPL-2.0", 0..1).is_some());
    }
}
