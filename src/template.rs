//! Templates: layout that a system administrator may want to read and restyle. A template never decides a value.
//!
//! They are Handlebars, strict (an unknown name is an error) and without HTML escaping. A name is the path below
//! `templates/` without `.hbs`. Two helpers keep values inside their place in a script:
//! `{{sh value}}` writes one shell word, `{{command value}}` a command with each word quoted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use handlebars::template::{Template, TemplateElement};
use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
    no_escape,
};
use include_dir::{Dir, include_dir};
use sha2::{Digest as _, Sha256};

static BUILTIN: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates");
const EXTENSION: &str = "hbs";

/// The set of templates by name; each is compiled when it is first used.
#[derive(Debug, Default)]
pub struct Templates {
    by_name: BTreeMap<String, Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    text: String,
    /// Its origin, for messages.
    origin: String,
    /// Whether it belongs to the user.
    own: bool,
    compiled: OnceLock<Result<Compiled, Fault>>,
}

/// The reason why a template could not be read or rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read.
    #[error("{0}")]
    Read(String),
    /// A file in the folder of the user has an unknown name.
    #[error("{path} replaces no template of ours: {hint}")]
    Unknown {
        /// The file.
        path: String,
        /// The known names.
        hint: String,
    },
    /// There is no template with this name.
    #[error("there is no template {0}")]
    Missing(String),
    /// The result does not match its input.
    #[error("{origin}: {reason}")]
    Refused {
        /// The file of the template.
        origin: String,
        /// The fault.
        reason: String,
    },
    /// It does not compile, or uses an unknown value.
    #[error("{origin}{place}: {reason}")]
    Render {
        /// The file of the template.
        origin: String,
        /// `:LINE:COLUMN`, or empty if the place is unknown.
        place: String,
        /// The fault.
        reason: String,
    },
}

impl Templates {
    /// The built-in templates.
    pub fn builtin() -> Self {
        let mut templates = Self::default();
        templates.add_builtin(&BUILTIN);
        templates
    }

    /// The built-in templates, overridden by the files of a folder with the same layout.
    ///
    /// # Errors
    /// The folder cannot be read, contains a template that does not compile, or one with an unknown name, which would have no
    /// effect.
    pub fn with_overrides(folder: &Path) -> Result<Self, Error> {
        let mut templates = Self::builtin();
        for path in files_below(folder)? {
            let name = path.strip_prefix(folder).unwrap_or(&path).with_extension("");
            let name = name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
            let text = fs_err::read_to_string(&path).map_err(|error| Error::Read(error.to_string()))?;
            let origin = path.display().to_string();
            let Some(slot) = templates.by_name.get_mut(&name) else {
                let hint = closest(&name, templates.by_name.keys());
                return Err(Error::Unknown { path: origin, hint });
            };
            // Compiled at once, and not at first use, so that every fault is reported before anything is built.
            let compiled = compile(&text);
            if let Err(fault) = &compiled {
                return Err(fault.clone().of(origin));
            }
            *slot = Slot { text, origin, own: true, compiled: compiled.into() };
        }
        Ok(templates)
    }

    fn add_builtin(&mut self, folder: &Dir<'_>) {
        for file in folder.files() {
            let path = file.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION)
                && let (Some(name), Some(text)) = (path.with_extension("").to_str(), file.contents_utf8())
            {
                let origin = path.display().to_string();
                let slot = Slot { text: text.to_owned(), origin, own: false, compiled: OnceLock::new() };
                self.by_name.insert(name.to_owned(), slot);
            }
        }
        folder.dirs().for_each(|folder| self.add_builtin(folder));
    }

    /// A digest of all templates: SHA-256, hexadecimal.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (name, slot) in &self.by_name {
            digest.update(format!("{name}\0{}\0", slot.text.len()));
            digest.update(&slot.text);
        }
        format!("{:x}", digest.finalize())
    }

    /// The files of the user, by their names in the folder, with their texts.
    pub fn own(&self) -> impl Iterator<Item = (String, &str)> {
        let own = self.by_name.iter().filter(|(_, slot)| slot.own);
        own.map(|(name, slot)| (format!("{name}.{EXTENSION}"), slot.text.as_str()))
    }

    /// Names of all templates, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Fills a template.
    ///
    /// # Errors
    /// There is no template with this name, it does not compile, or it uses a value that `values` does not have.
    pub fn render(&self, name: &str, values: &impl serde::Serialize) -> Result<String, Error> {
        let slot = self.by_name.get(name).ok_or_else(|| Error::Missing(name.to_owned()))?;
        let wrong = |fault: Fault| fault.of(slot.origin.clone());
        let compiled = slot
            .compiled
            .get_or_init(|| compile(&slot.text))
            .as_ref()
            .map_err(|fault| wrong(fault.clone()))?;
        compiled.render(&slot.text, values).map_err(wrong)
    }

    /// An error about a result that does not match its input.
    pub(crate) fn refused(&self, name: &str, reason: String) -> Error {
        let origin = self.by_name.get(name).map_or(name, |slot| slot.origin.as_str());
        Error::Refused { origin: origin.to_owned(), reason }
    }
}

