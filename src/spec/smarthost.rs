//! `[smarthost]`: the smarthosts, from the preset and from the spec.

use std::sync::OnceLock;

use super::judge::Judge;
use super::values::{self, Fault};
use super::{direct, senders, ways};
use crate::diag::{Diagnostic, Span};
use crate::keys::spot::{Many, Spot};
use crate::keys::{AuthMethod, SmarthostSection, TlsStart};
use crate::relay::{Auth, IMPLICIT_TLS_PORTS, OAuth2, Provider, Providers, Smarthost, TlsMode};

/// A smarthost with its section, and the place where it disables TLS.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) smarthost: Smarthost,
    pub(super) section: &'a Spot<SmarthostSection>,
    pub(super) without_tls: Option<Span>,
}

/// The smarthosts, and the place where the spec disables TLS.
#[derive(Debug, Default)]
pub(super) struct Smarthosts {
    pub(super) list: Vec<Smarthost>,
    /// The place of each in the spec.
    pub(super) places: Vec<Span>,
    pub(super) without_tls: Option<Span>,
    /// Whether mail goes to MX hosts, and those for all senders are a fallback.
    pub(super) direct: bool,
}

impl Smarthosts {
    /// The smarthosts, those for all senders first.
    pub(super) fn in_order(mut self) -> Vec<Smarthost> {
        self.list.sort_by_key(|host| !host.is_usual());
        self.list
    }
}

/// Resolves the sections with the preset of the provider. `place` is the place for a finding about a missing section. If mail goes to
/// MX hosts (`direct`), there may be none. `lists` are the names of smarthosts in `[transports]`.
pub(super) fn check(
    judge: &mut Judge,
    sections: Option<&Many<SmarthostSection>>,
    (provider, providers): (&Provider, &Providers),
    region: Option<&str>,
    (place, direct): (&Span, bool),
    lists: &[Vec<String>],
) -> Option<Smarthosts> {
    let implied = [Spot::new(SmarthostSection::default(), place.clone())];
    let sections = match sections {
        Some(sections) if !sections.0.is_empty() => sections.0.as_slice(),
        _ if direct => &[],
        _ => &implied,
    };
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut usual = 0;
    for section in sections {
        let index = section.value.senders.is_none().then_some(usual);
        usual += usize::from(index.is_some());
        let Some((mut smarthost, without_tls)) = one(judge, section, index, (provider, providers), region)
        else {
            continue;
        };
        let list = lists.iter().find(|list| list.contains(&smarthost.name)).and_then(|list| list.first());
        smarthost.list = list.filter(|_| smarthost.senders.is_empty()).cloned();
        entries.push(Entry { smarthost, section, without_tls });
    }
    if direct {
        direct::fallback(judge, &entries);
    }
    ways::check(judge, sections, &entries, direct);
    if entries.len() < sections.len() {
        return None;
    }
    let without_tls = entries.iter().find_map(|entry| entry.without_tls.clone()).filter(|_| !direct);
    let places = sections
        .iter()
        .map(|section| section.value.host.as_ref().map_or(&section.span, |host| &host.span).clone())
        .collect();
    let list = entries.into_iter().map(|entry| entry.smarthost).collect();
    Some(Smarthosts { list, places, without_tls, direct })
}

fn one(
    judge: &mut Judge,
    section: &Spot<SmarthostSection>,
    index: Option<usize>,
    (provider, providers): (&Provider, &Providers),
    region: Option<&str>,
) -> Option<(Smarthost, Option<Span>)> {
    let Spot { value: raw, span } = section;
    let name = match &raw.name {
        Some(spot) => judge.read("smarthost", "smarthost.name", "a short name", spot, short_name),
        None => match index {
            Some(0) => Some("primary".to_owned()),
            Some(1) => Some("backup".to_owned()),
            Some(index) => Some(format!("backup-{index}")),
            None => {
                let hint =
                    "it is part of the keys for its account: with name = \"shop\", RELAY_SHOP_USERNAME";
                judge.missing("smarthost.name", Some(span), hint);
                None
            }
        },
    };
    let senders = senders::read(judge, raw.senders.as_ref());
    let host = if let Some(spot) = &raw.host {
        let host = judge.read("host", "smarthost.host", "a host name or address", spot, values::host);
        if let Some(host) = &host {
            about_host(judge, host, &spot.span, provider, providers);
        }
        host
    } else {
        let preset = provider.host_in(region).map(str::to_owned);
        if preset.is_none() && provider.regions.is_empty() {
            let hint = "such as [smarthost] host = \"smtp.acme.example\"; or name a provider in [relay]";
            judge.missing("smarthost.host", Some(span), hint);
        }
        preset
    };
    let port = port(raw, provider);
    let mode = mode(judge, raw, port, provider, host.as_deref());
    let auth = auth(judge, raw, provider, host.as_deref());
    let mechanisms = mechanisms(judge, raw, auth);
    let oauth2 = oauth2(judge, section, auth, provider, host.as_deref());
    let without_tls =
        raw.tls.as_ref().filter(|spot| spot.value == TlsStart::None).map(|spot| spot.span.clone());
    Some((
        Smarthost {
            name: name?,
            host: host?,
            port,
            mode,
            auth,
            mechanisms: mechanisms?,
            oauth2,
            senders: senders?,
            list: None,
        },
        without_tls,
    ))
}

