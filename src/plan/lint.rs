//! Checks of a relay on its targets, beyond those of the spec.

use std::cell::OnceCell;

use super::Planned;
use super::verdicts::{self, Facts, Place};
use crate::diag::{Diagnostic, Severity, Span, has_errors, nearest};
use crate::platform::{Distribution, Format};
use crate::postfix::MainCf;
use crate::postfix::Parameter;
use crate::postfix::catalogue::Catalogue;
use crate::postfix::check::{Context, Target, lists, parameters, whole};
use crate::relay::{Relay, Restriction, Server};
use crate::spec::Checked;

/// Checks a relay against the distributions that it is built for: first the parameters of the user one by one, then main.cf as
/// a whole.
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
    let relay = &checked.relay;
    // Most specs set no parameter of Postfix.
    let services = match relay.parameters.as_slice() {
        [] if relay.services.is_empty() => Vec::new(),
        _ => super::services::names(relay, &checked.formats),
    };
    let own_layer = OnceCell::new();
    let sets = |name: &str| own_layer.get_or_init(|| layer_alone(relay)).iter().any(|set| set == name);
    let stated = &checked.origins.stated;
    let facts = Facts { relay, stated, sets: &sets, services: &services };
    let refusal = |parameter: &Parameter| verdicts::judge(parameter, Place::MainCf, &facts);
    let brought = super::table_types(&checked.relay);
    let files = files(relay);
    let has_file = |path: &str| files.iter().any(|file| file == path);
    let written = &checked.relay.parameters;
    let classes = written.iter().find(|parameter| parameter.name == "smtpd_restriction_classes");
    let of_ways: Vec<String> = relay.sender_ways().iter().map(super::senders::parameter).collect();
    let defined: Vec<&str> =
        HOST_PARAMETERS.iter().copied().chain(of_ways.iter().map(String::as_str)).collect();
    let context = Context {
        targets,
        refusal: &refusal,
        defined: &defined,
        parts: false,
        classes: classes.map_or("", |parameter| &parameter.value),
        brought: &brought,
        clear: relay.tls.cleartext_password,
        has_file: &has_file,
    };
    let mut findings = without_plugin(checked, &distributions);
    findings.extend(without_spf(checked));
    findings.extend(proxy_is_open(checked));
    findings.extend(without_resolver(checked));
    findings.extend(parameters(written, &context));
    let part = Context { targets: context.targets.clone(), parts: true, ..context };
    for restriction in restrictions(&checked.relay) {
        findings.extend(parameters(std::slice::from_ref(&restriction), &part));
    }
    findings.extend(transports(written, &services));
    findings.extend(services_of(checked, &context, &facts));
    if has_errors(&findings) {
        return findings;
    }
    findings.extend(super::surroundings::notes(planned));
    findings.extend(piped(checked));
    // All of the plan, tables too: what cannot be written is found here, and not while a package is made.
    match planned.known() {
        Ok(known) => {
            let ids = distributions.iter().map(|distribution| distribution.id.as_str()).collect();
            let judge = || whole(&known.plan.main_cf, written, &context);
            for finding in known.findings(ids, written, judge) {
                // A list of the relay has the restrictions of the spec in it, whose places are known.
                let is_known =
                    |other: &Diagnostic| (other.code, &other.message) == (finding.code, &finding.message);
                if !findings.iter().any(is_known) {
                    findings.push(finding);
                }
            }
            findings.extend(everything(&checked.relay, &known.plan.main_cf));
            findings.extend(super::services::together(&checked.relay, &known.plan.main_cf, &context));
        }
        Err(error) => findings.push(Diagnostic::new(Severity::Error, "plan", None, error.to_string())),
    }
    findings
}

