//! What the cluster does now, as `crm_mon` tells it: members, resources, failures, fencing.

use roxmltree::{Document, Node};

use super::{DEADLINE, document};
use crate::model::{Command, Output, Program, Query, ReadError};

/// The cluster as one partition sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The node that decides, once there is one.
    pub dc: Option<String>,
    /// Whether the partition has quorum.
    pub quorate: bool,
    /// Whether a person has told the cluster to touch nothing.
    pub maintenance: bool,
    /// The nodes.
    pub members: Vec<Member>,
    /// The resources, those in groups included.
    pub resources: Vec<Resource>,
    /// What went wrong with resources and was not forgotten.
    pub failures: Vec<Failure>,
    /// Who was fenced, the newest first.
    pub fenced: Vec<Fenced>,
}

/// A node of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "crm_mon tells each of them by itself, and any mix of them occurs")]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Whether it takes part.
    pub online: bool,
    /// Whether it joins or leaves just now.
    pub pending: bool,
    /// Whether it has to be fenced.
    pub unclean: bool,
    /// Whether a person has told it to run nothing.
    pub standby: bool,
    /// Whether a person has told the cluster to touch nothing on it.
    pub maintenance: bool,
}

impl Member {
    /// Whether services may be started on it.
    #[must_use]
    pub fn takes_services(&self) -> bool {
        self.online && !self.pending && !self.standby
    }
}

/// A resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "crm_mon tells each of them by itself, and any mix of them occurs")]
pub struct Resource {
    /// Its id.
    pub id: String,
    /// The group that it is in.
    pub group: Option<String>,
    /// `Started`, `Stopped`, `Starting`, `Stopping`.
    pub role: String,
    /// Whether it runs anywhere.
    pub active: bool,
    /// Whether the cluster touches it.
    pub managed: bool,
    /// Whether its last action failed.
    pub failed: bool,
    /// Whether the cluster has given it up until a person looks.
    pub blocked: bool,
    /// The nodes that it runs on.
    pub on: Vec<String>,
}

/// An action that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The resource.
    pub resource: String,
    /// What was done to it: `start`, `monitor`.
    pub task: String,
    /// Where.
    pub node: String,
    /// How it ended: `not running`, `error`.
    pub status: String,
    /// What the agent said of it.
    pub reason: String,
    /// When, in the node's words.
    pub when: String,
}

/// A fencing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fenced {
    /// Who was fenced.
    pub target: String,
    /// What was done: `reboot`, `off`.
    pub action: String,
    /// How it ended: `success`, `failed`, `pending`.
    pub status: String,
    /// Who did it.
    pub delegate: Option<String>,
    /// When it ended, in the node's words.
    pub completed: Option<String>,
}

/// Asks for the state of the cluster.
#[must_use]
pub fn state() -> Query<State> {
    let command = Command::reads(Program::Tool("crm_mon"), ["-1", "--output-as=xml"]).within(DEADLINE);
    Query { command, read: read_state }
}

impl State {
    /// The node called `name`.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The members of a group, in order.
    pub fn group<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.iter().filter(move |resource| resource.group.as_deref() == Some(id))
    }

    /// What went wrong with the members of a group and was not forgotten.
    pub fn failures_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Failure> {
        self.failures.iter().filter(move |failure| self.group(group).any(|member| member.id == failure.resource))
    }

    /// The one node on which all members of a group run, if there is one.
    #[must_use]
    pub fn owner<'a>(&'a self, group: &'a str) -> Option<&'a str> {
        let mut all = self.group(group);
        let first = all.next().filter(|first| is_up(first))?.on.first()?;
        all.all(|one| is_up(one) && one.on == [first.as_str()]).then_some(first.as_str())
    }

    /// Whether nothing of a group runs anywhere.
    #[must_use]
    pub fn rests(&self, group: &str) -> bool {
        self.group(group).all(|one| !one.active && one.on.is_empty())
    }
}

fn is_up(resource: &Resource) -> bool {
    resource.active && resource.role == "Started" && resource.on.len() == 1
}

