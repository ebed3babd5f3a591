//! From the arguments on the command line to checked specs.

use std::io::Read as _;
use std::path::Path;

use super::error::Failure;
use super::output::Terminal;
use crate::diag::Source;
use crate::fleet::Setting;
use crate::pipeline::{self, Judged};
use crate::plan::Planned;
use crate::spec;
use crate::template::{self, Templates};

/// Specs that are used without being named.
const DEFAULTS: [&str; 2] = ["relay.toml", "fleet.toml"];

/// The spec in the current folder, if there is one.
pub(super) fn of_folder(terminal: &mut Terminal) -> Result<Option<&'static str>, Failure> {
    let there: Vec<&str> = DEFAULTS.into_iter().filter(|name| Path::new(name).exists()).collect();
    match there.as_slice() {
        [] => Ok(None),
        [name] => {
            terminal.done("Using", name, "");
            Ok(Some(name))
        }
        names => Err(Failure::input(format!("no SPEC is given, and both {} exist", names.join(" and ")))
            .hint(format!("name one of them, such as `{}`", names[0]))),
    }
}

/// The default spec.
pub(super) fn default_spec(terminal: &mut Terminal) -> Result<String, Failure> {
    let found = of_folder(terminal)?.map(str::to_owned);
    found.ok_or_else(|| {
        Failure::input(format!("no SPEC is given, and neither {} exists", DEFAULTS.join(" nor ")))
            .hint("`postpack init -o relay.toml` writes a starting point")
    })
}

/// Rejects reading standard input twice: the second time it would be empty.
pub(super) fn stdin_once<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<(), Failure> {
    if names.into_iter().filter(|name| *name == "-").count() > 1 {
        return Err(Failure::input("`-` was given more than once; standard input can be read only once"));
    }
    Ok(())
}

/// Reads a spec: a path, or `-` for standard input.
pub(super) fn read(name: &str) -> Result<Source, Failure> {
    decode(name, bytes(name)?)
}

/// Limit of an input file. Specs and packages are smaller, and /dev/zero never ends.
const LARGEST: u64 = 512 << 20;

/// Reads a whole file.
pub(super) fn whole(path: &Path) -> std::io::Result<Vec<u8>> {
    limited(fs_err::File::open(path)?, &path.display().to_string())
}

fn limited(reader: impl std::io::Read, name: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let message =
            format!("{name}: larger than {} MiB, so it is neither a spec nor a package", LARGEST >> 20);
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Reads a file, or standard input if the path is `-`.
pub(super) fn bytes(name: &str) -> Result<Vec<u8>, Failure> {
    if name == "-" {
        let read = limited(std::io::stdin().lock(), "standard input");
        return read.map_err(|error| Failure::failed(format!("standard input: {error}")));
    }
    whole(Path::new(name)).map_err(|error| {
        let failure = Failure::input(error.to_string());
        if error.kind() == std::io::ErrorKind::NotFound {
            failure.hint("`postpack init -o relay.toml` writes a starting point")
        } else {
            failure
        }
    })
}

/// The text of a spec.
pub(super) fn decode(name: &str, bytes: Vec<u8>) -> Result<Source, Failure> {
    let name = if name == "-" { "<stdin>" } else { name };
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        Failure::input(format!("{name}:{line}: not UTF-8 text (byte {at})"))
            .hint("a spec is a TOML file, and TOML is UTF-8")
    })?;
    Ok(Source { name: name.to_owned(), text })
}

/// The embedded example.
pub(super) fn example() -> Source {
    Source { name: spec::EXAMPLE_NAME.to_owned(), text: spec::example().to_owned() }
}

/// Reads and checks one spec, shows what there is to say, and stops on errors. Also returns the files that the spec names.
pub(super) fn load(
    source: Source,
    settings: &[Setting],
    terminal: &mut Terminal,
) -> Result<(Planned, Vec<Source>), Failure> {
    let Judged { planned, findings, files } =
        pipeline::judge(source, settings, source_date_epoch()?, &named_file);
    terminal.findings(&findings);
    Ok((planned.ok_or_else(Failure::already_said)?, files))
}

/// Reads a file that a spec or a fleet names.
pub(super) fn named_file(path: &Path) -> Result<String, String> {
    let name = path.display().to_string();
    let bytes = whole(path).map_err(|error| error.to_string())?;
    decode(&name, bytes).map(|source| source.text).map_err(|failure| failure.message)
}

/// The value of `SOURCE_DATE_EPOCH` (reproducible-builds.org), in seconds since 1970 UTC.
pub(super) fn source_date_epoch() -> Result<Option<u64>, Failure> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let text = text.to_string_lossy();
    // All three formats have 32 bits for a time; and parse() alone would accept a plus sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(time) if digits => Ok(Some(time.into())),
        _ if digits => Err(Failure::input(format!("SOURCE_DATE_EPOCH is `{text}`: beyond the year 2106"))),
        _ => Err(Failure::input(format!(
            "SOURCE_DATE_EPOCH is `{text}`, not a number of seconds since 1970 in decimal digits"
        ))),
    }
}

/// The built-in templates, overridden by those of the user.
pub(super) fn templates(own: Option<&Path>) -> Result<Templates, template::Error> {
    match own {
        None => Ok(Templates::builtin()),
        Some(folder) => Templates::with_overrides(folder),
    }
}
