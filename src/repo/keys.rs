//! The keys of a repository, opened.

use super::RepoError;
use super::settings::{KeySource, Settings, Use};
use crate::sign::{
    Certificate, CommandSigner, Concern, FileSigner, GpgSigner, Gravity, SecretKey, SignError, Signer,
};

/// The keys: who signs, and which certificates hosts get.
pub struct Keys {
    /// In the order of the settings.
    signing: Vec<Box<dyn Signer>>,
    announced: Vec<Box<dyn Signer>>,
    retired: Vec<Certificate>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.certificates().into_iter().map(Certificate::fingerprint).collect();
        f.debug_tuple("Keys").field(&names).finish()
    }
}

impl Keys {
    /// Opens the keys. `env` looks up environment variables, which only the command line knows.
    ///
    /// # Errors
    /// A key cannot be read, or package managers reject it.
    pub fn open(settings: &Settings, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, RepoError> {
        Self::open_all(&settings.keys, env)
    }

    /// Opens keys that are in no settings.
    ///
    /// # Errors
    /// As above.
    pub fn open_all(sources: &[KeySource], env: &dyn Fn(&str) -> Option<String>) -> Result<Self, RepoError> {
        let mut keys = Self { signing: Vec::new(), announced: Vec::new(), retired: Vec::new() };
        for source in sources {
            match source.purpose {
                Use::Sign => keys.signing.push(open(source, env)?),
                Use::Announce => keys.announced.push(open(source, env)?),
                Use::Retire => keys.retired.push(match &source.certificate {
                    Some(path) => Certificate::parse(&fs_err::read(path)?)?,
                    None => open(source, env)?.certificate().clone(),
                }),
            }
        }
        Ok(keys)
    }

    /// Keys that were opened before.
    pub fn of(
        signing: Vec<Box<dyn Signer>>,
        announced: Vec<Box<dyn Signer>>,
        retired: Vec<Certificate>,
    ) -> Self {
        Self { signing, announced, retired }
    }

    /// The key of everything that can have one signature only.
    ///
    /// # Errors
    /// There is none.
    pub fn first(&self) -> Result<&dyn Signer, RepoError> {
        let none = || RepoError::Sign(SignError::Key("the repository has no key that signs".to_owned()));
        self.signing.first().map(AsRef::as_ref).ok_or_else(none)
    }

    /// The keys of an apt index: those that sign, and those that are announced.
    pub fn all(&self) -> Vec<&dyn Signer> {
        self.signing.iter().chain(&self.announced).map(AsRef::as_ref).collect()
    }

    /// The certificates that hosts receive.
    pub fn certificates(&self) -> Vec<&Certificate> {
        self.all().into_iter().map(Signer::certificate).chain(&self.retired).collect()
    }

    /// The certificates as one binary file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.certificates().into_iter().flat_map(Certificate::to_bytes).collect()
    }

    /// The certificates as one armored file, a block each.
    pub fn to_armor(&self) -> String {
        self.certificates().into_iter().map(Certificate::to_armor).collect()
    }

    /// Where the keys fail, or will within so many seconds; all but those of retired keys.
    pub fn concerns(&self, now: u64, ahead: u64) -> Vec<Concern> {
        self.all().into_iter().flat_map(|signer| signer.certificate().concerns(now, ahead)).collect()
    }

    /// Refuses keys that most clients reject.
    ///
    /// # Errors
    /// The first such concern.
    pub fn refuse_bad(&self, now: u64) -> Result<(), RepoError> {
        let bad = self.concerns(now, 0).into_iter().find(|concern| concern.gravity == Gravity::Now);
        bad.map_or(Ok(()), |concern| {
            Err(RepoError::Rejected(format!("{}: {}", concern.message, concern.hint)))
        })
    }
}

fn open(source: &KeySource, env: &dyn Fn(&str) -> Option<String>) -> Result<Box<dyn Signer>, RepoError> {
    let certificate = source
        .certificate
        .as_deref()
        .map(|path| Ok::<_, RepoError>(Certificate::parse(&fs_err::read(path)?)?));
    let certificate = certificate.transpose()?;
    let in_file = |error: SignError, what: String| RepoError::Rejected(format!("{what}: {error}"));
    if let Some(path) = &source.file {
        let key = SecretKey::parse(&fs_err::read(path)?)
            .map_err(|error| in_file(error, path.display().to_string()))?;
        return Ok(Box::new(FileSigner::new(key)));
    }
    if let Some(name) = &source.env {
        let missing =
            || RepoError::Unknown(format!("the environment variable {name} with the signing key is not set"));
        let text = env(name).ok_or_else(missing)?;
        let key = SecretKey::parse(text.as_bytes()).map_err(|error| in_file(error, format!("${name}")))?;
        return Ok(Box::new(FileSigner::new(key)));
    }
    if let Some(name) = &source.gpg {
        let signer = GpgSigner::new(name)?;
        return Ok(Box::new(match certificate {
            Some(certificate) if certificate.fingerprint() == signer.certificate().fingerprint() => {
                signer.with(certificate)
            }
            Some(_) => {
                let error = format!("the certificate is not that of the gpg key `{name}`");
                return Err(RepoError::Sign(SignError::Key(error)));
            }
            None => signer,
        }));
    }
    match (&source.command, certificate) {
        (Some(command), Some(certificate)) => Ok(Box::new(CommandSigner::new(command.clone(), certificate)?)),
        _ => Err(RepoError::Sign(SignError::Key("a key has no holder".to_owned()))),
    }
}
