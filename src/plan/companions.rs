//! Additional files in the output folder.

use serde_json::json;

use super::PlanError;
use super::facts::key_of;
use super::mailboxes;
use super::recipes::CLOUD_INIT;
use crate::platform::Format;
use crate::relay::{Auth, Relay};
use crate::spec::Checked;
use crate::template::Templates;

/// An additional file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Companion {
    /// User data for the first boot of a host whose image contains the package.
    CloudInit,
    /// Answers to Postfix's questions on Debian and Ubuntu.
    Preseed,
}

impl Companion {
    /// Those of a spec.
    pub fn of(checked: &Checked) -> Vec<Self> {
        let mut all = vec![Self::CloudInit];
        if checked.formats.contains(&Format::Deb) {
            all.push(Self::Preseed);
        }
        all
    }

    /// The name of the file.
    pub fn file_name(self, checked: &Checked) -> String {
        let name = &checked.meta.name;
        match self {
            Self::CloudInit => CLOUD_INIT.file_name(checked),
            Self::Preseed => format!("{name}.preseed"),
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// If a template fails.
    pub fn render(self, checked: &Checked, templates: &Templates) -> Result<Vec<u8>, PlanError> {
        let text = match self {
            Self::CloudInit => CLOUD_INIT.render(checked, templates)?,
            Self::Preseed => {
                templates.render("companion/preseed", &json!({ "package": checked.meta.name }))?
            }
        };
        Ok(text.into_bytes())
    }
}

/// The keys of relay.env that this relay reads credentials from.
pub(super) fn credential_keys(relay: &Relay) -> Vec<String> {
    let usual = relay.usual_smarthosts().filter(|host| host.auth != Auth::None).count();
    let mut keys = Vec::new();
    for host in &relay.smarthosts {
        // A single smarthost needs no name. With several, each may have a separate account.
        let prefix = if host.is_usual() && usual == 1 {
            "RELAY".to_owned()
        } else {
            format!("RELAY_{}", key_of(&host.name))
        };
        let parts: &[&str] = match host.auth {
            Auth::Password => &["USERNAME", "PASSWORD"],
            Auth::Xoauth2 => &["USERNAME", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"],
            Auth::None => &[],
        };
        keys.extend(parts.iter().map(|part| format!("{prefix}_{part}")));
    }
    if mailboxes::database(relay).is_some() {
        keys.extend(["USERNAME", "PASSWORD"].map(|part| format!("RELAY_DATABASE_{part}")));
    }
    keys
}