/// The fault of a template, and its place.
#[derive(Debug, Clone)]
struct Fault {
    place: Option<(usize, usize)>,
    reason: String,
}

impl Fault {
    fn of_rendering(error: &RenderError) -> Self {
        let reason = match error.reason() {
            RenderErrorReason::MissingVariable(name) => {
                format!("there is no value `{}` here", name.as_deref().unwrap_or_default())
            }
            other => other.to_string(),
        };
        Self { place: error.line_no.zip(error.column_no), reason }
    }

    /// The same fault in a part of the template with lines before it.
    fn below(mut self, lines: usize) -> Self {
        if let Some((line, _)) = &mut self.place {
            *line += lines;
        }
        self
    }

    fn of(self, origin: String) -> Error {
        let place = self.place.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        Error::Render { origin, place, reason: self.reason }
    }
}

/// A compiled template.
#[derive(Debug)]
struct Compiled {
    /// The registry of parts with expressions, by their number.
    engine: Handlebars<'static>,
    pieces: Vec<Piece>,
}

/// Whole lines of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Lines before it.
    line: usize,
    range: Range<usize>,
    /// Plain text without expressions.
    plain: bool,
}

impl Compiled {
    fn render(&self, text: &str, values: &impl serde::Serialize) -> Result<String, Fault> {
        let failed = |error: &RenderError, piece: &Piece| Fault::of_rendering(error).below(piece.line);
        let context =
            Context::wraps(values).map_err(|error| Fault { place: None, reason: error.to_string() })?;
        let mut out = String::with_capacity(text.len() * 2);
        for (number, piece) in self.pieces.iter().enumerate() {
            if piece.plain {
                out.push_str(&text[piece.range.clone()]);
            } else {
                let rendered = self.engine.render_with_context(&number.to_string(), &context);
                out.push_str(&rendered.map_err(|error| failed(&error, piece))?);
            }
        }
        Ok(out)
    }
}

fn compile(text: &str) -> Result<Compiled, Fault> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(no_escape);
    engine.register_helper("sh", Box::new(sh));
    engine.register_helper("command", Box::new(command));
    let pieces = pieces(text);
    for (number, piece) in pieces.iter().enumerate().filter(|(_, piece)| !piece.plain) {
        engine.register_template_string(&number.to_string(), &text[piece.range.clone()]).map_err(
            |error| {
                let place = Some(error.pos().unwrap_or((1, 1)));
                Fault { place, reason: error.reason().to_string() }.below(piece.line)
            },
        )?;
        if let Some(place) = engine.get_template(&number.to_string()).and_then(fragment) {
            let reason = "partials and decorators (`{{>` and `{{*`) are not supported".to_owned();
            return Err(Fault { place: Some(place), reason }.below(piece.line));
        }
    }
    Ok(Compiled { engine, pieces })
}

/// Line and column of the first partial or decorator. A template could only include itself, which never ends.
fn fragment(template: &Template) -> Option<(usize, usize)> {
    use TemplateElement as Element;
    template.elements.iter().zip(&template.mapping).find_map(|(element, place)| match element {
        Element::HelperBlock(block) | Element::Expression(block) | Element::HtmlExpression(block) => {
            [&block.template, &block.inverse].into_iter().flatten().find_map(fragment)
        }
        Element::RawString(_) | Element::Comment(_) => None,
        _ => Some((place.0, place.1)),
    })
}

/// Separates lines with expressions from plain ones. Most of a template is plain, and the parser needs a thousand instructions
/// for each character: a tenth of the time of a build.
fn pieces(text: &str) -> Vec<Piece> {
    // Comments may contain anything, and `~` affects the lines around it.
    if ["{{!", "{{~", "~}}"].iter().any(|mark| text.contains(mark)) {
        return vec![Piece { line: 0, range: 0..text.len(), plain: false }];
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut start, mut blocks, mut open) = (0, 0_usize, 0_usize);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let count = |mark| line.matches(mark).count();
        let plain = blocks + open == 0 && count("{{") == 0;
        blocks = (blocks + count("{{#")).saturating_sub(count("{{/"));
        open = (open + count("{{")).saturating_sub(count("}}"));
        let end = start + line.len();
        match pieces.last_mut() {
            Some(piece) if piece.plain == plain => piece.range.end = end,
            _ => pieces.push(Piece { line: number, range: start..end, plain }),
        }
        start = end;
    }
    pieces
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error: std::io::Error| Error::Read(error.to_string());
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn closest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> String {
    names
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map_or_else(
            || "`postpack` has no template of that name".to_owned(),
            |(_, known)| format!("did you mean {known}.{EXTENSION}?"),
        )
}

