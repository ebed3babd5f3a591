//! The headers that a POSIX extended regular expression may match, by the text that its lines begin with.

/// Whether an expression that [`super::pattern::check`] accepts may match a line with one of these headers. If it does not
/// begin with plain text, it may.
pub(super) fn may_match(pattern: &str, headers: &[&str]) -> bool {
    alternatives(pattern).0.iter().any(|one| match one.strip_prefix('^') {
        None => true,
        Some(rest) => match rest.strip_prefix('(').map(alternatives) {
            Some((_, after)) if is_repeated(after) => true,
            Some((inner, after)) => inner.iter().any(|one| may_begin(&format!("{one}{after}"), headers)),
            None => may_begin(rest, headers),
        },
    })
}

/// Whether a line that begins with an expression may have one of the headers.
fn may_begin(expression: &str, headers: &[&str]) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ':' || c == ' ';
    let end = expression.find(|c| !is_plain(c)).unwrap_or(expression.len());
    let repeated = usize::from(is_repeated(&expression[end..]));
    let text = expression[..end.saturating_sub(repeated)].to_ascii_lowercase();
    headers.iter().any(|header| {
        let line = format!("{}:", header.to_ascii_lowercase());
        line.starts_with(&text) || text.starts_with(&line)
    })
}

fn is_repeated(after: &str) -> bool {
    after.starts_with(['*', '+', '?', '{'])
}

/// The alternatives `a|b` up to the `)` that closes their group, and the rest after it.
fn alternatives(text: &str) -> (Vec<&str>, &str) {
    let (mut found, mut start, mut depth, mut at) = (Vec::new(), 0, 0, 0);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => {
                found.push(&text[start..at]);
                return (found, &text[at + 1..]);
            }
            ')' => depth -= 1,
            '|' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += length(&text[at..], c);
    }
    found.push(&text[start..]);
    (found, "")
}

/// The length of the first atom of a text: a character, an escaped character, or `[...]`.
fn length(text: &str, first: char) -> usize {
    match first {
        '\\' => 1 + text[1..].chars().next().map_or(0, char::len_utf8),
        '[' => {
            // A `]` at its beginning is a member, and one may end a class such as `[:alpha:]`.
            let members = text[1..].trim_start_matches('^');
            let mut at = text.len() - members.len() + usize::from(members.starts_with(']'));
            while let Some(c) = text[at..].chars().next() {
                match c {
                    ']' => return at + 1,
                    '[' if text[at..].starts_with("[:") => {
                        at += text[at..].find(":]").map_or(1, |end| end + 2);
                    }
                    c => at += c.len_utf8(),
                }
            }
            text.len()
        }
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_senders() {
        let headers = ["From", "Sender"];
        for (pattern, may) in [
            ("^Subject:.*lottery", false),
            ("^X-(From|Sender):", false),
            ("^(X-A|X-B):", false),
            ("^(X-A|From):", true),
            ("^(X-A|X-B)?From:", true),
            ("^((X-A)|X-B):", true),
            ("^[[:alpha:]|^]+:", true),
            ("^From:", true),
            ("^from: .*@bad", true),
            ("^From-Line:", false),
            ("^Fro", true),
            ("^Fx?rom:", true),
            ("^X?Sender:", true),
            ("^(From|Sender): ", true),
            ("lottery", true),
            ("^Subject:|lottery", true),
            ("^Subject: (a|b)|^To: [)|]", false),
            ("^Subject: \\||^X-A:", false),
            ("^(Subject|To): a|^Cc:", false),
            ("^.*:", true),
        ] {
            assert_eq!(may_match(pattern, &headers), may, "{pattern}");
        }
    }
}
