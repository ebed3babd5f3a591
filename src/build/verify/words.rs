//! Differences between two files, as sentences.

use serde_json::Value;

use crate::formats::inspect;
use crate::package::Difference;

/// Longer values are not shown.
const READABLE: usize = 200;

/// The differences between a file and its rebuild.
pub(super) fn of(theirs: &[u8], ours: &[u8]) -> Vec<String> {
    let mut what = vec![];
    if theirs.len() != ours.len() {
        what.push(format!("{} bytes, where the input makes {}", theirs.len(), ours.len()));
    }
    match (inspect(theirs), inspect(ours)) {
        (Ok(theirs), Ok(ours)) => {
            let found = theirs.differences(&ours);
            if found.is_empty() {
                what.push("the same fields, files and scripts, packed differently".to_owned());
            }
            what.extend(found.iter().map(sentence));
        }
        (Err(error), Ok(_)) => what.push(format!("damaged: {error}")),
        _ => what.extend(json(theirs, ours)),
    }
    what
}

fn sentence(difference: &Difference) -> String {
    let Difference { kind, name, before, after } = difference;
    let place = format!("{} {name}", kind.name());
    match (before, after) {
        (Some(theirs), Some(ours)) if theirs.len() + ours.len() < READABLE => {
            format!("{place}: `{theirs}`, where the input makes `{ours}`")
        }
        (Some(_), Some(_)) => format!("{place} differs"),
        (None, Some(ours)) if ours.len() < READABLE && kind.name() == "field" => {
            format!("{place}: `{ours}` is missing")
        }
        (None, _) => format!("{place} is missing"),
        (Some(theirs), None) if theirs.len() < READABLE && kind.name() == "field" => {
            format!("{place}: `{theirs}` is not made by the input")
        }
        (Some(_), None) => format!("{place} is not made by the input"),
    }
}

/// The first differing value of a JSON document.
fn json(theirs: &[u8], ours: &[u8]) -> Option<String> {
    // The document of a large fleet would need more memory than everything else; the byte offset is enough.
    const LARGEST: usize = 16 << 20;
    if theirs.len().max(ours.len()) > LARGEST {
        return None;
    }
    match (serde_json::from_slice(theirs), serde_json::from_slice(ours)) {
        (Ok(theirs), Ok(ours)) => value("", &theirs, &ours),
        (Err(error), Ok(_)) => Some(format!("damaged: {error}")),
        (_, Err(_)) => None,
    }
}

/// The first difference of two values, as a JSON pointer.
pub(super) fn value(place: &str, theirs: &Value, ours: &Value) -> Option<String> {
    let next = |key: &str| format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) if theirs.keys().eq(ours.keys()) => {
            theirs.iter().zip(ours.values()).find_map(|((key, theirs), ours)| value(&next(key), theirs, ours))
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => theirs
            .iter()
            .zip(ours)
            .enumerate()
            .find_map(|(index, (theirs, ours))| value(&next(&index.to_string()), theirs, ours)),
        _ if theirs == ours => None,
        _ => {
            let (theirs, ours) = (theirs.to_string(), ours.to_string());
            Some(if theirs.len() + ours.len() < READABLE {
                format!("value {place}: `{theirs}`, where the input makes `{ours}`")
            } else {
                format!("value {place} differs")
            })
        }
    }
}
