//! The command as a person meets it: what is on both streams, the exit code, and what is on disk afterwards.

mod attest;
mod build;
mod check;
mod diff;
mod fleet;
mod image;
mod import;
mod import_rules;
mod init;
mod inspect;
mod lists;
mod mistakes;
mod render;
mod repo;
mod reports;
mod streams;
mod tables;
mod world;
