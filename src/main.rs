//! The `postpack` command.

use std::process::ExitCode;

/// A build lives for milliseconds and takes and returns memory all the time, in every thread: glibc's heap would cost a
/// fifth of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    postpack::cli::main()
}
