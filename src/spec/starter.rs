//! The spec that `postpack init` writes.

use std::fmt::Write as _;

use crate::keys::schema;
use crate::relay::{Auth, Profile, Provider, Providers, SenderRule};

/// A commented spec for a provider (`custom` and unknown names: an own smarthost), valid as it is.
pub fn starter(provider: &str, profile: Profile) -> String {
    let providers = Providers::builtin();
    let preset = providers.get(provider).filter(|preset| preset.name != Provider::CUSTOM);
    let mut text = format!(
        "#:schema {}\n\
         # A mail relay for postpack. `postpack check` judges it, `postpack build` makes packages of it.\n\
         # `postpack explain KEY` describes a key. All keys: https://github.com/postpack/postpack/blob/main/docs/spec.md\n\
         \n\
         [package]\n\
         name = \"acme-mail-relay\"\n\
         version = \"1.0.0\"\n\
         maintainer = \"Platform Team <platform@acme.example>\"\n\
         \n\
         [relay]\n\
         # {}.\n\
         profile = \"{}\"\n",
        schema::ID,
        capitalised(profile.summary()),
        profile.name()
    );
    let direct = preset.is_none() && profile.may_send_directly();
    match &preset {
        Some(preset) => with_preset(&mut text, preset),
        None if direct => text.push_str(
            "# Without a provider and a [smarthost], mail goes straight to the servers that DNS names.\n",
        ),
        None => text.push_str("provider = \"custom\"\n"),
    }
    sender(&mut text, preset.as_ref());
    text.push_str(
        "# Who reads mail to root and to every other local name; an address or a list.\n\
         root-mail-to = \"ops@acme.example\"\n\n",
    );
    if preset.is_none() && !direct {
        text.push_str(
            "[smarthost]\n\
             host = \"smtp.acme.example\"\n\
             # 587 starts TLS by STARTTLS, 465 at once.\n\
             port = 587\n\
             # \"none\" if the smarthost knows this host by its address.\n\
             auth = \"password\"\n\n",
        );
    }
    if profile == Profile::LanRelay {
        text.push_str(
            "[network]\n\
             # Hosts that may send through this one; the host itself always may.\n\
             trusted = [\"192.168.1.0/24\"]\n\
             # Addresses that they reach it at.\n\
             listen = \"all\"\n\n",
        );
    }
    if profile == Profile::MailGateway {
        text.push_str(
            "[inbound.domains]\n\
             # Mail for these domains is taken from anybody, and goes to the servers behind.\n\
             \"acme.example\" = \"mail.acme.lan\"\n\n",
        );
    }
    if matches!(profile, Profile::Submission | Profile::MailServer) {
        text.push_str(
            "[server]\n\
             # On the host, with its chain; put there by you, in no package.\n\
             certificate = \"/etc/ssl/mail.pem\"\n\
             key = \"/etc/ssl/mail.key\"\n\n",
        );
    }
    if profile == Profile::MailServer {
        text.push_str(
            "[mailboxes]\n\
             # Who has one in Dovecot. Instead: [database] name = \"vimbadmin\".\n\
             addresses = [\"jane@acme.example\"]\n\n",
        );
    }
    if !direct {
        credentials(&mut text, preset.as_ref());
    }
    text.push_str(
        "# More, with the values they have when they are left out:\n\
         #\n\
         # [tls]\n",
    );
    text.push_str(if direct {
        "# level = \"may\"              # encrypted where the other side can\n"
    } else {
        "# level = \"secure\"           # certificate verified, name matched\n"
    });
    text.push_str(
        "#\n\
         # [headers]\n\
         # strip = [\"received\"]       # what outsiders need not know\n\
         #\n\
         # [hardening]\n\
         # enabled = true             # the systemd sandbox\n\
         #\n\
         # And beyond that: [aliases], [rewrite], [limits], [network], [main-cf], [dependencies],\n\
         # [integrations] (cron, smartd, fail2ban, ...) and [firewall].\n",
    );
    text
}

fn with_preset(text: &mut String, preset: &Provider) {
    let _ = writeln!(
        text,
        "# {}{}",
        preset.title,
        preset.url.as_ref().map_or(String::new(), |url| format!(", {url}"))
    );
    let _ = writeln!(text, "provider = \"{}\"", preset.name);
    let regions: Vec<&str> = preset.regions.keys().map(String::as_str).collect();
    if let Some(first) = regions.first() {
        let chosen = preset.default_region.as_deref().unwrap_or_else(|| {
            // Any region is as good as another; this one is in every example of the documentation.
            if regions.contains(&"eu-west-1") { "eu-west-1" } else { first }
        });
        let _ = writeln!(text, "# One of `postpack providers {}`.\nregion = \"{chosen}\"", preset.name);
    }
    if let Some(rule) = &preset.sender_rule {
        let _ = writeln!(text, "# It takes as sender: {rule}.");
    }
}

/// The line of `from`: where the provider replaces every other sender, that is the account.
fn sender(text: &mut String, preset: Option<&Provider>) {
    let replaced = preset.filter(|preset| preset.sender == SenderRule::Rewritten);
    let domain = replaced.and_then(|preset| preset.host.as_deref()?.strip_prefix("smtp."));
    let line = match domain {
        Some(domain) => format!(
            "# The account that logs in, the same as RELAY_USERNAME on the host.\n\
             from = \"person@{domain}\"\n"
        ),
        None => "# The address that mail comes from. `@acme.example` keeps the local part (root@, www-data@, ...).\n\
                 from = \"noreply@acme.example\"\n"
            .to_owned(),
    };
    text.push_str(&line);
}

fn credentials(text: &mut String, preset: Option<&Provider>) {
    if preset.is_some_and(|preset| !preset.auth.contains(&Auth::Password)) {
        return;
    }
    let username =
        preset.and_then(|preset| preset.username.as_deref()).unwrap_or("the user name at the smarthost");
    let password = preset.and_then(|preset| preset.password.as_deref()).unwrap_or("its password");
    let _ = write!(
        text,
        "# Credentials never stand here. They belong onto the host, into /etc/mail-relay/relay.env:\n\
         #   RELAY_USERNAME   {username}\n\
         #   RELAY_PASSWORD   {password}\n\n"
    );
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
