//! The main.cf and master.cf that packages of Postfix bring, so that only what a person changed is reported:
//! `pkg/import/main_cf.tsv` and `pkg/import/services.tsv`, made by `ci/catalogue/stocks`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::postfix::catalogue::{key, lines};
use crate::postfix::master_cf::{Argument, Kind, Service};

static MAIN_CF: &str = include_str!("../../pkg/import/main_cf.tsv");
static SERVICES: &str = include_str!("../../pkg/import/services.tsv");

fn main_cf() -> &'static [&'static str] {
    static ROWS: OnceLock<Vec<&str>> = OnceLock::new();
    ROWS.get_or_init(|| lines(MAIN_CF))
}

fn services() -> &'static [&'static str] {
    static ROWS: OnceLock<Vec<&str>> = OnceLock::new();
    ROWS.get_or_init(|| lines(SERVICES))
}

/// Words with one blank between them.
pub(super) fn plain(text: &str) -> String {
    text.split([' ', '\t', ',']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The stocks that set a parameter to this value, as it is written.
pub(super) fn of_parameter(name: &str, value: &str) -> Vec<&'static str> {
    let at = main_cf().partition_point(|row| key(row) < name);
    let same = main_cf()[at..].iter().take_while(|row| key(row) == name);
    let value = plain(value);
    let fits = same.filter_map(|row| {
        let mut fields = row.split('\t').skip(1);
        (plain(fields.next()?) == value).then(|| fields.next().unwrap_or_default())
    });
    fits.flat_map(|stocks| stocks.split(' ')).collect()
}

/// The stocks that have this service with these options. The chroot column differs between distributions, and a `fifo` is
/// an older form of the same socket.
pub(super) fn of_service(service: &Service) -> Vec<&'static str> {
    let kind = if service.kind == Kind::Fifo { Kind::Unix } else { service.kind };
    let name = format!("{}/{}", service.name, kind.name());
    let flag = |column: Option<bool>| column.map_or("-", crate::postfix::master_cf::flag);
    let command: Vec<String> = std::iter::once(service.command.clone())
        .chain(service.arguments.iter().map(|argument| match argument {
            Argument::Override(name, value) => format!("-o {name}={value}"),
            Argument::Word(word) => word.clone(),
        }))
        .collect();
    let command = plain(&command.join(" "));
    let at = services().partition_point(|row| key(row) < name.as_str());
    let same = services()[at..].iter().take_while(|row| key(row) == name);
    let fits = same.filter_map(|row| {
        let fields: Vec<&str> = row.split('\t').collect();
        let [_, private, unprivileged, wakeup, limit, stock, stocks] = fields.as_slice() else { return None };
        let alike = |column: Option<bool>, stock: &str, default: &str| {
            let own = flag(column);
            let plain = |text: &str| if text == "-" { default.to_owned() } else { text.to_owned() };
            plain(own) == plain(stock)
        };
        let number = |own: Option<String>, stock: &str| match own {
            None => stock == "-" || stock == "0",
            Some(own) => own.trim_end_matches('?') == stock.trim_end_matches('?'),
        };
        (alike(service.private, private, "y")
            && alike(service.unprivileged, unprivileged, "y")
            && number(service.wakeup.map(|wakeup| wakeup.to_string()), wakeup)
            && (number(service.max_processes.map(|limit| limit.to_string()), limit)
                || service.command == "proxymap")
            && plain(stock) == command)
            .then_some(*stocks)
    });
    fits.flat_map(|stocks| stocks.split(' ')).collect()
}

/// Whether any stock has a service of that name and type.
pub(super) fn has_service(id: &str) -> bool {
    services().binary_search_by(|row| key(row).cmp(id)).is_ok() || services().iter().any(|row| key(row) == id)
}

/// The stock that most of the votes name; of several, the newest. Fewer votes than a quarter of what there is say nothing.
pub(super) fn nearest<'a>(votes: impl IntoIterator<Item = &'a str>, all: usize) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for vote in votes {
        *counts.entry(vote).or_default() += 1;
    }
    let rank = |name: &str| {
        let digits: Vec<u32> = super::expand::level(name.rsplit('-').next().unwrap_or(name));
        (name.starts_with(|c: char| c.is_ascii_alphabetic()), digits)
    };
    counts
        .into_iter()
        .filter(|(_, votes)| *votes > 2 && *votes * 4 >= all)
        .max_by(|(a, left), (b, right)| left.cmp(right).then_with(|| rank(a).cmp(&rank(b))))
        .map(|(name, _)| name.to_owned())
}

/// Its name in a sentence.
pub(super) fn title(stock: &str) -> String {
    match stock {
        "rhel" => "RHEL or Fedora (from public configurations)".to_owned(),
        "arch" => "Arch Linux (from public configurations)".to_owned(),
        "opensuse" => "openSUSE (from public configurations)".to_owned(),
        stock => match stock.strip_prefix("debian-") {
            Some(release) => format!("Debian {release}"),
            None => format!("Postfix {stock}"),
        },
    }
}

/// The version of Postfix that a stock belongs to.
pub(super) fn version(stock: &str) -> Option<&str> {
    match stock {
        "debian-11" => Some("3.5.25"),
        "debian-12" => Some("3.7.11"),
        "debian-13" => Some("3.10.13"),
        "debian-sid" => Some("3.11.7"),
        stock => stock.starts_with(|c: char| c.is_ascii_digit()).then_some(stock),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postfix::master_cf;

    #[test]
    fn stocks_are_known() {
        assert!(
            of_parameter("smtpd_banner", "$myhostname ESMTP $mail_name (Debian/GNU)").contains(&"debian-12")
        );
        assert!(of_parameter("smtpd_banner", "$myhostname ESMTP").contains(&"opensuse"));
        assert!(of_parameter("smtpd_banner", "hello").is_empty());
        let read = |line: &str| of_service(&master_cf::parse(line).unwrap()[0]);
        assert!(read("smtp inet n - y - - smtpd").contains(&"debian-12"));
        assert!(read("pickup fifo n - n 60 1 pickup").contains(&"2.5"));
        assert!(read("relay unix - - n - - smtp -o smtp_fallback_relay=").contains(&"2.5"));
        assert!(read("smtp inet n - y - - smtpd -o smtpd_proxy_filter=127.0.0.1:10024").is_empty());
        assert!(has_service("submission/inet"));
        assert_eq!(
            nearest(["3.7", "debian-12", "3.7", "debian-12", "3.7", "debian-12"], 9).as_deref(),
            Some("debian-12")
        );
    }

    #[test]
    fn the_rows_are_whole() {
        for row in main_cf() {
            assert_eq!(row.split('\t').count(), 3, "{row}");
        }
        for row in services() {
            assert_eq!(row.split('\t').count(), 7, "{row}");
        }
        assert!(main_cf().is_sorted_by(|a, b| key(a) <= key(b)));
        assert!(services().is_sorted_by(|a, b| key(a) <= key(b)));
    }
}
