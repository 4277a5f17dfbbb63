//! The document of the API and what is served agree.

use std::collections::BTreeSet;

use super::*;

/// Where the document is kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

#[test]
fn the_kept_document_is_the_one_that_is_served() {
    let made = api::openapi::TEXT.as_str();
    if std::env::var_os("GRISTMILL_UPDATE").is_some() {
        std::fs::write(KEPT, made).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(
        kept == made,
        "docs/openapi.json is not what the handlers say; write it anew with GRISTMILL_UPDATE=1 and this test"
    );
}

#[test]
fn each_route_is_in_the_document_and_the_reverse() {
    let document: Value = serde_json::from_str(&api::openapi::TEXT).unwrap();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())))
        .collect();
    let served: BTreeSet<(String, String)> = router::closed()
        .noted
        .into_iter()
        .chain(router::open().noted)
        .map(|(method, path)| (method.to_string(), path.to_owned()))
        .collect();
    assert_eq!(described, served);
}

#[test]
fn the_document_is_openapi_3_1_and_whole() {
    let document: Value = serde_json::from_str(&api::openapi::TEXT).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert!(
                operation["summary"].as_str().is_some_and(|words| words.ends_with('.')),
                "{method} {path}: a summary"
            );
            let answers = operation["responses"].as_object().unwrap();
            assert!(
                answers.contains_key("408")
                    && answers.keys().any(|code| code.starts_with('2') || code.starts_with('3')),
                "{path}"
            );
            let wanted: BTreeSet<&str> = path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
            let given = operation["parameters"].as_array().cloned().unwrap_or_default();
            let given: Vec<Value> = given.into_iter().filter(|each| each["in"] == "path").collect();
            assert_eq!(
                given.iter().map(|each| each["name"].as_str().unwrap()).collect::<BTreeSet<_>>(),
                wanted,
                "{path}"
            );
        }
    }
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is named and not described");
    }
}

#[tokio::test]
async fn the_document_is_served() {
    let site = site();
    let answer = site.read("/api/openapi.json").await;
    answer.is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.text, *api::openapi::TEXT);
}
