//! What is wrong with a relay on its targets, beyond the words of the spec.

use super::Planned;
use crate::diag::{Diagnostic, Severity, Span, has_errors};
use crate::postfix::check::{Context, Target, parameters, whole};
use crate::relay::{Parameter, Relay, Restriction};
use crate::spec::Checked;
use crate::target::{Distribution, Format};

/// Judges a relay against the distributions that it is built for: the user's own parameters one by one, then
/// main.cf as a whole.
pub fn check(planned: &Planned) -> Vec<Diagnostic> {
    let checked = &planned.checked;
    let distributions: Vec<&Distribution> = targets(checked);
    let targets = distributions
        .iter()
        .map(|distribution| Target {
            title: &distribution.title,
            postfix: &distribution.postfix,
            map_packages: &distribution.format.facts().maps,
        })
        .collect();
    let owner = |parameter: &str| owner(parameter).or_else(|| owner_in(&checked.relay, parameter));
    let brought = super::mailboxes::table_types(&checked.relay);
    let files = files(&checked.relay);
    let has_file = |path: &str| files.iter().any(|file| file == path);
    let context =
        Context { targets, owner: &owner, defined: HOST_PARAMETERS, brought: &brought, has_file: &has_file };
    let written = &checked.relay.parameters;
    let mut findings = without_plugin(checked, &distributions);
    findings.extend(without_spf(checked));
    findings.extend(without_resolver(checked));
    findings.extend(parameters(written, &context));
    for restriction in restrictions(&checked.relay) {
        findings.extend(parameters(std::slice::from_ref(&restriction), &context));
    }
    findings.extend(services(checked, &context));
    if has_errors(&findings) {
        return findings;
    }
    findings.extend(super::surroundings::notes(planned));
    findings.extend(piped(&checked.relay));
    // All of the plan, tables too: what cannot be written is found here, and not while a package is made.
    match planned.known() {
        Ok(known) => {
            let ids = distributions.iter().map(|distribution| distribution.id.as_str()).collect();
            let judge = || whole(&known.plan.main_cf, written, &context);
            for finding in known.findings(ids, written, judge) {
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
            findings.extend(super::services::together(&checked.relay, &known.plan.main_cf, &context));
        }
        Err(error) => findings.push(Diagnostic::new(Severity::Error, "plan", None, error.to_string())),
    }
    findings
}

/// The price of a service that hands mail to a program.
fn piped(relay: &Relay) -> Option<Diagnostic> {
    let service = super::host::pipe_service(relay).filter(|_| relay.hardening.enabled)?;
    if relay.hardening.service.iter().any(|(name, _)| name == "NoNewPrivileges") {
        return None;
    }
    let message =
        "the sandbox of Postfix gets NoNewPrivileges=no, so that this program can submit mail by sendmail(1)";
    let finding = Diagnostic::new(Severity::Note, "pipe", Some(service.id.span.clone()), message);
    Some(finding.hint(
        "a program that returns mail by SMTP needs no privileges: [hardening.service] NoNewPrivileges = \"yes\"",
    ))
}

/// The files that values may refer to: the tables of the package, and what the administrator of each host brings.
fn files(relay: &Relay) -> Vec<String> {
    let brought = super::tables::tables(relay).unwrap_or_default();
    let brought = brought.iter().map(|table| format!("/etc/postfix/{}", table.name));
    brought.chain(relay.own_files.iter().cloned()).collect()
}

/// What the spec says of single services of master.cf.
fn services(checked: &Checked, context: &Context<'_>) -> Vec<Diagnostic> {
    let relay = &checked.relay;
    if relay.services.is_empty() {
        return Vec::new();
    }
    let mut others = super::host::master_edits(relay);
    others.extend(checked.formats.iter().flat_map(|format| super::policies::edits(relay, format.facts())));
    let bare = checked.formats.iter().filter(|format| **format != Format::Deb);
    let bare: Vec<&str> = bare.map(|format| format.name()).collect();
    super::services::check(relay, &others, &bare, context)
}

/// A relay that logs in by tokens, where no package brings the SASL plugin for them. Who names one as a dependency has one.
fn without_plugin(checked: &Checked, targets: &[&Distribution]) -> Vec<Diagnostic> {
    const PLUGIN: &str = "sasl-xoauth2";
    let Some(oauth2) = checked.relay.smarthosts.iter().find_map(|host| host.oauth2.as_ref()) else {
        return Vec::new();
    };
    let brought = |format: Format| {
        checked.dependencies.of(format).depends.iter().any(|relation| relation.starts_with(PLUGIN))
    };
    let (able, lacking): (Vec<&Distribution>, Vec<&Distribution>) =
        targets.iter().partition(|distribution| distribution.has(PLUGIN) || brought(distribution.format));
    if lacking.is_empty() {
        return Vec::new();
    }
    let names = |list: &[&Distribution], quote: &str| {
        list.iter().map(|one| format!("{quote}{}{quote}", one.id)).collect::<Vec<_>>().join(", ")
    };
    let message = "no package brings the SASL plugin for XOAUTH2 on some of the targets";
    let finding = Diagnostic::error("xoauth2", oauth2.place.clone(), message)
        .labelled(names(&lacking, ""))
        .hint("auth = \"password\" with an app password, where the provider has them")
        .hint("auth = \"none\" with a smarthost that knows the host by its address, such as a connector")
        .hint(format!(
            "`{PLUGIN}` of your own: name it under [dependencies], and its relation is taken for it"
        ));
    vec![match able.as_slice() {
        [] => finding,
        able => finding.hint(format!("for the others alone: targets = [{}] in [package]", names(able, "\""))),
    }]
}

/// A relay that asks SPF, where postpack knows of no daemon that answers.
fn without_spf(checked: &Checked) -> Option<Diagnostic> {
    let span = checked.relay.inbound.as_ref()?.abuse.spf.clone()?;
    let (able, lacking): (Vec<Format>, Vec<Format>) =
        checked.formats.iter().partition(|format| format.facts().spf.is_some());
    let names = |list: &[Format], quote: &str| {
        list.iter().map(|format| format!("{quote}{format}{quote}")).collect::<Vec<_>>().join(", ")
    };
    if lacking.is_empty() {
        return None;
    }
    let message = "no package brings a policy daemon for SPF that postpack knows";
    Some(
        Diagnostic::error("spf", span, message)
            .labelled(names(&lacking, ""))
            .hint(format!("for the others alone: targets = [{}] in [package]", names(&able, "\"")))
            .hint("or a service of your own: policies = \"unix:private/NAME\""),
    )
}

/// A relay that asks for MTA-STS, in formats whose distributions have no package of the resolver. Who names one as a
/// dependency has one.
fn without_resolver(checked: &Checked) -> Option<Diagnostic> {
    let place = checked.relay.tls.mta_sts.clone()?;
    let lacking: Vec<&str> = checked
        .formats
        .iter()
        .filter(|format| !format.facts().relations.contains_key("mta-sts-resolver"))
        .filter(|format| {
            !checked.dependencies.of(**format).depends.iter().any(|name| name.contains("mta-sts"))
        })
        .map(|format| format.name())
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let message = format!("no package brings postfix-mta-sts-resolver on {}", lacking.join(", "));
    let finding = Diagnostic::warning("mta-sts", place, message);
    Some(finding.hint("install it there yourself: while it does not answer, all mail waits"))
}

/// The user's restrictions, each as if it stood alone in the list of its stage: its place is known then.
fn restrictions(relay: &Relay) -> Vec<Parameter> {
    let Some(server) = &relay.server else { return Vec::new() };
    let own = &server.restrictions;
    let lists = [
        ("client", &own.client),
        ("helo", &own.helo),
        ("sender", &own.sender),
        ("recipient", &own.recipient),
    ];
    let one = |stage: &str, text: String, span: &Span| Parameter {
        name: format!("smtpd_{stage}_restrictions"),
        value: text,
        name_span: span.clone(),
        value_span: span.clone(),
    };
    let own = lists.iter().flat_map(|(stage, list)| {
        list.iter()
            .map(move |restriction: &Restriction| one(stage, restriction.text.clone(), &restriction.span))
    });
    let abuse = relay.inbound.iter().map(|inbound| &inbound.abuse);
    let listed = abuse.flat_map(|abuse| {
        let clients = abuse.block_lists.iter().map(|list| ("reject_rbl_client", list));
        clients.chain(abuse.name_lists.iter().map(|list| ("reject_rhsbl_sender", list)))
    });
    let listed = listed.map(|(name, list)| one("recipient", format!("{name} {}", list.name), &list.span));
    own.chain(listed).collect()
}

/// The distributions a spec is built for: those it names, else all of its formats.
fn targets(checked: &Checked) -> Vec<&'static Distribution> {
    Distribution::all()
        .iter()
        .filter(|distribution| {
            checked.formats.contains(&distribution.format)
                && (checked.targets.is_empty() || checked.targets.contains(&distribution.id))
        })
        .collect()
}

