//! Policy services: those of the spec, SPF and greylisting.
//!
//! The sources are SMTPD_POLICY_README, spawn(8), policyd-spf(1), policyd-spf.conf(5), postgrey(8) and what the
//! packages of the distributions hold (`pkg/formats`).

use std::fmt::Write as _;

use super::entry::{SHARE, file, folder};
use super::layer::Item;
use crate::package::Entry;
use crate::platform::{FormatFacts, GreylistingFacts};
use crate::relay::{Abuse, Greylisting, Relay};
use crate::systemd::UnitFile;

/// A policy daemon may run as long as the smtpd that queries it.
pub(super) const SPF_TIME_LIMIT: &str = "policyd-spf_time_limit";

/// Where postgrey listens; the drop-in says so to it on every distribution.
const GREYLISTING: &str = "inet:127.0.0.1:10023";

/// Restrictions that query policy services. While one of ours does not answer, mail is accepted. While one of the user does not
/// answer, mail waits, which is the default of Postfix.
pub(super) fn asked(abuse: &Abuse) -> Vec<Item> {
    let ours = |place: &str| {
        Item::from(&*format!("check_policy_service {{ {place}, timeout=30s, default_action=DUNNO }}"))
    };
    let spf = abuse.spf.as_ref().map(|_| ours("unix:private/policyd-spf"));
    let own = abuse.policies.iter().map(|own| Item::from(&*format!("check_policy_service {}", own.name)));
    let greylisting = abuse.greylisting.as_ref().map(|_| ours(GREYLISTING));
    spf.into_iter().chain(own).chain(greylisting).collect()
}

fn abuse(relay: &Relay) -> Option<&Abuse> {
    relay.inbound.as_ref().map(|inbound| &inbound.abuse)
}

fn greylisting<'a>(
    relay: &'a Relay,
    facts: &'a FormatFacts,
) -> Option<(&'a Greylisting, &'a GreylistingFacts)> {
    abuse(relay)?.greylisting.as_ref().zip(facts.greylisting.as_ref())
}

/// The roles of packages that they are in.
pub(super) fn needs(relay: &Relay) -> Vec<&'static str> {
    let abuse = abuse(relay);
    let spf = abuse.and_then(|abuse| abuse.spf.as_ref()).map(|_| "spf");
    let greylisting = abuse.and_then(|abuse| abuse.greylisting.as_ref()).map(|_| "greylisting");
    spf.into_iter().chain(greylisting).collect()
}

/// Units that Postfix starts.
pub(super) fn units(relay: &Relay, facts: &FormatFacts) -> Vec<String> {
    greylisting(relay, facts).map(|(_, facts)| facts.unit.clone()).into_iter().collect()
}

/// Edits of master.cf that are the format's: where its policy daemon is, and as whom it runs.
pub(super) fn edits(relay: &Relay, facts: &FormatFacts) -> Vec<String> {
    let asked = abuse(relay).and_then(|abuse| abuse.spf.as_ref());
    let Some((_, spf)) = asked.zip(facts.spf.as_ref()) else { return Vec::new() };
    let (user, program) = (&spf.user, &spf.program);
    vec![format!(
        "M policyd-spf/unix=policyd-spf unix - n n - 0 spawn user={user} argv={program} {SHARE}/policyd-spf.conf"
    )]
}

/// Settings of the daemons: none of their own files is touched.
pub(super) fn entries(relay: &Relay, facts: &FormatFacts) -> Vec<Entry> {
    let mut entries = Vec::new();
    if abuse(relay).is_some_and(|abuse| abuse.spf.is_some()) && facts.spf.is_some() {
        entries.push(file(&format!("{SHARE}/policyd-spf.conf"), SPF));
    }
    if let Some((own, facts)) = greylisting(relay, facts) {
        let exempt = format!("{SHARE}/greylisting/exempt-clients");
        if !own.exempt.is_empty() {
            entries.push(folder(&format!("{SHARE}/greylisting"), 0o755));
            let lines: String = own.exempt.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
            let title = "# Clients that are not greylisted, from the spec. See postgrey(8).\n";
            entries.push(file(&exempt, format!("{title}{lines}")));
        }
        let path = format!("/usr/lib/systemd/system/{}.d/50-mail-relay.conf", facts.unit);
        entries.push(file(&path, drop_in(own, facts, &exempt).render()));
    }
    entries
}

/// Fail is refused, and nothing else: what SPF cannot tell is no fault of the mail. (`TestOnly = 1` is the daemon's way to
/// say that it is in earnest.)
const SPF: &str = "# SPF for Postfix, see policyd-spf.conf(5). Written by postpack: the package manager replaces it.\n\
                   debugLevel = 1\n\
                   TestOnly = 1\n\
                   HELO_reject = Fail\n\
                   Mail_From_reject = Fail\n\
                   PermError_reject = False\n\
                   TempError_Defer = False\n\
                   skip_addresses = 127.0.0.0/8,::ffff:127.0.0.0/104,::1\n";

fn drop_in(own: &Greylisting, facts: &GreylistingFacts, exempt: &str) -> UnitFile {
    let mut unit = UnitFile::with_comment([
        "Greylisting for the mail gateway: the same socket on every distribution, and delay, text and exceptions",
        "from the spec. To change it: systemctl edit postgrey.service",
    ]);
    let mut command =
        format!("{} --{} --delay={}", facts.program, GREYLISTING.replacen(':', "=", 1), own.delay);
    let ours = (!own.exempt.is_empty()).then_some(exempt);
    for list in facts.exempt.iter().map(String::as_str).chain(ours) {
        command.push_str(" --whitelist-clients=");
        command.push_str(list);
    }
    if let Some(words) = &own.words {
        // The spec lets no quote and no backslash in.
        let _ = write!(command, " \"--greylist-text={}\"", words.replace('%', "%%"));
    }
    let service = unit.section("Service");
    service.set("Type", "simple").set("PIDFile", "").set("ExecStart", "").set("ExecStart", command);
    service.set("Restart", "on-failure");
    unit
}
