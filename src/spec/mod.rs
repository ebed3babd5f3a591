//! The spec: the TOML text of a person, turned into a checked [`Relay`].
//!
//! The text is checked in four steps. [`secrets`] removes secrets, [`shape`] removes everything that the schema does not
//! allow, serde reads the rest, and the modules of the sections check the values. Each step reports its findings and
//! continues, so that one run shows all errors. Nothing here knows Postfix parameters or package formats.

mod abuse;
mod beginning;
mod content;
mod dependencies;
mod direct;
mod directory;
mod inbound;
mod judge;
mod license;
mod mailboxes;
mod metrics;
mod open;
mod origins;
mod package;
mod pattern;
mod postscreen;
mod recipients;
mod relay;
mod rewriting;
mod secrets;
mod senders;
mod sending;
mod server;
mod services;
mod shape;
mod smarthost;
mod starter;
mod submission;
mod surroundings;
mod syntax;
mod tables;
mod tls;
mod tls_policies;
mod transports;
mod unedited;
mod units;
mod values;
mod ways;

pub use dependencies::{Dependencies, Extra};
pub use origins::Origins;
pub(crate) use package::{FALLBACK_TIME, OWN_LICENSE};
pub use starter::starter;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use self::judge::Judge;
use self::package::Words;
use self::smarthost::Smarthosts;
use crate::diag::{Diagnostic, Severity, Source, has_errors};
use crate::keys::spot::Spot;
use crate::keys::{HostProgram, RelaySection, Spec, schema};
use crate::package::Meta;
use crate::platform::Format;
use crate::relay::{Auth, Host, Profile, Provider, Providers, Relay, Smarthost};

/// A valid spec.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Name, version and description of the package.
    pub meta: Meta,
    /// Time stamp of every file, seconds since 1970 UTC.
    pub time: u64,
    /// The formats to build, in the order of [`Format::ALL`].
    pub formats: Vec<Format>,
    /// The target distributions, by name.
    pub targets: Vec<String>,
    /// The relay.
    pub relay: Relay,
    /// The package that contains the host program.
    pub host_program: HostProgram,
    /// The other parts of the packages.
    pub host: Host,
    /// Additional package relations of the spec.
    pub dependencies: Dependencies,
    /// Origins of the values of the relay.
    pub origins: Origins,
}

/// The name under which the embedded example is read; its values are meant to be those of an example.
pub const EXAMPLE_NAME: &str = "<example>";

/// The embedded example.
pub fn example() -> &'static str {
    include_str!("../../examples/null-client.toml")
}

/// Reads and checks a spec. Returns all findings in the order of the text, and the spec if none of them is an error.
pub fn load(source: &Source, providers: &Providers) -> (Option<Checked>, Vec<Diagnostic>) {
    match parse(&source.text) {
        Ok(table) => load_table(table, &source.text, providers),
        Err(findings) => (None, findings),
    }
}

/// Checks a spec that is already a table. Its spans are places in `text`, which may be several files in sequence, as in a
/// fleet.
pub fn load_table(
    table: DeTable<'_>,
    text: &str,
    providers: &Providers,
) -> (Option<Checked>, Vec<Diagnostic>) {
    let mut judge = Judge::default();
    let stated = origins::stated(&table);
    let questions = open::questions(&table);
    let spec = read(table, text, &mut judge);
    let checked = spec.and_then(|spec| check(&spec, stated, providers, &mut judge));
    let mut findings = judge.findings;
    open::alone(questions, &mut findings);
    in_order(&mut findings);
    let checked = checked.filter(|_| !has_errors(&findings));
    (checked, findings)
}

/// Checks the spec of a user. In addition to [`load_table`], it warns of values that are still those of an example.
pub fn load_own_table(
    table: DeTable<'_>,
    text: &str,
    providers: &Providers,
) -> (Option<Checked>, Vec<Diagnostic>) {
    let unedited = unedited::find(&table);
    let (checked, mut findings) = load_table(table, text, providers);
    if checked.is_some() {
        findings.extend(unedited);
        in_order(&mut findings);
    }
    (checked, findings)
}

/// Findings in the order of the text.
fn in_order(findings: &mut [Diagnostic]) {
    let place = |finding: &Diagnostic| finding.label.as_ref().map_or(usize::MAX, |(span, _)| span.start);
    findings.sort_by_key(|finding| (place(finding), finding.severity));
}

/// Parses text into a table.
///
/// # Errors
/// The fault of a text that is not TOML.
pub fn parse(text: &str) -> Result<DeTable<'_>, Vec<Diagnostic>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(document.into_inner());
    }
    let errors: Vec<_> = errors.iter().map(|error| (error.span(), error.message())).collect();
    let mut findings = syntax::findings(text, &errors);
    in_order(&mut findings);
    Err(findings)
}

