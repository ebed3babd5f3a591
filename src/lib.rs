//! postpack turns one short description of a Postfix mail relay into native packages.
//!
//! The data flows in one direction. [`spec`] reads the TOML text and yields a checked [`relay::Relay`].
//! [`plan`] turns the relay and the facts of a [`target`] into the files and facts of a host, as a neutral
//! [`package::Package`]. [`deb`], [`rpm`] and [`pacman`] turn that into bytes. [`build`] writes them, with the
//! documents of [`attest`]. [`repo`] publishes them, signed by [`sign`]. Only [`cli`] reads the environment and
//! writes to a terminal.

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
