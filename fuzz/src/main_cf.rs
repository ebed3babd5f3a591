//! main.cf: what was read can be written, and reads as the same; a value stays where it is put.

use postpack::postfix::{MainCf, Value, main_cf as format};

/// Any text as a main.cf, and as the text of values.
pub fn main_cf(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (entries, errors) = format::parse(text);
    for entry in &entries {
        assert_eq!(text.get(entry.name_span.clone()), Some(entry.name.as_str()));
        assert!(text.get(entry.value_span.clone()).is_some(), "{entry:?}");
        assert!(!entry.value.contains('\n'), "{entry:?}");
    }
    for error in &errors {
        assert!(text.get(error.span.clone()).is_some(), "{error:?}");
    }

    let mut document = MainCf::new();
    for entry in &entries {
        document.section(text);
        if let Ok(value) = Value::expression(&entry.value) {
            // A parameter that comes twice is refused, and the first one stays.
            let _ = document.set(&entry.name, value);
        }
        if let Ok(value) = Value::list_expression(&entry.value) {
            let _ = document.set(&format!("list_{}", entry.name), value);
        }
        if let Ok(value) = Value::literal(&entry.value) {
            assert_eq!(value.as_str().replace("$$", "$"), entry.value);
            let _ = document.set(&format!("literal_{}", entry.name), value);
        }
    }
    let written = document.to_string();
    document.verify(&written).expect("a document reads as it was written");
    let (read, errors) = format::parse(&written);
    assert!(errors.is_empty(), "{errors:?}");
    let pairs = read.iter().map(|entry| (entry.name.as_str(), entry.value.as_str()));
    let put_in = document.iter().map(|setting| (setting.name.as_str(), setting.value.as_str()));
    assert!(pairs.eq(put_in), "{written}");

    // A text as one value: whatever it is, it stays one value of one parameter.
    for value in
        [Value::literal(text), Value::expression(text), Value::list_expression(text)].into_iter().flatten()
    {
        let mut one = MainCf::new();
        one.set("smtpd_banner", value.clone()).expect("it is the first");
        let (read, errors) = format::parse(&one.to_string());
        assert!(errors.is_empty(), "{errors:?}");
        let [entry] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!(entry.value, value.as_str());
        for name in value.references() {
            assert!(format::is_name(name), "{name}");
        }
    }
}
