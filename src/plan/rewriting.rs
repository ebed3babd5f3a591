//! Address rewriting: which addresses are local, where their mail goes, and which senders leave the host.
//!
//! Everything happens in cleanup(8), so milters see the result. The sources are ADDRESS_REWRITING_README, canonical(5),
//! virtual(5), generic(5), header_checks(5), cleanup(8) and mail_addr_find.c of Postfix.
//!
//! - Tables for local names match local names alone: bare names, localhost, and technical names of the host. They are
//!   looked up again with their own result (canonical(5) is recursive), so every result must be a fixed point.
//! - `[rewrite] senders` must not touch recipients, Cc or Reply-To. smtp_generic_maps would rewrite all of them, and the
//!   class header_sender covers Reply-To. So the envelope has `canonical_maps` with the class envelope_sender alone, and
//!   `From` and `Sender` have a header_checks table.
//! - The null sender is looked up as `""`, which no key and no pattern here matches.

use super::PlanError;
use super::layer::{Item, Layer, inline};
use super::mailboxes;
use super::recipients;
use super::table::{Kind, Table, table};
use super::tables;
use crate::postfix::table::{Regexp, TableError};
use crate::relay::{From, NamedAddress, Relay, Sender};

/// The domain of local names, with any host name. A bare `www-data` must not become
/// `www-data@acme.example` on a host that is itself named acme.example. It needs a dot, or append_dot_mydomain
/// would add a domain.
const LOCAL_DOMAIN: &str = "localhost.localdomain";

/// The host's own names besides [`LOCAL_DOMAIN`]. `mail-relay apply` decides whether the first two are technical names.
const LOCAL_NAMES: &[&str] =
    &["$relay_host_domain", "$relay_system_domain", "localhost", "localhost.$mydomain", LOCAL_DOMAIN];

/// Where `recipient_delimiter` is set, only aliases keep the extension of a local name. A sender `root+x` leaves as `from`.
const EXTENSIONS: (&str, &str) = ("propagate_unmatched_extensions", "virtual");

/// Senders in the envelope, with their new addresses.
const ENVELOPE: &str = "sender_rewrites";
/// The same in the header.
const HEADERS: &str = "sender_headers";

/// The domain of names without one.
pub(super) fn origin(layer: &mut Layer<'_>, relay: &Relay) {
    layer.section(
        "Names without a domain get this domain, which the tables below replace with real addresses.",
    );
    layer.set("myorigin", relay.identity.origin.as_deref().unwrap_or(home(relay)));
    layer.set("append_dot_mydomain", "yes");
}

/// Where names of the host live: with `from`, their senders must be distinguishable from those of real addresses.
fn home(relay: &Relay) -> &'static str {
    if relay.identity.from.is_some() { LOCAL_DOMAIN } else { "$myhostname" }
}

