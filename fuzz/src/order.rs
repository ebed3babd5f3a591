//! The comparators of dpkg, rpm and pacman, written down again from their sources: a reference that costs nothing
//! to ask. The real ones are asked about our own order by the `real_` tests in `src/package/order.rs`.

use std::cmp::Ordering;

/// `[epoch:]upstream[-revision]` by the rules of dpkg (`lib/dpkg/version.c`).
pub fn dpkg(left: &str, right: &str) -> Ordering {
    by_parts(left, right, verrevcmp)
}

/// `[epoch:]version-release` by the rules of rpm (`rpmio/rpmvercmp.cc`).
pub fn rpm(left: &str, right: &str) -> Ordering {
    by_parts(left, right, |left, right| segments(left, right, true))
}

/// `[epoch:]version-release` by the rules of pacman (`lib/libalpm/version.c`).
pub fn pacman(left: &str, right: &str) -> Ordering {
    by_parts(left, right, |left, right| segments(left, right, false))
}

fn by_parts(left: &str, right: &str, compare: impl Fn(&[u8], &[u8]) -> Ordering) -> Ordering {
    let parts = |text: &str| -> (u64, String, String) {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, "0"));
        (epoch.parse().unwrap_or_default(), version.to_owned(), release.to_owned())
    };
    let ((e1, v1, r1), (e2, v2, r2)) = (parts(left), parts(right));
    e1.cmp(&e2)
        .then_with(|| compare(v1.as_bytes(), v2.as_bytes()))
        .then_with(|| compare(r1.as_bytes(), r2.as_bytes()))
}

/// Text by characters, in which `~` comes before the end and letters before all else; then numbers; and again.
fn verrevcmp(mut left: &[u8], mut right: &[u8]) -> Ordering {
    let weight = |text: &[u8]| match text.first() {
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(b'~') => -1,
        Some(byte) => i32::from(*byte) + 256,
    };
    let digit = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
    while !left.is_empty() || !right.is_empty() {
        while !left.is_empty() && !digit(left) || !right.is_empty() && !digit(right) {
            let order = weight(left).cmp(&weight(right));
            if order.is_ne() {
                return order;
            }
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
        }
        let (a, b) = (take_number(&mut left), take_number(&mut right));
        let order = number_order(a, b);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// rpm and pacman: runs of digits or letters, whatever else stands between them.
fn segments<'a>(mut left: &'a [u8], mut right: &'a [u8], rpm: bool) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    // rpm goes on until both end, pacman until one does: there a separator at the end counts.
    while !left.is_empty() && !right.is_empty() || rpm && !(left.is_empty() && right.is_empty()) {
        let (l, r) = (left, right);
        for text in [&mut left, &mut right] {
            let skipped = text
                .iter()
                .take_while(|byte| !(byte.is_ascii_alphanumeric() || rpm && matches!(byte, b'~' | b'^')))
                .count();
            *text = &text[skipped..];
        }
        if rpm {
            match (left.first() == Some(&b'~'), right.first() == Some(&b'~')) {
                (true, true) => {
                    (left, right) = (&left[1..], &right[1..]);
                    continue;
                }
                (true, false) => return Ordering::Less,
                (false, true) => return Ordering::Greater,
                (false, false) => {}
            }
        }
        if left.is_empty() || right.is_empty() {
            break;
        }
        // pacman: more separators make a newer version.
        let gaps = (l.len() - left.len()).cmp(&(r.len() - right.len()));
        if !rpm && gaps.is_ne() {
            return gaps;
        }
        let number = left[0].is_ascii_digit();
        let same = |byte: &&u8| if number { byte.is_ascii_digit() } else { byte.is_ascii_alphabetic() };
        let (a, b) = (left.iter().take_while(same).count(), right.iter().take_while(same).count());
        if b == 0 {
            return if number { Ordering::Greater } else { Ordering::Less };
        }
        let ((one, rest), (two, others)) = (left.split_at(a), right.split_at(b));
        (left, right) = (rest, others);
        let order = if number { number_order(one, two) } else { one.cmp(two) };
        if order.is_ne() {
            return order;
        }
    }
    if rpm {
        return left.len().min(1).cmp(&right.len().min(1));
    }
    // pacman: a rest of letters makes an older version, any other rest a newer one.
    let letter = |text: &[u8]| text.first().is_some_and(u8::is_ascii_alphabetic);
    match (left.is_empty(), right.is_empty()) {
        (true, true) => Ordering::Equal,
        _ if letter(left) => Ordering::Less,
        (true, false) if !letter(right) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

fn take_number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(length);
    *text = rest;
    number
}

fn number_order(left: &[u8], right: &[u8]) -> Ordering {
    let trimmed = |text: &[u8]| text.iter().skip_while(|byte| **byte == b'0').copied().collect::<Vec<u8>>();
    let (left, right) = (trimmed(left), trimmed(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(&right))
}
