//! The `postpack` command.

fn main() {}
