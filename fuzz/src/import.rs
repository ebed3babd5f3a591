//! Moving in: any configuration is imported or refused, and what is written is a spec.

use std::collections::BTreeMap;

use postpack::import::{Answers, Source, import as run};
use postpack::spec;

/// main.cf, master.cf, and tables of each shape, divided by NUL; or an archive, or the output of postconf(1).
pub fn import(data: &[u8]) {
    if let Ok(source) = Source::bytes("fuzz", data) {
        judge(&source);
    }
    let names = [
        "main.cf",
        "master.cf",
        "virtual",
        "transport",
        "checks",
        "access",
        "aliases",
        "sasl_passwd",
        "database.cf",
    ];
    let parts = data.split(|byte| *byte == 0);
    let files: BTreeMap<String, Vec<u8>> =
        names.iter().zip(parts).map(|(name, part)| (format!("/etc/postfix/{name}"), part.to_vec())).collect();
    judge(&Source::files("fuzz", files));
}

fn judge(source: &Source) {
    match run(source, &Answers::default()) {
        Ok(imported) => {
            assert!(spec::parse(&imported.spec).is_ok(), "{}", imported.spec);
            assert!(!imported.report.to_text().is_empty() && imported.report.to_json().is_object());
        }
        Err(faults) => assert!(faults.iter().any(|fault| fault.fatal && fault.place.line > 0)),
    }
}
