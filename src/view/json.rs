//! The documents that programs get, and the JSON Schemas that describe them.
//!
//! A document is the model value as it is, with the version of the form and the cluster's label beside it.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;

use crate::model::{History, Plan, Report, Status};

/// A model value on its way out.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document<T> {
    /// The version of this form: `bricklayer/v1`.
    pub api_version: &'static str,
    /// What stands behind the cluster's name: `simulated`, or nothing for real nodes.
    pub label: Option<&'static str>,
    /// The value itself.
    #[serde(flatten)]
    pub value: T,
}

impl<T> Document<T> {
    /// The document that holds `value`.
    pub fn new(value: T, label: Option<&'static str>) -> Self {
        Self { api_version: "bricklayer/v1", label, value }
    }
}

impl<T: Serialize> Document<T> {
    /// The document's text.
    ///
    /// # Panics
    /// Never: documents have string keys and no foreign `Serialize`.
    #[must_use]
    pub fn text(&self) -> String {
        text(self)
    }
}

/// The schema of what `plan -o json` prints and `plan --out` writes.
#[must_use]
pub fn plan_schema() -> String {
    schema::<Document<Plan>>("What `bricklayer plan -o json` prints and `plan --out` writes")
}

/// The schema of what `apply -o json` prints.
#[must_use]
pub fn report_schema() -> String {
    schema::<Document<Report>>("What `bricklayer apply -o json` prints")
}

/// The schema of what `status -o json` prints.
#[must_use]
pub fn status_schema() -> String {
    schema::<Document<Status>>("What `bricklayer status -o json` prints")
}

/// The schema of what `status --history -o json` prints.
#[must_use]
pub fn history_schema() -> String {
    schema::<Document<History>>("What `bricklayer status --history -o json` prints")
}

fn schema<T: JsonSchema>(title: &str) -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema.remove("description");
    text(&schema)
}

fn text(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("documents have string keys");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::{history, human, report, status};
    use super::*;

    fn is_fresh_and_describes(name: &str, schema: &str, document: &str) {
        let path = format!("{}/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == schema,
            "schemas/{name}.json is stale; write it with `cargo run -- schema {name} > schemas/{name}.json`"
        );
        let schema = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let document = serde_json::from_str(document).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn the_plans_schema_is_fresh_and_describes_a_plan() {
        let document = Document::new(human::tests::every_sort(), Some("simulated"));
        is_fresh_and_describes("plan", &plan_schema(), &document.text());
    }

    #[test]
    fn the_reports_schema_is_fresh_and_describes_a_report() {
        let document = Document::new(report::tests::mixed(), None);
        is_fresh_and_describes("report", &report_schema(), &document.text());
    }

    #[test]
    fn the_historys_schema_is_fresh_and_describes_a_history() {
        let document = Document::new(history::tests::eventful(), None);
        is_fresh_and_describes("history", &history_schema(), &document.text());
    }

    #[test]
    fn the_status_schema_is_fresh_and_describes_a_status() {
        let document = Document::new(status::tests::degraded(), None);
        is_fresh_and_describes("status", &status_schema(), &document.text());
    }
}
