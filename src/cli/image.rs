use std::path::PathBuf;

use super::changes::Changes;
use super::error::Failure;
use super::input;
use super::output::{Terminal, table};
use crate::fleet::is_fleet;
use crate::plan::Recipe;

/// Write a recipe for an image builder, an installer or a container.
///
/// Without RECIPE, list the recipes. A recipe contains no secret. It names the source of credentials, and the command that proves
/// delivery.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Recipe, such as cloud-init or container.
    recipe: Option<String>,
    /// Spec of the package; `-` reads standard input. Default: ./relay.toml.
    spec: Option<String>,
    /// Folder to write the file to; default: standard output. An existing file is never overwritten.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    changes: Changes,
    /// Folder with templates that replace built-in ones with the same name.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let Some(name) = &args.recipe else {
        let row = |recipe: &Recipe| vec![recipe.name.to_owned(), recipe.about.to_owned()];
        let rows: Vec<_> = Recipe::all().iter().map(row).collect();
        return terminal.result(&table(&["RECIPE", "PURPOSE"], &rows));
    };
    let recipe = Recipe::get(name).ok_or_else(|| {
        let failure = Failure::input(format!("there is no recipe `{name}`"));
        match crate::diag::nearest(name, Recipe::all().iter().map(|recipe| recipe.name)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("`postpack image` lists them"),
        }
    })?;
    let spec = args.spec.clone().map_or_else(|| input::default_spec(terminal), Ok)?;
    let source = input::read(&spec)?;
    if is_fleet(&source.text) {
        return Err(Failure::input(format!("{spec} is a fleet, but a recipe is for one package"))
            .hint("name the spec of one relay"));
    }
    let templates = input::templates(args.templates.as_deref())?;
    let checked = input::load(source, &args.changes.settings(), terminal)?.0.checked;
    if let Some(formats) = recipe.lacks(&checked) {
        let wanted = formats.join(" or ");
        return Err(Failure::input(format!(
            "the recipe {name} installs {wanted}, which {spec} does not build"
        ))
        .hint(format!("add the format to `package.targets`: {wanted}")));
    }
    let text = recipe.render(&checked, &templates)?;
    let Some(folder) = &args.output else {
        return terminal.result(&text);
    };
    fs_err::create_dir_all(folder)?;
    let path = folder.join(recipe.file_name(&checked));
    super::init::write_new(&path, &text)?;
    terminal.done("Wrote", &path.display().to_string(), recipe.about);
    Ok(())
}
