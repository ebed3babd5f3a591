//! Lists in parameter values: items between commas and blanks, braces keep an item together.

use std::ops::Range;

/// An item of a list and its place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'a> {
    /// The item; with its braces, if it has any.
    pub(super) text: &'a str,
    /// Where it begins.
    pub(super) start: usize,
}

impl Item<'_> {
    /// Where it stands.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// Splits a list as Postfix does. Braces that are not closed reach to the end.
pub(super) fn items(text: &str) -> Vec<Item<'_>> {
    split(text, |c| matches!(c, ',' | ' ' | '\t' | '\n' | '\r'))
}

/// Splits at commas only, for layout: `check_sender_access cidr:/x` stays together.
pub(super) fn entries<'a>(text: &'a str) -> Vec<Item<'a>> {
    let trim = |item: Item<'a>| Item {
        text: item.text.trim(),
        start: item.start + item.text.len() - item.text.trim_start().len(),
    };
    split(text, |c| c == ',').into_iter().map(trim).filter(|item| !item.text.is_empty()).collect()
}

fn split(text: &str, separates: impl Fn(char) -> bool) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut depth = 0usize;
    let mut start = None;
    for (at, c) in text.char_indices() {
        if depth == 0 && separates(c) {
            if let Some(start) = start.take() {
                items.push(Item { text: &text[start..at], start });
            }
            continue;
        }
        start.get_or_insert(at);
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if let Some(start) = start {
        items.push(Item { text: &text[start..], start });
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_keep_items_together() {
        let text = " a,b  inline:{ {c = d, e} },, {f g}";
        let found: Vec<_> = items(text).iter().map(|item| item.text).collect();
        assert_eq!(found, ["a", "b", "inline:{ {c = d, e} }", "{f g}"]);
        for item in items(text) {
            assert_eq!(&text[item.range()], item.text);
        }
        let found: Vec<_> = entries("check_x y:/z , permit,,reject").iter().map(|item| item.text).collect();
        assert_eq!(found, ["check_x y:/z", "permit", "reject"]);
    }
}
