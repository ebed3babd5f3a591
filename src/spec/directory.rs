//! `[database] kind = "ldap"`: mailboxes in a directory.

use std::net::IpAddr;

use super::judge::Judge;
use super::mailboxes::queries;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::DatabaseSection;
use crate::keys::spot::{Many, Spot};
use crate::relay::{Database, Directory, Queries, Results, Store};

/// A domain has mailboxes if any entry has it as `associatedDomain` (RFC 4524).
const DOMAINS: &str = "(&(objectClass=domainRelatedObject)(associatedDomain=%s))";
/// People are `inetOrgPerson` (RFC 2798). Their `mail` is their mailbox and login name.
const MAILBOXES: &str = "(&(objectClass=inetOrgPerson)(mail=%s))";
/// Further addresses are in `mailLocalAddress`, because its schema (`misc`) is part of OpenLDAP. An address that several people
/// have is a list.
const ALIASES: &str = "(&(objectClass=inetLocalMailRecipient)(mailLocalAddress=%s))";

/// The directory, if the section is complete.
pub(super) fn read(judge: &mut Judge, spot: &Spot<DatabaseSection>) -> Option<Database> {
    let section = &spot.value;
    for (name, span) in [
        ("name", section.name.as_ref().map(|spot| &spot.span)),
        ("port", section.port.as_ref().map(|spot| &spot.span)),
    ] {
        let Some(span) = span else { continue };
        let finding = Diagnostic::error("database", span.clone(), format!("a directory has no `{name}`"));
        judge.report(finding.hint(match name {
            "port" => "set it in the URL: host = \"ldap://ldap.acme.example:1389\"",
            _ => "`base` sets where to search",
        }));
    }
    if section.base.is_none() {
        judge.missing(
            "database.base",
            Some(&spot.span),
            "set where to search: base = \"dc=acme,dc=example\"",
        );
    }
    let what = "the URL of a server: `ldap://`, `ldaps://` or `ldapi://`";
    let url = match &section.host {
        None => Some("ldapi:///".to_owned()),
        host => judge.read_if("database", "database.host", what, host.as_ref(), url),
    };
    let base = judge.read_if("database", "database.base", "a name (DN)", section.base.as_ref(), base);
    let ca_file = judge.read_if(
        "path",
        "database.ca-file",
        "the path of a file",
        section.ca_file.as_ref(),
        values::path,
    );
    let start_tls = url.as_ref().is_some_and(|url| start_tls(judge, section, url));
    let queries = queries(judge, section.queries.as_ref(), (DOMAINS, MAILBOXES, ALIASES), filter);
    if let Some(query) = section.queries.as_ref().and_then(|own| own.tls_policies.as_ref()) {
        let message = "TLS policies can be in an SQL database only: directories have no schema for them";
        let finding = Diagnostic::error("database", query.span.clone(), message);
        judge.report(finding.hint("put them into [tls.policies]"));
    }
    let own = section.results.as_ref().map(|spot| &spot.value);
    let mut result = |path: &str, list: Option<&Many<String>>, usual: &str| {
        let read = judge.read_all("attribute", path, "names of attributes", list, attribute);
        let names: Vec<String> = read.into_iter().map(|spot| spot.value).collect();
        if names.is_empty() { usual.to_owned() } else { names.join(", ") }
    };
    let results = Results {
        domains: result(
            "database.results.domains",
            own.and_then(|own| own.domains.as_ref()),
            "associatedDomain",
        ),
        mailboxes: result("database.results.mailboxes", own.and_then(|own| own.mailboxes.as_ref()), "mail"),
        aliases: result("database.results.aliases", own.and_then(|own| own.aliases.as_ref()), "mail"),
    };
    let queries = Queries { tls_policies: None, ..queries? };
    let url = url?;
    let store =
        Store::Ldap(Directory { local: is_local(&url), url, base: base?, start_tls, ca_file, results });
    Some(Database { store, queries })
}

/// Whether to use STARTTLS. The default is yes for another host.
fn start_tls(judge: &mut Judge, section: &DatabaseSection, url: &str) -> bool {
    let plain = url.starts_with("ldap://");
    let said = section.start_tls.as_ref();
    if let Some(spot) = said.filter(|spot| spot.value && !plain) {
        let message = if url.starts_with("ldaps") {
            "with `ldaps://` TLS begins with the connection"
        } else {
            "a socket on the host needs no TLS"
        };
        judge.report(Diagnostic::error("database", spot.span.clone(), message).hint("remove `start-tls`"));
        return false;
    }
    if let Some(spot) = said.filter(|spot| !spot.value && plain && !is_local(url)) {
        let message = "the password of the directory would be sent without encryption";
        let finding = Diagnostic::warning("database", spot.span.clone(), message);
        judge.report(finding.hint("remove `start-tls`, or write `ldaps://`"));
    }
    said.map_or(plain && !is_local(url), |spot| spot.value)
}

