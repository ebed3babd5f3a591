//! Recipes from `templates/image`: each is a file for one tool that builds or configures hosts, and installs the package of a spec.
//! None contains a secret. Each names the source of credentials, and the command that proves delivery.

use serde_json::json;

use super::PlanError;
use super::companions::credential_keys;
use crate::platform::Format;
use crate::spec::Checked;
use crate::template::Templates;

/// A tool, and the file for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// Name of the recipe and of its template.
    pub name: &'static str,
    /// Name of the file. A name that begins with a dot follows the name of the package.
    file: &'static str,
    /// The formats that the tool installs, one of which the spec must build.
    formats: &'static [Format],
    /// Purpose, in a few words.
    pub about: &'static str,
}

const ANY: &[Format] = &[Format::Deb, Format::Rpm, Format::Pacman];

/// The recipe that a build writes next to the packages.
pub(super) const CLOUD_INIT: Recipe =
    recipe("cloud-init", ".cloud-init.yaml", ANY, "first boot of an image that contains the package");

const RECIPES: &[Recipe] = &[
    CLOUD_INIT,
    recipe(
        "cloud-init-repository",
        ".cloud-init-repository.yaml",
        ANY,
        "first boot of a host that gets the package from a repository",
    ),
    recipe("cloud-init-boothook", ".boothook.sh", ANY, "credentials at every boot, merged with nothing"),
    recipe("capture", ".capture.sh", ANY, "last step before a machine is captured: Packer, virt-customize"),
    recipe("mkosi", "mkosi.conf", ANY, "images by mkosi"),
    recipe("bootc", "Containerfile", &[Format::Rpm], "bootable container images"),
    recipe("container", "Containerfile", &[Format::Deb, Format::Rpm], "a container without systemd"),
    recipe("sysext", ".sysext.sh", ANY, "an extension of an image that contains Postfix"),
    recipe("ignition", ".ign", ANY, "credentials by Ignition"),
    recipe("preseed", "preseed.cfg", &[Format::Deb], "lines for debian-installer"),
    recipe("autoinstall", ".autoinstall.yaml", &[Format::Deb], "lines for Ubuntu's installer"),
    recipe("kickstart", ".ks", &[Format::Rpm], "lines for Anaconda"),
    recipe("ansible", ".ansible.yaml", ANY, "a playbook"),
];

const fn recipe(
    name: &'static str,
    file: &'static str,
    formats: &'static [Format],
    about: &'static str,
) -> Recipe {
    Recipe { name, file, formats, about }
}

impl Recipe {
    /// All recipes.
    pub fn all() -> &'static [Self] {
        RECIPES
    }

    /// The recipe of this name.
    pub fn get(name: &str) -> Option<&'static Self> {
        RECIPES.iter().find(|recipe| recipe.name == name)
    }

    /// Names of the formats that the tool installs, if the spec builds none of them.
    pub fn lacks(&self, checked: &Checked) -> Option<Vec<&'static str>> {
        let built = self.formats.iter().any(|format| checked.formats.contains(format));
        (!built).then(|| self.formats.iter().map(|format| format.name()).collect())
    }

    /// The name of the file for a spec.
    pub fn file_name(&self, checked: &Checked) -> String {
        let package = if self.file.starts_with('.') { checked.meta.name.as_str() } else { "" };
        format!("{package}{}", self.file)
    }

    /// The file for a spec.
    ///
    /// # Errors
    /// If the template fails.
    pub fn render(&self, checked: &Checked, templates: &Templates) -> Result<String, PlanError> {
        let keys = credential_keys(&checked.relay);
        let keys: Vec<_> = keys.iter().map(|key| json!({ "key": key, "file": key.to_lowercase() })).collect();
        let values = json!({
            "package": checked.meta.name,
            "deb": checked.formats.contains(&Format::Deb),
            "keys": keys,
        });
        Ok(templates.render(&format!("image/{}", self.name), &values)?)
    }
}
