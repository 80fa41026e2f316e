//! The configuration as it is to be: the live one, in which everything that bricklayer owns is as the document says.
//!
//! Foreign objects keep their places and their words. Of an owned service, what people tell it (`target-role`,
//! `maintenance`, `is-managed`) stays as they told it, unless the document demands a role. Everything rendered is
//! what Pacemaker 2.1 and 3.0 both take: one `rsc_location` a node with a score, no rules on meta attributes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::cib::{self, MEASURED, OWNED, meta};
use crate::model::{Agent, ClusterDocument, Fencer, Force, Gate, Group, NodeName, Operation, Primitive, Role, Score};
use crate::tools::xml::Element;

/// The set in which the cluster's properties lie, by Pacemaker's own convention.
const PROPERTIES: &str = "cib-bootstrap-options";
/// How much a node with a link or a complete copy is preferred, where others are not ruled out: more than a domain
/// prefers its members, more than a service wants to stay, and several of it together are less than infinity.
const PREFERRED: &str = "200000";
/// What people tell a service once it is there.
const TOLD: [&str; 3] = ["target-role", "maintenance", "is-managed"];

/// The configuration that `live` becomes when `document` is put into it. What is frozen stays as it is in `live`.
#[must_use]
pub fn candidate(live: &Element, document: &ClusterDocument) -> Element {
    let mut new = live.clone();
    let before: BTreeSet<String> = cib::owned(live).into_iter().map(str::to_owned).collect();
    let mut owned = BTreeSet::new();
    properties(new.child_mut("crm_config"), &document.properties);
    let told =
        |id: &str| TOLD.map(|name| (name, find(live, id).and_then(|group| meta(group, name)).map(str::to_owned)));
    let is_frozen = |id: &str| document.frozen.iter().any(|name| name.as_str() == id);
    let services = || document.services.iter().filter(|group| !is_frozen(group.id.as_str()));
    let there = |section: &str| live.child(section).into_iter().flat_map(|section| &section.children).cloned();
    let resources: Vec<Element> = document
        .fencers
        .iter()
        .map(fencer)
        .chain(document.watchers.iter().map(watcher))
        .chain(services().map(|group| self::group(group, &told(group.id.as_str()))))
        .chain(there("resources").filter(|one| is_frozen(one.id())))
        .collect();
    put(new.child_mut("resources"), resources, &before, &mut owned);
    let of_frozen = |one: &Element| ["rsc", "then"].iter().any(|end| one.get(end).is_some_and(is_frozen));
    let kept = there("constraints").filter(|one| before.contains(one.id()) && of_frozen(one));
    let locations = services().flat_map(locations).chain(kept).collect();
    put(new.child_mut("constraints"), locations, &before, &mut owned);
    let levels: Vec<Element> = document.levels.iter().flat_map(|(node, levels)| self::levels(node, levels)).collect();
    if !levels.is_empty() || new.child("fencing-topology").is_some() {
        put(new.child_mut("fencing-topology"), levels, &before, &mut owned);
    }
    tag(&mut new, &owned);
    new.children
        .retain(|child| !["fencing-topology", "tags"].contains(&child.name.as_str()) || !child.children.is_empty());
    new
}

/// The configuration that `live` becomes when a person's wish about one service is granted, and nothing else: its role,
/// what it is told, and the constraint that leads it to a node, which is as `group` says again once it is there.
#[must_use]
pub fn granted(live: &Element, group: &Group) -> Element {
    let mut new = live.clone();
    let id = group.id.as_str();
    let role = group.role.map(|role| ("target-role", role.word()));
    let told: Vec<(&str, &str)> = role.into_iter().chain(group.wished.iter().map(|(n, v)| (*n, *v))).collect();
    if let Some(there) = new.child_mut("resources").children.iter_mut().find(|one| one.id() == id) {
        tell(there, &format!("{id}-meta"), &told);
    }
    let leads = |one: &Element| one.get("score") == Some("INFINITY");
    let constraints = &mut new.child_mut("constraints").children;
    for wanted in group.places.keys().map(|node| location(group, node)) {
        match constraints.iter().position(|one| one.id() == wanted.id()) {
            Some(place) if leads(&wanted) || leads(&constraints[place]) => constraints[place] = wanted,
            None if leads(&wanted) => constraints.push(wanted),
            _ => {}
        }
    }
    let is_lost = |one: &Element| {
        let node = one.id().strip_prefix(id).and_then(|rest| rest.strip_prefix("-on-"));
        leads(one) && node.is_some_and(|node| !group.places.contains_key(node))
    };
    constraints.retain(|one| !is_lost(one));
    new
}

