use super::error::Failure;
use super::output::{Format, Terminal};
use crate::explain;

/// Explain a key of the spec, a Postfix parameter, or the code of a finding.
///
/// For a key: what it does, its type, default and an example. For a Postfix parameter: which key decides it in each profile.
/// For a code of `postpack check` or `mail-relay doctor`: the cause and the fix.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name to explain, such as `limits.hops`, `hopcount_limit` or `out-of-range`.
    #[arg(value_name = "KEY|PARAMETER|CODE")]
    name: String,
    /// Format of the answer.
    #[arg(long, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let topics = explain::topics(&args.name);
    if topics.is_empty() {
        let failure = Failure::input(format!("there is no key, Postfix parameter or code `{}`", args.name));
        return Err(match explain::meant(&args.name) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("docs/spec.md lists the keys, docs/parameters.md the parameters"),
        });
    }
    match args.format {
        Format::Text => {
            let pages: Vec<String> = topics.iter().map(explain::Topic::text).collect();
            terminal.result(&pages.join("\n"))
        }
        Format::Json => terminal.json(&topics.iter().map(explain::Topic::json).collect::<Vec<_>>()),
    }
}
