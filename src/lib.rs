//! postpack turns one short description of a Postfix mail relay into native packages.
//!
//! The data flows one way: [`spec`] reads what a person wrote and yields a checked [`relay::Relay`];
//! [`plan`] turns that and the facts of a [`platform`] into the files and facts a host needs, as a neutral
//! [`package::Package`]; [`formats`] turns that into bytes; [`build`] writes them, with what [`attest`] says of them;
//! [`repo`] publishes them, signed by [`sign`]. [`pipeline`] joins these steps for all verbs.
//! The library neither reads the environment nor writes to a terminal: only [`cli`] does.

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
