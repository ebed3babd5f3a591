//! The sections of a spec.

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::{Entries, Many, Scalar, Spot};
use super::{
    AbuseSection, AccessSection, ContentSection, DatabaseSection, DependenciesSection, DirectSection,
    FirewallSection, HardeningSection, HeadersSection, InboundSection, IntegrationsSection, LimitsSection,
    MailboxesSection, MetricsSection, MilterSection, NetworkSection, NoticesSection, PackageSection,
    PostscreenSection, RelaySection, RestrictionsSection, RewriteSection, ServerSection, ServiceSection,
    SmarthostSection, StagingSection, SubmissionSection, SystemdSection, TableSection, TlsSection,
};

/// A mail relay and the package that carries it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "postpack spec")]
pub(crate) struct Spec {
    #[schemars(required)]
    pub(crate) package: Option<Spot<PackageSection>>,
    #[schemars(required)]
    pub(crate) relay: Option<Spot<RelaySection>>,
    pub(crate) smarthost: Option<Many<SmarthostSection>>,
    pub(crate) direct: Option<DirectSection>,
    /// Domains and addresses whose mail bypasses the smarthost.
    ///
    /// `".acme.example"` is everything below a domain. The value is a server (`"partner.example" =
    /// "[mx.partner.example]:25"`), `"direct"` for the MX hosts of the domain, `"error 5.1.2 this domain has
    /// moved"` to return mail, `"retry 4.3.2 back on Monday"` to defer it, or `"discard"`. A list of servers is tried in
    /// order. The relay does not authenticate there. TLS follows `[tls]`, or the entry of the domain in
    /// `[tls.policies]`. `"smarthost eu"` sends the mail through the `[[smarthost]]` of that name, with its account; it
    /// then takes no other mail. `"service slow"` uses a service of `[services]`, with the smarthosts of all other mail;
    /// `"service slow [mx.partner.example]:25"` names the server.
    #[schemars(extend(
        "examples" = [{"partner.example": "mx.partner.example"}],
        "x-decides" = ["transport_maps"],
        "x-adds-to" = ["smtp_tls_policy_maps", "smtp_dns_support_level"],
        "x-replaces" = ["default_transport", "defer_transports", "relay_transport", "smtp_tcp_port"],
    ))]
    pub(crate) transports: Option<Entries<Many<String>>>,
    pub(crate) tls: Option<TlsSection>,
    /// Recipients of single local names: `webmaster = "web@acme.example"`, or a list.
    ///
    /// A recipient is an address or another local name. Mail to other local names goes to `root-mail-to`.
    #[schemars(extend(
        "examples" = [{"webmaster": "web@acme.example"}],
        "x-decides" = ["virtual_alias_maps"],
        "x-adds-to" = ["recipient_canonical_maps"],
        "x-replaces" = ["alias_maps", "alias_database", "local_transport", "mydestination"],
    ))]
    pub(crate) aliases: Option<Entries<Many<String>>>,
    pub(crate) rewrite: Option<RewriteSection>,
    pub(crate) headers: Option<HeadersSection>,
    pub(crate) limits: Option<LimitsSection>,
    pub(crate) network: Option<NetworkSection>,
    pub(crate) server: Option<ServerSection>,
    pub(crate) inbound: Option<InboundSection>,
    pub(crate) abuse: Option<AbuseSection>,
    pub(crate) content: Option<ContentSection>,
    pub(crate) milter: Option<MilterSection>,
    pub(crate) notices: Option<NoticesSection>,
    pub(crate) access: Option<AccessSection>,
    pub(crate) restrictions: Option<RestrictionsSection>,
    pub(crate) staging: Option<StagingSection>,
    pub(crate) submission: Option<Spot<SubmissionSection>>,
    pub(crate) mailboxes: Option<Spot<MailboxesSection>>,
    pub(crate) database: Option<Spot<DatabaseSection>>,
    pub(crate) postscreen: Option<Spot<PostscreenSection>>,
    /// Lookup tables, each by its name.
    pub(crate) tables: Option<Entries<TableSection>>,
    /// Services of master.cf, each by its name and type.
    ///
    /// Settings that are absent stay as the distribution or another section has them.
    pub(crate) services: Option<Entries<ServiceSection>>,
    pub(crate) systemd: Option<SystemdSection>,
    pub(crate) hardening: Option<HardeningSection>,
    pub(crate) metrics: Option<MetricsSection>,
    /// Any other Postfix parameter by its name.
    ///
    /// `postpack check` rejects parameters that another section decides, and values that would break the relay:
    /// see parameters.md.
    #[schemars(extend("examples" = [{"smtp_helo_timeout": "60s"}]))]
    pub(crate) main_cf: Option<Entries<Scalar>>,
    pub(crate) dependencies: Option<DependenciesSection>,
    pub(crate) integrations: Option<IntegrationsSection>,
    pub(crate) firewall: Option<FirewallSection>,
}
