//! Where a restriction list ends for everybody, whatever is asked.

use std::ops::Range;

use super::super::catalogue::Catalogue;
use super::super::list::{Item, items};

/// The first restriction of a list that holds for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The restriction: `permit`, `reject` or `defer`.
    pub word: String,
    /// Its place in the list.
    pub range: Range<usize>,
    /// Whether it permits.
    pub permits: bool,
    /// Whether something before it permits some requests.
    pub permitting: bool,
    /// Whether something before it refuses some requests.
    pub refusing: bool,
    /// What follows it, and is never looked at.
    pub next: Option<Range<usize>>,
}

/// Where a list ends for everybody; `None` if nowhere, or if that depends on what `$name` or a class stands for. `not_counted` names
/// restrictions and tables that permit nobody who matters here.
pub fn end(list: &str, not_counted: &dyn Fn(&str) -> bool) -> Option<End> {
    let all = items(list);
    let (mut permitting, mut refusing) = (false, false);
    let mut rest = all.iter();
    while let Some(item) = rest.next() {
        let word = item.text.to_ascii_lowercase();
        if word == "warn_if_reject" {
            // What follows is only logged.
            let follows = rest.next()?;
            if takes_more(follows) {
                rest.next();
            }
            continue;
        }
        if matches!(&*word, "permit" | "reject" | "defer") {
            let next = rest.next().map(Item::range);
            let permits = word == "permit";
            return Some(End { word, range: item.range(), permits, permitting, refusing, next });
        }
        if word.contains(':') {
            permitting |= !not_counted(item.text);
            refusing = true;
            continue;
        }
        if word.starts_with('$') {
            return None;
        }
        let info = Catalogue::restriction(&word)?;
        let argument = info.argument.and_then(|_| rest.next());
        let counted = !not_counted(&word) && !argument.is_some_and(|argument| not_counted(argument.text));
        // "A result of OK is not allowed for safety reasons."
        let never_permits = ["_a_access", "_mx_access", "_ns_access"].iter().any(|end| word.ends_with(end))
            || word == "check_reverse_client_hostname_access";
        if word.starts_with("permit_") || word.starts_with("check_") && !never_permits {
            permitting |= counted;
        }
        if word.starts_with("reject_") || word.starts_with("defer_") || word.starts_with("check_") {
            refusing = true;
        }
    }
    None
}

fn takes_more(item: &Item<'_>) -> bool {
    Catalogue::restriction(item.text).is_some_and(|info| info.argument.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_list() {
        // What it is, whether something before it permits, whether something before it refuses, whether something follows.
        let cases = [
            ("", None),
            ("permit_mynetworks, reject_unauth_destination", None),
            ("reject", Some(("reject", false, false, false))),
            ("Permit", Some(("permit", false, false, false))),
            ("permit_mynetworks, reject", Some(("reject", true, false, false))),
            ("permit_mynetworks reject permit", Some(("reject", true, false, true))),
            ("warn_if_reject reject, permit", Some(("permit", false, false, false))),
            ("warn_if_reject reject_rbl_client zen.example, defer", Some(("defer", false, false, false))),
            ("reject_rbl_client zen.example, permit", Some(("permit", false, true, false))),
            ("check_client_access cidr:/own, reject", Some(("reject", false, true, false))),
            ("check_client_access cidr:/x, reject", Some(("reject", true, true, false))),
            ("cidr:/x, reject", Some(("reject", true, true, false))),
            ("check_sender_mx_access cidr:/x, reject", Some(("reject", false, true, false))),
            ("check_policy_service inet:a:1, reject", Some(("reject", true, true, false))),
            ("sleep 1, reject", Some(("reject", false, false, false))),
            ("$more, reject", None),
            ("strict, reject", None),
        ];
        for (list, expected) in cases {
            let found = end(list, &|text| text == "cidr:/own");
            let found =
                found.as_ref().map(|it| (it.word.as_str(), it.permitting, it.refusing, it.next.is_some()));
            assert_eq!(found, expected, "{list}");
        }
    }
}