/// The price of a service that hands mail to a program.
fn piped(checked: &Checked) -> Option<Diagnostic> {
    let hardening = &checked.host.hardening;
    let service = super::host::pipe_service(&checked.relay).filter(|_| hardening.enabled)?;
    if hardening.service.iter().any(|(name, _)| name == "NoNewPrivileges") {
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

/// Checks single services of master.cf.
fn services_of(checked: &Checked, context: &Context<'_>, facts: &Facts<'_>) -> Vec<Diagnostic> {
    let relay = &checked.relay;
    if relay.services.is_empty() {
        return Vec::new();
    }
    let mut others = super::host::master_edits(relay);
    others.extend(checked.formats.iter().flat_map(|format| super::policies::edits(relay, format.facts())));
    let bare = checked.formats.iter().filter(|format| **format != Format::Deb);
    let bare: Vec<&str> = bare.map(|format| format.name()).collect();
    super::services::check(facts, &others, &bare, context)
}

/// A relay that uses tokens, on distributions without a package of the SASL plugin. A dependency in the spec counts as one.
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
    let message = "some of the targets have no package of the SASL plugin for XOAUTH2";
    let finding = Diagnostic::error("xoauth2", oauth2.place.clone(), message)
        .labelled(names(&lacking, ""))
        .hint("auth = \"password\" with an app password, if the provider has them")
        .hint("auth = \"none\" with a smarthost that accepts the IP address of the host, such as a connector")
        .hint(format!(
            "`{PLUGIN}` of your own: name it under [dependencies], and postpack uses that relation"
        ));
    vec![match able.as_slice() {
        [] => finding,
        able => finding
            .hint(format!("only for the other targets: targets = [{}] in [package]", names(able, "\""))),
    }]
}

/// A port that trusts a proxy, and a firewall that opens it to all clients.
fn proxy_is_open(checked: &Checked) -> Option<Diagnostic> {
    let server = checked.relay.server.as_ref().filter(|server| server.proxy_protocol)?;
    if checked.host.firewall.tools.is_empty() || server.trusted.is_empty() {
        return None;
    }
    let message = "the firewall rules open port 25 to all trusted networks, and any client there can claim any \
                   address by the PROXY protocol";
    let finding = Diagnostic::new(Severity::Warning, "proxy-firewall", None, message.to_owned());
    Some(finding.hint(
        "Allow only the proxy to reach port 25: remove [firewall], and open the port to its address yourself.",
    ))
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
    let message = "there is no known package of a policy daemon for SPF";
    Some(
        Diagnostic::error("spf", span, message)
            .labelled(names(&lacking, ""))
            .hint(format!("only for the other targets: targets = [{}] in [package]", names(&able, "\"")))
            .hint("or a service of your own: policies = \"unix:private/NAME\""),
    )
}

/// A relay that uses MTA-STS, in formats whose distributions have no package of the resolver. A dependency in the spec counts as
/// one.
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
    let message = format!("there is no package of postfix-mta-sts-resolver on {}", lacking.join(", "));
    let finding = Diagnostic::warning("mta-sts", place, message);
    Some(finding.hint("install it there yourself: while it does not answer, all mail waits"))
}

