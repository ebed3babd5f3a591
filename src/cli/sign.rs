use std::path::PathBuf;

use super::clock;
use super::error::Failure;
use super::key;
use super::output::Terminal;
use crate::formats::{PackageFormat as _, Rpm, rpm};
use crate::repo::Keys;
use crate::sign::{self, Kind, cleartext};

/// Sign files with OpenPGP: in a separate file, in the text, or in the header of an rpm.
///
/// The same key, file and time give the same bytes. The time is that of the newest self-signature of the key, or
/// SOURCE_DATE_EPOCH if that is later.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files to sign. A .rpm gets its signature in its header.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    holder: Holder,
    /// Write text (FILE.asc) instead of binary (FILE.sig) signatures.
    #[arg(long, conflicts_with = "clear")]
    armor: bool,
    /// Sign a text like InRelease of apt: write FILE.asc with text and signature.
    #[arg(long)]
    clear: bool,
}

/// Source of the signing key.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Holder {
    /// File with a secret key, as written by `postpack key new`.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Environment variable with a secret key.
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// Fingerprint or address of a key in gpg.
    #[arg(long, value_name = "KEY")]
    gpg: Option<String>,
    /// The first signing key of these repository settings.
    #[arg(long, value_name = "FILE")]
    repo: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    let keys = keys(&args.holder, terminal)?;
    let signer = keys.first()?;
    key::concerns(signer.certificate(), terminal);
    let time = sign::time_of(signer.certificate(), clock::source_date()?.unwrap_or_default());
    for path in &args.files {
        let bytes = fs_err::read(path)?;
        let mut target = path.as_os_str().to_owned();
        let made = if Rpm.recognizes(&bytes) && !args.armor && !args.clear {
            let is_rsa = signer.certificate().algorithm().starts_with("RSA");
            rpm::signed(&bytes, is_rsa, |header| {
                Ok::<_, Failure>(signer.sign(Kind::Binary, header, time)?)
            })?
        } else if args.clear {
            target.push(".asc");
            let text = String::from_utf8(bytes).map_err(|_| {
                Failure::input(format!("{}: only text can be signed in place", path.display()))
            })?;
            cleartext(&text, &[signer], time)?.into_bytes()
        } else {
            target.push(if args.armor { ".asc" } else { ".sig" });
            let packet = signer.sign(Kind::Binary, &bytes, time)?;
            if args.armor { key::armored_signature(&packet).into_bytes() } else { packet }
        };
        key::replace(target.as_ref(), made)?;
        terminal.done("Signed", &target.to_string_lossy(), &signer.certificate().fingerprint());
    }
    Ok(())
}

fn keys(holder: &Holder, terminal: &mut Terminal) -> Result<Keys, Failure> {
    if let Some(path) = &holder.repo {
        return Ok(super::repo::open(path, terminal)?.1);
    }
    let source = crate::repo::KeySource {
        purpose: crate::repo::Use::Sign,
        file: holder.key.clone(),
        env: holder.key_env.clone(),
        gpg: holder.gpg.clone(),
        command: None,
        certificate: None,
    };
    Ok(Keys::open_all(&[source], &|name| std::env::var(name).ok())?)
}

impl From<crate::package::ReadError> for Failure {
    fn from(error: crate::package::ReadError) -> Self {
        Self::input(error.to_string())
    }
}
