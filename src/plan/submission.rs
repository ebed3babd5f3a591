//! Ports for users: services of master.cf, and what their programs may say and not say.
//!
//! The sources are SASL_README, postconf(5), master(5), header_checks(5) and RFC 8314.

use super::PlanError;
use super::clients::literal;
use super::content;
use super::layer::Layer;
use super::mailboxes;
use super::table::{Kind, Table, table};
use crate::postfix::table::{Regexp, TableError};
use crate::relay::{Headers, Relay, Submission, SubmissionPort};

/// The table of senders and logins.
const LOGINS: &str = "sender_logins";
/// The table of headers to remove from submitted mail.
const CHECKS: &str = "submission_header_checks";
/// The cleanup(8) service for submitted mail.
const CLEANUP: &str = "submission-cleanup";

/// An address without characters by which Postfix divides a list of logins.
const PLAIN: &str = "[[:alnum:]._+=&'~-]+@[[:alnum:].-]+";

/// Parameters that all ports for users share.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    let (Some(submission), Some(server)) = (&relay.submission, &relay.server) else { return };
    layer.section("Users authenticate by Dovecot, and may use only their own senders.");
    if server.auth.is_none() {
        layer.set("smtpd_sasl_type", "dovecot");
        layer.set("smtpd_sasl_path", "private/auth");
        layer.set("smtpd_sasl_security_options", "noanonymous");
        layer.set("smtpd_tls_auth_only", "yes");
    }
    let listed = has_logins(relay, submission).then(|| format!("regexp:/etc/postfix/{LOGINS}"));
    let owners: Vec<String> = listed.into_iter().chain(mailboxes::owners(relay)).collect();
    // All that any of them says: the first that knows an address would hide the others.
    layer.set("smtpd_sender_login_maps", &format!("unionmap:{{{}}}", owners.join(", ")));
}

/// Edits of master.cf: a service for each port and address, and the cleanup(8) behind them.
pub(super) fn edits(relay: &Relay) -> Vec<String> {
    let (Some(submission), Some(server)) = (&relay.submission, &relay.server) else { return Vec::new() };
    let mut edits = Vec::new();
    for port in &submission.ports {
        // The name of the log says which of them it was.
        let (name, tls) = match port {
            SubmissionPort::StartTls => ("submission", "-o smtpd_tls_security_level=encrypt"),
            SubmissionPort::Implicit => ("submissions", "-o smtpd_tls_wrappermode=yes"),
        };
        let options = format!("-o syslog_name=postfix/{name} {tls} {OPTIONS}");
        let number = port.number();
        let mut hosts: Vec<String> = server.listen.iter().map(|address| literal(address) + ":").collect();
        if hosts.is_empty() {
            hosts.push(String::new());
        }
        for host in hosts {
            edits.push(format!("M {host}{number}/inet={host}{number} inet n - n - - smtpd {options}"));
        }
    }
    let checks = if submission.headers == Headers::default() {
        String::new()
    } else {
        let options = content::header_checks(relay, Some(CHECKS));
        options.map(|(parameter, tables)| format!(" -o {parameter}={}", tables.join(","))).concat()
    };
    edits.push(format!(
        "M {CLEANUP}/unix={CLEANUP} unix n - n - 0 cleanup -o syslog_name=postfix/submission \
         -o always_add_missing_headers=yes{checks}"
    ));
    edits
}

/// Submission ports must not trust clients by IP address, so these options replace every `smtpd_*_restrictions` list of main.cf,
/// which is meant for server-to-server mail.
const OPTIONS: &str = "-o smtpd_sasl_auth_enable=yes \
                       -o {smtpd_client_restrictions = permit_sasl_authenticated, reject} \
                       -o smtpd_helo_restrictions= \
                       -o {smtpd_sender_restrictions = reject_sender_login_mismatch} \
                       -o {smtpd_relay_restrictions = permit_sasl_authenticated, reject} \
                       -o smtpd_recipient_restrictions= \
                       -o smtpd_data_restrictions=reject_unauth_pipelining \
                       -o local_header_rewrite_clients=permit_sasl_authenticated \
                       -o milter_macro_daemon_name=ORIGINATING \
                       -o cleanup_service_name=submission-cleanup";

/// Whether a table of logins is needed. With mailboxes, their table has the owner of each address.
fn has_logins(relay: &Relay, submission: &Submission) -> bool {
    relay.mailboxes.is_none() || !submission.senders.is_empty()
}

/// The tables that these refer to.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let Some(submission) = &relay.submission else { return Ok(Vec::new()) };
    let mut tables = Vec::new();
    if has_logins(relay, submission) {
        tables.push(table(LOGINS, Kind::Regexp, logins(submission, relay.mailboxes.is_none()))?);
    }
    if submission.headers != Headers::default() {
        tables.push(table(CHECKS, Kind::Regexp, checks(&submission.headers))?);
    }
    Ok(tables)
}

/// Addresses before their domains, and last, where `own` says so, the rule that an address belongs to the login of that
/// name. It would hide from Postfix that an address belongs to a whole domain.
fn logins(submission: &Submission, own: bool) -> Result<Regexp, TableError> {
    let mut rules = Regexp::new(
        "Senders, and the logins that may use them, see regexp_table(5); the first match wins. A login that\n\
         is an address may use that address.",
    );
    let (addresses, domains): (Vec<_>, Vec<_>) =
        submission.senders.iter().partition(|(name, _)| name.contains('@'));
    for (address, logins) in addresses {
        rules
            .push(&format!("^{}$", Regexp::escape(address)), &format!("{}, {address}", logins.join(", ")))?;
    }
    for (domain, logins) in domains {
        let pattern = format!("^([[:alnum:]._+=&'~-]+@{})$", Regexp::escape(domain));
        rules.push(&pattern, &format!("{}, $1", logins.join(", ")))?;
    }
    if own {
        rules.push(&format!("^({PLAIN})$"), "$1")?;
    }
    Ok(rules)
}

/// Like `header_checks`, but for mail of users: Received headers of mail programs reveal where a user is.
fn checks(headers: &Headers) -> Result<Regexp, TableError> {
    let mut rules = Regexp::new("Headers of mail programs, see header_checks(5); the first match wins.");
    let received = headers.strip_received.then_some("Received");
    for name in received.into_iter().chain(headers.strip.iter().map(String::as_str)) {
        rules.push(&format!("^{}:", Regexp::escape(name)), "IGNORE")?;
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_logins_and_its_own() {
        let submission = Submission {
            ports: SubmissionPort::ALL.to_vec(),
            senders: vec![
                ("acme.example".to_owned(), vec!["boss".to_owned()]),
                ("sales@acme.example".to_owned(), vec!["jane".to_owned(), "joe@acme.example".to_owned()]),
            ],
            headers: Headers {
                strip_received: true,
                strip: vec!["User-Agent".to_owned()],
                ..Headers::default()
            },
        };
        let tables = [logins(&submission, true), checks(&submission.headers)];
        insta::assert_snapshot!(tables.map(|table| table.unwrap().to_string()).join("\n"));
    }
}
