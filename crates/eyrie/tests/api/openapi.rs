//! `openapi.json` at the root of the repository is what the code says. `EYRIE_BLESS=1 cargo test -p eyrie --test api openapi`
//! writes it anew.

use std::collections::BTreeSet;

use serde_json::Value;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");

#[test]
fn openapi_json_is_fresh() {
    let made = eyrie::api::openapi().to_pretty_json().expect("a description can be written") + "\n";
    if std::env::var_os("EYRIE_BLESS").is_some() {
        std::fs::write(PATH, made).expect("openapi.json can be written");
        return;
    }
    let kept = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(kept == made, "openapi.json is not what the code says: run this test with EYRIE_BLESS=1");
}

#[test]
fn each_operation_has_a_name_a_summary_and_its_refusals() {
    let openapi = serde_json::to_value(eyrie::api::openapi()).expect("a description is JSON");
    let mut names = BTreeSet::new();
    for (path, item) in openapi["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let place = format!("{method} {path}");
            let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{place} has no operationId"));
            assert!(names.insert(name.to_owned()), "{place}: {name} is taken");
            assert!(operation["summary"].is_string(), "{place} has no summary");
            let responses = operation["responses"].as_object().expect("responses");
            if path.starts_with("/api/") {
                assert!(["401", "403", "404"].iter().all(|status| responses.contains_key(*status)), "{place}");
            }
            assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{place} never succeeds");
        }
    }
}

#[test]
fn a_field_of_an_answer_is_never_left_out() {
    let openapi = serde_json::to_value(eyrie::api::openapi()).expect("a description is JSON");
    let item = &openapi["components"]["schemas"]["MediaItem"];
    let fields: BTreeSet<_> = item["properties"].as_object().expect("properties").keys().cloned().collect();
    let required: BTreeSet<_> =
        item["required"].as_array().expect("required").iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    assert_eq!(fields, required);
    // the list of DESIGN section 5
    for name in
        "id workspace_id gateway_sn source flight_id name kind object_key size_bytes etag status captured_at position \
                 gimbal drone_model_key payload_model_key is_original created_at processing warnings"
            .split_whitespace()
    {
        assert!(fields.contains(name), "{name}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| walk(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let openapi = serde_json::to_value(eyrie::api::openapi()).expect("a description is JSON");
    let mut found = BTreeSet::new();
    walk(&openapi, &mut found);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("references stay in the file");
        assert!(openapi.pointer(pointer).is_some(), "{reference}");
    }
}
