//! The generated pages of the site: one for each section, provider, code and finding.
//!
//! `POSTPACK_SITE=DIR cargo test --test integration the_site` writes them, with a list of them in pages.json. `ci/site` does that.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use postpack::explain::{self, Finding};
use postpack::keys::reference;
use postpack::relay::{Provider, Providers};
use serde_json::{Value, json};

use super::providers;

/// A page of the site.
struct Page {
    title: String,
    /// Relative to the sources of the site.
    path: String,
    text: String,
}

impl Page {
    fn new(path: String, title: &str, text: &str) -> Self {
        let text = format!("# {title}\n\n<!-- Generated: ci/site -->\n\n{}\n", text.trim());
        Self { title: title.to_owned(), path, text }
    }
}

#[test]
fn the_site_has_a_page_for_each_topic() {
    let (codes, findings) = (codes(), findings());
    let lists = vec![
        list("codes", "Errors and warnings of check", "`postpack check` reports these codes.", &codes),
        list("findings", "Findings of the doctor", "`mail-relay doctor` reports these findings.", &findings),
    ];
    let kinds = [
        ("sections", sections()),
        ("providers", presets()),
        ("codes", codes),
        ("findings", findings),
        ("lists", lists),
    ];
    let all: Vec<&Page> = kinds.iter().flat_map(|(_, pages)| pages).collect();
    let paths: BTreeSet<&str> = all.iter().map(|page| page.path.as_str()).collect();
    assert_eq!(paths.len(), all.len(), "two pages have one path");
    for (kind, pages) in &kinds {
        assert!(!pages.is_empty(), "{kind}");
    }
    let Some(folder) = std::env::var_os("POSTPACK_SITE") else { return };
    let folder = Path::new(&folder);
    for page in all {
        let path = folder.join(&page.path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, &page.text).unwrap();
    }
    let of_kind = |pages: &Vec<Page>| -> Vec<Value> {
        pages.iter().map(|page| json!({ "title": page.title, "path": page.path })).collect()
    };
    let index: serde_json::Map<String, Value> =
        kinds.iter().map(|(kind, pages)| ((*kind).to_owned(), Value::Array(of_kind(pages)))).collect();
    fs_err::write(folder.join("pages.json"), Value::Object(index).to_string()).unwrap();
}

fn sections() -> Vec<Page> {
    reference::sections()
        .map(|section| {
            let text = format!("{}\n{}", section.about, section.keys("##"));
            Page::new(format!("sections/{}.md", section.name), &format!("[{}]", section.name), &text)
        })
        .collect()
}

fn presets() -> Vec<Page> {
    let examples = providers::examples();
    let folder = "https://github.com/postpack/postpack/blob/main/examples";
    let builtin = Providers::builtin();
    let page = |provider: &Provider| {
        let text = providers::page(provider, &examples, folder);
        Page::new(format!("providers/{}.md", provider.name), &provider.title, &text)
    };
    builtin.all().iter().map(page).collect()
}

fn codes() -> Vec<Page> {
    let page = |code: &explain::Code| {
        let mut text = format!("{}\n\n{}\n", code.cause, code.fix);
        for (title, part) in [("Rejected", &code.bad), ("Accepted", &code.good)] {
            if !part.is_empty() {
                // A syntax error is the fault of one of them.
                let language = if part.parse::<toml::Table>().is_ok() { "toml" } else { "text" };
                let _ = write!(text, "\n## {title}\n\n```{language}\n{}\n```\n", part.trim_end());
            }
        }
        Page::new(format!("codes/{}.md", code.name), &code.name, &text)
    };
    explain::codes().iter().map(page).collect()
}

fn findings() -> Vec<Page> {
    let mut findings: Vec<Finding> = explain::findings().collect();
    findings.sort_by_key(|finding| finding.id);
    let page = |finding: Finding| {
        let fix = match finding.fix.strip_prefix("$ ") {
            Some(command) => format!("```sh\n{command}\n```"),
            None => sentence(finding.fix),
        };
        let text = format!(
            "{} {}\n\n{fix}\n\nSeverity: {}. `{{1}}` and similar stand for values on the host.",
            sentence(finding.what),
            sentence(finding.why),
            finding.severity,
        );
        Page::new(format!("findings/{}.md", finding.id), finding.id, &text)
    };
    findings.into_iter().map(page).collect()
}

/// A page with links to others.
fn list(name: &str, title: &str, about: &str, pages: &[Page]) -> Page {
    let mut text = format!("{about}\n\n");
    for page in pages {
        let _ = writeln!(text, "- [{}]({})", page.title, page.path);
    }
    Page::new(format!("{name}.md"), title, &text)
}

/// A text with a capital letter at its beginning and a full stop at its end.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
