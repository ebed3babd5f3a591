//! The spec that `postpack init` writes.

use std::fmt::Write as _;

use crate::keys::schema;
use crate::relay::{Auth, Profile, Provider, Providers, SenderRule};

/// Returns a valid, commented spec for a provider (`custom` and unknown names: your own smarthost).
pub fn starter(provider: &str, profile: Profile) -> String {
    let providers = Providers::builtin();
    let preset = providers.get(provider).filter(|preset| preset.name != Provider::CUSTOM);
    let mut text = format!(
        "#:schema {}\n\
         # A mail relay for postpack. `postpack check` validates it, `postpack build` builds its packages.\n\
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
        None if direct => {
            text.push_str("# Without a provider and a [smarthost], mail goes directly to MX hosts.\n");
        }
        None => text.push_str("provider = \"custom\"\n"),
    }
    sender(&mut text, preset.as_ref());
    text.push_str(
        "# Recipient of mail to root and to every other local name; an address or a list.\n\
         root-mail-to = \"ops@acme.example\"\n\n",
    );
    if preset.is_none() && !direct {
        text.push_str(
            "[smarthost]\n\
             host = \"smtp.acme.example\"\n\
             # 587 uses STARTTLS, 465 implicit TLS.\n\
             port = 587\n\
             # \"none\" if the smarthost accepts this host by its IP address.\n\
             auth = \"password\"\n\n",
        );
    }
    if profile == Profile::LanRelay {
        text.push_str(
            "[network]\n\
             # Hosts that may send through the relay, in addition to the relay itself.\n\
             trusted = [\"192.168.1.0/24\"]\n\
             # Addresses of the relay that they connect to.\n\
             listen = \"all\"\n\n",
        );
    }
    if profile == Profile::MailGateway {
        text.push_str(
            "[inbound.domains]\n\
             # Domains that the relay accepts mail for, and their backends.\n\
             \"acme.example\" = \"mail.acme.lan\"\n\n",
        );
    }
    if matches!(profile, Profile::Submission | Profile::MailServer) {
        text.push_str(
            "[server]\n\
             # Path on the host, with the chain. Copy the file there yourself.\n\
             certificate = \"/etc/ssl/mail.pem\"\n\
             key = \"/etc/ssl/mail.key\"\n\n",
        );
    }
    if profile == Profile::MailServer {
        text.push_str(
            "[mailboxes]\n\
             # Mailboxes in Dovecot. Alternative: [database] name = \"vimbadmin\".\n\
             addresses = [\"jane@acme.example\"]\n\n",
        );
    }
    if !direct {
        credentials(&mut text, preset.as_ref());
    }
    text.push_str(
        "# More keys, with their defaults:\n\
         #\n\
         # [tls]\n",
    );
    text.push_str(if direct {
        "# level = \"may\"              # encrypted if the other server supports it\n"
    } else {
        "# level = \"secure\"           # certificate verified, name matched\n"
    });
    text.push_str(
        "#\n\
         # [headers]\n\
         # strip = [\"received\"]       # headers that outsiders need not see\n\
         #\n\
         # [hardening]\n\
         # enabled = true             # the systemd sandbox\n\
         #\n\
         # Other sections: [aliases], [rewrite], [limits], [network], [main-cf], [dependencies],\n\
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
            // Any region would do; this one is in every example of the documentation.
            if regions.contains(&"eu-west-1") { "eu-west-1" } else { first }
        });
        let _ = writeln!(text, "# One of `postpack providers {}`.\nregion = \"{chosen}\"", preset.name);
    }
    if let Some(rule) = &preset.sender_rule {
        let _ = writeln!(text, "# Valid senders: {rule}.");
    }
}

/// The line of `from`. If the provider replaces every other sender, it is the account.
fn sender(text: &mut String, preset: Option<&Provider>) {
    let replaced = preset.filter(|preset| preset.sender == SenderRule::Rewritten);
    let domain = replaced.and_then(|preset| preset.host.as_deref()?.strip_prefix("smtp."));
    let line = match domain {
        Some(domain) => format!(
            "# The account that logs in, the same as RELAY_USERNAME on the host.\n\
             from = \"person@{domain}\"\n"
        ),
        None => "# Sender of local mail. `@acme.example` keeps the local part (root@, www-data@, ...).\n\
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
        "# Credentials do not belong in a spec. Put them into /etc/mail-relay/relay.env on the host:\n\
         #   RELAY_USERNAME   {username}\n\
         #   RELAY_PASSWORD   {password}\n\n"
    );
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
