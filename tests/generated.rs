//! The generated files of the repository are what the code would generate now.
//!
//! `POSTPACK_GENERATE=1 cargo test --test generated` (or `just generate`) writes them.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

/// Compares a file with what it should hold, or writes it.
fn hold(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("POSTPACK_GENERATE").is_some() {
        fs_err::write(path, expected).unwrap();
        return;
    }
    let actual = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{} is stale: run `just generate`", path.display());
}

#[test]
fn the_schema_is_up_to_date() {
    let text = serde_json::to_string_pretty(&postpack::spec::json_schema()).unwrap();
    hold("docs/spec.schema.json", &format!("{text}\n"));
}

#[test]
fn the_command_reference_is_up_to_date() {
    let mut command = postpack::cli::command().term_width(100);
    command.build();
    let mut text = String::from("# The command line\n\n<!-- Generated: just generate -->\n");
    for verb in std::iter::once(command.clone()).chain(command.get_subcommands().cloned()) {
        if verb.get_name() == "help" {
            continue;
        }
        let title = if verb.get_name() == "postpack" {
            "postpack".to_owned()
        } else {
            format!("postpack {}", verb.get_name())
        };
        let help = verb.clone().render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(text, "\n## {title}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    }
    hold("docs/cli.md", &text);
}

/// The spec's reference: one table per section, from the schema.
#[test]
fn the_spec_reference_is_up_to_date() {
    let schema = postpack::spec::json_schema();
    let mut text = String::from(
        "# The spec\n\n<!-- Generated: just generate -->\n\nA spec is a TOML file. Unknown keys are errors. \
         [spec.schema.json](spec.schema.json) is its JSON Schema, for editors.\n",
    );
    let sections = schema["properties"].as_object().unwrap();
    for (name, section) in sections {
        let section = resolve(section, &schema);
        let _ = write!(text, "\n## [{name}]\n\n{}\n", description(section));
        let Some(keys) = section.get("properties").and_then(Value::as_object) else { continue };
        text.push_str("\n| key | type | default | meaning |\n|---|---|---|---|\n");
        for (key, value) in keys {
            let target = resolve(value, &schema);
            let meaning =
                [description_of(value), description_of(target)].into_iter().find(|text| !text.is_empty());
            let _ = writeln!(
                text,
                "| `{key}` | {} | {} | {} |",
                type_of(target, &schema),
                value
                    .get("default")
                    .or(target.get("default"))
                    .filter(|value| !value.is_null())
                    .map_or(String::new(), |value| format!("`{value}`")),
                meaning.unwrap_or_default()
            );
        }
    }
    hold("docs/spec.md", &text);
}

/// Follows `$ref`, the only or first object of `anyOf`, and the item of an array.
fn resolve<'a>(value: &'a Value, root: &'a Value) -> &'a Value {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        return resolve(&root["$defs"][reference.trim_start_matches("#/$defs/")], root);
    }
    if let Some(choices) = value.get("anyOf").or(value.get("oneOf")).and_then(Value::as_array) {
        let object = choices
            .iter()
            .map(|choice| resolve(choice, root))
            .find(|choice| choice.get("properties").is_some());
        if let Some(object) = object {
            return object;
        }
    }
    if let Some(items) = value.get("items") {
        let items = resolve(items, root);
        if items.get("properties").is_some() {
            return items;
        }
    }
    value
}

fn type_of(value: &Value, root: &Value) -> String {
    let object = Map::new();
    let map = value.as_object().unwrap_or(&object);
    if let Some(values) = map.get("enum").and_then(Value::as_array) {
        let names: Vec<String> =
            values.iter().filter(|value| !value.is_null()).map(|value| format!("`{value}`")).collect();
        return names.join(", ");
    }
    if let Some(constant) = map.get("const") {
        return format!("`{constant}`");
    }
    if let Some(choices) = map.get("anyOf").or(map.get("oneOf")).and_then(Value::as_array) {
        let mut names: Vec<String> = choices
            .iter()
            .map(|choice| type_of(resolve(choice, root), root))
            .filter(|name| name != "null")
            .collect();
        names.dedup();
        return names.join(" or ");
    }
    match map.get("type") {
        Some(Value::String(name)) if name == "array" => "list".to_owned(),
        Some(Value::String(name)) if name == "object" => "table".to_owned(),
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => {
            let names: Vec<&str> =
                names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect();
            names.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

fn description(value: &Value) -> String {
    value.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A description in one table cell.
fn description_of(value: &Value) -> String {
    description(value).replace('\n', " ").replace('|', "\\|")
}
