//! The CIB as it is: epochs, and the configuration as elements.

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node};

use super::{DEADLINE, document};
use crate::model::{Command, Output, Program, Query, ReadError};
use crate::tools::xml::Element;

/// The tag that lists the ids of everything that bricklayer owns in a CIB.
pub const OWNED: &str = "bricklayer";
/// The meta attribute of a service's group that keeps the identifier of its database.
pub const DATABASE: &str = "bricklayer-database";
/// The set of properties in which measured fencing times are kept.
pub const MEASURED: &str = "bricklayer-properties";

/// The CIB of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cib {
    /// Raised by people who want their CIB to win.
    pub admin_epoch: u64,
    /// Raised by every change of the configuration.
    pub epoch: u64,
    /// Whether the partition has quorum.
    pub quorate: bool,
    /// The element `configuration`.
    pub configuration: Element,
    /// The attributes of each node: those that do not outlive a reboot, and before them those that do.
    pub attributes: BTreeMap<String, BTreeMap<String, String>>,
}

/// Asks for the CIB.
#[must_use]
pub fn cib() -> Query<Cib> {
    Query { command: Command::reads(Program::Tool("cibadmin"), ["-Q"]).within(DEADLINE), read: read_cib }
}

fn read_cib(output: &Output) -> Result<Cib, ReadError> {
    document(output, |document: &Document<'_>| {
        let root = document.root_element();
        let configuration = root.children().find(|child| child.has_tag_name("configuration"));
        let garbled = |what: &str| ReadError::Garbled(format!("a CIB without {what}"));
        let number = |name: &str| {
            let text = root.attribute(name).ok_or_else(|| garbled(name))?;
            text.parse::<u64>().map_err(|_| garbled(name))
        };
        Ok(Cib {
            admin_epoch: number("admin_epoch")?,
            epoch: number("epoch")?,
            quorate: root.attribute("have-quorum") == Some("1"),
            configuration: configuration
                .map(|node: Node<'_, '_>| Element::of(node))
                .ok_or_else(|| garbled("configuration"))?,
            attributes: attributes(root),
        })
    })
}

/// The attributes of the nodes. A lasting one counts where there is no other of its name (Pacemaker Explained, "Node
/// Attributes").
fn attributes(root: Node<'_, '_>) -> BTreeMap<String, BTreeMap<String, String>> {
    let lasting = root.descendants().filter(|node| node.has_tag_name("node"));
    let others = root.descendants().filter(|node| node.has_tag_name("node_state"));
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for node in lasting.chain(others) {
        let Some(name) = node.attribute("uname") else { continue };
        let within = node
            .children()
            .filter(|set| set.has_tag_name("instance_attributes") || set.has_tag_name("transient_attributes"));
        let pairs = within.flat_map(|set| set.descendants()).filter(|pair| pair.has_tag_name("nvpair"));
        let pair = |pair: Node<'_, '_>| Some((pair.attribute("name")?.to_owned(), pair.attribute("value")?.to_owned()));
        found.entry(name.to_owned()).or_default().extend(pairs.filter_map(pair));
    }
    found
}

impl Cib {
    /// Whether an attribute of a node is a number of at least 1.
    #[must_use]
    pub fn is_open(&self, node: &str, attribute: &str) -> bool {
        let value = self.attributes.get(node).and_then(|attributes| attributes.get(attribute));
        value.and_then(|value| value.parse::<i64>().ok()).is_some_and(|value| value >= 1)
    }

    /// Whether a person has told the cluster manager to run nothing on a node, also after a reboot of it.
    #[must_use]
    pub fn is_standby(&self, node: &str) -> bool {
        let nodes = self.configuration.child("nodes");
        let nodes = nodes.into_iter().flat_map(|nodes| &nodes.children).filter(|one| one.get("uname") == Some(node));
        let value = nodes.flat_map(|one| one.each("instance_attributes")).find_map(|set| nvpair(set, "standby"));
        value.is_some_and(|value| ["on", "true", "yes", "1"].contains(&value.to_lowercase().as_str()))
    }

    /// Whether there is a constraint with this id.
    #[must_use]
    pub fn has_constraint(&self, id: &str) -> bool {
        self.configuration.child("constraints").is_some_and(|all| all.children.iter().any(|one| one.id() == id))
    }

    /// The ids of everything that bricklayer owns.
    #[must_use]
    pub fn owned(&self) -> BTreeSet<&str> {
        owned(&self.configuration)
    }

    /// A resource by its id, groups and the members of groups among them.
    #[must_use]
    pub fn resource(&self, id: &str) -> Option<&Element> {
        resource(self.configuration.child("resources")?, id)
    }

    /// A meta attribute of a resource.
    #[must_use]
    pub fn meta(&self, id: &str, name: &str) -> Option<&str> {
        meta(self.resource(id)?, name)
    }

    /// Whether a person has told the cluster manager to leave a resource alone.
    #[must_use]
    pub fn is_frozen(&self, id: &str) -> bool {
        self.meta(id, "maintenance") == Some("true") || self.meta(id, "is-managed") == Some("false")
    }

    /// The constraints that `crm_resource --move` and `--ban` leave behind, by id.
    #[must_use]
    pub fn strays(&self) -> Vec<&Element> {
        let constraints = self.configuration.child("constraints");
        let all = constraints.into_iter().flat_map(|constraints| &constraints.children);
        all.filter(|one| one.id().starts_with("cli-")).collect()
    }

    /// The ids of the resources that bricklayer does not own.
    #[must_use]
    pub fn foreign(&self) -> Vec<&str> {
        let owned = self.owned();
        let all = self.configuration.child("resources").into_iter().flat_map(|resources| &resources.children);
        all.map(Element::id).filter(|id| !owned.contains(id)).collect()
    }
}

/// The ids in the tag of what is owned.
pub(super) fn owned(configuration: &Element) -> BTreeSet<&str> {
    let tags = configuration.child("tags").into_iter().flat_map(|tags| tags.each("tag"));
    tags.filter(|tag| tag.id() == OWNED).flat_map(|tag| tag.each("obj_ref")).map(Element::id).collect()
}

/// The ids of the resources that bricklayer owns in a configuration, and of those that lie in them.
#[must_use]
pub fn owned_resources(configuration: &Element) -> BTreeSet<&str> {
    fn collect<'a>(resource: &'a Element, found: &mut BTreeSet<&'a str>) {
        found.insert(resource.id());
        let within = resource.children.iter().filter(|child| ["primitive", "group"].contains(&child.name.as_str()));
        within.for_each(|child| collect(child, found));
    }
    let owned = owned(configuration);
    let mut found = BTreeSet::new();
    let all = configuration.child("resources").into_iter().flat_map(|resources| &resources.children);
    all.filter(|one| owned.contains(one.id())).for_each(|one| collect(one, &mut found));
    found
}

fn resource<'a>(within: &'a Element, id: &str) -> Option<&'a Element> {
    within.children.iter().find_map(|child| if child.id() == id { Some(child) } else { resource(child, id) })
}

/// The value of a name in a set of pairs.
pub(super) fn nvpair<'a>(set: &'a Element, name: &str) -> Option<&'a str> {
    set.each("nvpair").find(|pair| pair.get("name") == Some(name))?.get("value")
}

/// A meta attribute of a resource.
pub(super) fn meta<'a>(resource: &'a Element, name: &str) -> Option<&'a str> {
    resource.each("meta_attributes").find_map(|set| nvpair(set, name))
}
