//! The entries of a package: everything it puts on a host.

use std::sync::LazyLock;

use include_dir::{Dir, File, include_dir};
use serde_json::json;

use super::clients;
use super::entry::{SHARE, common, document, file, folder, render};
use super::facts;
use super::inbound;
use super::mailboxes;
use super::main_cf as layers;
use super::policies;
use super::postscreen;
use super::rewriting;
use super::senders;
use super::services;
use super::submission;
use super::surroundings;
use super::table::Table;
use super::tables::tables;
use super::tls_policies;
use super::transports;
use super::{PlanError, Planned, companions};
use crate::archive::gzip;
use crate::package::{Content, Entry, EntryKind};
use crate::platform::{Format, FormatFacts};
use crate::postfix::MainCf;
use crate::postfix::main_cf;
use crate::relay::{Metrics, Relay, ServiceOverride};
use crate::spec::Checked;
use crate::systemd;
use crate::template::Templates;

/// Units that apply the configuration; enabled on install.
const UNITS: &[&str] = &["mail-relay-apply.service", "mail-relay-apply.path"];

/// Units that another of ours starts.
const STARTED_UNITS: &[&str] = &[
    "mail-relay-reapply.service",
    "mail-relay-recheck.service",
    "mail-relay-credentials.service",
    "mail-relay-refresh.service",
    "mail-relay-refresh.timer",
];

/// Units that show Postfix a renewed certificate; the first is enabled.
const CERTIFICATE_UNITS: &[&str] = &["mail-relay-certificate.path", "mail-relay-certificate.service"];

/// An instance of it starts with each service that Postfix works with.
const PARTNER_UNIT: &str = "mail-relay-partner@.service";

/// Units that have waiting mail tried again; the first is enabled.
const RETRY_UNITS: &[&str] = &["mail-relay-retry.path", "mail-relay-retry.service"];

const METRICS_TIMER: &str = "mail-relay-metrics.timer";
const METRICS_SERVICE: &str = "mail-relay-metrics.service";

/// Alert rules and dashboard for Prometheus and Grafana: not templates, the same on every host.
static METRICS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pkg/metrics");

/// The host command: plain sh and awk, the same on every host, no template.
static HOST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/host");

const SYSTEMD: &str = "/usr/lib/systemd/system";

/// The parts of the plan that do not depend on the format.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HostPlan {
    pub(super) main_cf: MainCf,
    pub(super) tables: Vec<Table>,
    pub(super) master_edits: Vec<String>,
    /// Edits of single services from the spec, after all other edits.
    pub(super) service_edits: Vec<String>,
}

/// The plan of a relay's profile.
pub(super) fn host_plan(relay: &Relay) -> Result<HostPlan, PlanError> {
    let service_edits = services::edits(relay).map_err(PlanError::Service)?;
    Ok(HostPlan {
        main_cf: layers::main_cf(relay)?,
        tables: tables(relay)?,
        master_edits: master_edits(relay),
        service_edits: service_edits.iter().map(ToString::to_string).collect(),
    })
}

/// Services of master.cf that sections of the spec need.
pub(super) fn master_edits(relay: &Relay) -> Vec<String> {
    let mut master_edits = clients::listeners(relay);
    master_edits.extend(rewriting::edits(relay));
    master_edits.extend(submission::edits(relay));
    master_edits.extend(inbound::edits(relay));
    master_edits.extend(postscreen::edits(relay));
    master_edits.extend(transports::edits(relay));
    master_edits.extend(senders::edits(relay));
    let certified = relay.server.as_ref().is_some_and(|server| server.certificate.is_some());
    if relay.postscreen.is_some() && certified {
        master_edits.push(layers::TLSPROXY_OF_GUARD.to_owned());
    } else if relay.tls.connection_reuse {
        master_edits.push(layers::TLSPROXY.to_owned());
    }
    master_edits
}

