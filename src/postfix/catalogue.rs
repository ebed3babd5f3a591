//! Every parameter of Postfix 3.4 to 3.11, and every restriction of smtpd(8).
//!
//! The data is sorted text, made from the sources of Postfix by `ci/catalogue/generate`. A line is parsed when it is first needed,
//! so a run that uses ten parameters parses ten lines.

use std::sync::OnceLock;

use super::installation::Release;

/// The facts about a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its name; for a parameter that exists once for each transport, with `*` in the transport's place.
    pub name: &'static str,
    /// How its value is read.
    pub kind: Kind,
    /// The first release of each series that got it; empty if it is older than the catalogue.
    since: Vec<Release>,
    /// The last series that has it, if it is gone.
    pub last: Option<Release>,
    /// The series that began to warn about it.
    pub deprecated: Option<Release>,
    /// The parameter that took its place.
    pub instead: Option<&'static str>,
}

/// How the value of a parameter is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    Boolean,
    /// A whole number with its bounds.
    Integer(i64, Option<i64>),
    /// A number with an optional unit: `s`, `m`, `h`, `d` or `w`.
    Time,
    /// One of these; an empty one means that it may be empty.
    Word(Vec<&'static str>),
    /// A list of these.
    Words(Vec<&'static str>),
    /// A list of lookup tables, `type:name`.
    Maps,
    /// A list of access restrictions, for the stage of this name.
    Restrictions(&'static str),
    /// A list of TLS protocols.
    TlsProtocols,
    /// A list of networks, tables or files.
    Networks,
    /// A list of domains, tables or files.
    Domains,
    /// A list of hosts to send to.
    Relays,
    /// `transport:nexthop`.
    Transport,
    /// The name of a host.
    Hostname,
    /// A list of addresses to listen on.
    Interfaces,
    /// An IP address.
    Ip,
    /// A list of mail filters.
    Milters,
    /// An absolute path.
    Path,
    /// Postfix sets it.
    ReadOnly,
    /// Text in which `$name` stands for something that Postfix knows when it delivers.
    Raw,
    /// Any text.
    Text,
}

/// Where to ask.
#[derive(Debug)]
pub struct Catalogue(());

static PARAMETERS: &str = include_str!("../../pkg/postfix/parameters.tsv");
static RESTRICTIONS: &str = include_str!("../../pkg/postfix/restrictions.tsv");

impl Catalogue {
    /// The parameter with that name. Also finds `mytransport_destination_rate_delay`, which any transport has.
    pub fn get(name: &str) -> Option<ParameterInfo> {
        find(parameters(), name).or_else(|| template(name)).map(ParameterInfo::read)
    }

    /// The transport in the name of a parameter that exists once for each: `slow` in `slow_destination_rate_delay`.
    pub fn transport_of(name: &str) -> Option<&str> {
        if find(parameters(), name).is_some() {
            return None;
        }
        name.strip_suffix(&key(template(name)?)[1..])
    }

    /// The names of all parameters, sorted, with `*` in place of a transport.
    pub fn names() -> impl Iterator<Item = &'static str> {
        parameters().iter().map(|line| key(line))
    }

    /// The name of one of the parameters.
    #[cfg(test)]
    pub(super) fn any(index: usize) -> &'static str {
        key(parameters()[index % parameters().len()])
    }

    /// The parameter that a person probably meant.
    pub fn nearest(name: &str) -> Option<&'static str> {
        nearest(name, parameters().iter().map(|line| key(line)))
    }

    /// The restriction of that name; upper and lower case are the same.
    pub fn restriction(name: &str) -> Option<RestrictionInfo> {
        find(restrictions(), &name.to_ascii_lowercase()).map(RestrictionInfo::read)
    }

    /// The restriction that a person probably meant.
    pub fn nearest_restriction(name: &str) -> Option<&'static str> {
        nearest(name, restrictions().iter().map(|line| key(line)))
    }
}

fn parameters() -> &'static [&'static str] {
    static LINES: OnceLock<Vec<&str>> = OnceLock::new();
    LINES.get_or_init(|| lines(PARAMETERS))
}

/// The line of a parameter of any transport.
fn template(name: &str) -> Option<&'static str> {
    // `*_...` is before everything else.
    let templates = parameters().iter().copied().take_while(|line| line.starts_with('*'));
    let fits = |line: &&'static str| {
        name.strip_suffix(&key(line)[1..]).is_some_and(|transport| !transport.is_empty())
    };
    templates.filter(fits).max_by_key(|line| key(line).len())
}

