//! `crm_verify -V`: what Pacemaker refuses of a configuration, as far as anybody here could write it.

use std::collections::BTreeSet;

use roxmltree::{Attribute, Document, Node};

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
const RELAX: &str = "Relax-NG validity error";
const BOOLEANS: [&str; 4] = ["stonith-enabled", "symmetric-cluster", "maintenance-mode", "stop-all-resources"];

/// What `crm_verify` says of a configuration and its text, with its exit status; `orphans` is whether something runs
/// that nobody has written. The name of the file in front of a place is left out.
#[must_use]
pub fn verify(configuration: &Element, text: &str, orphans: bool) -> (i32, Vec<String>) {
    let mut said = schema(text);
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

/// What is wrong with the text of a configuration by the schema. Lines count from the CIB's own, which is above it.
#[must_use]
pub fn schema(text: &str) -> Vec<String> {
    let Ok(document) = Document::parse(text) else { return Vec::new() };
    let elements: Vec<Node<'_, '_>> = document.descendants().filter(Node::is_element).collect();
    let name = |element: &Node<'_, '_>| element.tag_name().name().to_owned();
    let place = |element: &Node<'_, '_>| {
        let line = document.text_pos_at(element.range().start).row + 1;
        format!(":{line}: element {}: ", name(element))
    };
    let mut said = Vec::new();
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    for element in &elements {
        let mut wrong = attributes(element);
        let refers = element.has_tag_name("obj_ref") || element.has_tag_name("resource_ref");
        if let Some(id) = element.attribute("id").filter(|id| !refers && !ids.insert(*id)) {
            wrong.push(format!("ID {id} redefined"));
            wrong.push("Invalid sequence in interleave".to_owned());
            wrong.push(format!("Element {} failed to validate content", name(element)));
        }
        said.extend(wrong.iter().map(|wrong| format!("{}{RELAX} : {wrong}", place(element))));
        if !wrong.is_empty() {
            said.extend(above(element, &place));
        }
    }
    for (element, (of, attribute)) in elements.iter().flat_map(|one| REFERENCES.map(|reference| (one, reference))) {
        let value = element.attribute(attribute).filter(|_| element.has_tag_name(of));
        if let Some(value) = value.filter(|value| !ids.contains(value)) {
            let place = place(element);
            said.push(format!(
                "{place}validity error : IDREF attribute {attribute} references an unknown ID \"{value}\""
            ));
        }
    }
    said
}

/// What an element that is wrong makes wrong above it.
fn above(element: &Node<'_, '_>, place: &impl Fn(&Node<'_, '_>) -> String) -> Vec<String> {
    let mut said = Vec::new();
    let part = element.ancestors().find(|one| one.parent().is_some_and(|above| above.has_tag_name("primitive")));
    if let Some(part) = part {
        said.push(format!("{RELAX} : Extra element {} in interleave", part.tag_name().name()));
        said.push(format!("{}{RELAX} : Element primitive failed to validate content", place(&part)));
    }
    // Whatever is wrong with one of the resources, it is the first that is called too much.
    let resources = element.ancestors().find(|above| above.has_tag_name("resources"));
    if let Some(first) = resources.and_then(|all| all.first_element_child()) {
        let name = first.tag_name().name();
        said.push(format!("{}{RELAX} : Element resources has extra content: {name}", place(&first)));
    }
    said
}

/// What is wrong with the attributes of an element.
fn attributes(element: &Node<'_, '_>) -> Vec<String> {
    let name = element.tag_name().name();
    let listed = |list: &[(&str, &'static [&'static str])]| {
        list.iter().find(|(known, _)| *known == name).map(|(_, attributes)| *attributes)
    };
    let unknown =
        |attribute: &Attribute<'_, '_>| listed(&ATTRIBUTES).is_some_and(|all| !all.contains(&attribute.name()));
    let invalid = element.attributes().filter(unknown);
    let mut wrong: Vec<String> =
        invalid.map(|attribute| format!("Invalid attribute {} for element {name}", attribute.name())).collect();
    let replaced = element.has_attribute("id-ref") || element.has_attribute("template");
    let mut required = listed(&REQUIRED).unwrap_or_default().iter();
    if !replaced && required.any(|attribute| !element.has_attribute(*attribute)) {
        wrong.push(format!("Element {name} failed to validate attributes"));
    }
    wrong
}

/// What is wrong with what it means.
fn meaning(config: &Config) -> Vec<String> {
    let mut said = Vec::new();
    let known: BTreeSet<&str> = ["true", "false", "on", "off", "yes", "no", "y", "n", "1", "0"].into();
    let is_known = |value: &String| known.contains(value.to_lowercase().as_str());
    for option in BOOLEANS {
        if let Some(value) = config.options.get(option).filter(|value| !is_known(value)) {
            said.push(format!(
                "(cluster_option_value) \terror: Using default value for cluster option '{option}' because '{value}' is invalid"
            ));
        }
    }
    let fences = config.primitives().any(|primitive| primitive.class == "stonith");
    let fencing = config.options.get("stonith-enabled").filter(|value| is_known(value));
    if fencing.is_none_or(|value| super::config::is_true(value)) && !fences {
        let lines = [
            "error: Resource start-up disabled since no STONITH resources have been defined",
            "error: Either configure some or disable STONITH with the stonith-enabled option",
            "error: NOTE: Clusters with shared data need STONITH to ensure data integrity",
        ];
        said.extend(lines.map(|line| format!("(unpack_resources) \t{line}")));
    }
    said
}