/// The configuration that `live` becomes when what watches on every node is put in as `watchers`, and nothing else.
#[must_use]
pub fn watching(live: &Element, watchers: &[Primitive]) -> Element {
    let mut new = live.clone();
    let resources = &mut new.child_mut("resources").children;
    for wanted in watchers.iter().map(watcher) {
        if let Some(there) = resources.iter_mut().find(|one| one.id() == wanted.id()) {
            *there = wanted;
        }
    }
    new
}

/// Sets meta attributes of a resource. `maintenance` that ends is taken away, so that nothing of it is left.
fn tell(resource: &mut Element, set: &str, told: &[(&str, &str)]) {
    for (name, value) in told {
        for set in resource.children.iter_mut().filter(|child| child.name == "meta_attributes") {
            set.children.retain(|pair| pair.get("name") != Some(name));
        }
        if (*name, *value) != ("maintenance", "false") {
            let place = resource.children.iter().position(|child| child.name == "meta_attributes");
            let place = place.unwrap_or_else(|| {
                resource.children.insert(0, Element::new("meta_attributes").with("id", set));
                0
            });
            let id = resource.children[place].id().to_owned();
            resource.children[place].children.push(pair(&id, name, value));
        }
    }
}

/// The configuration that `live` becomes when measured times are written down in it.
#[must_use]
pub fn remembering(live: &Element, measured: &BTreeMap<String, String>) -> Element {
    let mut new = live.clone();
    remember(new.child_mut("crm_config"), measured);
    new
}

fn find<'a>(configuration: &'a Element, id: &str) -> Option<&'a Element> {
    configuration.child("resources")?.children.iter().find(|one| one.id() == id)
}

/// Puts `wanted` into a section: what is there is replaced in its place, what was owned and is not wanted goes.
fn put(section: &mut Element, wanted: Vec<Element>, before: &BTreeSet<String>, owned: &mut BTreeSet<String>) {
    let mut wanted: Vec<Option<Element>> = wanted.into_iter().map(Some).collect();
    owned.extend(wanted.iter().flatten().map(|one| one.id().to_owned()));
    let there = std::mem::take(&mut section.children);
    for one in there {
        let place = wanted.iter().position(|new| new.as_ref().is_some_and(|new| new.id() == one.id()));
        match place.and_then(|place| wanted[place].take()) {
            Some(new) => section.children.push(new),
            None if before.contains(one.id()) => {}
            None => section.children.push(one),
        }
    }
    section.children.extend(wanted.into_iter().flatten());
}

/// Sets the properties that the document names, wherever they stand; an empty value takes one away.
fn properties(section: &mut Element, wanted: &BTreeMap<&'static str, String>) {
    for (name, value) in wanted {
        for set in &mut section.children {
            set.children.retain(|pair| pair.get("name") != Some(name) || set.attributes["id"] == PROPERTIES);
        }
        let place = section.children.iter().position(|set| set.id() == PROPERTIES).unwrap_or_else(|| {
            section.children.insert(0, Element::new("cluster_property_set").with("id", PROPERTIES));
            0
        });
        let set = &mut section.children[place];
        let there = set.children.iter().position(|pair| pair.get("name") == Some(name));
        match (there, value.is_empty()) {
            (Some(there), true) => drop(set.children.remove(there)),
            (Some(there), false) => drop(set.children[there].attributes.insert("value".to_owned(), value.clone())),
            (None, true) => {}
            (None, false) => set.children.push(pair(PROPERTIES, name, value)),
        }
    }
}

/// Writes down what was measured, beside what was before.
fn remember(section: &mut Element, measured: &BTreeMap<String, String>) {
    if measured.is_empty() {
        return;
    }
    let place = section.children.iter().position(|set| set.id() == MEASURED).unwrap_or_else(|| {
        section.children.push(Element::new("cluster_property_set").with("id", MEASURED));
        section.children.len() - 1
    });
    for (name, value) in measured {
        let set = &mut section.children[place];
        set.children.retain(|pair| pair.get("name") != Some(name));
        set.children.push(pair(MEASURED, name, value));
    }
}