/// Whether a directory is on the host itself.
fn is_local(url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let host = host.or_else(|| rest.split(':').next()).unwrap_or_default();
    scheme == "ldapi" || host == "localhost" || host.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

fn url(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    let hint =
        "write it as `ldaps://ldap.acme.example`, `ldap://` with STARTTLS, or `ldapi:///` for this host";
    let (scheme, rest) = text.split_once("://").ok_or_else(|| Fault::new("it is not a URL").hint(hint))?;
    match scheme {
        "ldapi" => {
            let socket = rest.strip_suffix('/').unwrap_or(rest);
            let fits = |c: char| c.is_ascii_alphanumeric() || "%._-".contains(c);
            if !(socket.is_empty() || socket.starts_with("%2F")) || !socket.chars().all(fits) {
                let fault =
                    Fault::new("behind `ldapi://` stands the path of a socket, with `%2F` for each `/`");
                return Err(fault.hint("write `ldapi:///` for the usual one"));
            }
        }
        "ldap" | "ldaps" => {
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            super::inbound::next_hop(rest)?;
            if rest.contains("::") && !rest.starts_with('[') {
                return Err(Fault::new("an IPv6 address needs brackets here"));
            }
        }
        _ => {
            return Err(Fault::new(format!("`{}` is not a protocol of a directory", values::shown(scheme)))
                .hint(hint));
        }
    }
    Ok(text.to_owned())
}

/// A DN, checked without the directory. A `%` would stand for a part of the name to look up.
fn base(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    if text.contains('%') {
        return Err(Fault::new("`%` is not allowed here"));
    }
    let is_part = |(name, value): (&str, &str)| attribute(name.trim()).is_ok() && !value.is_empty();
    if !text.split(',').all(|part| part.split_once('=').is_some_and(is_part)) {
        return Err(Fault::new("it does not have the form `name=value,name=value`")
            .hint("such as `dc=acme,dc=example`"));
    }
    Ok(text.to_owned())
}

fn attribute(text: &str) -> Result<String, Fault> {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    if first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == ';') {
        Ok(text.to_owned())
    } else {
        Err(Fault::new("it is not the name of an attribute").hint("such as `mail`"))
    }
}

/// A filter (RFC 4515), checked by its parentheses only.
fn filter(text: &str) -> Result<(), Fault> {
    let mut depth = 0_usize;
    let closes = text.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(at)
    });
    if text.starts_with('(') && closes == Some(text.len() - 1) {
        return Ok(());
    }
    Err(Fault::new("it must be enclosed in one pair of parentheses").hint("such as `(mail=%s)`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, local) in [
            ("ldapi:///", true),
            ("ldapi://%2Frun%2Fslapd%2Fldapi", true),
            ("ldap://localhost", true),
            ("ldap://127.0.0.1:1389", true),
            ("ldap://[::1]:389", true),
            ("ldaps://ldap.acme.example", false),
            ("ldap://ldap.acme.example:1389/", false),
        ] {
            assert_eq!(url(text).as_deref(), Ok(text));
            assert_eq!(is_local(text), local, "{text}");
        }
        for text in
            ["", "localhost", "http://a.example", "ldap://", "ldap://a b", "ldapi:///run/ldapi", "ldap://::1"]
        {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_and_filters() {
        for text in ["dc=acme,dc=example", "ou=Mail Users, dc=acme"] {
            assert!(base(text).is_ok(), "{text}");
        }
        for text in ["", "acme", "dc=%d", "dc=a,", "=x", "dc="] {
            assert!(base(text).is_err(), "{text}");
        }
        for text in [DOMAINS, MAILBOXES, ALIASES, "(mail=%s)"] {
            assert_eq!(filter(text), Ok(()), "{text}");
        }
        for text in ["", "mail=%s", "(mail=%s", "(mail=%s))", "(a=%s)(b=%s)", "(a=%s) "] {
            assert!(filter(text).is_err(), "{text}");
        }
    }
}