/// All entries of the package, sorted, with the folders that belong to it.
pub(super) fn entries(
    planned: &Planned,
    format: Format,
    templates: &Templates,
) -> Result<Vec<Entry>, PlanError> {
    let (checked, facts) = (&planned.checked, format.facts());
    let mut entries = planned.alike(templates)?.to_vec();
    let plan = planned.host()?;
    entries.push(file(&format!("{SHARE}/facts"), facts::render(checked, facts, &plan.tables)?));
    let mut edits = lines(&plan.master_edits);
    edits.push_str(&lines(&policies::edits(&checked.relay, facts)));
    edits.push_str(&lines(&plan.service_edits));
    entries.push(file(&format!("{SHARE}/master.edits"), edits));
    entries.extend(policies::entries(&checked.relay, facts));
    entries.extend(host_command(facts).into_iter().map(common));
    let relay = &checked.relay;
    let known = planned.memory.units(&facts.sbin, checked, || units(checked, &facts.sbin, templates))?;
    entries.extend(known.units.files.iter().cloned());
    let mut drop_in = |name: &str, text: &Content| {
        let path = |unit| format!("{SYSTEMD}/{unit}.d/{name}.conf");
        entries.extend(facts.units.iter().map(|unit| common(file(&path(unit), text.clone()))));
    };
    if let Some(text) = &known.units.sandbox {
        drop_in("50-mail-relay", text);
    }
    if relay.server.as_ref().is_some_and(|server| !server.listen.is_empty()) {
        drop_in("50-mail-relay-network", &systemd::after_network().render().into());
    }
    let mut beside = policies::units(relay, facts);
    beside.extend(mailboxes::units(relay));
    beside.extend(relay.tls.mta_sts.as_ref().map(|_| tls_policies::RESOLVER_UNIT.to_owned()));
    beside
        .extend(checked.host.after.iter().filter(|unit| !beside.contains(unit)).cloned().collect::<Vec<_>>());
    if !beside.is_empty() {
        drop_in("50-mail-relay-services", &systemd::beside(&beside).render().into());
        entries.extend(partners(&beside, templates)?);
    }
    entries.extend(surroundings::entries(checked, facts, templates)?);
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Entries that the packages of all formats share: the folders for settings, the copy of the configuration, and the documents.
pub(super) fn alike(planned: &Planned, templates: &Templates) -> Result<Vec<Entry>, PlanError> {
    let (checked, plan) = (&planned.checked, planned.host()?);
    let keys = companions::credential_keys(&checked.relay);
    let environment = render(templates, "host/relay.env", &json!({ "keys": keys }))?;
    let mut entries = vec![
        folder("/etc/mail-relay", 0o755),
        folder("/etc/mail-relay/main.cf.d", 0o755),
        folder(SHARE, 0o755),
        file(&format!("{SHARE}/main.cf"), planned.main_cf(templates)?.clone()),
        file(&format!("{SHARE}/refused"), super::verdicts::for_host(&checked.relay)),
        file(&format!("{SHARE}/relay.env.example"), environment),
        folder(&format!("{SHARE}/tables"), 0o755),
    ];
    for table in &plan.tables {
        let path = format!("{SHARE}/tables/{}", table.name);
        entries.push(file(&path, table.text.clone()));
    }
    entries.extend(documents(checked, templates)?);
    Ok(entries)
}

/// The text of main.cf by its template, which may change everything but what it says.
pub(super) fn main_cf_text(main_cf: &MainCf, templates: &Templates) -> Result<String, PlanError> {
    let sections: Vec<_> = main_cf
        .sections()
        .iter()
        .map(|section| {
            json!({
                "comment": main_cf::comment(&section.title),
                "lines": section.parameters.iter().map(main_cf::Setting::to_line).collect::<Vec<_>>(),
            })
        })
        .collect();
    let text = render(templates, "postfix/main.cf", &json!({ "sections": sections }))?;
    main_cf.verify(&text).map_err(|reason| templates.refused("postfix/main.cf", reason))?;
    Ok(text)
}

/// `mail-relay`, its parts and its man page.
fn host_command(facts: &FormatFacts) -> Vec<Entry> {
    const LIB: &str = "/usr/lib/mail-relay";
    // Read, packed and digested once for all packages of a run.
    static PARTS: LazyLock<Vec<(String, Content)>> = LazyLock::new(|| {
        let named = |file: &File<'_>| {
            let name = file.path().file_name()?.to_str()?;
            Some((format!("{LIB}/{name}"), file.contents().into()))
        };
        HOST.get_dir("lib").into_iter().flat_map(Dir::files).filter_map(named).collect()
    });
    static COMMAND: LazyLock<Content> = LazyLock::new(|| host_file("mail-relay").into());
    static PAGE: LazyLock<Content> = LazyLock::new(|| gzip(&host_file("mail-relay.8")).into());
    let mut entries = vec![folder(LIB, 0o755)];
    entries.extend(PARTS.iter().map(|(path, content)| file(path, content.clone())));
    let command = file(&format!("{}/mail-relay", facts.sbin), COMMAND.clone());
    entries.push(Entry { mode: 0o755, ..command });
    entries.push(document("/usr/share/man/man8/mail-relay.8.gz", PAGE.clone()));
    entries
}