/// The lists of `[restrictions]`, by the stage in the names of Postfix's parameters.
fn stages(server: &Server) -> [(&'static str, &[Restriction]); 4] {
    let own = &server.restrictions;
    [("client", &own.client), ("helo", &own.helo), ("sender", &own.sender), ("recipient", &own.recipient)]
}

/// Restrictions of the user, each alone in the list of its stage, so that its place is known.
fn restrictions(relay: &Relay) -> Vec<Parameter> {
    let Some(server) = &relay.server else { return Vec::new() };
    let lists = stages(server);
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

/// Lists of which a restriction of `[restrictions]` makes one that accepts or refuses everything, together with those of the relay.
fn everything(relay: &Relay, main: &MainCf) -> Vec<Diagnostic> {
    let Some(server) = &relay.server else { return Vec::new() };
    let lists = stages(server);
    let mut findings = Vec::new();
    for (stage, list) in lists {
        findings.extend(relay.inbound.iter().filter_map(|_| own_domains(list)));
        let name = format!("smtpd_{stage}_restrictions");
        // The tables of [access] permit nobody: there, `permit` ends the search in the table alone. Another permits the host itself.
        let tables = ["client_access", "sender_access", "recipient_access", "own_clients"];
        // A gateway is for strangers.
        let known = ["permit_mynetworks", "permit_sasl_authenticated", "permit_inet_interfaces"];
        let not_counted = |text: &str| {
            tables.iter().any(|table| text.ends_with(&format!("/{table}")))
                || relay.inbound.is_some() && known.contains(&text)
        };
        let values = |name: &str| main.get(name).map(|value| value.as_str().to_owned());
        let whole = main.get(&name).map_or("", |value| value.as_str());
        let Some(end) = lists::end(whole, stage, &values, &not_counted) else { continue };
        // Restrictions of the relay itself that hold for everybody come last.
        let is_end = |step: &lists::Step| step.text() == end.step.text();
        let Some(own) = list.iter().find(|own| lists::steps(&own.text, &values).iter().any(is_end)) else {
            continue;
        };
        let at = |code, message: String| Diagnostic::error(code, own.span.clone(), message);
        let word = end.step.text();
        if !end.permits && !end.permitting {
            let whom = if relay.inbound.is_some() { "everybody outside" } else { "everybody" };
            let finding =
                at("refuses-everything", format!("`{word}` refuses {whom}: nothing before it permits"));
            findings.push(finding.hint(match stage {
                "client" if relay.inbound.is_none() => {
                    "Remove it: clients that are not trusted are rejected after it."
                }
                "sender" => "For an allow list, set `access.allowed-senders` instead.",
                "recipient" => {
                    "`permit` in [access] is an exception from a wider entry. For an allow list, put \
                     \"check_recipient_access inline:{ acme.example=OK }\" before it."
                }
                _ => "Put a restriction that permits before it, such as \"check_client_access inline:{ 10.1.2.3=OK }\".",
            }));
        } else if end.permits && end.next.is_some() {
            let message =
                format!("nothing after `{word}` is evaluated, and the restrictions of the relay follow");
            findings.push(
                at("accepts-everything", message)
                    .hint("Remove it: mail that no restriction rejects is permitted."),
            );
        } else if end.permits && !end.refusing {
            let message = format!("`{word}` accepts everything, so it has no effect");
            findings.push(
                Diagnostic::warning("accepts-everything", own.span.clone(), message).hint("Remove it."),
            );
        }
    }
    findings
}

/// Where mail of strangers is for the relay's own domains, this permits all of it.
fn own_domains(list: &[Restriction]) -> Option<Diagnostic> {
    const WORD: &str = "permit_auth_destination";
    let own = list.iter().find(|own| own.text.eq_ignore_ascii_case(WORD))?;
    let message =
        format!("nothing after `{WORD}` is evaluated: all mail from outside is for domains of this relay");
    let finding = Diagnostic::error("accepts-everything", own.span.clone(), message);
    Some(finding.hint("Remove it: mail that no restriction rejects is permitted."))
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
    "relay_fallback",
    "relay_from",
    "relay_host_domain",
    "relay_return",
    "relay_root_address",
    "relay_root_mail_to",
    "relay_smarthosts",
    "relay_system_domain",
    "relay_system_name",
];

/// The parameters that the relay sets where `[main-cf]` is empty.
fn layer_alone(relay: &Relay) -> Vec<String> {
    let alone = Relay { parameters: Vec::new(), services: Vec::new(), ..relay.clone() };
    let main = super::main_cf::main_cf(&alone);
    main.iter().flat_map(MainCf::iter).map(|setting| setting.name.clone()).collect()
}

/// Parameters for one transport (`slow_destination_rate_delay`) that no service of master.cf bears the name of.
fn transports(written: &[Parameter], services: &[String]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for parameter in written {
        let Some(transport) = Catalogue::transport_of(&parameter.name) else { continue };
        if services.iter().any(|service| service == transport) {
            continue;
        }
        let message = format!("`{}`: there is no transport `{transport}`", parameter.name);
        let finding = Diagnostic::error("unknown-transport", parameter.name_span.clone(), message)
            .labelled("Postfix would warn that nothing reads it");
        findings.push(match nearest(transport, services.iter().map(String::as_str)) {
            Some(near) => finding.hint(format!("Did you mean `{near}`?")),
            None => finding.hint(format!("Define it: [services.\"{transport}/unix\"] with `command`.")),
        });
    }
    findings
}
