use std::path::PathBuf;

use super::error::Failure;
use super::output::Terminal;

/// Print the man page postpack(1), or write the pages of all verbs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder for one page per verb.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let command = super::command();
    if let Some(folder) = &args.output {
        fs_err::create_dir_all(folder)?;
        clap_mangen::generate_to(command, folder)?;
        terminal.done("Wrote", &folder.display().to_string(), "");
        return Ok(());
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    terminal.result(&String::from_utf8_lossy(&page))
}