/// It becomes part of variable names (`RELAY_<NAME>_PASSWORD`).
fn short_name(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    if let Some(odd) = text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-')) {
        return Err(Fault::new(format!("{} is not allowed here", values::character(odd)))
            .hint("use lower-case letters, digits and `-`"));
    }
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || text.ends_with('-') || text.contains("--") {
        return Err(Fault::new(
            "it must begin with a letter, and each hyphen must be between letters or digits",
        ));
    }
    if text.len() > 32 {
        return Err(Fault::new("it has more than 32 characters"));
    }
    Ok(text.to_owned())
}

/// A host name of a provider.
struct Known {
    host: String,
    /// The provider's name in a spec.
    name: String,
    /// The provider's name in a sentence.
    title: String,
}

/// All host names of providers, built when a spec first names a host, because many specs do not.
fn known(providers: &Providers) -> &'static [Known] {
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let all = providers.all();
        let hosts = all.iter().flat_map(|own| {
            own.host.iter().chain(own.regions.values()).map(|host| Known {
                host: host.clone(),
                name: own.name.clone(),
                title: own.title.clone(),
            })
        });
        hosts.collect()
    })
}

/// The last two labels.
fn domain(host: &str) -> &str {
    host.rmatch_indices('.').nth(1).map_or(host, |(at, _)| &host[at + 1..])
}

/// The known host that is one typing error away from a name like `smtp.gmial.com`. Only the domain is compared, because the
/// hosts of a correct domain are not all known. Its first letter must match, which distinguishes `mail.com` from `gmail.com`.
fn misspelt<'a>(host: &str, known: &'a [Known]) -> Option<&'a Known> {
    let own = domain(host);
    let machine = &host[..host.len() - own.len()];
    let alike = |one: &&Known| {
        let right = domain(&one.host);
        one.host.starts_with(machine)
            && own.len().abs_diff(right.len()) <= 1
            && own.chars().next() == right.chars().next()
            && strsim::damerau_levenshtein(own, right) == 1
    };
    known.iter().filter(alike).min_by_key(|one| one.host.len())
}

fn about_host(judge: &mut Judge, host: &str, span: &Span, provider: &Provider, providers: &Providers) {
    let known = known(providers);
    let warning = |message: String| Diagnostic::warning("smarthost", span.clone(), message);
    if provider.name != Provider::CUSTOM && !provider.owns(host) {
        let finding = warning(format!("`{host}` is not a known host of {}", provider.title));
        let finding = if let Some(right) = misspelt(host, known).filter(|right| right.name == provider.name) {
            finding.hint(format!("did you mean `{}`?", right.host))
        } else if let Some(other) = known.iter().find(|one| one.host.eq_ignore_ascii_case(host)) {
            finding.hint(format!("it is one of {}: provider = \"{}\"", other.title, other.name))
        } else {
            finding
        };
        judge.report(
            finding.hint("the ports and limits of the provider still apply; provider = \"custom\" has none"),
        );
    } else if let Some(right) = misspelt(host, known) {
        judge.report(
            warning(format!("`{host}` looks like a misspelled host of {}", right.title))
                .hint(format!("did you mean `{}`?", right.host))
                .hint("the owner of the misspelled domain would receive the mail and the password"),
        );
    } else if !host.contains('.') && !values::is_address_literal(host) {
        judge.report(
            warning(format!("`{host}` has no domain"))
                .hint("Postfix looks up the name as it is, without the search list of resolv.conf"),
        );
    }
}