/// Writes down what is owned, by Pacemaker's own means for such lists.
fn tag(configuration: &mut Element, owned: &BTreeSet<String>) {
    let tags = configuration.child_mut("tags");
    tags.children.retain(|tag| tag.id() != OWNED);
    if !owned.is_empty() {
        let refs = owned.iter().map(|id| Element::new("obj_ref").with("id", id));
        tags.children.push(Element::new("tag").with("id", OWNED).holding(refs));
    }
}

fn pair(set: &str, name: &str, value: &str) -> Element {
    Element::new("nvpair").with("id", format!("{set}-{name}")).with("name", name).with("value", value)
}

/// A set of pairs; none if there are none.
fn pairs<'a>(element: &str, id: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Element> {
    let pairs: Vec<Element> = pairs.into_iter().map(|(name, value)| pair(id, name, value)).collect();
    (!pairs.is_empty()).then(|| Element::new(element).with("id", id).holding(pairs))
}

fn fencer(fencer: &Fencer) -> Element {
    let Fencer { id, agent, parameters, meta, operations } = fencer;
    let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let meta = meta.iter().map(|(name, value)| (*name, value.as_str()));
    Element::new("primitive")
        .with("id", id)
        .with("class", "stonith")
        .with("type", agent)
        .holding(pairs("instance_attributes", &format!("{id}-options"), parameters))
        .holding(pairs("meta_attributes", &format!("{id}-meta"), meta))
        .holding(self::operations(id, operations))
}

