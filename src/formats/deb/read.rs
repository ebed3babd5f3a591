//! Reading a .deb that nobody vouches for: nothing is written anywhere, everything has a limit.

use crate::archive::{decompressor, list};
use crate::package::{Inspection, ReadError};

/// Members of the control archive that are shown as scripts.
const SCRIPTS: [&str; 8] =
    ["preinst", "postinst", "prerm", "postrm", "config", "templates", "triggers", "conffiles"];

/// Whether the first bytes are those of a .deb.
pub(super) fn is_deb(bytes: &[u8]) -> bool {
    bytes.starts_with(b"!<arch>\ndebian-binary")
}

/// Reads the content of a .deb: compressed with xz, gzip or zstd, or not compressed.
///
/// # Errors
/// It is no .deb, or is damaged, or would need more room than any relay package.
pub(super) fn read(bytes: &[u8]) -> Result<Inspection, ReadError> {
    if !is_deb(bytes) {
        return Err(ReadError::Unknown);
    }
    let members = members(bytes)?;
    let member = |prefix: &str| {
        let found = members.iter().find(|(name, _)| name.strip_prefix(prefix).is_some_and(is_extension));
        found.map(|(_, content)| *content).ok_or_else(|| ReadError::Damaged(format!("it has no {prefix}")))
    };
    let unpack = |content| decompressor(content).map_err(|error| ReadError::Damaged(error.to_string()));

    let texts =
        list(unpack(member("control.tar")?)?, |name| name == "control" || SCRIPTS.contains(&name))?.texts;
    let text_of = |name: &str| {
        texts
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
    };
    let control = text_of("control").ok_or_else(|| ReadError::Damaged("it has no control file".into()))?;
    let scripts = SCRIPTS.iter().filter_map(|name| Some(((*name).to_owned(), text_of(name)?))).collect();
    let files = list(unpack(member("data.tar")?)?, |_| false)?.files;
    Ok(Inspection { format: "deb", fields: fields(&control), files, scripts })
}

/// The control file of a .deb as it is.
///
/// # Errors
/// Those of [`read`].
pub fn control(bytes: &[u8]) -> Result<String, ReadError> {
    if !is_deb(bytes) {
        return Err(ReadError::Unknown);
    }
    let members = members(bytes)?;
    let control = members.iter().find(|(name, _)| name.strip_prefix("control.tar").is_some_and(is_extension));
    let (_, control) = control.ok_or_else(|| ReadError::Damaged("it has no control.tar".into()))?;
    let unpacked = decompressor(control).map_err(|error| ReadError::Damaged(error.to_string()))?;
    let texts = list(unpacked, |name| name == "control")?.texts;
    let text = texts.into_iter().next().ok_or_else(|| ReadError::Damaged("it has no control file".into()))?;
    String::from_utf8(text.1).map_err(|_| ReadError::Damaged("its control file is not UTF-8".into()))
}

/// When it was built: the time of its first member, in seconds since 1970 UTC.
pub fn time(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes.get(24..36)?).ok()?.trim_end().parse().ok()
}

fn is_extension(end: &str) -> bool {
    matches!(end, "" | ".xz" | ".gz" | ".zst")
}

/// The files in a .deb, with their bytes.
///
/// # Errors
/// Those of [`read`], and that it has more bytes than any relay package.
pub(super) fn contents(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
    let members = members(bytes)?;
    let data = members.iter().find(|(name, _)| name.strip_prefix("data.tar").is_some_and(is_extension));
    let (_, data) = data.ok_or_else(|| ReadError::Damaged("it has no data.tar".into()))?;
    let unpacked = decompressor(data).map_err(|error| ReadError::Damaged(error.to_string()))?;
    Ok(list(unpacked, |_| true)?.texts)
}

/// Name and content of the members of an ar.
fn members(bytes: &[u8]) -> Result<Vec<(String, &[u8])>, ReadError> {
    let damaged = || ReadError::Damaged("the ar archive ends or is broken in the middle".into());
    let mut rest = bytes.get(8..).ok_or_else(damaged)?;
    let mut members = Vec::new();
    while !rest.is_empty() {
        let (header, content) = rest.split_at_checked(60).ok_or_else(damaged)?;
        let text = std::str::from_utf8(header).map_err(|_| damaged())?;
        let field = |range: std::ops::Range<usize>| text.get(range).map(str::trim_end).ok_or_else(damaged);
        let size: usize = field(48..58)?.parse().map_err(|_| damaged())?;
        let (content, after) = content.split_at_checked(size).ok_or_else(damaged)?;
        members.push((field(0..16)?.trim_end_matches('/').to_owned(), content));
        // Members begin at even offsets; the last one need not be filled up.
        rest = after.get(size % 2..).unwrap_or_default();
    }
    Ok(members)
}

/// The fields of a control file; continuation lines keep their line breaks.
fn fields(control: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in control.lines() {
        if let Some(more) = line.strip_prefix([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(if more == "." { "" } else { more });
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    fields
}
