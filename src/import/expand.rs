//! Expansion of `$name`, `$(name)`, `${name}`, `${name?text}`, `${name:text}` and comparisons, as mac_expand(3) does it.

use std::cell::Cell;

use crate::postfix::{closing, is_name_char};

/// More references in one value are a loop.
const MOST: usize = 10_000;
/// Deeper nesting is a loop.
const DEEPEST: usize = 30;
/// Longer results are a loop.
const LONGEST: usize = 1 << 20;

/// Replaces every reference whose value `lookup` knows; others stay as they are written.
pub(super) fn expand(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    // Names that refer to each other would multiply.
    let left = Cell::new(MOST);
    let limited = |name: &str| {
        left.set(left.get().checked_sub(1)?);
        lookup(name)
    };
    let mut out = String::new();
    expand_into(text, &limited, &mut out, 0);
    out
}

fn expand_into(text: &str, lookup: &dyn Fn(&str) -> Option<String>, out: &mut String, depth: usize) {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(next) = after.strip_prefix('$') {
            out.push('$');
            rest = next;
            continue;
        }
        let (body, length) = if let Some(open) = after.chars().next().filter(|c| "{(".contains(*c)) {
            if let Some(end) = closing(after, open) {
                (&after[1..end], end + 1)
            } else {
                out.push_str(&rest[at..]);
                return;
            }
        } else {
            let end = after.find(|c: char| !is_name_char(c)).unwrap_or(after.len());
            (&after[..end], end)
        };
        rest = &after[length..];
        let written = &after[..length];
        if depth > DEEPEST || out.len() > LONGEST {
            return;
        }
        if !reference(body, lookup, out, depth) {
            out.push('$');
            out.push_str(written);
        }
    }
    out.push_str(rest);
}

/// One reference without its braces; false if its value is not known.
fn reference(body: &str, lookup: &dyn Fn(&str) -> Option<String>, out: &mut String, depth: usize) -> bool {
    let trimmed = body.trim();
    if let Some((holds, then)) = comparison(trimmed, lookup, depth) {
        return match holds {
            Some(holds) => branch(then, holds, lookup, out, depth),
            None => false,
        };
    }
    let end = trimmed.find(|c: char| !is_name_char(c)).unwrap_or(trimmed.len());
    let (name, rest) = trimmed.split_at(end);
    if name.is_empty() {
        return false;
    }
    let rest = rest.trim_start();
    match rest.chars().next() {
        None => match lookup(name) {
            Some(value) => {
                expand_into(&value, lookup, out, depth + 1);
                true
            }
            None => false,
        },
        Some('?') => branch(&rest[1..], filled(name, lookup, depth), lookup, out, depth),
        Some(':') => {
            if !filled(name, lookup, depth) {
                expand_into(unbraced(rest[1..].trim_start()).0, lookup, out, depth + 1);
            }
            true
        }
        Some(_) => false,
    }
}

fn filled(name: &str, lookup: &dyn Fn(&str) -> Option<String>, depth: usize) -> bool {
    lookup(name).is_some_and(|value| {
        let mut text = String::new();
        expand_into(&value, lookup, &mut text, depth + 1);
        !text.is_empty()
    })
}

/// `{yes}:{no}`, or one text for yes.
fn branch(
    text: &str,
    holds: bool,
    lookup: &dyn Fn(&str) -> Option<String>,
    out: &mut String,
    depth: usize,
) -> bool {
    let (yes, rest) = unbraced(text.trim_start());
    let no = rest.trim_start().strip_prefix(':').map(|no| unbraced(no.trim_start()).0);
    if holds {
        expand_into(yes, lookup, out, depth + 1);
    } else if let Some(no) = no {
        expand_into(no, lookup, out, depth + 1);
    }
    true
}

/// The text in braces, and what follows; without braces all of it.
fn unbraced(text: &str) -> (&str, &str) {
    if text.starts_with('{')
        && let Some(end) = closing(text, '{')
    {
        return (&text[1..end], &text[end + 1..]);
    }
    (text, "")
}

/// `{a} OPERATOR {b} ? ...`: whether it holds, if both sides are known, and what follows the question mark.
fn comparison<'t>(
    text: &'t str,
    lookup: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Option<(Option<bool>, &'t str)> {
    if !text.starts_with('{') {
        return None;
    }
    let (left, rest) = unbraced(text);
    let rest = rest.trim_start();
    let end = rest.find('{')?;
    let operator = rest[..end].trim();
    let (right, rest) = unbraced(&rest[end..]);
    let then = rest.trim_start().strip_prefix('?')?;
    let known = |text: &str| {
        let mut out = String::new();
        expand_into(text, lookup, &mut out, depth + 1);
        (!out.contains('$')).then_some(out)
    };
    let (Some(left), Some(right)) = (known(left), known(right)) else { return Some((None, then)) };
    let order = match operator.strip_suffix("level") {
        Some(_) => level(&left).partial_cmp(&level(&right)),
        None => match (left.trim().parse::<i64>(), right.trim().parse::<i64>()) {
            (Ok(left), Ok(right)) => left.partial_cmp(&right),
            _ => left.partial_cmp(&right),
        },
    }?;
    let holds = match operator.trim_end_matches("level") {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        _ => return Some((None, then)),
    };
    Some((Some(holds), then))
}

/// A compatibility level as numbers: `3.6` is above `2`.
pub(super) fn level(text: &str) -> Vec<u32> {
    text.trim().split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        let value = match name {
            "myhostname" => "web1.$mydomain",
            "mydomain" => "acme.example",
            "empty" => "",
            "compatibility_level" => "3.6",
            "loop" => "$loop$loop",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn references() {
        for (text, value) in [
            ("$myhostname, localhost.$(mydomain)", "web1.acme.example, localhost.acme.example"),
            ("a$$b ${unknown} $x", "a$b ${unknown} $x"),
            ("${mydomain?yes}${empty?no}${empty:none}", "yesnone"),
            ("${empty?{a}:{b}}", "b"),
            ("${{$compatibility_level} <level {2} ? {subnet} : {host}}", "host"),
            ("${{$compatibility_level} <level {3.10} ? {md5} : {sha256}}", "md5"),
            ("${{$x} == {} ? {a} : {b}}", "${{$x} == {} ? {a} : {b}}"),
            ("${open", "${open"),
        ] {
            assert_eq!(expand(text, &lookup), value, "{text}");
        }
        assert!(expand("$loop", &lookup).len() < LONGEST * 2);
    }
}
