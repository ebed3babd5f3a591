//! A package on its way into a repository: read once, signed if its format has signatures, described for its index.

use super::{RepoError, apt, dnf, pacman, sha256};
use crate::build::FileName;
use crate::formats::{self, deb, rpm};
use crate::package::ReadError;
use crate::platform::Format;
use crate::sign::{self, Kind, Signer};

/// A package as it is published.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) format: Format,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) time: u64,
    pub(super) file: FileName,
    pub(super) bytes: Vec<u8>,
    /// The separate signature file, if the format has one.
    pub(super) signature: Option<Vec<u8>>,
    pub(super) entry: String,
}

/// Data about a file for an index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) file: &'a FileName,
    pub(super) size: u64,
    pub(super) sha256: &'a str,
}

/// The name of a package's file in the pool. Object stores and CDNs read `+`, `~` and `:` in addresses differently, so none
/// of them is in it.
pub(super) fn pool_name(file: &str) -> Result<FileName, RepoError> {
    Ok(FileName::new(file.replace('+', "__").replace(['~', ':'], "_"))?)
}

/// Reads, signs and describes a package.
///
/// # Errors
/// It is not a package of this format, or the signer fails.
pub(super) fn prepare(
    format: Format,
    file: &str,
    bytes: Vec<u8>,
    signer: &dyn Signer,
) -> Result<Prepared, RepoError> {
    let named = |error: ReadError| RepoError::Package { file: file.to_owned(), error };
    let pool = pool_name(file)?;
    let sign = |data: &[u8], time: u64| {
        let time = sign::time_of(signer.certificate(), time);
        signer.sign(Kind::Binary, data, time).map_err(RepoError::Sign)
    };
    match format {
        Format::Deb => {
            let control = deb::control(&bytes).map_err(named)?;
            let digest = sha256(&bytes);
            let placed = Placed { file: &pool, size: bytes.len() as u64, sha256: &digest };
            let time = deb::time(&bytes).unwrap_or_default();
            let entry = apt::entry(&control, placed);
            let field = |name: &str| apt::field(&control, name).map(str::to_owned);
            let missing = |name: &str| named(ReadError::Damaged(format!("it has no {name}")));
            let name = field("Package").ok_or_else(|| missing("Package"))?;
            let version = field("Version").ok_or_else(|| missing("Version"))?;
            Ok(Prepared { format, name, version, time, file: pool, bytes, signature: None, entry })
        }
        Format::Rpm => {
            let time = rpm::record(&bytes).map_err(named)?.time;
            let is_rsa = signer.certificate().algorithm().starts_with("RSA");
            let bytes = rpm::signed(&bytes, is_rsa, |header| sign(header, time))?;
            let record = rpm::record(&bytes).map_err(named)?;
            let digest = sha256(&bytes);
            let entry =
                dnf::entry(&record, Placed { file: &pool, size: bytes.len() as u64, sha256: &digest });
            let [epoch, version, release] = &record.version;
            let epoch = if epoch == "0" { String::new() } else { format!("{epoch}:") };
            let version = format!("{epoch}{version}-{release}");
            let name = record.name;
            Ok(Prepared { format, name, version, time, file: pool, bytes, signature: None, entry })
        }
        Format::Pacman => {
            let fields = formats::of(format).read(&bytes).map_err(named)?.fields;
            let field = |name: &str| {
                let found = fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
                found.ok_or_else(|| named(ReadError::Damaged(format!("it has no {name}"))))
            };
            let time = field("builddate")?.parse().unwrap_or_default();
            let digest = sha256(&bytes);
            let placed = Placed { file: &pool, size: bytes.len() as u64, sha256: &digest };
            let entry = pacman::entry(&fields, placed);
            let (name, version) = (field("pkgname")?, field("pkgver")?);
            // The name becomes a folder of the database.
            FileName::new(format!("{name}-{version}"))?;
            let signature = Some(sign(&bytes, time)?);
            Ok(Prepared { format, name, version, time, file: pool, bytes, signature, entry })
        }
    }
}
