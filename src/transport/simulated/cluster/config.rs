//! The CIB's configuration as Pacemaker understands it: options, nodes, resources and where they may run.

use std::collections::BTreeMap;

use super::element::Element;
use crate::model::NodeName;

/// A score beyond all others.
pub const INFINITY: i64 = 1_000_000;

/// What a configuration says.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The cluster's options.
    pub options: BTreeMap<String, String>,
    /// The nodes with their ids and lasting attributes.
    pub nodes: BTreeMap<NodeName, Known>,
    /// What runs, in the order of the document.
    pub resources: Vec<Resource>,
    /// Where.
    pub locations: Vec<Location>,
}

/// A node of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// Its lasting attributes.
    pub attributes: BTreeMap<String, String>,
}

/// A group, or a primitive alone.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its id.
    pub id: String,
    /// Whether it is a group.
    pub group: bool,
    /// Whether it is a clone: it runs on every node that may have it.
    pub clone: bool,
    /// Its own meta attributes.
    pub meta: BTreeMap<String, String>,
    /// Its members in the order in which they start.
    pub members: Vec<Primitive>,
}

/// A primitive.
#[derive(Clone, Debug)]
pub struct Primitive {
    /// Its id.
    pub id: String,
    /// `ocf`, `stonith`, `systemd`, `lsb`.
    pub class: String,
    /// `heartbeat`, for `ocf`.
    pub provider: Option<String>,
    /// `IPaddr2`.
    pub kind: String,
    /// What its agent is told.
    pub parameters: BTreeMap<String, String>,
    /// Its meta attributes, with those of its group that it does not set itself.
    pub meta: BTreeMap<String, String>,
    /// Its operations by name: interval, timeout and `on-fail`.
    pub operations: BTreeMap<String, Operation>,
    /// By which it is known whether it must be restarted with other parameters.
    pub digest: String,
}

/// What the configuration says of an operation.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    /// How often.
    pub interval_ms: u64,
    /// How long it may take.
    pub timeout_ms: u64,
    /// What becomes of a failure.
    pub on_fail: Option<String>,
}

/// A preference for, or a ban from, a node.
#[derive(Clone, Debug)]
pub struct Location {
    /// Its id.
    pub id: String,
    /// The resource.
    pub resource: String,
    /// The node, if it names one.
    pub node: Option<NodeName>,
    /// The rule, if it has one.
    pub rule: Option<Element>,
    /// How much.
    pub score: i64,
}