/// Mail to local names, and aliases.
pub(super) fn recipients(layer: &mut Layer<'_>, relay: &Relay) {
    let aliases =
        tables::has_aliases(relay).then(|| Item::from("$default_database_type:/etc/postfix/virtual"));
    let of_mailboxes = mailboxes::alias_maps(relay);
    let returns = has_returns(relay)
        .then(|| Item::from("${relay_returns?{inline:{ {$relay_return = $relay_root_mail_to} }}}"));
    if relay.local.root_mail_to.is_empty() {
        // It has no mailbox here, so it is sent to the name of the host at the smarthost.
        let home = (home(relay) == LOCAL_DOMAIN).then(|| inline(&format!("@{LOCAL_DOMAIN}"), "@$myhostname"));
        let maps: Vec<Item> =
            of_mailboxes.into_iter().chain(aliases).chain(home).chain(recipients::alias(relay)).collect();
        if !maps.is_empty() {
            layer.section("Mail to the names of the spec.");
            layer.list("virtual_alias_maps", maps);
        }
        return;
    }
    if returns.is_some() {
        layer.section(
            "Only bounces to senders of this host are delivered to the recipient of root's mail: \
            see master.cf.",
        );
        layer.set("relay_returns", "");
    }
    layer.section(
        "Mail to local names, in this order: names of the spec, root, addresses of other domains (unchanged,\n\
         even if the host has such a domain as its name), all other local names. Each table has one entry,\n\
         because Postfix looks up an address in all tables, then its name, then its domain.",
    );
    let others = others(relay, |domain| {
        // An address that has a translation, if only itself, is known: no recipient would be refused.
        !relay.inbound.as_ref().is_some_and(|inbound| inbound.receives_for(domain))
            && !mailboxes::may_be_in(relay, domain)
    });
    let maps = local_maps(relay, aliases, &others, "$relay_root_mail_to");
    layer.list(
        "virtual_alias_maps",
        returns.into_iter().chain(of_mailboxes).chain(maps).chain(recipients::alias(relay)),
    );

    layer.section("Rewrite the To and Cc headers of such mail to the real recipient.");
    layer.set("recipient_canonical_classes", "header_recipient");
    let named = relay.local.aliases.iter().filter_map(|(name, targets)| {
        // A header has one address; a target without a domain is a local name as well.
        targets.iter().find(|target| target.contains('@')).map(|target| inline(name, target))
    });
    layer.list("recipient_canonical_maps", local_maps(relay, named, &others, "$relay_root_address"));
}

/// Sender addresses.
pub(super) fn senders(layer: &mut Layer<'_>, relay: &Relay) {
    let identity = &relay.identity;
    // A sender with a domain is left to the next tables.
    let named = identity.senders.iter().filter_map(|(sender, address)| match sender {
        Sender::Local(name) => Some(inline(name, &address.address)),
        Sender::Address(key) => Some(inline(key, key)),
        Sender::Domain(domain) => Some(inline(&format!("@{domain}"), &format!("@{domain}"))),
        // A name of this host that one of these contains is local.
        Sender::Pattern(..) | Sender::Below(_) | Sender::All => None,
    });
    if identity.from.is_some() {
        layer.section(
            "Rewrite local senders to a real address, in envelope and headers, before milters see the message.\n\
             The null sender and other addresses do not change.",
        );
        layer.set("sender_canonical_classes", "envelope_sender, header_sender");
        let fixed = inline("$relay_from", "$relay_from");
        let notices = inline("$double_bounce_sender@$myorigin", "$double_bounce_sender@$myorigin");
        let named = [fixed, notices].into_iter().chain(named);
        let others = others(relay, |_| true);
        layer.list("sender_canonical_maps", local_maps(relay, named, &others, "$relay_from"));
        layer.set(EXTENSIONS.0, EXTENSIONS.1);
        layer.section(
            "Postfix recognizes its notices by their sender, and discards those that cannot be delivered. So this\n\
             sender is rewritten only in outgoing mail.",
        );
        layer.list("smtp_generic_maps", [inline("$double_bounce_sender@$myorigin", "$relay_from")]);
    } else if identity.senders.iter().any(|(sender, _)| matches!(sender, Sender::Local(_))) {
        layer.section("Local senders of the spec.");
        layer.set("sender_canonical_classes", "envelope_sender, header_sender");
        layer.list("sender_canonical_maps", named);
        layer.set(EXTENSIONS.0, EXTENSIONS.1);
    }
    if relay.identity.rewrites_addresses() {
        layer.section(
            "Senders of the spec. These tables see no recipient, and no header but From and Sender.",
        );
        layer.set("canonical_classes", "envelope_sender");
        layer.set("canonical_maps", &format!("regexp:/etc/postfix/{ENVELOPE}"));
    }
}

/// The table for header_checks, if there is one.
pub(super) fn header_checks(relay: &Relay) -> Option<String> {
    relay.identity.rewrites_addresses().then(|| format!("regexp:/etc/postfix/{HEADERS}"))
}

/// Whether bounces to `from` (to root, where it keeps the local part) go to the person who reads root's mail.
fn has_returns(relay: &Relay) -> bool {
    relay.identity.from.is_some() && !relay.local.root_mail_to.is_empty()
}

