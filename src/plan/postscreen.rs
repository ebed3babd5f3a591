//! postscreen(8) on port 25: services of master.cf that replace smtpd(8), and its settings.
//!
//! The sources are POSTSCREEN_README, postscreen(8), dnsblog(8), tlsproxy(8) and postconf(5).

use super::layer::{Item, Layer};
use crate::relay::Relay;

/// Tests of clients.
pub(super) fn parameters(layer: &mut Layer<'_>, relay: &Relay) {
    let Some(guard) = &relay.postscreen else { return };
    layer.section("postscreen(8): clients that pass the tests are cached for several days.");
    // One postscreen(8) for each address to listen on, and one file for all of them.
    layer.set("postscreen_cache_map", "proxy:$default_database_type:$data_directory/postscreen_cache");
    layer.set("postscreen_greet_action", "enforce");
    layer.set("postscreen_dnsbl_action", "enforce");
    if !guard.lists.is_empty() {
        let lists = guard.lists.iter().map(|(name, weight)| Item::from(&*format!("{name}*{weight}")));
        layer.list("postscreen_dnsbl_sites", lists);
        layer.set("postscreen_dnsbl_threshold", &guard.threshold.to_string());
    }
}

/// The program that other servers reach on port 25, and how many of it may run.
pub(super) fn listener(relay: &Relay) -> &'static str {
    if relay.postscreen.is_some() { "1 postscreen" } else { "- smtpd" }
}

/// Edits of master.cf: the services that postscreen needs.
pub(super) fn edits(relay: &Relay) -> Vec<String> {
    let (Some(_), Some(server)) = (&relay.postscreen, &relay.server) else { return Vec::new() };
    let mut edits = vec![
        "M smtpd/pass=smtpd pass - - n - - smtpd".to_owned(),
        "M dnsblog/unix=dnsblog unix - - n - 0 dnsblog".to_owned(),
    ];
    if server.listen.is_empty() {
        edits.push("M smtp/inet=smtp inet n - n - 1 postscreen".to_owned());
    }
    edits
}
