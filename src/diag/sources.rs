//! Several files as one text, so that a span names both the file and the place in it.

use super::{Diagnostic, Source, Span, position};

/// Files, one after the other.
#[derive(Debug, Default)]
pub struct Sources {
    text: String,
    /// Names of the files, and where each begins.
    parts: Vec<(String, usize)>,
}

impl Sources {
    /// Adds a file and returns where it begins.
    pub fn add(&mut self, source: Source) -> usize {
        let start = self.text.len();
        self.parts.push((source.name, start));
        self.text.push_str(&source.text);
        // Separates files, so that the end of one and the beginning of the next are different places.
        self.text.push('\n');
        start
    }

    /// All files.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All files, each with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().map(|(name, start)| (name.as_str(), self.part(*start)))
    }

    /// The file that begins here.
    pub fn part(&self, start: usize) -> &str {
        let next = self.parts.iter().map(|(_, other)| *other).find(|other| *other > start);
        &self.text[start..next.unwrap_or(self.text.len()) - 1]
    }

    /// The number of the file with this place.
    fn index(&self, offset: usize) -> usize {
        self.parts.iter().rposition(|(_, start)| *start <= offset).unwrap_or(0)
    }

    /// `FILE:LINE` of a place.
    pub fn place(&self, span: &Span) -> String {
        let (name, start) = &self.parts[self.index(span.start)];
        let (line, _) = position(&self.text[*start..], span.start - start);
        format!("{name}:{line}")
    }

    /// Findings by file, with places in that file. Those without a place belong to the first.
    pub fn split(&self, findings: Vec<Diagnostic>) -> Vec<(Source, Vec<Diagnostic>)> {
        let mut by_part: Vec<Vec<Diagnostic>> = self.parts.iter().map(|_| Vec::new()).collect();
        for mut finding in findings {
            let index = finding.label.as_ref().map_or(0, |(span, _)| self.index(span.start));
            let (_, start) = self.parts[index];
            if let Some((span, _)) = &mut finding.label {
                *span = span.start.saturating_sub(start)..span.end.saturating_sub(start);
            }
            by_part[index].push(finding);
        }
        let parts = self.parts.iter().zip(by_part).filter(|(_, findings)| !findings.is_empty());
        parts
            .map(|((name, start), findings)| {
                (Source { name: name.clone(), text: self.part(*start).to_owned() }, findings)
            })
            .collect()
    }
}
