//! Lookup tables of the user: their files, and the values that refer to them as `table:NAME`.
//!
//! The sources are DATABASE_README, regexp_table(5), pcre_table(5) and cidr_table(5).

use super::PlanError;
use super::table::{Kind, Table, table};
use crate::postfix::table::TableError;
use crate::relay::{OwnTable, Relay, Rows, TableKind, table_references};

/// Where Postfix has the file of a table; no file of a distribution has such a name.
fn file(own: &OwnTable) -> String {
    format!("table_{}", own.name)
}

/// Replaces `table:NAME` in all values by what Postfix calls the table.
pub(super) fn expand(relay: &mut Relay) {
    let tables = std::mem::take(&mut relay.tables);
    if !tables.is_empty() {
        let of_services = relay.services.iter_mut().flat_map(|service| &mut service.options);
        for parameter in relay.parameters.iter_mut().chain(of_services) {
            parameter.value = expanded(&parameter.value, &tables);
        }
        if let Some(server) = &mut relay.server {
            let own = &mut server.restrictions;
            for list in [&mut own.client, &mut own.helo, &mut own.sender, &mut own.recipient] {
                for restriction in list {
                    restriction.text = expanded(&restriction.text, &tables);
                }
            }
        }
    }
    relay.tables = tables;
}

fn expanded(value: &str, tables: &[OwnTable]) -> String {
    let mut text = value.to_owned();
    for (range, name) in table_references(value).into_iter().rev() {
        if let Some(own) = tables.iter().find(|own| own.name == name) {
            text.replace_range(range, &reference(own));
        }
    }
    text
}

fn reference(own: &OwnTable) -> String {
    let kind = match own.kind {
        TableKind::Indexed => "$default_database_type",
        TableKind::Regexp => "regexp",
        TableKind::Pcre => "pcre",
        TableKind::Cidr => "cidr",
        TableKind::Inline => return inline(own),
    };
    format!("{kind}:/etc/postfix/{}", file(own))
}

fn inline(own: &OwnTable) -> String {
    let Rows::Entries(rows) = &own.rows else { return String::new() };
    let rows: Vec<String> = rows.iter().map(|(key, result)| format!("{{{key} = {result}}}")).collect();
    format!("inline:{{ {} }}", rows.join(", "))
}

/// Types of tables that need a separate package.
pub(super) fn types(relay: &Relay) -> Option<&'static str> {
    relay.tables.iter().any(|own| own.kind == TableKind::Pcre).then_some("pcre")
}

/// The files of the tables.
pub(super) fn tables(relay: &Relay) -> Result<Vec<Table>, PlanError> {
    let files = relay.tables.iter().filter(|own| own.kind != TableKind::Inline);
    files.map(|own| table(file(own), kind(own.kind), text(own))).collect()
}

fn kind(kind: TableKind) -> Kind {
    match kind {
        TableKind::Indexed | TableKind::Inline => Kind::Indexed,
        TableKind::Regexp => Kind::Regexp,
        TableKind::Pcre => Kind::Pcre,
        TableKind::Cidr => Kind::Cidr,
    }
}

fn text(own: &OwnTable) -> Result<String, TableError> {
    let rows = match &own.rows {
        Rows::Text(text) => return Ok(text.clone()),
        Rows::Entries(rows) => rows,
    };
    let title = format!("The table `{}` of the spec.", own.name);
    own.kind.source(&title, rows.iter().map(|(key, result)| (key.as_str(), result.as_str())))
}