/// Reads the raw spec from a table, as far as possible.
fn read(mut table: DeTable<'_>, text: &str, judge: &mut Judge) -> Option<Spec> {
    let (findings, removed) = secrets::take_out(&mut table);
    judge.findings.extend(findings);
    judge.removed.extend(removed);
    let report = shape::check(&mut table, schema::raw(), text);
    judge.findings.extend(report.findings);
    judge.removed.extend(report.removed);
    match Spec::deserialize(Deserializer::from(toml::Spanned::new(0..text.len(), table))) {
        Ok(spec) => Some(spec),
        Err(error) => {
            judge.report(Diagnostic::new(
                Severity::Error,
                "syntax",
                error.span(),
                syntax::sentence(error.message()),
            ));
            None
        }
    }
}

fn check(spec: &Spec, stated: Vec<String>, providers: &Providers, judge: &mut Judge) -> Option<Checked> {
    let whole = 0..0;
    let nothing = Spot::new(RelaySection::default(), whole);
    if spec.relay.is_none() {
        judge.missing("relay", None, "add [relay] with provider and from");
        judge.removed.push("relay".to_owned());
    }
    let section = spec.relay.as_ref().unwrap_or(&nothing);
    let profile = relay::profile(judge, &section.value);
    let hosts = spec.smarthost.as_ref().map(|hosts| hosts.0.as_slice()).unwrap_or_default();
    let has_host = hosts.iter().any(|host| host.value.host.is_some());
    let provider = relay::provider(judge, &section.value, providers, has_host);
    let direct = direct::is_stated(spec)
        || section.value.provider.is_none()
            && hosts.is_empty()
            && profile.is_some_and(Profile::may_send_directly)
            && !judge.was_removed("smarthost");
    let mx = direct.then(|| direct::check(judge, spec, profile));
    if !direct && provider.is_some() {
        direct::unused(judge, spec);
    }
    let provider = if direct { providers.get(Provider::CUSTOM).map(Provider::direct) } else { provider };
    if spec.relay.is_some() && section.value.provider.is_none() && !has_host && !direct {
        let hint = "name a provider (`postpack providers` lists them), or your own smarthost: [smarthost] host = \"...\"";
        judge.missing("relay.provider", Some(&section.span), hint);
    }
    let all_hosts_named = !hosts.is_empty() && hosts.iter().all(|host| host.value.host.is_some());
    let region =
        provider.as_ref().and_then(|provider| relay::region(judge, section, provider, !all_hosts_named));
    let smarthosts = provider.as_ref().and_then(|provider| {
        // The preset without a smarthost says nothing about a fallback.
        let custom = if direct { providers.get(Provider::CUSTOM) } else { None };
        let preset = (custom.as_ref().unwrap_or(provider), providers);
        let sections = spec.smarthost.as_ref();
        let lists = transports::lists(spec.transports.as_ref());
        smarthost::check(judge, sections, preset, region.as_deref(), (&section.span, direct), &lists)
    });
    let identity =
        relay::identity(judge, &section.value, spec.rewrite.as_ref(), provider.as_ref(), &section.span);
    senders::unused(judge, spec.smarthost.as_ref(), &identity);
    let local = relay::local_mail(judge, &section.value, spec.aliases.as_ref(), &identity);
    let headers = sending::headers(judge, spec.headers.as_ref());
    let limits = sending::limits(judge, spec.limits.as_ref(), provider.as_ref());
    let network = sending::network(spec.network.as_ref());
    let server = profile.and_then(|profile| server::check(judge, spec, profile, &section.span));
    let inbound = profile.and_then(|profile| inbound::check(judge, spec, profile, &section.span));
    let submission = profile.and_then(|profile| submission::check(judge, spec, profile, &section.span));
    let mailboxes =
        profile.and_then(|profile| mailboxes::check(judge, spec, profile, &identity, &section.span));
    let allowed_recipients = recipients::allowed(judge, spec, mailboxes.as_ref());
    let all_mail_to = recipients::all_mail_to(judge, spec);
    let services = services::check(judge, spec.services.as_ref());
    let known = transports::Known {
        smarthosts: smarthosts.as_ref(),
        identity: &identity,
        server: server.as_ref(),
        submission: submission.as_ref(),
        inbound: inbound.as_ref(),
        mailboxes: mailboxes.as_ref(),
        services: &services,
    };
    let transports = transports::check(judge, spec.transports.as_ref(), known);
    let tls = tls::check(judge, spec.tls.as_ref(), smarthosts.as_ref(), &transports);
    tls_policies::in_database(judge, spec.database.as_ref(), smarthosts.as_ref(), &transports);
    let postscreen = profile.and_then(|profile| postscreen::check(judge, spec, profile));
    let after = units::after(judge, spec.systemd.as_ref());
    let content = content::check(judge, spec.content.as_ref(), &identity);
    let milters = content::milters(judge, spec.milter.as_ref());
    let notices = content::notices(judge, spec.notices.as_ref(), provider.as_ref());
    let hardening = sending::hardening(judge, spec.hardening.as_ref());
    let metrics = metrics::check(judge, spec.metrics.as_ref());
    let integrations = surroundings::integrations(spec.integrations.as_ref());
    let firewall = surroundings::firewall(judge, spec.firewall.as_ref());
    let parameters = sending::parameters(judge, "main-cf", spec.main_cf.as_ref());
    let (tables, names) = tables::check(judge, spec.tables.as_ref());
    tables::used(judge, &names, &parameters, &services, server.as_ref());
    let own_files = relay::own_files(judge, &section.value);
    let dependencies = dependencies::check(judge, spec.dependencies.as_ref());
    let (formats, targets) = package::targets(judge, spec.package.as_ref());
    if let Some(provider) = &provider {
        let hosts = smarthosts.as_ref().map_or(&[][..], |hosts| hosts.list.as_slice());
        provider_notes(judge, &section.value, provider, hosts);
    }
    let words = words(profile, provider.as_ref(), smarthosts.as_ref());
    let meta = package::check(judge, spec.package.as_ref(), &words);
    let (meta, time) = meta?;
    let provider = provider?;
    let origins = Origins { stated, preset: origins::preset(spec.limits.as_ref(), &provider) };
    let relay = Relay {
        profile: profile?,
        smtputf8: provider.smtputf8,
        provider: provider.name,
        smarthosts: smarthosts?.in_order(),
        direct: mx,
        transports,
        tls,
        identity,
        local,
        headers,
        limits,
        network,
        allowed_recipients,
        all_mail_to,
        server,
        inbound,
        submission,
        mailboxes,
        postscreen,
        content,
        milters,
        notices,
        tables,
        services,
        parameters,
        own_files,
    };
    let host = Host { after, hardening, metrics, integrations, firewall };
    let host_program = spec.package.as_ref().and_then(|section| section.value.host_program.as_ref());
    let host_program = host_program.map(|spot| spot.value).unwrap_or_default();
    Some(Checked { meta, time, formats, targets, relay, host_program, host, dependencies, origins })
}