fn read_state(output: &Output) -> Result<State, ReadError> {
    document(output, |document: &Document<'_>| {
        let root = document.root_element();
        let named = |name: &'static str| root.descendants().find(move |node| node.has_tag_name(name));
        let summary = named("summary").ok_or_else(|| ReadError::Garbled("crm_mon without a summary".to_owned()))?;
        let within = |name: &'static str| summary.children().find(move |node| node.has_tag_name(name));
        let dc = within("current_dc").filter(|dc| dc.attribute("present") == Some("true"));
        let options = within("cluster_options");
        let children = |name: &'static str| named(name).into_iter().flat_map(|node| node.children());
        let list = |section: &'static str, name: &'static str| children(section).filter(move |n| n.has_tag_name(name));
        Ok(State {
            dc: dc.and_then(|dc| dc.attribute("name")).map(str::to_owned),
            quorate: dc.is_some_and(|dc| dc.attribute("with_quorum") == Some("true")),
            maintenance: options.is_some_and(|options| options.attribute("maintenance-mode") == Some("true")),
            members: root
                .children()
                .filter(|n| n.has_tag_name("nodes"))
                .flat_map(|n| n.children())
                .filter(Node::is_element)
                .map(member)
                .collect(),
            resources: resources(children("resources").filter(Node::is_element)),
            failures: list("failures", "failure").map(failure).collect(),
            fenced: list("fence_history", "fence_event").map(fenced).collect(),
        })
    })
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.attribute(name) == Some("true")
}

fn text(node: Node<'_, '_>, name: &str) -> String {
    node.attribute(name).unwrap_or_default().to_owned()
}

fn member(node: Node<'_, '_>) -> Member {
    Member {
        name: text(node, "name"),
        online: is(node, "online"),
        pending: is(node, "pending"),
        unclean: is(node, "unclean"),
        standby: is(node, "standby"),
        maintenance: is(node, "maintenance"),
    }
}

fn resources<'a, 'i: 'a>(nodes: impl Iterator<Item = Node<'a, 'i>>) -> Vec<Resource> {
    let mut found = Vec::new();
    for node in nodes {
        if node.has_tag_name("resource") {
            found.push(resource(node, None));
        } else {
            let members = node.descendants().filter(|child| child.has_tag_name("resource"));
            found.extend(members.map(|child| resource(child, node.attribute("id"))));
        }
    }
    found
}

fn resource(node: Node<'_, '_>, group: Option<&str>) -> Resource {
    let on = node.children().filter(|child| child.has_tag_name("node"));
    Resource {
        id: text(node, "id"),
        group: group.map(str::to_owned),
        role: text(node, "role"),
        active: is(node, "active"),
        managed: is(node, "managed"),
        failed: is(node, "failed"),
        blocked: is(node, "blocked"),
        on: on.filter_map(|child| child.attribute("name")).map(str::to_owned).collect(),
    }
}

fn failure(node: Node<'_, '_>) -> Failure {
    // `op_key` is RESOURCE_TASK_INTERVAL; older ones have no `resource` of their own.
    let key = node.attribute("op_key").unwrap_or_default();
    let resource = key.rsplitn(3, '_').nth(2).unwrap_or(key).to_owned();
    Failure {
        resource: node.attribute("id").map_or(resource, str::to_owned),
        task: text(node, "task"),
        node: text(node, "node"),
        status: text(node, "exitstatus"),
        // It is escaped once more than XML wants.
        reason: text(node, "exitreason").replace("&apos;", "'").replace("&quot;", "\"").replace("&amp;", "&"),
        when: text(node, "last-rc-change"),
    }
}

fn fenced(node: Node<'_, '_>) -> Fenced {
    Fenced {
        target: text(node, "target"),
        action: text(node, "action"),
        status: text(node, "status"),
        delegate: node.attribute("delegate").map(str::to_owned),
        completed: node.attribute("completed").map(str::to_owned),
    }
}
