"""User data of a real cloud-init: recipes of `postpack image` with the credentials filled in, and the parts of other people."""

import re
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from .packages import binary
from .record import uses
from .shell import LAB, run

SEED = "/var/lib/cloud/seed/nocloud"
# The image keeps the package sources and the network of the lab. It has no locales, so it sets none.
SYSTEM = """\
datasource_list: [NoCloud]
network: {config: disabled}
apt: {preserve_sources_list: true}
prefer_fqdn_over_hostname: true
locale: false
"""
# A site with a package source, a file and a command.
THEIRS = """\
#cloud-config
apt:
  preserve_sources_list: true
  sources:
    site.list: {source: "deb [trusted=yes] file:/srv/site ./"}
write_files:
  - path: /etc/theirs
    content: "theirs\\n"
runcmd:
  - touch /srv/theirs-ran
"""


def recipe(name, spec="null-client"):
    """What `postpack image` prints for a spec of the lab."""
    uses(f"package:{spec}", f"file:templates/image/{name}.hbs")
    return run([*binary(), "image", name, LAB / f"specs/{spec}.toml"]).out


def filled(text, **values):
    """A recipe with its credentials, as a tool fills them in that follows its comments."""
    lines, key = [], ""
    for line in text.splitlines():
        if line in values:
            # The end of a part of the boothook.
            lines.append(values[line])
        lines.append(line)
        if named := re.search(r"# (RELAY_\w+)$", line):
            key = named[1]
        elif line.strip() == "content: |":
            lines.append(f"      {values[key]}")
    return "\n".join(lines) + "\n"


def archive(*parts):
    """A MIME archive of user data."""
    mime = MIMEMultipart()
    for part in parts:
        kind = part.partition("\n")[0].removeprefix("#")
        mime.attach(MIMEText(part, kind if kind == "cloud-config" else "cloud-boothook"))
    return mime.as_string()


def seed(host, instance, user_data):
    """What the cloud gives to the next boot of a host."""
    host.write("/etc/cloud/cloud.cfg.d/90-lab.cfg", SYSTEM)
    host.write(f"{SEED}/meta-data", f"instance-id: {instance}\nlocal-hostname: web1.corp.example\n")
    host.write(f"{SEED}/user-data", user_data, 0o600)
