//! What the derived schemas do not know about the language: parameters, bare names of variants, Markdown for editors.

use serde_json::{Map, Value as Json, json};

/// Keywords whose values are maps of schemas.
const MAPS: [&str; 2] = ["properties", "patternProperties"];
/// Keywords whose values are schemas.
const SINGLE: [&str; 4] = ["items", "additionalProperties", "contains", "propertyNames"];
/// Keywords whose values are lists of schemas.
const LISTS: [&str; 2] = ["prefixItems", "allOf"];
/// What describes a value and stays outside when it is wrapped.
const ANNOTATIONS: [&str; 4] = ["description", "markdownDescription", "default", "examples"];

/// Adapts all definitions in place.
pub(super) fn adapt(definitions: &mut Map<String, Json>) {
    let original = definitions.clone();
    for (name, schema) in definitions.iter_mut() {
        if name.ends_with("_stage") {
            continue;
        }
        adapt_schema(schema, &original);
    }
}

/// Whether a struct of this schema may be left empty: an object whose properties are all optional.
pub(super) fn allows_nothing(schema: &Json, definitions: &Map<String, Json>) -> bool {
    let resolved = resolve(schema, definitions);
    let has_required = resolved.get("required").and_then(Json::as_array).is_some_and(|keys| !keys.is_empty());
    resolved.get("type") == Some(&json!("object"))
        && !has_required
        && (resolved.get("properties").is_some() || resolved.get("additionalProperties") == Some(&Json::Bool(false)))
}

fn resolve<'a>(schema: &'a Json, definitions: &'a Map<String, Json>) -> &'a Json {
    let target = schema.get("$ref").and_then(Json::as_str).and_then(|target| target.strip_prefix("#/$defs/"));
    target.and_then(|name| definitions.get(name)).unwrap_or(schema)
}

fn adapt_schema(schema: &mut Json, definitions: &Map<String, Json>) {
    adapt_parts(schema, definitions);
    let Json::Object(entries) = schema else { return };
    if takes_parameter(entries) {
        let parameter = json!({ "$ref": "#/$defs/parameter" });
        match entries.get_mut("anyOf").and_then(Json::as_array_mut) {
            Some(alternatives) => alternatives.push(parameter),
            None => {
                let mut outer = Map::new();
                for key in ANNOTATIONS {
                    if let Some(value) = entries.remove(key) {
                        outer.insert(key.into(), value);
                    }
                }
                let inner = Json::Object(std::mem::take(entries));
                outer.insert("anyOf".into(), json!([inner, parameter]));
                *entries = outer;
            }
        }
    }
}

/// Everything but the alternative for a parameter, which an alternative itself does not need.
fn adapt_parts(schema: &mut Json, definitions: &Map<String, Json>) {
    let Json::Object(entries) = schema else { return };
    if let Some(alternatives) = entries.remove("oneOf") {
        // A bare name and a text may both fit, which `oneOf` would refuse.
        entries.insert("anyOf".into(), alternatives);
    }
    if let Some(alternatives) = entries.get_mut("anyOf").and_then(Json::as_array_mut) {
        let bare: Vec<Json> = alternatives.iter().filter_map(|one| bare_name(one, definitions)).collect();
        alternatives.iter_mut().for_each(|alternative| adapt_parts(alternative, definitions));
        alternatives.extend(bare);
    }
    for key in MAPS {
        let schemas = entries.get_mut(key).and_then(Json::as_object_mut);
        schemas.into_iter().flatten().for_each(|(_, schema)| adapt_schema(schema, definitions));
    }
    for key in SINGLE {
        if let Some(schema) = entries.get_mut(key) {
            adapt_schema(schema, definitions);
        }
    }
    for key in LISTS {
        let schemas = entries.get_mut(key).and_then(Json::as_array_mut);
        schemas.into_iter().flatten().for_each(|schema| adapt_schema(schema, definitions));
    }
    let description = entries.get("description").and_then(Json::as_str);
    if let Some(markdown) = description.filter(|text| text.contains(['`', '*']) || text.contains("\n\n")) {
        entries.insert("markdownDescription".into(), json!(markdown));
    }
}

/// Whether the value may also be a parameter: it is no reference (its target says so itself) and not any text.
fn takes_parameter(entries: &Map<String, Json>) -> bool {
    let is_text = |schema: &Json| {
        let types = schema.get("type");
        let has_text = types == Some(&json!("string"))
            || types.and_then(Json::as_array).is_some_and(|types| types.contains(&json!("string")));
        has_text && schema.get("enum").is_none() && schema.get("const").is_none()
    };
    let whole = Json::Object(entries.clone());
    match entries.get("anyOf").and_then(Json::as_array) {
        Some(alternatives) => !alternatives.iter().any(is_text),
        None => {
            let is_constrained = ["type", "enum", "const"].iter().any(|key| entries.contains_key(*key));
            is_constrained && !is_text(&whole)
        }
    }
}

/// The name alone, for a variant whose options all have defaults.
fn bare_name(alternative: &Json, definitions: &Map<String, Json>) -> Option<Json> {
    let properties = alternative.get("properties")?.as_object()?;
    let (name, content) = properties.iter().next().filter(|_| properties.len() == 1)?;
    let is_tag = alternative.get("required") == Some(&json!([name]));
    let described = alternative.get("description").cloned();
    (is_tag && allows_nothing(content, definitions)).then(|| match described {
        Some(description) => json!({ "const": name, "type": "string", "description": description }),
        None => json!({ "const": name, "type": "string" }),
    })
}