impl Config {
    /// Reads a `configuration`.
    #[must_use]
    pub fn read(configuration: &Element) -> Self {
        let section = |name: &str| configuration.child(name).cloned().unwrap_or_default();
        let sets = section("crm_config");
        // The first set with a value has the say.
        let mut options = BTreeMap::new();
        for pair in sets.all("cluster_property_set").flat_map(|set| set.all("nvpair")) {
            let (Some(name), Some(value)) = (pair.get("name"), pair.get("value")) else { continue };
            options.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        let nodes = section("nodes").all("node").filter_map(known).collect();
        let mut resources: Vec<Resource> = section("resources").children.iter().filter_map(resource).collect();
        // What matters more is placed first, and shown first.
        resources.sort_by_key(|resource| std::cmp::Reverse(resource.priority()));
        let locations = section("constraints").all("rsc_location").filter_map(location).collect();
        Self { options, nodes, resources, locations }
    }

    /// Whether an option is true; `default` if it is not set.
    #[must_use]
    pub fn is_on(&self, option: &str, default: bool) -> bool {
        self.options.get(option).map_or(default, |value| is_true(value))
    }

    /// The duration of an option in milliseconds.
    #[must_use]
    pub fn duration_ms(&self, option: &str, default: u64) -> u64 {
        self.options.get(option).and_then(|value| duration_ms(value)).unwrap_or(default)
    }

    /// Every primitive.
    pub fn primitives(&self) -> impl Iterator<Item = &Primitive> {
        self.resources.iter().flat_map(|resource| &resource.members)
    }

    /// The primitives that fence, and are not switched off.
    pub fn fencers(&self) -> impl Iterator<Item = &Primitive> {
        self.primitives().filter(|primitive| primitive.class == "stonith" && !primitive.is_stopped())
    }

    /// How much a resource wants to be on a node by what is written alone.
    #[must_use]
    pub fn preference(&self, resource: &Resource, node: &NodeName, attributes: &BTreeMap<String, String>) -> i64 {
        let ids = || std::iter::once(&resource.id).chain(resource.members.iter().map(|member| &member.id));
        let applies = |location: &&Location| {
            let here = location.node.as_ref().is_none_or(|named| named == node);
            here && ids().any(|id| *id == location.resource)
        };
        let scores = self.locations.iter().filter(applies).filter_map(|location| match &location.rule {
            None => Some(location.score),
            Some(rule) => holds(rule, node, attributes).then(|| score(rule.get("score").unwrap_or("0"))),
        });
        scores.fold(0, add)
    }
}

impl Resource {
    fn priority(&self) -> i64 {
        let own = if self.group || self.clone { Some(&self.meta) } else { self.members.first().map(|one| &one.meta) };
        own.and_then(|meta| meta.get("priority")).map_or(0, |value| score(value))
    }
}

/// Adds scores: minus infinity wins over infinity, and both over all others.
#[must_use]
pub fn add(a: i64, b: i64) -> i64 {
    if a <= -INFINITY || b <= -INFINITY { -INFINITY } else { (a + b).clamp(-INFINITY, INFINITY) }
}

impl Primitive {
    /// Whether it is told not to run.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.meta.get("target-role").is_some_and(|role| role.eq_ignore_ascii_case("stopped"))
    }

    /// Whether the cluster may touch it, as far as it says itself.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        let is = |name: &str, default| self.meta.get(name).map_or(default, |value| is_true(value));
        is("is-managed", true) && !is("maintenance", false)
    }

    /// How much it wants to stay where it is.
    #[must_use]
    pub fn stickiness(&self) -> i64 {
        self.meta.get("resource-stickiness").map_or(0, |value| score(value))
    }

    /// `ocf:heartbeat:IPaddr2`.
    #[must_use]
    pub fn agent(&self) -> String {
        let provider = self.provider.as_ref().map_or(String::new(), |provider| format!("{provider}:"));
        format!("{}:{provider}{}", self.class, self.kind)
    }

    /// The same with its digest, once all else is there.
    #[must_use]
    pub fn digested(self) -> Self {
        let text = self.parameters.iter().fold(self.agent(), |text, (name, value)| format!("{text}\n{name}={value}"));
        Self { digest: super::digest(&text), ..self }
    }

    /// A number among its meta attributes.
    #[must_use]
    pub fn meta_score(&self, name: &str) -> Option<i64> {
        self.meta.get(name).map(|value| score(value))
    }

    /// What is written of an operation.
    #[must_use]
    pub fn on_fail(&self, operation: &str) -> Option<&str> {
        self.operations.get(operation)?.on_fail.as_deref()
    }
}

/// Whether Pacemaker takes a text for yes.
#[must_use]
pub fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "on" | "yes" | "y" | "1")
}

/// A score in figures.
#[must_use]
pub fn score(value: &str) -> i64 {
    match value.trim() {
        "INFINITY" | "+INFINITY" => INFINITY,
        "-INFINITY" => -INFINITY,
        number => number.parse().map_or(0, |number: i64| number.clamp(-INFINITY, INFINITY)),
    }
}

/// A duration in milliseconds.
#[must_use]
pub fn duration_ms(value: &str) -> Option<u64> {
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let number: u64 = value[..digits].parse().ok()?;
    Some(match value[digits..].trim() {
        "ms" | "msec" => number,
        "" | "s" | "sec" => number * 1000,
        "m" | "min" => number * 60_000,
        "h" | "hr" => number * 3_600_000,
        _ => return None,
    })
}