/// `text` as one word of sh, quoted if necessary.
///
/// `None` if it contains a control character, which would end the line of a comment or of a message.
pub(crate) fn sh_word(text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    Some(if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    })
}

type Rendering<'a, 'reg, 'rc> = &'a mut RenderContext<'reg, 'rc>;

fn sh(
    h: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: Rendering<'_, '_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let word = sh_word(text_of(h)?).ok_or_else(|| not_a_word(h))?;
    Ok(out.write(&word)?)
}

fn command(
    h: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: Rendering<'_, '_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let words: Option<Vec<String>> =
        text_of(h)?.split(' ').filter(|word| !word.is_empty()).map(sh_word).collect();
    Ok(out.write(&words.ok_or_else(|| not_a_word(h))?.join(" "))?)
}

fn text_of<'a>(h: &'a Helper<'_>) -> Result<&'a str, RenderError> {
    let text = h.param(0).and_then(|value| value.value().as_str());
    text.ok_or_else(|| RenderErrorReason::Other(format!("{} wants a text", h.name())).into())
}

fn not_a_word(h: &Helper<'_>) -> RenderError {
    RenderErrorReason::Other(format!(
        "the value for {} holds a line break or another control character",
        h.name()
    ))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(template: &str, values: &serde_json::Value) -> Result<String, Error> {
        let slot = Slot { text: template.into(), ..Slot::default() };
        let templates = Templates { by_name: BTreeMap::from([("t".into(), slot)]) };
        templates.render("t", values)
    }

    #[test]
    fn plain_lines_need_no_parser() {
        let kinds = |text: &str| {
            let kind = |piece: Piece| format!("{}{}", piece.line, if piece.plain { "p" } else { "e" });
            pieces(text).into_iter().map(kind).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(kinds("a\nb\n{{x}}\nc\n"), "0p 2e 3p");
        assert_eq!(kinds("{{#if x}}\na\n{{/if}}\nb"), "0e 3p");
        assert_eq!(kinds("a\n{{sh\n  x}}\nb\n"), "0p 1e 3p");
        assert_eq!(kinds("a\n{{! }} }}\nb\n"), "0e");
        assert_eq!(kinds(""), "");
        let values = json!({ "x": "1", "l": ["a", "b"] });
        let text = "0\n{{#each l}}\n{{this}}\n{{/each}}\nz {{x}}\n\nend";
        assert_eq!(rendered(text, &values).unwrap(), "0\na\nb\nz 1\n\nend");
        let error = rendered("a\nb\nc {{no}}\n", &values).unwrap_err();
        assert!(error.to_string().starts_with(":3:"), "{error}");
    }

    #[test]
    fn nothing_is_escaped_as_html() {
        assert_eq!(rendered("{{a}}", &json!({"a": "x = <y> & 'z'"})).unwrap(), "x = <y> & 'z'");
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let error = rendered("{{b}}", &json!({"a": 1})).unwrap_err();
        assert!(error.to_string().contains('b'), "{error}");
    }

    #[test]
    fn a_template_cannot_include_itself() {
        for text in [
            "x\n{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}",
            "x\n{{> 1}}",
            "x\n{{#if a}}{{#> b}}{{/b}}{{/if}}",
            "x\n{{#if a}}{{else}}{{*c}}{{/if}}",
        ] {
            let error = rendered(text, &json!({"a": true})).unwrap_err().to_string();
            assert!(error.starts_with(":2:") && error.contains("not supported"), "{error}");
        }
    }

    #[test]
    fn values_stay_words() {
        let words = |value: &str| rendered("{{sh a}}|{{command a}}", &json!({ "a": value }));
        assert_eq!(words("/usr/sbin/mail-relay").unwrap(), "/usr/sbin/mail-relay|/usr/sbin/mail-relay");
        assert_eq!(words("a b; c").unwrap(), "'a b; c'|a 'b;' c");
        assert_eq!(words("it's $HOME").unwrap(), r"'it'\''s $HOME'|'it'\''s' '$HOME'");
        assert_eq!(words("").unwrap(), "''|");
        for value in ["a\nb", "a\rb", "a\0b", "a\u{85}b"] {
            assert!(words(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn every_template_of_ours_compiles() {
        let templates = Templates::builtin();
        assert!(templates.names().count() > 0);
        for (name, slot) in &templates.by_name {
            assert!(compile(&slot.text).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_folder_of_the_user_comes_first_and_must_replace_something() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(folder.path().join("deb")).unwrap();
        fs_err::write(folder.path().join("deb/postinst.hbs"), "mine {{name}}").unwrap();
        let templates = Templates::with_overrides(folder.path()).unwrap();
        assert_eq!(templates.render("deb/postinst", &json!({"name": "x"})).unwrap(), "mine x");
        fs_err::write(folder.path().join("deb/postints.hbs"), "").unwrap();
        let error = Templates::with_overrides(folder.path()).unwrap_err().to_string();
        assert!(error.contains("did you mean deb/postinst.hbs?"), "{error}");
    }
}