fn port(raw: &SmarthostSection, provider: &Provider) -> u16 {
    if let Some(spot) = &raw.port {
        // The schema has checked the range.
        return u16::try_from(spot.value).unwrap_or_default();
    }
    let wanted = match raw.tls.as_ref().map(|spot| spot.value) {
        Some(TlsStart::Starttls) => Some(TlsMode::StartTls),
        Some(TlsStart::Implicit) => Some(TlsMode::Implicit),
        Some(TlsStart::None) | None => None,
    };
    let fitting = provider.ports.iter().find(|own| wanted.is_none_or(|mode| own.tls == mode));
    match (fitting, raw.tls.as_ref().map(|spot| spot.value)) {
        (_, Some(TlsStart::None)) => 25,
        (Some(own), _) => own.port,
        (None, Some(TlsStart::Implicit)) => 465,
        (None, _) => 587,
    }
}

fn mode(
    judge: &mut Judge,
    raw: &SmarthostSection,
    port: u16,
    provider: &Provider,
    host: Option<&str>,
) -> TlsMode {
    let usual = if IMPLICIT_TLS_PORTS.contains(&port) { TlsMode::Implicit } else { TlsMode::StartTls };
    let preset = provider.mode_of(port);
    let known = preset.unwrap_or(usual);
    let own = host.is_some_and(|host| provider.owns(host));
    if let Some(spot) = raw.port.as_ref().filter(|_| own && preset.is_none()) {
        let ports: Vec<String> =
            provider.ports.iter().map(|own| format!("{} ({})", own.port, own.tls.name())).collect();
        judge.report(
            Diagnostic::warning(
                "port",
                spot.span.clone(),
                format!("{} does not listen on port {port}", provider.title),
            )
            .hint(format!("its ports: {}", ports.join(", "))),
        );
    }
    let Some(spot) = &raw.tls else { return known };
    let chosen = match spot.value {
        TlsStart::Starttls => TlsMode::StartTls,
        TlsStart::Implicit => TlsMode::Implicit,
        // The level disables TLS; the mode only says that TLS is not implicit.
        TlsStart::None => return TlsMode::StartTls,
    };
    if chosen != known && (preset.is_some() || known == TlsMode::Implicit || port == 587) {
        let (how, happens) = match known {
            TlsMode::Implicit => (
                "implicitly, not by STARTTLS",
                "the smarthost waits for TLS and Postfix waits for a greeting, until a timeout",
            ),
            TlsMode::StartTls => {
                ("by STARTTLS, not implicitly", "the smarthost answers without TLS, and Postfix expects TLS")
            }
        };
        judge.report(if own && preset.is_some() {
            let message = format!("on port {port}, {} starts TLS {how}", provider.title);
            Diagnostic::error("tls-start", spot.span.clone(), message)
                .hint("remove `tls`, or use a different port")
                .hint(format!("otherwise {happens}"))
        } else {
            let message = format!("on port {port}, TLS usually starts {how}");
            Diagnostic::warning("tls-start", spot.span.clone(), message)
                .hint(format!("if that is true for this smarthost, {happens}"))
        });
    }
    chosen
}

fn auth(judge: &mut Judge, raw: &SmarthostSection, provider: &Provider, host: Option<&str>) -> Auth {
    let Some(spot) = &raw.auth else {
        return provider.auth.first().copied().unwrap_or(Auth::Password);
    };
    let chosen = match spot.value {
        AuthMethod::Password => Auth::Password,
        AuthMethod::Xoauth2 => Auth::Xoauth2,
        AuthMethod::None => Auth::None,
    };
    if !provider.auth.contains(&chosen) && host.is_some_and(|host| provider.owns(host)) {
        let message = match chosen {
            Auth::None => format!("{} accepts no mail without a user name and password", provider.title),
            Auth::Xoauth2 => format!("{} is not known to accept access tokens", provider.title),
            Auth::Password => {
                format!("{} does not support user names and passwords on this host", provider.title)
            }
        };
        judge.report(Diagnostic::error("auth", spot.span.clone(), message).hint("remove `auth`"));
    }
    chosen
}

/// Mechanisms that need only a user name and a password. Those that need a ticket (GSSAPI), a certificate (EXTERNAL) or a
/// token are missing on purpose: Cyrus SASL would prefer them, fail, and not try others (client.c, `sasl_client_start`).
const PASSWORD_MECHANISMS: &[&str] = &[
    "plain",
    "login",
    "cram-md5",
    "digest-md5",
    "scram-sha-1",
    "scram-sha-224",
    "scram-sha-256",
    "scram-sha-384",
    "scram-sha-512",
];