fn pairs(element: &Element, sets: &str) -> BTreeMap<String, String> {
    let pair = |pair: &Element| Some((pair.get("name")?.to_owned(), pair.get("value")?.to_owned()));
    element.all(sets).flat_map(|set| set.all("nvpair")).filter_map(pair).collect()
}

fn known(node: &Element) -> Option<(NodeName, Known)> {
    let name = NodeName::new(node.get("uname")?).ok()?;
    Some((name, Known { id: node.id().to_owned(), attributes: pairs(node, "instance_attributes") }))
}

fn resource(element: &Element) -> Option<Resource> {
    let (meta, id) = (pairs(element, "meta_attributes"), element.id().to_owned());
    let (group, clone) = (element.name == "group", element.name == "clone");
    let members: Vec<Primitive> = match element.name.as_str() {
        "primitive" => vec![primitive(element, &BTreeMap::new())],
        "group" => element.all("primitive").map(|member| primitive(member, &meta)).collect(),
        // Of clones those of one primitive are played, and of bundles none.
        "clone" => element.all("primitive").take(1).map(|member| primitive(member, &meta)).collect(),
        _ => return None,
    };
    Some(Resource { id, group, clone, meta, members })
}

fn primitive(element: &Element, group: &BTreeMap<String, String>) -> Primitive {
    let text = |name: &str| element.get(name).map(str::to_owned);
    let operation = |op: &Element| {
        let ms = |name: &str| op.get(name).and_then(duration_ms).unwrap_or(0);
        let on_fail = op.get("on-fail").map(str::to_owned);
        let timeout_ms = if op.get("timeout").is_some() { ms("timeout") } else { 20_000 };
        Some((op.get("name")?.to_owned(), Operation { interval_ms: ms("interval"), timeout_ms, on_fail }))
    };
    let mut meta = group.clone();
    meta.extend(pairs(element, "meta_attributes"));
    Primitive {
        id: element.id().to_owned(),
        class: text("class").unwrap_or_default(),
        provider: text("provider"),
        kind: text("type").unwrap_or_default(),
        parameters: pairs(element, "instance_attributes"),
        meta,
        operations: element.all("operations").flat_map(|ops| ops.all("op")).filter_map(operation).collect(),
        digest: String::new(),
    }
    .digested()
}

fn location(element: &Element) -> Option<Location> {
    Some(Location {
        id: element.id().to_owned(),
        resource: element.get("rsc")?.to_owned(),
        node: element.get("node").and_then(|node| NodeName::new(node).ok()),
        rule: element.child("rule").cloned(),
        score: score(element.get("score").unwrap_or("0")),
    })
}

/// Whether a rule's expressions hold for a node.
fn holds(rule: &Element, node: &NodeName, attributes: &BTreeMap<String, String>) -> bool {
    let mut parts = rule.children.iter().map(|part| match part.name.as_str() {
        "rule" => holds(part, node, attributes),
        _ => expression(part, node, attributes),
    });
    if rule.get("boolean-op") == Some("or") { parts.any(|holds| holds) } else { parts.all(|holds| holds) }
}

fn expression(part: &Element, node: &NodeName, attributes: &BTreeMap<String, String>) -> bool {
    let name = part.get("attribute").unwrap_or_default();
    let value = if name == "#uname" { Some(node.as_str()) } else { attributes.get(name).map(String::as_str) };
    let wanted = part.get("value").unwrap_or_default();
    let numbers = || Some((value?.parse::<i64>().ok()?, wanted.parse::<i64>().ok()?));
    match part.get("operation").unwrap_or_default() {
        "defined" => value.is_some(),
        "not_defined" => value.is_none(),
        "eq" => value == Some(wanted),
        "ne" => value != Some(wanted),
        "lt" => numbers().is_some_and(|(value, wanted)| value < wanted),
        "lte" => numbers().is_some_and(|(value, wanted)| value <= wanted),
        "gt" => numbers().is_some_and(|(value, wanted)| value > wanted),
        "gte" => numbers().is_some_and(|(value, wanted)| value >= wanted),
        _ => false,
    }
}