fn group(group: &Group, told: &[(&'static str, Option<String>); 3]) -> Element {
    let Group { id, meta, initial_role, role, members, places: _, gates: _, wished: _ } = group;
    let new = told.iter().all(|(_, value)| value.is_none());
    let mut all: BTreeMap<&str, &str> = meta.iter().map(|(name, value)| (*name, value.as_str())).collect();
    all.extend(told.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    if let Some(role) = role.or(new.then_some(*initial_role)) {
        let there = all.get("target-role").copied();
        // `Slave`, `Unpromoted` and the like are no service's; an absent role is `Started`.
        if there.unwrap_or("Started") != role.word() || new {
            all.insert("target-role", role.word());
        }
    }
    Element::new("group")
        .with("id", id.as_str())
        .holding(pairs("meta_attributes", &format!("{id}-meta"), all))
        .holding(members.iter().map(primitive))
}

impl Role {
    /// The word for it in a CIB.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "Started",
            Self::Stopped => "Stopped",
        }
    }
}

fn primitive(primitive: &Primitive) -> Element {
    let Primitive { id, agent, parameters, meta, operations } = primitive;
    let element = Element::new("primitive").with("id", id);
    let element = match agent {
        Agent::Ocf(provider, name) => element.with("class", "ocf").with("provider", provider).with("type", name),
        Agent::Systemd(unit) => element.with("class", "systemd").with("type", unit),
        Agent::Lsb(script) => element.with("class", "lsb").with("type", script),
    };
    let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let meta = meta.iter().map(|(name, value)| (*name, value.as_str()));
    element
        .holding(pairs("instance_attributes", &format!("{id}-options"), parameters))
        .holding(pairs("meta_attributes", &format!("{id}-meta"), meta))
        .holding(self::operations(id, operations))
}

fn operations(id: &str, operations: &[Operation]) -> Option<Element> {
    let operation = |operation: &Operation| {
        let Operation { name, interval, timeout, on_fail } = operation;
        let op = Element::new("op")
            .with("id", format!("{id}-{name}"))
            .with("name", *name)
            .with("interval", seconds(interval.unwrap_or_default()))
            .with("timeout", seconds(*timeout));
        match on_fail {
            Some(on_fail) => op.with("on-fail", *on_fail),
            None => op,
        }
    };
    let all: Vec<Element> = operations.iter().map(operation).collect();
    (!all.is_empty()).then(|| Element::new("operations").holding(all))
}

/// Whole seconds where it is that, else milliseconds: a unit always.
fn seconds(time: Duration) -> String {
    if time.subsec_nanos() == 0 { format!("{}s", time.as_secs()) } else { format!("{}ms", time.as_millis()) }
}

/// The id of the constraint that tells how much `node` is preferred.
fn location_id(service: &str, node: &NodeName) -> String {
    format!("{service}-on-{node}")
}

fn location(group: &Group, node: &NodeName) -> Element {
    let score = match group.places.get(node) {
        Some(Score::Never) => "-INFINITY".to_owned(),
        Some(Score::Always) => "INFINITY".to_owned(),
        Some(Score::Points(points)) => points.to_string(),
        None => "0".to_owned(),
    };
    Element::new("rsc_location")
        .with("id", location_id(group.id.as_str(), node))
        .with("rsc", group.id.as_str())
        .with("node", node.as_str())
        .with("score", score)
}

fn locations(group: &Group) -> Vec<Element> {
    let places = group.places.keys().map(|node| location(group, node));
    let gates = group.gates.iter().flat_map(|(attribute, gate)| self::gate(group, attribute, gate));
    places.chain(gates).collect()
}

/// The id of the constraint that reads a gate.
#[must_use]
pub fn gate_id(service: &str, attribute: &str) -> String {
    format!("{service}-{attribute}")
}

/// A gate. A strict one is shut where the attribute is below 1 or not there, because nobody knows how old a copy is of
/// which nothing is said; its watcher starts before the service where both are to start, so that it has said something.
/// Any other is a preference, and no penalty: where a score is below zero, nothing runs at all.
fn gate(group: &Group, attribute: &str, gate: &Gate) -> Vec<Element> {
    let id = gate_id(group.id.as_str(), attribute);
    let expression = |what: &str, operation: &str| {
        Element::new("expression")
            .with("id", format!("{id}-{what}"))
            .with("attribute", attribute)
            .with("operation", operation)
    };
    let compared = |what: &str, operation: &str| expression(what, operation).with("type", "number").with("value", "1");
    let location = |score, expressions: Vec<Element>| {
        let rule = Element::new("rule").with("id", format!("{id}-rule")).with("score", score);
        let rule = if expressions.len() > 1 { rule.with("boolean-op", "or") } else { rule };
        let location = Element::new("rsc_location").with("id", &id).with("rsc", group.id.as_str());
        location.holding([rule.holding(expressions)])
    };
    let unsaid = || expression("unsaid", "not_defined");
    let open = || compared("open", "gte");
    match gate.force {
        Force::Prefer => vec![location(PREFERRED, vec![open()])],
        // Pacemaker forgets what was said when its daemon for attributes dies. A service does not move for that.
        Force::PreferUnlessShut => vec![location(PREFERRED, vec![unsaid(), open()])],
        Force::Strict => {
            let order = Element::new("rsc_order")
                .with("id", format!("{id}-first"))
                .with("first", watcher_id(&gate.watcher))
                .with("then", group.id.as_str())
                .with("kind", "Optional")
                .with("symmetrical", "false");
            vec![location("-INFINITY", vec![unsaid(), compared("below", "lt")]), order]
        }
    }
}

/// The id under which a watcher is on all nodes.
fn watcher_id(id: &str) -> String {
    format!("{id}-all")
}

fn watcher(watcher: &Primitive) -> Element {
    let is_told = watcher.operations.iter().any(|operation| operation.name == Operation::NOTIFY);
    let notify = is_told.then_some(("notify", "true"));
    let meta = [("interleave", "true")].into_iter().chain(notify);
    let meta = pairs("meta_attributes", &format!("{}-all-meta", watcher.id), meta);
    Element::new("clone").with("id", watcher_id(&watcher.id)).holding(meta).holding([primitive(watcher)])
}

fn levels(node: &NodeName, levels: &[Vec<String>]) -> Vec<Element> {
    let level = |(index, devices): (usize, &Vec<String>)| {
        let index = index + 1;
        Element::new("fencing-level")
            .with("id", format!("{node}-level-{index}"))
            .with("target", node.as_str())
            .with("index", index.to_string())
            .with("devices", devices.join(","))
    };
    levels.iter().enumerate().map(level).collect()
}
