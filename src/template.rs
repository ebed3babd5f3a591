//! Templates: layout that a system administrator may want to read and restyle.
//!
//! Handlebars in strict mode and without HTML escaping. A user's own folder comes before ours, file by file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use handlebars::{Handlebars, no_escape};
use include_dir::{Dir, include_dir};
use serde::Serialize;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
/// Files with this ending are rendered; all others are taken as they are.
const RENDERED: &str = ".hbs";

/// Our templates, and the user's before them.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    own: BTreeMap<String, Vec<u8>>,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The user's folder cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A file in the user's folder takes the place of nothing.
    #[error("{path}: there is no template `{name}` to replace")]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Its name below the folder.
        name: String,
    },
    /// There is no such template.
    #[error("there is no template `{0}`")]
    Missing(String),
    /// It is no text, or no handlebars.
    #[error("{0}")]
    Syntax(String),
    /// It asks for a value that is not there.
    #[error("{0}")]
    Render(String),
}

impl Templates {
    /// Ours only.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Ours, but files in `folder` take the place of those of the same name.
    ///
    /// # Errors
    /// The folder cannot be read, or holds a file that replaces nothing: probably a misspelt name.
    pub fn with_overrides(folder: &Path) -> Result<Self, TemplateError> {
        let mut own = BTreeMap::new();
        collect(folder, "", &mut own)?;
        if let Some(name) = own.keys().find(|name| BUILTIN.get_file(name.as_str()).is_none()) {
            return Err(TemplateError::Unknown { path: folder.join(name), name: name.clone() });
        }
        Ok(Self { own })
    }

    /// Renders `<name>.hbs`.
    ///
    /// # Errors
    /// There is no such template, its text is wrong, or it uses a value that `values` lacks.
    pub fn render(&self, name: &str, values: &impl Serialize) -> Result<String, TemplateError> {
        let file = format!("{name}{RENDERED}");
        let Some(own) = self.own.get(&file) else {
            let engine = builtin_engine();
            if engine.get_template(name).is_none() {
                return Err(TemplateError::Missing(name.to_owned()));
            }
            return engine.render(name, values).map_err(|error| TemplateError::Render(error.to_string()));
        };
        let text = std::str::from_utf8(own)
            .map_err(|error| TemplateError::Syntax(format!("{file}: not UTF-8 text: {error}")))?;
        let mut engine = engine();
        engine.register_template_string(name, text).map_err(|error| TemplateError::Syntax(error.to_string()))?;
        engine.render(name, values).map_err(|error| TemplateError::Render(error.to_string()))
    }

    /// A file that is taken as it is.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        let own = self.own.get(name).cloned();
        own.or_else(|| BUILTIN.get_file(name).map(|file| file.contents().to_vec()))
    }

    /// All files of a folder, by name.
    pub fn files(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let mut names: Vec<String> = BUILTIN
            .get_dir(folder)
            .into_iter()
            .flat_map(Dir::files)
            .filter_map(|file| file.path().file_name()?.to_str().map(str::to_owned))
            .collect();
        names.sort_unstable();
        names
            .into_iter()
            .filter_map(|name| self.file(&format!("{folder}/{name}")).map(|bytes| (name, bytes)))
            .collect()
    }
}

/// An engine that fails on a missing value and changes no character of a present one.
fn engine() -> Handlebars<'static> {
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(no_escape);
    engine
}

/// All of our own templates, compiled once: a fleet renders each of them thousands of times.
fn builtin_engine() -> &'static Handlebars<'static> {
    static ENGINE: OnceLock<Handlebars<'static>> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut engine = engine();
        register(&BUILTIN, &mut engine);
        engine
    })
}

fn register(folder: &Dir<'_>, engine: &mut Handlebars<'static>) {
    for file in folder.files() {
        let Some(name) = file.path().to_str().and_then(|path| path.strip_suffix(RENDERED)) else { continue };
        let text = file.contents_utf8().unwrap_or_default();
        if let Err(error) = engine.register_template_string(name, text) {
            // A test renders each of them.
            panic!("embedded template {name}: {error}");
        }
    }
    for sub in folder.dirs() {
        register(sub, engine);
    }
}

fn collect(folder: &Path, prefix: &str, into: &mut BTreeMap<String, Vec<u8>>) -> Result<(), std::io::Error> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), into)?;
        } else {
            into.insert(name, fs_err::read(entry.path())?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_embedded_template_compiles() {
        assert!(builtin_engine().get_templates().len() > 3);
    }

    #[test]
    fn the_users_folder_comes_first_and_must_replace_something() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("doc/README.hbs");
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(&file, "{{package}} = <&>").unwrap();
        let templates = Templates::with_overrides(folder.path()).unwrap();
        assert_eq!(templates.render("doc/README", &json!({ "package": "a=b" })).unwrap(), "a=b = <&>");
        assert!(matches!(templates.render("doc/README", &json!({})), Err(TemplateError::Render(_))));

        fs_err::write(folder.path().join("doc/REDAME.hbs"), "").unwrap();
        assert!(matches!(Templates::with_overrides(folder.path()), Err(TemplateError::Unknown { .. })));
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        assert!(matches!(Templates::builtin().render("no/such", &json!({})), Err(TemplateError::Missing(_))));
    }
}
