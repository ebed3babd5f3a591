//! postpack turns one short description of a Postfix mail relay into native packages.
//!
//! The data flows in one direction. [`spec`] reads the TOML text and yields a checked [`relay::Relay`].
//! [`plan`] turns the relay and the facts of a [`platform`] into the files and facts of a host, as a neutral
//! [`package::Package`]. [`formats`] turns that into bytes. [`build`] writes them, with the documents of
//! [`attest`]. [`repo`] publishes them, signed by [`sign`]. [`pipeline`] joins these steps for all verbs. Only
//! [`cli`] reads the environment and writes to a terminal.

#![forbid(unsafe_code)]

mod archive;
pub mod attest;
pub mod build;
pub mod cli;
pub mod diag;
pub mod explain;
pub mod fleet;
pub mod formats;
pub mod import;
pub mod keys;
pub mod package;
pub mod pipeline;
pub mod plan;
pub mod platform;
pub mod postfix;
mod recent;
pub mod relay;
pub mod repo;
pub mod sign;
pub mod spec;
pub mod systemd;
pub mod template;
