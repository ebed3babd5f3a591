use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::clock;
use super::error::Failure;
use super::output::{Format, Terminal};
use crate::sign::{self, Algorithm, Certificate, CommandSigner, SecretKey, SignError, armored};

/// An expiry is reported this long in advance, in seconds: 60 days.
const AHEAD: u64 = 60 * 86_400;

/// Create and maintain the keys that sign packages and repositories.
///
/// A secret key is a file that only its owner can read. It has no passphrase. Keep a key with a passphrase in gpg, and name
/// it in repo.toml with `gpg = "FINGERPRINT"`.
#[derive(Debug, clap::Args)]
#[command(disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(New),
    Extend(Change),
    Rotate(Rotate),
    Revoke(Revoke),
    Show(Show),
}

/// Create a key, its certificate and its revocation certificate.
///
/// Writes three files: FILE (the secret key), FILE.asc (the public key) and FILE.rev (the revocation certificate). Anyone
/// who has FILE.rev can revoke the key, so do not store it with the key.
#[derive(Debug, clap::Args)]
struct New {
    /// File of the secret key, such as acme.key. With --command, that of the certificate.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    kind: Kind,
    /// RSA modulus of a key in another program, hexadecimal, as `openssl rsa -pubin -modulus` prints it. The program
    /// follows `--`. It reads a SHA-512 digest from standard input and writes the raw signature.
    #[arg(long, value_name = "HEX", requires = "command")]
    modulus: Option<String>,
    /// Program that stores the key, with its arguments.
    #[arg(last = true, value_name = "COMMAND", requires = "modulus")]
    command: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct Kind {
    /// Name and address of the owner.
    #[arg(long, value_name = "NAME <MAIL>")]
    owner: String,
    /// Kind of the key.
    #[arg(long, default_value = "rsa4096")]
    algorithm: Algorithm,
    /// Days until the key expires; by default it does not expire.
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
}

/// Extend the validity of a key.
///
/// Adds a self-signature to FILE and FILE.asc. The old ones stay, so earlier signatures remain valid for apt 3 and rpm 6.
/// Publish afterwards: hosts need the new key file before the old date.
#[derive(Debug, clap::Args)]
struct Change {
    /// File of the secret key.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Days from now until the key expires; by default it no longer expires.
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
}

/// Create the successor of a key, and explain the steps of the change.
#[derive(Debug, clap::Args)]
struct Rotate {
    /// File of the old secret key.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// File of the new secret key.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Kind of the new key.
    #[arg(long, default_value = "rsa4096")]
    algorithm: Algorithm,
    /// Days until the key expires; by default it does not expire.
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
}

/// Revoke a key. Its certificate then invalidates all its signatures.
#[derive(Debug, clap::Args)]
struct Revoke {
    /// File of the secret key, or of its certificate together with --certificate.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Revocation certificate (`.rev`), for a lost secret key. FILE is then the certificate.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

/// Show a key or certificate: fingerprint, kind, expiry, and the clients that reject it.
#[derive(Debug, clap::Args)]
struct Show {
    /// File of a secret key or certificate.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Format of the result.
    #[arg(long, default_value = "text")]
    format: Format,
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Malformed(_) | SignError::Key(_) | SignError::Time(_) => {
                Self::input(error.to_string())
            }
            _ => Self::failed(error.to_string()),
        }
    }
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Result<(), Failure> {
    match &args.verb {
        Verb::New(new) if new.command.is_empty() => {
            create(&new.file, new.kind.algorithm, &new.kind.owner, new.kind.days, terminal).map(drop)
        }
        Verb::New(new) => certify(new, terminal),
        Verb::Extend(change) => extend(change, terminal),
        Verb::Rotate(rotate) => {
            let old = secret(&rotate.old)?;
            let owner = old.certificate().user_id().to_owned();
            create(&rotate.new, rotate.algorithm, &owner, rotate.days, terminal)?;
            terminal.result(&steps(&rotate.old, &rotate.new))
        }
        Verb::Revoke(args) => revoke(args, terminal),
        Verb::Show(args) => show(args, terminal),
    }
}

fn create(
    file: &Path,
    algorithm: Algorithm,
    owner: &str,
    days: Option<u32>,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let [public, revocation] = [beside(file, "asc"), beside(file, "rev")];
    for path in [file, &public, &revocation] {
        if path.exists() {
            return Err(Failure::input(format!("{} already exists", path.display()))
                .hint("keys are never overwritten; choose a different file name"));
        }
    }
    let now = clock::now();
    let made = sign::create(algorithm, owner, now, clock::after_days(now, days))?;
    write_private(file, &made.key.to_armor())?;
    write_private(&revocation, &made.revocation)?;
    replace(&public, made.key.certificate().to_armor())?;
    say("Created", file, made.key.certificate(), terminal);
    terminal.warn(
        &format!(
            "anyone with {} can revoke the key, and anyone with {} can sign",
            revocation.display(),
            file.display()
        ),
        "store them in different places, and keep a copy of each on another machine",
    );
    concerns(made.key.certificate(), terminal);
    Ok(())
}

/// The certificate of a key in another program.
fn certify(new: &New, terminal: &mut Terminal) -> Result<(), Failure> {
    if new.file.exists() {
        return Err(Failure::input(format!("{} already exists", new.file.display())));
    }
    let hex = new.modulus.as_deref().unwrap_or_default().trim();
    let hex = hex.strip_prefix("Modulus=").unwrap_or(hex).to_ascii_uppercase();
    let modulus = data_encoding::HEXUPPER.decode(hex.as_bytes()).ok().filter(|bytes| bytes.len() >= 256);
    let modulus = modulus.ok_or_else(|| {
        Failure::input("the modulus is not a hexadecimal number of at least 2048 bits")
            .hint("`openssl rsa -pubin -in key.pem -noout -modulus` prints it")
    })?;
    let now = clock::now();
    let raw = |digest: &[u8; 64]| CommandSigner::raw(&new.command, digest);
    let days = clock::after_days(now, new.kind.days);
    let certificate = sign::create_for(&modulus, &[1, 0, 1], &new.kind.owner, now, days, &raw)?;
    replace(&new.file, certificate.to_armor())?;
    say("Created", &new.file, &certificate, terminal);
    Ok(())
}

fn extend(change: &Change, terminal: &mut Terminal) -> Result<(), Failure> {
    let key = sign::FileSigner::new(secret(&change.file)?);
    let now = clock::now();
    let raw = |digest: &[u8; 64]| key.raw(digest);
    let certificate = sign::extend(key.key().certificate(), now, clock::after_days(now, change.days), &raw)?;
    let armor = key.key().with(certificate.clone()).to_armor();
    replace_private(&change.file, &armor)?;
    replace(&beside(&change.file, "asc"), certificate.to_armor())?;
    say("Extended", &change.file, &certificate, terminal);
    Ok(())
}

fn revoke(args: &Revoke, terminal: &mut Terminal) -> Result<(), Failure> {
    let (certificate, target) = if let Some(path) = &args.certificate {
        let revocation = sign::unarmored(&fs_err::read(path)?)?;
        let certificate = certificate(&args.file)?.with_revocation(&revocation)?;
        (certificate, args.file.clone())
    } else {
        let key = sign::FileSigner::new(secret(&args.file)?);
        let raw = |digest: &[u8; 64]| key.raw(digest);
        let certificate = sign::revoke(key.key().certificate(), clock::now(), &raw)?;
        (certificate, beside(&args.file, "asc"))
    };
    replace(&target, certificate.to_armor())?;
    say("Revoked", &target, &certificate, terminal);
    terminal.warn(
        "rpm before 4.20 (RHEL 8 and 9) ignores revocations",
        &format!(
            "remove the key there: rpm -e gpg-pubkey-{}",
            certificate.fingerprint()[32..].to_ascii_lowercase()
        ),
    );
    Ok(())
}

fn show(args: &Show, terminal: &mut Terminal) -> Result<(), Failure> {
    let certificate = certificate(&args.file)?;
    let concerns = certificate.concerns(clock::now(), AHEAD);
    if args.format == Format::Json {
        let concerns: Vec<&str> = concerns.iter().map(|concern| concern.message.as_str()).collect();
        return terminal.json(&serde_json::json!({
            "fingerprint": certificate.fingerprint(),
            "owner": certificate.user_id(),
            "algorithm": certificate.algorithm(),
            "created": certificate.created(),
            "expires": certificate.expires(),
            "revoked": certificate.is_revoked(),
            "concerns": concerns,
        }));
    }
    let expires = certificate.expires().map_or_else(|| "never".to_owned(), clock::day);
    let text = format!(
        "fingerprint  {}\nowner        {}\nkind         {}\ncreated      {}\nexpires      {expires}\n",
        certificate.fingerprint(),
        certificate.user_id(),
        certificate.algorithm(),
        clock::day(certificate.created()),
    );
    terminal.result(&text)?;
    self::concerns(&certificate, terminal);
    Ok(())
}

fn steps(old: &Path, new: &Path) -> String {
    let [old, new] = [old, new].map(|path| path.display());
    format!(
        "The steps, each followed by `postpack repo publish` or `resign`:\n\
         1. Announce: in repo.toml, let the old key sign, and add [[keys]] with use = \"announce\" and file = \"{new}\".\n   \
         Hosts get the new key with the next upgrade. apt indexes have both signatures.\n\
         2. After some weeks, switch: use = \"sign\" for {new}, and use = \"retire\" with certificate = \"{old}.asc\" for \
         the old one.\n   The first key that signs is used for rpm, dnf and pacman.\n\
         3. When no suite offers a package that the old key signed, remove the old key. `postpack repo check` names such keys.\n"
    )
}

fn say(verb: &str, file: &Path, certificate: &Certificate, terminal: &mut Terminal) {
    let expires = certificate
        .expires()
        .map_or_else(|| "does not expire".to_owned(), |end| format!("expires {}", clock::day(end)));
    let detail = format!("{}, {}, {expires}", certificate.fingerprint(), certificate.algorithm());
    terminal.done(verb, &file.display().to_string(), &detail);
}

/// Warns of clients that reject a key.
pub(super) fn concerns(certificate: &Certificate, terminal: &mut Terminal) {
    for concern in certificate.concerns(clock::now(), AHEAD) {
        terminal.warn(&concern.message, &concern.hint);
    }
}

fn secret(path: &Path) -> Result<SecretKey, Failure> {
    SecretKey::parse(&fs_err::read(path)?)
        .map_err(|error| Failure::input(format!("{}: {error}", path.display())))
}

fn certificate(path: &Path) -> Result<Certificate, Failure> {
    Certificate::parse(&fs_err::read(path)?)
        .map_err(|error| Failure::input(format!("{}: {error}", path.display())))
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    name.into()
}

/// Writes a new file that only its owner can read. Fails if it exists.
fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    private(path, text)?.persist_noclobber(path).map_err(|error| Failure::from(error.error))?;
    Ok(())
}

fn replace_private(path: &Path, text: &str) -> Result<(), Failure> {
    private(path, text)?.persist(path).map_err(|error| Failure::from(error.error))?;
    Ok(())
}

/// Temporary files have mode 0600.
fn private(path: &Path, text: &str) -> Result<tempfile::NamedTempFile, Failure> {
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Writes or replaces a file that everybody can read.
pub(super) fn replace(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let folder = folder_of(path);
    let file = tempfile::Builder::new().permissions(readable()).tempfile_in(folder)?;
    fs_err::write(file.path(), text)?;
    file.persist(path).map_err(|error| Failure::from(error.error))?;
    Ok(())
}

fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A signature as armored text.
pub(super) fn armored_signature(packet: &[u8]) -> String {
    armored("SIGNATURE", packet)
}
