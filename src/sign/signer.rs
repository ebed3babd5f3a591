//! Signers: a key in a file, gpg, or a program with the key.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::SignError;
use super::certificate::Certificate;
use super::secret::SecretKey;
use super::signature::{Kind, Unsigned};

/// Makes signatures.
pub trait Signer: Sync {
    /// The public key, with what it says of itself.
    fn certificate(&self) -> &Certificate;

    /// One signature packet over the data at a time, in seconds since 1970 UTC. The same arguments give the same bytes.
    ///
    /// # Errors
    /// The key is not valid at that time, or the program that holds it fails.
    fn sign(&self, kind: Kind, data: &[u8], time: u64) -> Result<Vec<u8>, SignError>;
}

/// Signs with a secret key that has no passphrase.
#[derive(Debug)]
pub struct FileSigner(SecretKey);

impl FileSigner {
    /// A signer with this key.
    pub fn new(key: SecretKey) -> Self {
        Self(key)
    }

    /// The key.
    pub fn key(&self) -> &SecretKey {
        &self.0
    }

    /// The raw signature of a SHA-512 digest.
    ///
    /// # Errors
    /// The library fails.
    pub fn raw(&self, digest: &[u8; 64]) -> Result<Vec<u8>, SignError> {
        self.0.raw(digest)
    }
}

impl Signer for FileSigner {
    fn certificate(&self) -> &Certificate {
        self.0.certificate()
    }

    fn sign(&self, kind: Kind, data: &[u8], time: u64) -> Result<Vec<u8>, SignError> {
        sign_digest(self.certificate(), kind, data, time, |digest| self.0.raw(digest))
    }
}

/// Signs with a program that gets a SHA-512 digest on standard input and writes the raw signature to standard output: 64
/// bytes of Ed25519 over the digest, or an RSA PKCS #1 v1.5 block. So the key can be in a KMS, in Vault or on a token.
#[derive(Debug)]
pub struct CommandSigner {
    command: Vec<String>,
    certificate: Certificate,
}

impl CommandSigner {
    /// A signer by this command, which is not run by a shell.
    ///
    /// # Errors
    /// The command is empty.
    pub fn new(command: Vec<String>, certificate: Certificate) -> Result<Self, SignError> {
        if command.is_empty() {
            return Err(SignError::Key("the command of the signer is empty".to_owned()));
        }
        Ok(Self { command, certificate })
    }

    /// The output of the program for a digest.
    ///
    /// # Errors
    /// It fails, or writes nothing.
    pub fn raw(command: &[String], digest: &[u8; 64]) -> Result<Vec<u8>, SignError> {
        let program = command.first().map(String::as_str).unwrap_or_default();
        let raw =
            run(Command::new(program).args(&command[1..]).env("POSTPACK_HASH", "sha512"), program, digest)?;
        if raw.is_empty() {
            return Err(SignError::Program {
                program: program.to_owned(),
                why: "it wrote no signature".to_owned(),
            });
        }
        Ok(raw)
    }
}

impl Signer for CommandSigner {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn sign(&self, kind: Kind, data: &[u8], time: u64) -> Result<Vec<u8>, SignError> {
        let packet =
            sign_digest(&self.certificate, kind, data, time, |digest| Self::raw(&self.command, digest))?;
        // A program can hold another key than the one that hosts will trust.
        super::verify(&[&self.certificate], kind, data, &packet)?;
        Ok(packet)
    }
}

/// Signs with gpg: keys with a passphrase, on smart cards, or in its agent.
#[derive(Debug)]
pub struct GpgSigner {
    certificate: Certificate,
}

impl GpgSigner {
    /// A signer with the secret key of this fingerprint or mail address.
    ///
    /// # Errors
    /// gpg does not have the key, or it is of a kind that some package manager rejects.
    pub fn new(key: &str) -> Result<Self, SignError> {
        let public = run(gpg().args(["--export", "--", key]), "gpg", &[])?;
        if public.is_empty() {
            return Err(SignError::Program { program: "gpg".into(), why: format!("it has no key `{key}`") });
        }
        Ok(Self { certificate: Certificate::parse(&public)? })
    }

    /// A signer that publishes this certificate, which may have older self-signatures that gpg has dropped.
    #[must_use]
    pub fn with(self, certificate: Certificate) -> Self {
        Self { certificate }
    }
}

impl Signer for GpgSigner {
    fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn sign(&self, kind: Kind, data: &[u8], time: u64) -> Result<Vec<u8>, SignError> {
        self.certificate.usable_at(time)?;
        let mut command = gpg();
        // The exclamation mark stops the clock: signatures are then the same in every run.
        command.args(["--faked-system-time", &format!("{time}!")]);
        command.args(["--digest-algo", "SHA512", "--local-user"]).arg(self.certificate.fingerprint() + "!");
        if kind == Kind::Text {
            command.arg("--textmode");
        }
        let packet = run(command.arg("--detach-sign"), "gpg", data)?;
        super::verify(&[&self.certificate], kind, data, &packet)?;
        Ok(packet)
    }
}

fn gpg() -> Command {
    let mut command = Command::new("gpg");
    command.args(["--batch", "--quiet", "--no-armor", "--no-auto-check-trustdb", "--no-emit-version"]);
    command
}

fn sign_digest(
    certificate: &Certificate,
    kind: Kind,
    data: &[u8],
    time: u64,
    raw: impl Fn(&[u8; 64]) -> Result<Vec<u8>, SignError>,
) -> Result<Vec<u8>, SignError> {
    certificate.usable_at(time)?;
    let seconds =
        u32::try_from(time).map_err(|_| SignError::Time("a signature is beyond the year 2106".into()))?;
    let unsigned = Unsigned::new(certificate.key(), kind as u8, data, seconds, &[]);
    let raw = raw(&unsigned.digest)?;
    unsigned.packet(certificate.key(), &raw)
}

/// Runs a program with this input, and returns what it writes.
fn run(command: &mut Command, program: &str, input: &[u8]) -> Result<Vec<u8>, SignError> {
    let failed = |why: String| SignError::Program { program: program.to_owned(), why };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // A separate thread writes it, because a program may write before it has read everything.
        scope.spawn(move || {
            // A program that ends early says why on standard error.
            let _ = stdin.as_mut().map(|stdin| stdin.write_all(input));
        });
        child.wait_with_output()
    });
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        return Err(failed(if said.is_empty() { output.status.to_string() } else { said.join("; ") }));
    }
    Ok(output.stdout)
}
