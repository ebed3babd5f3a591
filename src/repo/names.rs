//! Values of `repo.toml` that become part of file names, URLs and the files of clients.

use serde::{Deserialize, Serialize};

macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                $check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::try_from(text.to_owned())
            }
        }
    };
}

checked! {
    /// The name of a repository or of a suite: lowercase letters, digits and hyphens, such as `acme`.
    Name, is_name
}
checked! {
    /// Words in one line, for `Origin` and `Label` of apt and for people.
    Label, is_label
}
checked! {
    /// The address of the published tree, without a slash at its end.
    Url, is_url
}

fn is_name(text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(2..=40).contains(&text.len())
        || !text.chars().all(plain)
        || text.starts_with('-')
        || text.ends_with('-')
    {
        return Err(format!(
            "`{}` cannot be a name: use 2 to 40 lowercase letters, digits and hyphens, such as `acme`",
            text.escape_debug()
        ));
    }
    Ok(())
}

fn is_label(text: &str) -> Result<(), String> {
    // unattended-upgrades separates Origin and Suite by a colon; the others would change the meaning of a file.
    let bad = text.chars().find(|c| crate::diag::is_odd(*c) || ":,\"'<>&[]{}%$\\`".contains(*c));
    if text.trim() != text || text.is_empty() || text.len() > 100 {
        return Err("must be one line of 1 to 100 characters, such as `ACME packages`".to_owned());
    }
    bad.map_or(Ok(()), |bad| {
        Err(format!("must not contain `{}`: apt and dnf read it differently", bad.escape_debug()))
    })
}

fn is_url(text: &str) -> Result<(), String> {
    let rest = ["https://", "http://", "file:///"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let rest = rest.ok_or("must begin with https:// or http://, such as `https://packages.acme.example`")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/:[]".contains(c);
    if rest.is_empty()
        || rest.ends_with('/')
        || rest.contains("//")
        || rest.contains("..")
        || !rest.chars().all(plain)
    {
        return Err("must be a plain address without a slash at its end, user name or query, such as \
                    `https://packages.acme.example/linux`"
            .to_owned());
    }
    Ok(())
}
