//! The `postpack` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    postpack::cli::main()
}
