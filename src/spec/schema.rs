//! The file's form as JSON Schema, for editors.

use schemars::generate::SchemaSettings;

use crate::kinds::Spec;

/// The JSON Schema (draft 2020-12) of a cluster's file, as text.
#[must_use]
pub fn schema() -> String {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Spec>();
    schema.insert("title".to_owned(), "bricklayer cluster".into());
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}
