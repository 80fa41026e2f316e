//! `crm_verify -V`: what Pacemaker refuses of a configuration, as far as anybody here could write it.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Config;
use super::element::Element;

/// What a configuration that is not valid ends with.
pub const INVALID: i32 = 78;

/// The attributes that an element of the schema may have.
const ATTRIBUTES: [(&str, &[&str]); 12] = [
    ("primitive", &["id", "class", "provider", "type", "template", "description"]),
    ("group", &["id", "description"]),
    ("nvpair", &["id", "name", "value", "id-ref"]),
    (
        "op",
        &[
            "id",
            "name",
            "interval",
            "timeout",
            "on-fail",
            "role",
            "start-delay",
            "enabled",
            "description",
            "record-pending",
            "requires",
            "interval-origin",
        ],
    ),
    ("rsc_location", &["id", "rsc", "rsc-pattern", "node", "score", "role", "resource-discovery", "lifetime"]),
    ("instance_attributes", &["id", "id-ref", "score"]),
    ("meta_attributes", &["id", "id-ref", "score"]),
    ("cluster_property_set", &["id", "id-ref", "score"]),
    ("tag", &["id"]),
    ("obj_ref", &["id"]),
    ("fencing-level", &["id", "target", "target-pattern", "target-attribute", "target-value", "index", "devices"]),
    ("node", &["id", "uname", "type", "description", "score"]),
];
/// Attributes that must be there.
const REQUIRED: [(&str, &[&str]); 7] = [
    ("primitive", &["id", "class", "type"]),
    ("group", &["id"]),
    ("op", &["id", "name", "interval"]),
    ("rsc_location", &["id"]),
    ("nvpair", &["id", "name"]),
    ("obj_ref", &["id"]),
    ("fencing-level", &["id", "index", "devices"]),
];
/// Attributes whose values are ids of other elements.
const REFERENCES: [(&str, &str); 6] = [
    ("rsc_location", "rsc"),
    ("rsc_order", "first"),
    ("rsc_order", "then"),
    ("rsc_colocation", "rsc"),
    ("rsc_colocation", "with-rsc"),
    ("obj_ref", "id"),
];
const BOOLEANS: [&str; 4] = ["stonith-enabled", "symmetric-cluster", "maintenance-mode", "stop-all-resources"];

/// What `crm_verify` says, with its exit status; `orphans` is whether something runs that nobody has written. The name
/// of the file in front of a place is left out.
#[must_use]
pub fn verify(configuration: &Element, orphans: bool) -> (i32, Vec<String>) {
    let mut said = schema(configuration);
    if said.is_empty() {
        said = meaning(&Config::read(configuration));
    } else {
        said.push("(main) \terror: CIB did not pass schema validation".to_owned());
    }
    if said.is_empty() {
        // It only warns, and exits all the same.
        said.extend(orphans.then(|| "crm_verify: Warnings found during check: config may not be valid".to_owned()));
        return (if orphans { INVALID } else { 0 }, said);
    }
    said.push("crm_verify: Errors found during check: config not valid".to_owned());
    (INVALID, said)
}

/// What is wrong with it by the schema.
#[must_use]
pub fn schema(configuration: &Element) -> Vec<String> {
    let mut said = Vec::new();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let mut line = 1;
    let mut at = |text: String| said.push(text);
    configuration.walk(&mut |element| {
        line += 1;
        let name = element.name.as_str();
        let listed = |list: &[(&str, &'static [&'static str])]| {
            list.iter().find(|(known, _)| *known == name).map(|(_, attributes)| *attributes)
        };
        let place = format!(":{line}: element {name}: ");
        for (attribute, _) in &element.attributes {
            if listed(&ATTRIBUTES).is_some_and(|allowed| !allowed.contains(&attribute.as_str())) {
                at(format!("{place}Relax-NG validity error : Invalid attribute {attribute} for element {name}"));
            }
        }
        for attribute in listed(&REQUIRED).unwrap_or_default() {
            if element.get(attribute).is_none() && element.get("id-ref").is_none() && element.get("template").is_none()
            {
                at(format!("{place}Relax-NG validity error : Element {name} failed to validate attributes"));
                break;
            }
        }
        if name != "obj_ref" && name != "resource_ref" && !element.id().is_empty() {
            let known = ids.entry(element.id().to_owned()).or_default();
            *known += 1;
            if *known > 1 {
                at(format!("{place}validity error : ID {} already defined", element.id()));
            }
        }
    });
    line = 1;
    configuration.walk(&mut |element| {
        line += 1;
        for (name, attribute) in REFERENCES {
            let value = element.get(attribute).filter(|_| element.name == name);
            if let Some(value) = value.filter(|value| !ids.contains_key(*value)) {
                let place = format!(":{line}: element {name}: ");
                said.push(format!(
                    "{place}validity error : IDREF attribute {attribute} references an unknown ID \"{value}\""
                ));
            }
        }
    });
    said
}

/// What is wrong with what it means.
fn meaning(config: &Config) -> Vec<String> {
    let mut said = Vec::new();
    for option in BOOLEANS {
        let known: BTreeSet<&str> = ["true", "false", "on", "off", "yes", "no", "y", "n", "1", "0"].into();
        if let Some(value) = config.options.get(option).filter(|value| !known.contains(value.to_lowercase().as_str())) {
            said.push(format!(
                "(cluster_option_value) \terror: Using default value for cluster option '{option}' because '{value}' is invalid"
            ));
        }
    }
    let fences = config.primitives().any(|primitive| primitive.class == "stonith");
    if config.is_on("stonith-enabled", true) && !fences {
        let lines = [
            "error: Resource start-up disabled since no STONITH resources have been defined",
            "error: Either configure some or disable STONITH with the stonith-enabled option",
            "error: NOTE: Clusters with shared data need STONITH to ensure data integrity",
        ];
        said.extend(lines.map(|line| format!("(unpack_resources) \t{line}")));
    }
    said
}