/// Notes for all users of the provider.
fn provider_notes(judge: &mut Judge, section: &RelaySection, provider: &Provider, hosts: &[Smarthost]) {
    let Some(spot) = &section.provider else { return };
    let concerns = |auth: Option<Auth>| auth.is_none_or(|auth| hosts.iter().any(|host| host.auth == auth));
    for note in provider.notes.iter().filter(|note| note.warning && concerns(note.auth)) {
        judge.report(
            Diagnostic::warning("provider", spot.span.clone(), note.text.clone())
                .hint(format!("{}, as of {}", note.source, note.date)),
        );
    }
}

/// Summary and description for packages whose spec has none.
fn words(profile: Option<Profile>, provider: Option<&Provider>, smarthosts: Option<&Smarthosts>) -> Words {
    let direct = smarthosts.is_some_and(|hosts| hosts.direct);
    let first = smarthosts.and_then(|hosts| hosts.list.first());
    let through = match (provider, first) {
        (Some(provider), _) if provider.name != Provider::CUSTOM => provider.title.clone(),
        (_, Some(first)) => first.host.clone(),
        _ => "a smarthost".to_owned(),
    };
    let (way, out, protection) = if direct {
        let out = "directly to MX hosts";
        (out.to_owned(), out.to_owned(), "")
    } else {
        (format!("through {through}"), format!("through {through}"), " over verified TLS")
    };
    let (summary, what) = match profile {
        Some(Profile::MailGateway) => (
            "Postfix mail gateway for your domains".to_owned(),
            format!(
                "Configures Postfix as the MX host of domains. It accepts their mail, rejects\n\
                 abuse, and relays the rest to backends. Its own mail and that of trusted hosts\n\
                 is sent {out}."
            ),
        ),
        Some(Profile::LanRelay) => (
            format!("Postfix mail relay of a network {way}"),
            format!(
                "Configures Postfix as the relay of a network: mail of this host and of trusted\n\
                 hosts is sent {out}{protection}. Other hosts cannot send\n\
                 through it, and it delivers nothing locally."
            ),
        ),
        Some(Profile::Submission) => (
            format!("Postfix submission server {way}"),
            format!(
                "Configures Postfix for submission: authenticated users submit mail on ports 587\n\
                 and 465, and it is sent {out}. Other clients cannot send through it,\n\
                 and it delivers nothing locally."
            ),
        ),
        Some(Profile::MailServer) => (
            "Postfix mail server with mailboxes in Dovecot".to_owned(),
            format!(
                "Configures Postfix as a mail server: mail for its mailboxes is delivered to\n\
                 Dovecot by LMTP, and mail of their authenticated owners is sent {out}."
            ),
        ),
        Some(Profile::NullClient) | None => (
            format!("Send-only Postfix mail relay {way}"),
            format!(
                "Configures Postfix as a null client: mail of this host, from cron and other\n\
                 programs, is sent {out}{protection}.\n\
                 Nothing is received from the network and nothing is delivered locally."
            ),
        ),
    };
    let credentials = if direct && first.is_none() {
        ""
    } else {
        "\n\nCredentials are not part of the package. They belong in\n\
         /etc/mail-relay/relay.env on the host."
    };
    Words { summary, description: format!("{what}{credentials}") }
}