/// Parameters that only the host can set; `mail-relay apply` does.
const HOST_PARAMETERS: &[&str] = &[
    "relay_ca_file",
    "relay_from",
    "relay_root_address",
    "relay_root_mail_to",
    "relay_smarthosts",
    "relay_system_name",
];

/// What of some relays decides a parameter that others may set.
fn owner_in(relay: &Relay, parameter: &str) -> Option<&'static str> {
    if parameter == "transport_maps" && !relay.transports.is_empty() {
        return Some("transports");
    }
    relay.inbound.as_ref()?;
    match parameter {
        "relay_domains" | "transport_maps" | "parent_domain_matches_subdomains" => Some("inbound.domains"),
        "relay_recipient_maps" | "unverified_recipient_reject_code" => Some("inbound.recipients"),
        "default_rbl_reply" => Some("abuse.block-words"),
        _ => None,
    }
}

/// What in the spec, or on the host, decides a parameter. All others can be set in [main-cf], even where the
/// profile has a value of its own.
fn owner(parameter: &str) -> Option<&'static str> {
    let owner = match parameter {
        "alias_database"
        | "alias_maps"
        | "inet_interfaces"
        | "local_transport"
        | "mydestination"
        | "mynetworks"
        | "virtual_alias_domains" => "relay.profile",
        "smtpd_client_connection_rate_limit" => "limits.client-connections",
        "smtpd_client_message_rate_limit" | "smtpd_client_event_limit_exceptions" => "limits.client-messages",
        "smtpd_client_recipient_rate_limit" => "limits.client-recipients",
        "smtpd_client_connection_count_limit" => "limits.client-sessions",
        "smtpd_tls_security_level" => "server.tls",
        "smtpd_tls_cert_file" => "server.certificate",
        "smtpd_tls_key_file" => "server.key",
        "smtpd_sasl_auth_enable" | "smtpd_sasl_type" | "smtpd_sasl_path" => "server.auth",
        "smtpd_sender_login_maps" => "submission.senders",
        "virtual_mailbox_domains" | "virtual_mailbox_maps" => "mailboxes",
        "virtual_transport" => "mailboxes.lmtp",
        "postscreen_dnsbl_sites" => "postscreen.lists",
        "postscreen_dnsbl_threshold" => "postscreen.threshold",
        "postscreen_upstream_proxy_protocol" | "smtpd_upstream_proxy_protocol" => "server.proxy-protocol",
        "virtual_alias_maps" | "recipient_canonical_maps" | "recipient_canonical_classes" => {
            "relay.root-mail-to"
        }
        "smtp_generic_maps" => "relay.from",
        "myhostname" => "relay.hostname",
        "myorigin" => "relay.origin",
        "smtp_helo_name" => "relay.helo-name",
        "inet_protocols" => "network.ip",
        "default_transport" | "relayhost" | "smtp_tls_wrappermode" => "smarthost",
        "smtp_sasl_auth_enable"
        | "smtp_sasl_mechanism_filter"
        | "smtp_sasl_password_maps"
        | "smtp_sasl_security_options"
        | "smtp_sasl_tls_security_options" => "smarthost.auth",
        "smtp_tls_security_level" => "tls.level",
        "smtp_tls_CAfile" => "tls.ca-file",
        "smtp_tls_protocols" | "smtp_tls_mandatory_protocols" => "tls.min-version",
        "smtp_tls_secure_cert_match" | "smtp_tls_verify_cert_match" => "tls.match",
        "smtp_tls_cert_file" => "tls.client-cert",
        "smtp_tls_key_file" => "tls.client-key",
        "smtp_tls_policy_maps" => "tls.policies",
        "smtp_tls_loglevel" => "tls.log-level",
        "smtp_tls_connection_reuse" => "tls.connection-reuse",
        "smtp_header_checks" => "headers.strip",
        "message_size_limit" => "limits.message-size",
        "header_size_limit" => "limits.header-size",
        "maximal_queue_lifetime" => "limits.queue-lifetime",
        "bounce_queue_lifetime" => "limits.bounce-lifetime",
        "delay_warning_time" => "limits.delay-warning",
        "smtp_destination_concurrency_limit" => "limits.concurrency",
        "smtp_destination_recipient_limit" => "limits.recipients",
        "smtp_destination_rate_delay" => "limits.rate-delay",
        "hopcount_limit" => "limits.hops",
        _ => return None,
    };
    Some(owner)
}
