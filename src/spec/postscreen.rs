//! `[postscreen]`: postscreen(8) on port 25.

use std::collections::BTreeSet;

use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::Spec;
use crate::relay::{Postscreen, Profile};

/// The settings of postscreen, if it is enabled.
pub(super) fn check(judge: &mut Judge, spec: &Spec, profile: Profile) -> Option<Postscreen> {
    let spot = spec.postscreen.as_ref()?;
    if !profile.receives() {
        let message = format!(
            "`postscreen` needs a relay that receives mail from other servers, and `{}` does not",
            profile.name()
        );
        judge.report(Diagnostic::error("no-inbound", spot.span.clone(), message).hint("remove the section"));
        return None;
    }
    let section = &spot.value;
    if section.enabled.as_ref().is_some_and(|enabled| !enabled.value) {
        return None;
    }
    let mut lists = Vec::new();
    let mut names = BTreeSet::new();
    for (key, weight) in section.lists.iter().flat_map(|lists| &lists.0) {
        let what = "names of block lists";
        let Some(name) = judge.read("block-list", "postscreen.lists", what, key, list) else { continue };
        match i32::try_from(weight.value).ok().filter(|weight| *weight != 0 && weight.abs() <= 1000) {
            None => {
                let finding = Diagnostic::error("block-list", weight.span.clone(), "this is not a weight");
                judge.report(finding.hint("a number from 1 to 1000, or below zero for good clients"));
            }
            Some(weight) if names.insert(name.clone()) => lists.push((name, weight)),
            Some(_) => {
                let message = format!("`{name}` is a duplicate");
                judge.report(Diagnostic::error("duplicate-name", key.span.clone(), message));
            }
        }
    }
    let threshold = section.threshold.as_ref().and_then(|spot| u32::try_from(spot.value).ok()).unwrap_or(1);
    Some(Postscreen { lists, threshold })
}

/// A domain, and the replies that count, in the syntax of postconf(5): `d1.d2.d3.d4`, each a number or a pattern
/// `[2;4..11]`.
fn list(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    let (name, replies) = text.split_once('=').map_or((text, None), |(name, replies)| (name, Some(replies)));
    let name = values::domain(name)?;
    let Some(replies) = replies else { return Ok(name) };
    let hint = "write it as `127.0.0.[2..11]`";
    let parts: Vec<&str> = replies.split('.').collect();
    // The dots of a range are separators as well.
    let plain = replies.replace("..", "-");
    let octet = |part: &str| {
        let inner = part.strip_prefix('[').and_then(|part| part.strip_suffix(']'));
        let is_number = |text: &str| text.parse::<u8>().is_ok();
        match inner {
            None => is_number(part),
            Some(inner) => inner.split(';').all(|item| match item.split_once('-') {
                None => is_number(item),
                Some((low, high)) => is_number(low) && is_number(high),
            }),
        }
    };
    if parts.len() < 4 || plain.split('.').count() != 4 || !plain.split('.').all(octet) {
        return Err(Fault::new("the pattern of addresses after `=` is not valid").hint(hint));
    }
    Ok(format!("{name}={replies}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_lists() {
        for good in [
            "zen.spamhaus.org",
            "zen.spamhaus.org=127.0.0.[2..11]",
            "a.example=127.0.0.2",
            "a.example=127.0.[0;2..3].1",
        ] {
            assert_eq!(list(good).as_deref(), Ok(good));
        }
        for wrong in [
            "",
            "zen",
            "a.example=",
            "a.example=127.0.0",
            "a.example=127.0.0.256",
            "a.example=127.0.0.[2",
            "a.example*3",
            "a b.example",
        ] {
            assert!(list(wrong).is_err(), "{wrong}");
        }
    }
}