fn restrictions() -> &'static [&'static str] {
    static LINES: OnceLock<Vec<&str>> = OnceLock::new();
    LINES.get_or_init(|| lines(RESTRICTIONS))
}

pub(crate) fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

pub(crate) fn key(line: &'static str) -> &'static str {
    // Faster than a search for a char: this is called ten thousand times for each package.
    let end = line.bytes().position(|byte| byte == b'\t').unwrap_or(line.len());
    &line[..end]
}

pub(super) fn find(lines: &[&'static str], name: &str) -> Option<&'static str> {
    lines.binary_search_by(|line| key(line).cmp(name)).ok().map(|at| lines[at])
}

/// The candidate that is most like `name`, if any is like it at all.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = |candidate: &str| 1 + name.len().max(candidate.len()) / 6;
    let length = name.chars().count();
    candidates
        // The distance is no smaller than the difference of the lengths, and far cheaper to tell.
        .filter(|candidate| length.abs_diff(candidate.len()) <= limit(candidate))
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= limit(candidate))
        .map(|(_, candidate)| candidate)
}

impl ParameterInfo {
    fn read(line: &'static str) -> Self {
        let mut fields = line.split('\t').map(|field| if field == "-" { "" } else { field });
        let mut next = || fields.next().unwrap_or_default();
        let (name, kind, argument, since, last, deprecated, instead) =
            (next(), next(), next(), next(), next(), next(), next());
        Self {
            name,
            kind: Kind::read(kind, argument),
            since: since.split(',').filter_map(|version| version.parse().ok()).collect(),
            last: last.parse().ok(),
            deprecated: deprecated.parse().ok(),
            instead: Some(instead).filter(|instead| !instead.is_empty()),
        }
    }

    /// Whether a Postfix of this version has it.
    pub fn exists_in(&self, version: Release) -> bool {
        if self.last.is_some_and(|last| version > last && !version.same_series(last)) {
            return false;
        }
        // Old series got some features later than new ones; the last one named starts an unbroken row.
        self.since.is_empty()
            || self.since.iter().any(|since| version.same_series(*since) && version >= *since)
            || self.since.last().is_some_and(|since| version >= *since)
    }

    /// The versions that brought it, for a sentence: `3.9 (3.8.4, 3.7.9)`.
    pub fn since(&self) -> Option<String> {
        let (newest, older) = self.since.split_last()?;
        let older: Vec<_> = older.iter().rev().map(Release::to_string).collect();
        Some(if older.is_empty() { newest.to_string() } else { format!("{newest} ({})", older.join(", ")) })
    }
}

impl Kind {
    fn read(kind: &str, argument: &'static str) -> Self {
        let words = || argument.split(' ').map(|word| if word == "-" { "" } else { word }).collect();
        match kind {
            "boolean" => Self::Boolean,
            "integer" | "size" | "number" => {
                let (low, high) = argument.split_once("..").unwrap_or_default();
                Self::Integer(low.parse().unwrap_or(0), high.parse().ok())
            }
            "time" => Self::Time,
            "word" => Self::Word(words()),
            "words" => Self::Words(words()),
            "maps" => Self::Maps,
            "restrictions" => Self::Restrictions(argument),
            "tls-protocols" => Self::TlsProtocols,
            "networks" => Self::Networks,
            "domains" => Self::Domains,
            "relays" => Self::Relays,
            "transport" => Self::Transport,
            "hostname" => Self::Hostname,
            "interfaces" => Self::Interfaces,
            "ip" => Self::Ip,
            "milters" => Self::Milters,
            "path" => Self::Path,
            "read-only" => Self::ReadOnly,
            "raw" => Self::Raw,
            _ => Self::Text,
        }
    }

    /// Whether the value is a list whose items may be on separate lines.
    pub fn is_list(&self) -> bool {
        use Kind::{Domains, Interfaces, Maps, Milters, Networks, Relays, Restrictions, TlsProtocols, Words};
        matches!(
            self,
            Words(_)
                | Maps
                | Restrictions(_)
                | TlsProtocols
                | Networks
                | Domains
                | Relays
                | Interfaces
                | Milters
        )
    }
}

/// The facts about a restriction of smtpd(8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestrictionInfo {
    /// Its name.
    pub name: &'static str,
    /// Its subject: `any`, `client`, `helo`, `sender`, `recipient`, `bounce`, `etrn` or `rewrite`.
    pub subject: &'static str,
    /// Its argument: none, `map`, `domain`, `policy`, `seconds` or `restriction`.
    pub argument: Option<&'static str>,
    /// Whether it is deprecated.
    pub state: RestrictionState,
}

