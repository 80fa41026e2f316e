//! What differs between two configurations, in words a person knows: object by object, field by field.
//!
//! Two configurations are equal here if Pacemaker makes the same of them: the order of attributes, of pairs and of
//! constraints says nothing, the order of a group's members does.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Difference;
use crate::tools::xml::Element;

/// What is different about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The object's id.
    pub object: String,
    /// Whether it is there only in the first, only in the second, or in both.
    pub presence: (bool, bool),
    /// Its fields that differ.
    pub fields: Vec<Difference>,
}

/// Fields by name, by the object's id.
type Objects<'a> = BTreeMap<&'a str, BTreeMap<String, String>>;

/// What has to change in `from` for it to be `to`; nothing if they are equal.
#[must_use]
pub fn changes(from: &Element, to: &Element) -> Vec<Change> {
    let (from, to) = (objects(from), objects(to));
    let ids: BTreeSet<&str> = from.keys().chain(to.keys()).copied().collect();
    let change = |id: &str| {
        let (old, new) = (from.get(id), to.get(id));
        let names: BTreeSet<&String> = old.into_iter().chain(new).flat_map(BTreeMap::keys).collect();
        let value =
            |fields: Option<&BTreeMap<String, String>>, name: &String| fields.and_then(|f| f.get(name)).cloned();
        let field = |name: &&String| {
            let (from, to) = (value(old, name), value(new, name));
            (from != to).then(|| Difference { field: (*name).clone(), from, to })
        };
        let fields: Vec<Difference> = names.iter().filter_map(field).collect();
        let presence = (old.is_some(), new.is_some());
        (presence.0 != presence.1 || !fields.is_empty()).then(|| Change { object: id.to_owned(), presence, fields })
    };
    ids.into_iter().filter_map(change).collect()
}

fn objects(configuration: &Element) -> Objects<'_> {
    let mut found = Objects::new();
    for section in &configuration.children {
        for object in &section.children {
            match section.name.as_str() {
                // Nodes are Pacemaker's own.
                "nodes" => {}
                "crm_config" | "op_defaults" | "rsc_defaults" => {
                    found.entry(object.id()).or_default().extend(pairs(object));
                }
                "tags" => drop(found.insert(object.id(), listed(object))),
                _ => collect(object, &mut found),
            }
        }
    }
    found
}

/// An object and those that lie in it.
fn collect<'a>(object: &'a Element, found: &mut Objects<'a>) {
    let mut fields: BTreeMap<String, String> = attributes(object, "");
    let mut members: Vec<&str> = Vec::new();
    for child in &object.children {
        match child.name.as_str() {
            "instance_attributes" | "meta_attributes" | "utilization" => fields.extend(pairs(child)),
            "operations" => fields.extend(child.children.iter().flat_map(operation)),
            "primitive" | "group" | "clone" | "master" | "bundle" => {
                members.push(child.id());
                collect(child, found);
            }
            // Rules and sets have an order and a depth of their own.
            _ => drop(fields.insert(format!("{} {}", child.name, child.id()), child.to_string())),
        }
    }
    if !members.is_empty() {
        fields.insert("members".to_owned(), members.join(", "));
    }
    found.insert(object.id(), fields);
}

fn attributes(element: &Element, prefix: &str) -> BTreeMap<String, String> {
    let said = element.attributes.iter().filter(|(name, _)| *name != "id");
    said.map(|(name, value)| (format!("{prefix}{name}"), value.clone())).collect()
}

fn pairs(set: &Element) -> BTreeMap<String, String> {
    let pair = |pair: &Element| match (pair.get("name"), pair.get("value")) {
        (Some(name), value) => (name.to_owned(), value.unwrap_or_default().to_owned()),
        (None, _) => (format!("{} {}", pair.name, pair.id()), pair.to_string()),
    };
    set.children.iter().map(pair).collect()
}

fn operation(op: &Element) -> BTreeMap<String, String> {
    let name = op.get("name").unwrap_or_default();
    // Nobody needs to read `start interval 0s`.
    let once = op.get("interval").is_none_or(|interval| interval.trim_end_matches(char::is_alphabetic) == "0");
    let mut fields = attributes(op, &format!("{name} "));
    fields.remove(&format!("{name} name"));
    if once {
        fields.remove(&format!("{name} interval"));
    }
    fields.extend(op.children.iter().flat_map(pairs));
    fields
}

fn listed(tag: &Element) -> BTreeMap<String, String> {
    tag.each("obj_ref").map(|one| (one.id().to_owned(), "owned".to_owned())).collect()
}