/// Obsolete, so used only on request.
const NTLM: &str = "ntlm";

/// The mechanisms that Postfix may try.
fn mechanisms(judge: &mut Judge, raw: &SmarthostSection, auth: Auth) -> Option<Vec<String>> {
    let usual: &[&str] = match auth {
        Auth::Password => PASSWORD_MECHANISMS,
        // A token is not a password. If the smarthost offers both, PLAIN would send it as one.
        Auth::Xoauth2 => &["xoauth2"],
        Auth::None => &[],
    };
    let usual = || Some(usual.iter().map(|name| (*name).to_owned()).collect());
    let Some(list) = raw.mechanisms.as_ref().filter(|list| !list.0.is_empty()) else { return usual() };
    if auth != Auth::Password {
        let span = list.0.first().map(|spot| spot.span.clone()).unwrap_or_default();
        let message = "`mechanisms` has no effect without auth = \"password\"";
        judge.report(Diagnostic::error("mechanisms", span, message).hint("remove it"));
        return usual();
    }
    let mut read =
        |spot| judge.read("mechanisms", "smarthost.mechanisms", "a SASL mechanism", spot, mechanism);
    let list: Vec<Option<String>> = list.0.iter().map(&mut read).collect();
    list.into_iter().collect()
}

fn mechanism(text: &str) -> Result<String, Fault> {
    let name = text.to_ascii_lowercase();
    if name == NTLM || PASSWORD_MECHANISMS.contains(&name.as_str()) {
        return Ok(name);
    }
    let reason = match name.as_str() {
        "gssapi" | "gss-spnego" | "kerberos_v4" => "needs a Kerberos ticket",
        "external" => "needs a client certificate and no password",
        "xoauth2" | "oauthbearer" => "needs an access token: auth = \"xoauth2\"",
        "anonymous" => "authenticates nobody",
        _ => "is not a mechanism that Cyrus SASL can use with a password",
    };
    Err(Fault::new(format!("`{}` {reason}", values::shown(text)))
        .hint(format!("choose from {}, {NTLM}", PASSWORD_MECHANISMS.join(", "))))
}

/// The token endpoint: that of the spec, else that of the provider.
fn oauth2(
    judge: &mut Judge,
    section: &Spot<SmarthostSection>,
    auth: Auth,
    provider: &Provider,
    host: Option<&str>,
) -> Option<OAuth2> {
    let raw = &section.value;
    if auth != Auth::Xoauth2 {
        for (spot, key) in [(&raw.oauth2_endpoint, "oauth2-endpoint"), (&raw.oauth2_scope, "oauth2-scope")] {
            if let Some(spot) = spot {
                let message = format!("`{key}` has no effect without auth = \"xoauth2\"");
                judge.report(Diagnostic::error("oauth2", spot.span.clone(), message).hint("remove it"));
            }
        }
        return None;
    }
    let endpoint = judge.read_if(
        "oauth2",
        "smarthost.oauth2-endpoint",
        "an `https://` URL",
        raw.oauth2_endpoint.as_ref(),
        values::https,
    );
    let scope = judge.read_if(
        "oauth2",
        "smarthost.oauth2-scope",
        "a list of names, separated by blanks",
        raw.oauth2_scope.as_ref(),
        |text| values::line(text).map(str::to_owned),
    );
    let preset = provider.oauth2.clone();
    if preset.is_none() && raw.oauth2_endpoint.is_none() && !host.is_some_and(|host| provider.owns(host)) {
        let hint =
            "such as oauth2-endpoint = \"https://login.acme.example/token\"; or name a provider in [relay]";
        judge.missing("smarthost.oauth2-endpoint", Some(&section.span), hint);
    }
    let preset = preset.unwrap_or(OAuth2 {
        endpoint: String::new(),
        scope: String::new(),
        app_scope: scope.clone().unwrap_or_default(),
        place: section.span.clone(),
    });
    Some(OAuth2 {
        endpoint: endpoint.unwrap_or(preset.endpoint),
        scope: scope.unwrap_or(preset.scope),
        app_scope: preset.app_scope,
        place: raw.auth.as_ref().map_or(&section.span, |spot| &spot.span).clone(),
    })
}