/// Edits of master.cf: bounces have a separate cleanup(8). All senders of the host become one address, which often has no
/// mailbox, so returned mail would be lost.
pub(super) fn edits(relay: &Relay) -> Vec<String> {
    if !has_returns(relay) {
        return Vec::new();
    }
    let mut edits =
        vec!["M bounce-cleanup/unix=bounce-cleanup unix n - n - 0 cleanup -o relay_returns=yes".to_owned()];
    let services = ["bounce", "defer", "trace"];
    edits.extend(services.map(|service| format!("P {service}/unix/cleanup_service_name=bounce-cleanup")));
    edits
}

/// Tables for local names in the order that counts: those of the spec, root, addresses of others, and then
/// everybody in the local domain, where the host's other names lead.
fn local_maps(
    relay: &Relay,
    named: impl IntoIterator<Item = Item>,
    others: &[String],
    address: &str,
) -> Vec<Item> {
    // With an `origin`, a name without a domain is in that domain, as the spec says.
    let home = if relay.identity.origin.is_some() { LOCAL_DOMAIN } else { "$myorigin" };
    let lead = |name: &str| inline(&format!("@{name}"), &format!("@{home}"));
    named
        .into_iter()
        .chain(["root", "root@$myhostname", "root@$relay_system_name"].map(|root| inline(root, address)))
        .chain(others.iter().map(|domain| inline(&format!("@{domain}"), &format!("@{domain}"))))
        .chain([inline(&format!("@{home}"), address)])
        .chain(LOCAL_NAMES.iter().filter(|name| **name != home).map(|name| lead(name)))
        .chain(relay.local.domains.iter().map(|domain| lead(domain)))
        .collect()
}

/// Domains of others, whose addresses are never local: an address that is its own translation is looked up no further.
fn others(relay: &Relay, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let targets = relay.local.aliases.iter().flat_map(|(_, targets)| targets);
    let named = relay.identity.senders.iter().map(|(_, to)| &to.address);
    let addresses = relay.local.root_mail_to.iter().chain(targets).chain(named);
    let mut domains: Vec<&str> =
        addresses.filter_map(|address| address.rsplit_once('@')).map(|(_, domain)| domain).collect();
    domains.extend(relay.identity.from.iter().map(From::domain));
    domains.extend(relay.local.mail_domains.iter().map(String::as_str));
    domains.retain(|domain| wanted(domain));
    domains.sort_unstable();
    domains.dedup();
    domains.into_iter().map(str::to_owned).collect()
}

/// The tables that the parameters name.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    if !relay.identity.rewrites_addresses() {
        return Ok(Vec::new());
    }
    Ok(vec![table(ENVELOPE, Kind::Regexp, envelope(relay))?, table(HEADERS, Kind::Regexp, headers(relay))?])
}

/// The narrowest first, and all of the rest last.
fn in_order(relay: &Relay) -> Vec<&(Sender, NamedAddress)> {
    let mut senders: Vec<_> = relay.identity.senders.iter().collect();
    senders.sort_by_key(|(sender, _)| sender.rank());
    senders
}