/// Units of a package.
#[derive(Debug)]
pub(super) struct Units {
    /// The units that apply, the preset and the folders of an empty /var.
    files: Vec<Entry>,
    /// The drop-in for the units that run the daemon.
    sandbox: Option<Content>,
}

/// The folders in which Postfix keeps deferred messages, by the first digit of the queue file (`hash_queue_depth`).
fn deferred_folders() -> Vec<String> {
    (0..16).map(|digit| format!("/var/spool/postfix/deferred/{digit:X}")).collect()
}

fn units(checked: &Checked, sbin: &str, templates: &Templates) -> Result<Units, PlanError> {
    let relay = &checked.relay;
    let (hardening, metrics) = (&checked.host.hardening, checked.host.metrics.as_ref());
    let values = json!({
        "program": format!("{sbin}/mail-relay"),
        "units": enabled_units(checked),
        "folder": metrics.map(|metrics| &metrics.folder),
        "file": metrics.map(Metrics::file),
        "every": metrics.map(|metrics| metrics.every),
        "certificate": certificate_files(relay),
        "apply_sandbox": systemd::apply_sandbox(),
        "metrics_sandbox": systemd::metrics_sandbox(),
        "watched": watched_files(relay),
        "deferred": deferred_folders(),
    });
    let mut entries = Vec::new();
    let of_metrics = metrics.iter().flat_map(|_| [METRICS_SERVICE, METRICS_TIMER]);
    let of_certificate = if certificate_files(relay).is_empty() { &[] } else { CERTIFICATE_UNITS };
    let of_all = UNITS.iter().chain(STARTED_UNITS).chain(RETRY_UNITS);
    for unit in of_all.chain(of_certificate).copied().chain(of_metrics) {
        let text = render(templates, &format!("systemd/{unit}"), &values)?;
        entries.push(file(&format!("{SYSTEMD}/{unit}"), text));
    }
    if metrics.is_some() {
        let folder_path = format!("{SHARE}/metrics");
        entries.push(folder(&folder_path, 0o755));
        for asset in METRICS.files() {
            let name = asset.path().display();
            entries.push(file(&format!("{folder_path}/{name}"), asset.contents()));
        }
    }
    let preset = render(templates, "systemd/80-mail-relay.preset", &values)?;
    entries.push(file("/usr/lib/systemd/system-preset/80-mail-relay.preset", preset));
    let tmpfiles = render(templates, "systemd/mail-relay.tmpfiles", &values)?;
    entries.push(file("/usr/lib/tmpfiles.d/mail-relay.conf", tmpfiles));
    let sandbox = hardening.enabled.then(|| {
        let log = log_folder(relay).map(|folder| ("ReadWritePaths".to_owned(), vec![format!("-{folder}")]));
        let piped = pipe_service(relay).map(|_| ("NoNewPrivileges".to_owned(), vec!["no".to_owned()]));
        let mut own: Vec<_> = log.into_iter().chain(piped).collect();
        own.extend_from_slice(&hardening.service);
        systemd::sandbox(&own).render().into()
    });
    Ok(Units { files: entries.into_iter().map(common).collect(), sandbox })
}

