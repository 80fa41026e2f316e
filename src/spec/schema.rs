//! The file's form as JSON Schema, for editors.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use crate::kinds::Spec;

/// The JSON Schema (draft 2020-12) of a cluster's file, as text.
///
/// # Panics
/// Never: a schema is made of JSON.
#[must_use]
pub fn schema() -> String {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
    let mut schema = settings.into_generator().into_root_schema_for::<Spec>();
    schema.insert("title".to_owned(), "bricklayer cluster".into());
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}

/// What may be left out is left out: a key with nothing behind it is a mistake in this file.
fn without_null(schema: &mut Schema) {
    let null = |of: &Value| of == "null" || of.get("type").is_some_and(|of| of == "null");
    for key in ["type", "anyOf"] {
        let Some(Value::Array(choices)) = schema.get_mut(key) else { continue };
        choices.retain(|choice| !null(choice));
        if let [only] = choices.as_slice() {
            let only = only.clone();
            schema.remove(key);
            match only {
                Value::Object(inner) => inner.into_iter().for_each(|(key, value)| drop(schema.insert(key, value))),
                of => drop(schema.insert(key.to_owned(), of)),
            }
        }
    }
}
