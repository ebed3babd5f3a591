//! The services that Postfix's packages bring in master.cf, and what the programs that services run insist on.

use std::sync::OnceLock;

use super::catalogue::{find, key, lines, nearest};

/// A service that Postfix has from its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// `name/type`.
    pub id: &'static str,
    /// The program that it runs.
    pub program: &'static str,
    /// Whether every Postfix has it; else only some have, or a line that is commented out.
    pub everywhere: bool,
    /// Effect of its absence in any Postfix.
    pub needed: Option<&'static str>,
}

/// A program that services run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its name in `daemon_directory`.
    pub name: &'static str,
    /// The process limit without which it stops.
    pub limit: Option<u32>,
    /// Whether it must start as root.
    pub privileged: bool,
    /// Why it cannot run in the queue directory as its root.
    pub no_chroot: Option<&'static str>,
}

static SERVICES: &str = include_str!("../../pkg/postfix/services.tsv");
static PROGRAMS: &str = include_str!("../../pkg/postfix/daemons.tsv");

fn services() -> &'static [&'static str] {
    static LINES: OnceLock<Vec<&str>> = OnceLock::new();
    LINES.get_or_init(|| lines(SERVICES))
}

fn programs() -> &'static [&'static str] {
    static LINES: OnceLock<Vec<&str>> = OnceLock::new();
    LINES.get_or_init(|| lines(PROGRAMS))
}

fn columns<const N: usize>(line: &'static str) -> [&'static str; N] {
    let mut columns = line.split('\t').map(|column| if column == "-" { "" } else { column });
    std::array::from_fn(|_| columns.next().unwrap_or_default())
}

fn said(text: &'static str) -> Option<&'static str> {
    Some(text).filter(|text| !text.is_empty())
}

impl Shipped {
    /// The service of that `name/type`.
    pub fn get(id: &str) -> Option<Self> {
        find(services(), id).map(Self::read)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        services().iter().copied().map(Self::read)
    }

    fn read(line: &'static str) -> Self {
        let [id, program, place, needed] = columns(line);
        Self { id, program, everywhere: place == "all", needed: said(needed) }
    }

    /// The process limit without which it stops.
    pub fn limit(&self) -> Option<u32> {
        // According to proxymap(8), a table has a single writer, but any number of readers.
        if self.id == "proxywrite/unix" { Some(1) } else { Program::get(self.program)?.limit }
    }
}

impl Program {
    /// The program of that name.
    pub fn get(name: &str) -> Option<Self> {
        find(programs(), name).map(Self::read)
    }

    /// The program that a person probably meant.
    pub fn nearest(name: &str) -> Option<&'static str> {
        nearest(name, programs().iter().map(|line| key(line)))
    }

    fn read(line: &'static str) -> Self {
        let [name, limit, start, chroot] = columns(line);
        Self { name, limit: limit.parse().ok(), privileged: start == "root", no_chroot: said(chroot) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postfix::master_cf::Kind;

    #[test]
    fn the_data_is_sorted_and_whole() {
        for lines in [services(), programs()] {
            assert!(lines.is_sorted_by(|a, b| key(a) < key(b)));
            assert!(lines.iter().all(|line| line.split('\t').count() == 4), "{lines:?}");
        }
        for service in Shipped::all() {
            let (_, kind) = service.id.split_once('/').unwrap();
            kind.parse::<Kind>().unwrap();
            assert!(Program::get(service.program).is_some(), "{service:?}");
        }
    }

    #[test]
    fn what_is_known() {
        let qmgr = Shipped::get("qmgr/unix").unwrap();
        assert!(qmgr.everywhere && qmgr.needed.is_some() && qmgr.limit() == Some(1));
        assert_eq!(Shipped::get("proxymap/unix").unwrap().limit(), None);
        assert_eq!(Shipped::get("proxywrite/unix").unwrap().limit(), Some(1));
        assert!(!Shipped::get("uucp/unix").unwrap().everywhere);
        assert!(Program::get("pipe").unwrap().privileged);
        assert_eq!(Program::nearest("smptd"), Some("smtpd"));
    }
}
