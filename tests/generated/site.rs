//! The generated pages of the site: one for each section, provider, code and finding.
//!
//! `POSTPACK_SITE=DIR cargo test --test integration the_site` writes them, with a list of them in pages.json. `ci/site` does that.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use postpack::explain::{self, Topic};
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
    fn new(folder: &str, name: &str, title: &str, text: &str) -> Self {
        Self {
            title: title.to_owned(),
            path: format!("{folder}/{name}.md"),
            text: format!("# {title}\n\n<!-- Generated: ci/site -->\n\n{}\n", text.trim()),
        }
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
            Page::new("sections", section.name, &format!("[{}]", section.name), &text)
        })
        .collect()
}

fn presets() -> Vec<Page> {
    let examples = providers::examples();
    let folder = "https://github.com/postpack/postpack/blob/main/examples";
    let builtin = Providers::builtin();
    let page = |provider: &Provider| {
        let text = providers::page(provider, &examples, folder);
        Page::new("providers", &provider.name, &provider.title, &text)
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
        Page::new("codes", &code.name, &code.name, &text)
    };
    explain::codes().iter().map(page).collect()
}

fn findings() -> Vec<Page> {
    let topics = explain::names().into_iter().flat_map(explain::topics);
    let data = topics.filter(|topic| matches!(topic, Topic::Finding(_))).map(|topic| topic.json());
    data.map(|finding| {
        let field = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let fix = match field("fix").strip_prefix("$ ") {
            Some(command) => format!("```sh\n{command}\n```"),
            None => sentence(&field("fix")),
        };
        let text = format!(
            "{} {}\n\n{fix}\n\nSeverity: {}. `{{1}}` and similar stand for values on the host.",
            sentence(&field("what")),
            sentence(&field("why")),
            field("severity"),
        );
        Page::new("findings", &field("name"), &field("name"), &text)
    })
    .collect()
}

/// A page with links to others.
fn list(name: &str, title: &str, about: &str, pages: &[Page]) -> Page {
    let mut text = format!("# {title}\n\n<!-- Generated: ci/site -->\n\n{about}\n\n");
    for page in pages {
        let _ = writeln!(text, "- [{}]({})", page.title, page.path);
    }
    Page { title: title.to_owned(), path: format!("{name}.md"), text }
}

/// A text with a capital letter at its beginning and a full stop at its end.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
