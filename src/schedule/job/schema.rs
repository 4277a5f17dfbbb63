//! The JSON Schema of job files, for editors.

use schemars::SchemaGenerator;
use serde_json::Value;

use super::written::Written;

/// The JSON Schema (2020-12) of job files. An editor that speaks yaml-language-server completes and checks a file whose first line is
/// `# yaml-language-server: $schema=PATH`.
pub fn schema() -> Value {
    SchemaGenerator::default().into_root_schema_for::<Written>().to_value()
}