/// Has systemd try again the mail that waited for one of these services whenever the service starts.
fn partners(services: &[String], templates: &Templates) -> Result<Vec<Entry>, PlanError> {
    let mut entries = Vec::new();
    for name in services.iter().filter_map(|unit| unit.strip_suffix(".service")) {
        entries.push(Entry {
            path: format!("{SYSTEMD}/{name}.service.wants/mail-relay-partner@{name}.service"),
            mode: 0o777,
            kind: EntryKind::Symlink(format!("../{PARTNER_UNIT}")),
            common: false,
        });
    }
    if !entries.is_empty() {
        let values = json!({ "apply_sandbox": systemd::apply_sandbox() });
        let text = render(templates, &format!("systemd/{PARTNER_UNIT}"), &values)?;
        entries.push(file(&format!("{SYSTEMD}/{PARTNER_UNIT}"), text));
    }
    Ok(entries)
}

/// The folder of the log that the user has Postfix write itself: the sandbox must let it.
pub(super) fn log_folder(relay: &Relay) -> Option<&str> {
    let file = relay.parameters.iter().find(|parameter| parameter.name == "maillog_file")?;
    let (folder, _) = file.value.rsplit_once('/')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    // Paths below /dev need no permission, and the root folder is never writable.
    (folder.starts_with('/') && !folder.starts_with("/dev") && folder.chars().all(is_plain)).then_some(folder)
}

/// A service of the spec that hands mail to a program. Such a program may submit by sendmail(1), whose postdrop(1) is set-gid:
/// NoNewPrivileges would take that bit away, and the mail would hang (FILTER_README).
pub(super) fn pipe_service(relay: &Relay) -> Option<&ServiceOverride> {
    let is_pipe = |service: &&ServiceOverride| {
        service.enabled && service.command.as_ref().is_some_and(|command| command.value == "pipe")
    };
    relay.services.iter().find(is_pipe)
}

/// The files of the administrator that a running Postfix does not read again: the path unit watches them.
pub(super) fn watched_files(relay: &Relay) -> Vec<&str> {
    let mut files: Vec<&str> = relay.own_files.iter().map(String::as_str).collect();
    files.extend(relay.tls.ca_file.as_deref());
    if let Some((certificate, key)) = &relay.tls.client_certificate {
        files.extend([certificate.as_str(), key.as_str()]);
    }
    files.sort_unstable();
    files.dedup();
    files
}

/// The files of the certificate for clients, each once.
pub(super) fn certificate_files(relay: &Relay) -> Vec<&str> {
    let pair = relay.server.as_ref().and_then(|server| server.certificate.as_ref());
    let mut files: Vec<&str> =
        pair.map(|(certificate, key)| vec![certificate.as_str(), key.as_str()]).unwrap_or_default();
    files.dedup();
    files
}

/// The units that an installation enables.
pub(super) fn enabled_units(checked: &Checked) -> Vec<String> {
    let metrics = checked.host.metrics.iter().map(|_| &METRICS_TIMER);
    let certificate =
        CERTIFICATE_UNITS.iter().take(usize::from(!certificate_files(&checked.relay).is_empty()));
    UNITS
        .iter()
        .chain(&RETRY_UNITS[..1])
        .chain(certificate)
        .chain(metrics)
        .map(|unit| (*unit).to_owned())
        .collect()
}

/// Licence and a page for the administrator.
fn documents(checked: &Checked, templates: &Templates) -> Result<Vec<Entry>, PlanError> {
    let meta = &checked.meta;
    let values = json!({
        "package": meta.name,
        "summary": meta.summary,
        "description": meta.description,
        "maintainer": meta.maintainer,
        "homepage": meta.homepage,
        "license": meta.license,
        "year": year(checked.time),
        "keys": companions::credential_keys(&checked.relay),
    });
    let folder_path = format!("/usr/share/doc/{}", meta.name);
    Ok(vec![
        document(&format!("{folder_path}/README"), render(templates, "doc/README", &values)?),
        document(&format!("{folder_path}/copyright"), render(templates, "doc/copyright", &values)?),
    ])
}

/// The year of a time stamp, UTC.
fn year(time: u64) -> i16 {
    let seconds = i64::try_from(time).unwrap_or_default();
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).year()
}

/// A file of the host command. That it exists is proven by a test.
fn host_file(name: &str) -> Vec<u8> {
    HOST.get_file(name).map(|file| file.contents().to_vec()).unwrap_or_default()
}

fn lines(texts: &[String]) -> String {
    texts.iter().flat_map(|text| [text.as_str(), "\n"]).collect()
}
