//! The reference of the kinds of stages: every option with its values and its default.
//!
//! It is read from the JSON Schema of pipeline files, so that `gristmill stages`, `docs/stages.md` and editors say the same.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// How deep options inside of options are listed.
const DEPTH: usize = 4;
/// Definitions that stand beside every value: a reference to a parameter, and nothing for a stage without options.
const BESIDE: [&str; 2] = ["parameter", "nothing"];

/// An option of a kind of stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionReference {
    /// Its name; inside of another option `outer.name`, in each item of a list `list[].name`, under each key of a mapping
    /// `mapping.*.name`.
    pub path: String,
    /// The default as JSON, `required`, or nothing when it may be left out.
    pub default: String,
    /// What it is, and the values that it may have.
    pub meaning: String,
}

/// The options of a kind, in the order in which they are declared. `schema` is that of pipeline files ([`super::schema`]).
pub fn options(schema: &Value, kind: &str) -> Vec<OptionReference> {
    let Some(definitions) = schema.get("$defs").and_then(Value::as_object) else { return Vec::new() };
    let mut listing = Listing { definitions, places: HashMap::new(), options: Vec::new() };
    if let Some(root) = definitions.get(kind) {
        listing.list(root, "", 0);
    }
    listing.options
}

/// The page `docs/stages.md`: each kind as (name, family, documentation).
pub fn page<'a>(schema: &Value, kinds: impl IntoIterator<Item = (&'a str, String, String)>) -> String {
    let mut page = HEAD.to_owned();
    for (name, family, documentation) in kinds {
        // Writing to a text cannot fail.
        let _ = write!(page, "\n## {name} ({family})\n\n{}\n", documentation.trim_end());
        let options = options(schema, name);
        if !options.is_empty() {
            page.push_str("\n| option | default | meaning |\n|---|---|---|\n");
        }
        for option in options {
            let default = match option.default.as_str() {
                "" => " ".to_owned(),
                "required" => " required ".to_owned(),
                value => format!(" `{}` ", cell(value)),
            };
            let _ = writeln!(page, "| `{}` |{default}| {} |", option.path, cell(&option.meaning));
        }
    }
    page
}

const HEAD: &str = "\
# Stages

<!-- Made from the options of the stages by a test; change the doc comments in src/stages/ instead. -->

All kinds of stages in the order in which data meets them, as `gristmill stages KIND` prints them. Every stage also takes `id`, `from`,
`description` and `tags` ([language.md](language.md)). `rules.min_lift` is an option inside of `rules`, `network[].dense` one of each item of a
list, `columns.*.trim` one under each name of a mapping.
";

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

struct Listing<'a> {
    definitions: &'a Map<String, Value>,
    /// Where the options of a definition were listed first.
    places: HashMap<&'a str, String>,
    options: Vec<OptionReference>,
}

/// One of the forms that a value may have, with the name of the definition that it comes from.
type Form<'a> = (&'a Value, Option<&'a str>);

impl<'a> Listing<'a> {
    /// Lists the options inside of a value: those of mappings, of the items of lists, and under the keys of open mappings.
    fn list(&mut self, node: &'a Value, path: &str, depth: usize) {
        if depth > DEPTH {
            return;
        }
        for (form, name) in self.forms(node, None) {
            if let Some(items) = form.get("items") {
                self.list(items, &format!("{path}[]"), depth);
            }
            if let Some(values) = form.get("additionalProperties").filter(|values| values.is_object()) {
                self.list(values, &format!("{path}.*"), depth);
            }
            let Some(properties) = form.get("properties").and_then(Value::as_object) else { continue };
            if let (Some(name), false) = (name, is_variant(form)) {
                if self.places.contains_key(name) {
                    continue;
                }
                self.places.insert(name, path.to_owned());
            }
            for (key, property) in properties {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                self.option(form, key, property, path, depth);
            }
        }
    }

    fn option(&mut self, form: &'a Value, key: &str, property: &'a Value, path: String, depth: usize) {
        let described = property.get("description").or_else(|| form.get("description").filter(|_| is_variant(form)));
        let mut meaning = described.and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        let mut values = Vec::new();
        self.values(property, &mut values);
        if !values.is_empty() {
            let separator = if meaning.is_empty() { "" } else { " " };
            let _ = write!(meaning, "{separator}One of {}.", enumerate(&values));
        }
        if let Some(place) = self.listed_at(property, depth) {
            let _ = write!(meaning, " As `{place}`.");
        }
        let required = form.get("required").and_then(Value::as_array);
        let default = match property.get("default") {
            Some(value) if !value.is_null() => value.to_string(),
            _ if is_variant(form) => String::new(),
            _ if required.is_some_and(|names| names.iter().any(|name| name == key)) => "required".to_owned(),
            _ => String::new(),
        };
        self.options.push(OptionReference { path: path.clone(), default, meaning });
        self.list(property, &path, depth + 1);
    }

    /// The forms that a value may have, references followed.
    fn forms(&self, node: &'a Value, name: Option<&'a str>) -> Vec<Form<'a>> {
        if let Some(name) = node.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/")) {
            let definition = self.definitions.get(name).filter(|_| !BESIDE.contains(&name));
            return definition.map(|definition| self.forms(definition, Some(name))).unwrap_or_default();
        }
        match node.get("anyOf").or_else(|| node.get("oneOf")).and_then(Value::as_array) {
            Some(forms) => forms.iter().flat_map(|form| self.forms(form, name)).collect(),
            None => vec![(node, name)],
        }
    }

    /// The values that have a name, in lists and mappings too.
    fn values(&self, node: &'a Value, found: &mut Vec<String>) {
        for (form, _) in self.forms(node, None) {
            let constants = form.get("enum").and_then(Value::as_array).into_iter().flatten().chain(form.get("const"));
            found.extend(constants.filter_map(Value::as_str).map(|value| format!("`{value}`")));
            let key = form.get("properties").and_then(Value::as_object).and_then(|properties| properties.keys().next());
            if let (Some(key), true) = (key, is_variant(form)) {
                found.push(format!("`{{{key}: ..}}`"));
            }
            for inner in ["items", "additionalProperties"].iter().filter_map(|key| form.get(*key)) {
                self.values(inner, found);
            }
        }
        let mut seen = HashSet::new();
        found.retain(|value| seen.insert(value.clone()));
    }

    /// Where the options of this value stand already.
    fn listed_at(&self, node: &'a Value, depth: usize) -> Option<String> {
        if depth > DEPTH {
            return None;
        }
        self.forms(node, None).into_iter().find_map(|(form, name)| {
            let own = name.filter(|_| form.get("properties").is_some() && !is_variant(form));
            let inner = ["items", "additionalProperties"].iter().filter_map(|key| form.get(*key));
            own.and_then(|name| self.places.get(name).cloned())
                .or_else(|| inner.into_iter().find_map(|inner| self.listed_at(inner, depth + 1)))
        })
    }
}

/// Whether the mapping is one of several choices that a single key tells apart, such as `{adamw: {..}}`.
///
/// In the schema of pipeline files such a choice carries its own description; that of options stands at their definition.
fn is_variant(form: &Value) -> bool {
    let properties = form.get("properties").and_then(Value::as_object);
    let required = form.get("required").and_then(Value::as_array);
    form.get("description").is_some()
        && matches!((properties, required), (Some(properties), Some(required)) if properties.len() == 1 && required.len() == 1)
}

fn enumerate(values: &[String]) -> String {
    match values {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
