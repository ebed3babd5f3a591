//! postpack turns one short description of a Postfix mail relay into native packages.
//!
//! The data flows one way: [`spec`] reads what a person wrote and yields a checked [`relay::Relay`];
//! [`plan`] turns that and the facts of a [`target`] into the files and facts a host needs, as a neutral
//! [`package::Package`]; [`deb`], [`rpm`] and [`pacman`] turn that into bytes; [`build`] writes them,
//! with what [`attest`] says of them; [`repo`] publishes them, signed by [`sign`].
//! The library neither reads the environment nor writes to a terminal: only [`cli`] does.

#![forbid(unsafe_code)]

mod archive;
pub mod attest;
pub mod build;
pub mod cli;
pub mod deb;
pub mod diag;
pub mod explain;
pub mod fleet;
pub mod import;
pub mod keys;
pub mod package;
pub mod pacman;
pub mod plan;
pub mod postfix;
mod recent;
pub mod relay;
pub mod repo;
pub mod rpm;
pub mod sign;
pub mod spec;
pub mod systemd;
pub mod target;
pub mod template;
