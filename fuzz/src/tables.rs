//! Lookup tables: what goes in is one entry, and a reader of Postfix's format gets it back.

use postpack::postfix::table::{Aliases, Cidr, Lookup, Regexp, inline};
use postpack::postfix::{Network, Value};

/// Pairs of key and result, divided by NUL.
pub fn tables(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let words: Vec<&str> = text.split('\0').take(16).collect();
    let (mut lookup, mut regexp) = (Lookup::new(text), Regexp::new(text));
    let (mut cidr, mut aliases) = (Cidr::new(text), Aliases::new(text));
    let (mut pairs, mut rules, mut names, mut networks) = (Vec::new(), Vec::new(), 0, Vec::new());
    for pair in words.chunks_exact(2) {
        let [key, result] = *pair else { continue };
        if lookup.insert(key, result).is_ok() {
            pairs.push((key, result));
        }
        if regexp.push(key, result).is_ok() {
            rules.push((key, result));
        }
        names += usize::from(aliases.insert(key, [result]).is_ok());
        if let Ok(network) = key.parse::<Network>() {
            assert_eq!(network.to_string().parse(), Ok(network));
            assert!(Network::containing(network.address(), 0).contains(&network));
            if cidr.push(&network, result).is_ok() {
                networks.push((network, result));
            }
        }
        one_inline(key, result);
        // Escaped, any text is a pattern or refused: never two rules.
        if regexp.push(&Regexp::escape(result), "IGNORE").is_ok() {
            rules.push((result, "IGNORE"));
        }
    }
    let read: Vec<(String, String)> = entries(&lookup.to_string()).map(key_and_result).collect();
    assert!(
        read.iter().map(|(key, result)| (key.as_str(), result.as_str())).eq(pairs.iter().copied()),
        "{lookup}"
    );
    let count = |text: String| entries(&text).count();
    assert_eq!(count(regexp.to_string()), rules.len(), "{regexp}");
    for (line, (_, result)) in entries(&regexp.to_string()).zip(&rules) {
        assert!(line.ends_with(&format!(" {result}")), "{line}");
        let delimiter = line.chars().next().unwrap_or_default();
        assert!(!delimiter.is_alphanumeric() && !delimiter.is_whitespace() && delimiter != '!', "{line}");
    }
    assert_eq!(count(aliases.to_string()), names, "{aliases}");
    for (line, (network, result)) in entries(&cidr.to_string()).zip(&networks) {
        assert_eq!(line, format!("{} {result}", network.cidr()));
    }
}

fn one_inline(key: &str, result: &str) {
    let (Ok(key), Ok(result)) = (Value::expression(key), Value::expression(result)) else { return };
    if let Ok(table) = inline([(&key, &result)]) {
        assert_eq!(table.as_str(), format!("inline:{{ {{{key} = {result}}} }}"));
        assert!(inline([(&key, &result), (&key, &result)]).is_err());
    }
}

/// The lines that Postfix reads: without comments, and none that continues another.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split_terminator('\n').filter(|line| !line.starts_with('#')).inspect(|line| {
        assert!(!line.is_empty() && !line.starts_with([' ', '\t']), "{line:?} continues another line");
        assert!(!line.contains('\r') && line.trim_end_matches([' ', '\t']) == *line, "{line:?}");
    })
}

/// As postmap(1) takes a line apart: at the first blank outside of quotes.
fn key_and_result(line: &str) -> (String, String) {
    let mut quoted = false;
    let end = line.find(|c: char| {
        quoted ^= c == '"';
        !quoted && matches!(c, ' ' | '\t')
    });
    let (key, result) = line.split_at(end.expect("a result follows the key"));
    (key.to_owned(), result.trim_start_matches([' ', '\t']).to_owned())
}