/// The addresses that senders get.
fn results(relay: &Relay) -> Vec<&str> {
    let whole = relay.identity.senders.iter().filter(|(_, to)| to.domain().is_none());
    let mut addresses: Vec<&str> = whole.map(|(_, to)| to.address.as_str()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn envelope(relay: &Relay) -> Result<Regexp, TableError> {
    let mut rules = Regexp::new(
        "Envelope senders of the spec, see canonical(5) and regexp_table(5); the first match wins, and its result is\n\
         looked up again.",
    );
    for address in results(relay) {
        rules.push(&format!("^{}$", Regexp::escape(address)), address)?;
    }
    for (sender, to) in in_order(relay) {
        let local = match sender {
            Sender::Local(_) => continue,
            Sender::Address(key) if key.eq_ignore_ascii_case(&to.address) => continue,
            Sender::Address(key) => {
                rules.push(&format!("^{}$", Regexp::escape(key)), &to.address)?;
                continue;
            }
            // Not the null sender, which has no `@`.
            Sender::All if to.domain().is_none() => {
                rules.push("@", &to.address)?;
                continue;
            }
            Sender::Pattern(local, _) => glob(local, "[^@]*"),
            Sender::Domain(_) | Sender::Below(_) | Sender::All => ".+".to_owned(),
        };
        let domain = domain_of(sender, "[^@]+");
        match to.domain() {
            Some(new) => rules.push(&format!("^({local})@{domain}$"), &format!("${{1}}@{new}"))?,
            None if local == ".+" => rules.push(&format!("@{domain}$"), &to.address)?,
            None => rules.push(&format!("^{local}@{domain}$"), &to.address)?,
        }
    }
    Ok(rules)
}

/// A pattern with `*` as a regular expression; `any` is that for `*`.
fn glob(pattern: &str, any: &str) -> String {
    pattern.split('*').map(Regexp::escape).collect::<Vec<_>>().join(any)
}

/// The domains of a sender as a regular expression; `any` is that for any text in them.
fn domain_of(sender: &Sender, any: &str) -> String {
    match sender {
        Sender::Pattern(_, domain) | Sender::Domain(domain) => Regexp::escape(domain),
        Sender::Below(parent) => format!("{any}\\.{}", Regexp::escape(parent)),
        Sender::Local(_) | Sender::Address(_) | Sender::All => any.to_owned(),
    }
}

fn headers(relay: &Relay) -> Result<Regexp, TableError> {
    let mut rules = Regexp::new(
        "From and Sender headers with senders of the spec, see header_checks(5); the first match wins.",
    );
    let mut push = |pattern: &str, to: &NamedAddress| {
        let names = "^((Resent-)?(From|Sender):";
        // A local part that is kept is a group of the pattern.
        let (address, rest) = match to.domain() {
            Some(domain) => (format!("${{4}}@{domain}"), 5),
            None => (to.address.clone(), 4),
        };
        let result = match &to.name {
            // The name in the line belongs to a different person.
            Some(name) => format!("REPLACE ${{2}}${{3}}: {} <{address}>", name.replace('$', "$$")),
            None => format!("REPLACE ${{1}}{address}${{{rest}}}"),
        };
        // `Name <address>`, then the address alone or before a comment. Without a new name, the rest of the line stays.
        rules.push(&format!("{names}.*<){pattern}(>.*)$"), &result)?;
        rules.push(&format!("{names}[[:space:]]*){pattern}(|[[:space:]]*\\(.*|[[:space:]]+)$"), &result)
    };
    let all = relay.identity.senders.iter().find(|(sender, _)| *sender == Sender::All);
    for address in results(relay) {
        // The result of another rule is none of the others.
        if all.is_some_and(|(_, to)| to.address != address) {
            push(&Regexp::escape(address), &NamedAddress { address: address.to_owned(), name: None })?;
        }
    }
    for (sender, to) in in_order(relay) {
        match sender {
            // A local name is for sender_canonical_maps, unless all others are caught here.
            Sender::Local(name) if all.is_some() => push(&Regexp::escape(name), to)?,
            Sender::Local(_) => {}
            Sender::Address(key) => push(&Regexp::escape(key), to)?,
            // Without a domain as well: a sender of a program, before Postfix completes it.
            Sender::All if to.domain().is_none() => push("[^][:space:]<>(),;:[]+", to)?,
            Sender::Pattern(..) | Sender::Domain(_) | Sender::Below(_) | Sender::All => {
                let local = match sender {
                    Sender::Pattern(local, _) => glob(local, "[^][:space:]<>(),;:@[]*"),
                    _ => "[^][:space:]<>(),;:@[]+".to_owned(),
                };
                let local = if to.domain().is_some() { format!("({local})") } else { local };
                push(&format!("{local}@{}", domain_of(sender, "[^][:space:]<>(),;:@[]+")), to)?;
                // Without `from`, a local name is in the domain of this host.
                if *sender == Sender::All && relay.identity.from.is_none() {
                    push(&local, to)?;
                }
            }
        }
    }
    Ok(rules)
}