/// Whether a restriction has a future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestrictionState {
    /// Yes.
    Current,
    /// It is gone since a series, and something else takes its place.
    Removed(&'static str, &'static str),
    /// A series began to warn about it, and something else takes its place.
    Deprecated(&'static str, &'static str),
    /// It is the old name of another.
    OldName(&'static str),
}

impl RestrictionInfo {
    fn read(line: &'static str) -> Self {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (name, subject, argument, state) = (next(), next(), next(), next());
        let words: Vec<_> = state.split(' ').collect();
        Self {
            name,
            subject,
            argument: Some(argument).filter(|argument| *argument != "-"),
            state: match words.as_slice() {
                ["removed", version, instead] => RestrictionState::Removed(version, instead),
                ["deprecated", version, instead] => RestrictionState::Deprecated(version, instead),
                ["old", instead] => RestrictionState::OldName(instead),
                _ => RestrictionState::Current,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_sorted_and_whole() {
        for lines in [parameters(), restrictions()] {
            assert!(lines.is_sorted_by(|a, b| key(a) < key(b)));
        }
        assert!(parameters().len() > 900);
        for line in parameters() {
            assert_eq!(line.split('\t').count(), 7, "{line}");
            let info = ParameterInfo::read(line);
            assert!(info.deprecated.is_some() || info.instead.is_none(), "{line}");
        }
        for line in restrictions() {
            let fields: Vec<_> = line.split('\t').collect();
            let [_, looks_at, _, _, source] = fields.as_slice() else { panic!("{line}") };
            let known = ["any", "client", "helo", "sender", "recipient", "bounce", "etrn", "rewrite"];
            assert!(known.contains(looks_at) && source.contains(": "), "{line}");
        }
    }

    #[test]
    fn names_are_found() {
        let info = Catalogue::get("smtp_tls_security_level").unwrap();
        assert!(matches!(&info.kind, Kind::Word(words) if words.contains(&"dane-only")));
        assert_eq!(Catalogue::get("message_size_limit").unwrap().kind, Kind::Integer(0, None));
        assert_eq!(Catalogue::get("2bounce_notice_recipient").unwrap().kind, Kind::Text);
        assert_eq!(Catalogue::get("bounce_queue_lifetime").unwrap().kind, Kind::Time);
        assert_eq!(Catalogue::get("relay465_destination_rate_delay").unwrap().kind, Kind::Time);
        assert_eq!(
            Catalogue::get("x_initial_destination_concurrency").unwrap().name,
            "*_initial_destination_concurrency"
        );
        assert!(Catalogue::get("smpt_tls_security_level").is_none());
        assert_eq!(Catalogue::nearest("smpt_tls_security_levl"), Some("smtp_tls_security_level"));
        assert_eq!(Catalogue::nearest("frobnicate"), None);
    }

    #[test]
    fn versions() {
        let exists =
            |name: &str, version: &str| Catalogue::get(name).unwrap().exists_in(version.parse().unwrap());
        assert!(exists("relayhost", "3.4.13"));
        assert!(!exists("smtp_tlsrpt_enable", "3.9.1"));
        assert!(exists("smtp_tlsrpt_enable", "3.10.13"));
        assert!(!exists("smtpd_forbid_bare_newline", "3.5.9"));
        assert!(exists("smtpd_forbid_bare_newline", "3.5.25"));
        assert!(!exists("smtpd_forbid_bare_newline", "3.8.3"));
        assert!(exists("smtpd_forbid_bare_newline", "3.11.0"));
        let info = Catalogue::get("smtpd_forbid_bare_newline").unwrap();
        assert_eq!(info.since().as_deref(), Some("3.9 (3.8.4, 3.7.9, 3.6.13, 3.5.23)"));
        let info = Catalogue::get("smtp_use_tls").unwrap();
        assert_eq!(
            (info.deprecated, info.instead),
            (Some(Release::new(3, 9)), Some("smtp_tls_security_level"))
        );
    }

    #[test]
    fn restrictions_are_found() {
        let removed = Catalogue::restriction("check_relay_domains").unwrap();
        assert_eq!(removed.state, RestrictionState::Removed("3.9", "reject_unauth_destination"));
        assert_eq!(Catalogue::restriction("Permit_MyNetworks").unwrap().argument, None);
        assert_eq!(
            Catalogue::nearest_restriction("reject_unauth_destnation"),
            Some("reject_unauth_destination")
        );
    }
}
