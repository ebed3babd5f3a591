//! master.cf: what was read can be written, and reads as the same.

use postpack::postfix::master_cf::{self as format, Edit};

/// Any text as a master.cf.
pub fn master_cf(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let services = match format::parse(text) {
        Ok(services) => services,
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some(), "{error:?}");
            return;
        }
    };
    let written = format::write(&services);
    let read = format::parse(&written).expect("what was written can be read");
    assert_eq!(read, services, "{written}");
    assert_eq!(format::write(&read), written);
    for service in services {
        let line = service.to_line();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert_eq!(format::parse(&line).as_deref(), Ok(std::slice::from_ref(&service)), "{line}");
        let edit = Edit::Service(service);
        if edit.validate().is_ok() {
            assert_eq!(edit.to_string().lines().count(), 1, "{edit}");
        }
    }
}
