//! Package URLs, see <https://github.com/package-url/purl-spec>.

use packageurl::PackageUrl;

use crate::formats;
use crate::package::Architecture;
use crate::platform::Format;

/// The package URL of a built package, such as `pkg:deb/acme.example/acme-mail-relay@1.0.0-1?arch=all`. The vendor is the
/// domain of the maintainer, not the distribution that the package is installed on.
pub(super) fn purl(format: Format, maintainer: &str, name: &str, version: &str) -> String {
    let (kind, architecture) =
        (formats::of(format).purl(), formats::of(format).architecture(Architecture::All));
    let vendor = maintainer.rsplit('@').next().unwrap_or_default().trim_end_matches('>').to_lowercase();
    let (epoch, version) = match version.split_once(':') {
        Some((epoch, version)) if kind.epoch_is_qualifier => (Some(epoch.to_owned()), version),
        _ => (None, version),
    };
    let written = PackageUrl::new(kind.name, name).and_then(|mut purl| {
        purl.with_namespace(vendor)?.with_version(version)?.add_qualifier("arch", architecture)?;
        if let Some(epoch) = epoch {
            purl.add_qualifier("epoch", epoch)?;
        }
        Ok(purl.to_string())
    });
    // Only a type or a qualifier can be rejected, and these are constants.
    written.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_has_its_own_type_and_place_for_the_epoch() {
        let url =
            |format| purl(format, "Platform Team <platform@Acme.example>", "acme+relay", "1:2.0~rc1+git.7-1");
        assert_eq!(url(Format::Deb), "pkg:deb/acme.example/acme%2Brelay@1:2.0~rc1%2Bgit.7-1?arch=all");
        assert_eq!(
            url(Format::Rpm),
            "pkg:rpm/acme.example/acme%2Brelay@2.0~rc1%2Bgit.7-1?arch=noarch&epoch=1"
        );
        assert_eq!(url(Format::Pacman), "pkg:alpm/acme.example/acme%2Brelay@1:2.0~rc1%2Bgit.7-1?arch=any");
    }
}
