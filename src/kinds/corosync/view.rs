//! What is written of the cluster, and what was seen of it on each node, put together once.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::units::{self, Units};
use crate::kinds::{Algorithm, Assessment, Cx, QuorumDevice, Spec, nodes};
use crate::model::{Cause, Item, Milestone, NodeName, Seen, Subject, Why};
use crate::tools::corosync::{self, Class, Cmap, Conf, Device, DeviceState, Key, Keys, Member};
use crate::tools::systemd::Unit;
use crate::tools::{MARK, node};

use super::{COROSYNC, PACEMAKER};

/// What is written, and what was seen.
pub(super) struct View<'a> {
    pub(super) cx: &'a Cx<'a>,
    /// The file as it is to be on every node.
    pub(super) text: String,
    /// Its values.
    pub(super) wanted: Keys,
    /// What was seen of each node.
    pub(super) nodes: BTreeMap<&'a NodeName, Sight>,
}

/// What was seen of a node.
pub(super) struct Sight {
    pub(super) id: u32,
    pub(super) units: Units,
    pub(super) conf: Seen<Option<String>>,
    pub(super) key: Seen<Option<Key>>,
    pub(super) cmap: Seen<Cmap>,
    /// How it stands with the quorum device, if there is to be one.
    pub(super) device: Option<Seen<DeviceState>>,
    /// Whether the node answers at all, as far as it was asked.
    pub(super) answers: bool,
}

impl Sight {
    /// One of the node's units; a unit that systemd does not know is one that does not run.
    pub(super) fn unit(&self, name: &str) -> Unit {
        self.units.known().and_then(|units| units.get(name)).cloned().unwrap_or_default()
    }

    /// Whether Corosync was seen not to run, and not just not seen to run.
    pub(super) fn is_off(&self) -> bool {
        matches!(self.cmap, Seen::NotYet(_))
    }

    /// Whether the file was written by bricklayer.
    pub(super) fn is_ours(&self) -> bool {
        self.text().is_some_and(|text| text.starts_with(MARK))
    }

    /// Whether the file was written by somebody else, and not just brought by a package.
    pub(super) fn is_foreign(&self) -> bool {
        self.text().is_some_and(|text| !text.starts_with(MARK) && !corosync::is_packaged(text))
    }

    /// Whether it has the vote of the quorum device. Of one that is to be none the daemon is not asked: it has it.
    fn has_device_vote(&self) -> bool {
        self.device.as_ref().is_none_or(|device| device.known().is_some_and(|device| device.votes))
    }

    fn text(&self) -> Option<&str> {
        self.conf.known()?.as_deref()
    }
}

impl<'a> View<'a> {
    /// Looks; nothing, if the file has no cluster manager, or a node without the number that it needs there.
    pub(super) fn of(cx: &'a Cx<'a>) -> Option<Self> {
        let spec = cx.spec;
        if !spec.has_manager() {
            return None;
        }
        let mut nodes = BTreeMap::new();
        for (name, node) in &spec.nodes {
            let sight = Sight {
                id: node.id?,
                units: units::of(cx, name),
                conf: cx.see(name, &node::text_of(corosync::CONF)),
                key: cx.see(name, &corosync::key()),
                cmap: cx.see(name, &corosync::cmap()),
                device: spec.quorum_device.as_ref().map(|_| cx.see(name, &corosync::device())),
                answers: !cx.see(name, &nodes::look(spec)).is_absent(),
            };
            nodes.insert(name, sight);
        }
        let text = text(spec);
        let wanted = corosync::keys(&text);
        Some(Self { cx, text, wanted, nodes })
    }

    pub(super) fn spec(&self) -> &'a Spec {
        self.cx.spec
    }

    /// The nodes that answer.
    pub(super) fn answering(&self) -> impl Iterator<Item = (&'a NodeName, &Sight)> {
        self.nodes.iter().filter(|(_, sight)| sight.answers).map(|(name, sight)| (*name, sight))
    }

    /// The nodes on which Corosync runs, with what it says.
    pub(super) fn running(&self) -> impl Iterator<Item = (&'a NodeName, &Cmap)> {
        self.nodes.iter().filter_map(|(name, sight)| Some((*name, sight.cmap.known()?)))
    }

    /// Whether Corosync was seen not to run, on every node.
    pub(super) fn is_off_everywhere(&self) -> bool {
        self.nodes.values().all(Sight::is_off)
    }

    /// The node with the number `id`.
    fn by_id(&self, id: u32) -> Option<&'a NodeName> {
        self.nodes.iter().find(|(_, sight)| sight.id == id).map(|(name, _)| *name)
    }

    fn called(&self, id: u32) -> String {
        self.by_id(id).map_or_else(|| format!("the node with the id {id}"), ToString::to_string)
    }

    /// The nodes that somebody sees as a member.
    pub(super) fn members(&self) -> BTreeSet<&'a NodeName> {
        let seen = self.running().flat_map(|(_, cmap)| cmap.members.iter());
        seen.filter_map(|id| self.by_id(*id)).collect()
    }

    /// Who is not there of those whom a running Corosync knows of, in a sentence.
    pub(super) fn missing(&self) -> Option<String> {
        self.running().find_map(|(name, cmap)| {
            let id = cmap.nodes().into_iter().find(|id| !cmap.members.contains(id))?;
            Some(format!("{} is not a member of the cluster now, as {name} sees it", self.called(id)))
        })
    }

    /// Whether the others keep quorum when `node` leaves them, as its own Corosync sees them.
    pub(super) fn quorate_without(&self, node: &NodeName) -> Option<bool> {
        let sight = self.nodes.get(node)?;
        if sight.is_off() {
            return Some(true);
        }
        let mut left = sight.cmap.known()?.clone();
        left.members.remove(&sight.id);
        let others = || self.nodes.iter().filter(|(name, _)| **name != node);
        Some(left.is_quorate(others().any(|(_, other)| other.has_device_vote())))
    }

    /// A member that the file does not have.
    pub(super) fn stranger(&self) -> Option<u32> {
        self.running().flat_map(|(_, cmap)| &cmap.members).copied().find(|id| self.by_id(*id).is_none())
    }

    /// How many votes it takes now, and with the file as it is to be, if those are more.
    pub(super) fn quorum_rises(&self) -> Option<(u64, u64)> {
        let wanted = corosync::quorum(&self.wanted);
        let now = self.running().map(|(_, cmap)| corosync::quorum(&cmap.keys)).min()?;
        (wanted > now).then_some((now, wanted))
    }

    /// Whether a running member counts on a quorum device that is to be one no longer.
    pub(super) fn loses_device(&self) -> bool {
        !corosync::has_device(&self.wanted) && self.running().any(|(_, cmap)| corosync::has_device(&cmap.keys))
    }

    /// Whether a change of the file has to wait because a member is missing.
    pub(super) fn must_wait(&self) -> bool {
        (self.quorum_rises().is_some() || self.loses_device()) && self.missing().is_some()
    }

    /// The nodes of the file without which `node` has no quorum, if it has none.
    pub(super) fn without(&self, node: &NodeName) -> Vec<&'a NodeName> {
        let sight = &self.nodes[node];
        let cmap = sight.cmap.known().filter(|cmap| !cmap.is_quorate(sight.has_device_vote()));
        cmap.into_iter().flat_map(absent).filter_map(|id| self.by_id(id)).collect()
    }

    /// What keeps `node` from being a member with all others that run; nothing, if it is one.
    pub(super) fn apart(&self, node: &NodeName) -> Option<String> {
        let sight = &self.nodes[node];
        for unit in [COROSYNC, PACEMAKER] {
            if !sight.unit(unit).active() {
                return Some(format!("{unit} to run"));
            }
        }
        let Some(cmap) = sight.cmap.known() else { return Some("Corosync to answer".to_owned()) };
        let sees = |cmap: &Cmap, id: u32| cmap.members.contains(&id);
        let stranger =
            |(other, there): &(&NodeName, &Cmap)| !sees(cmap, self.nodes[other].id) || !sees(there, sight.id);
        if let Some((other, _)) = self.running().find(stranger) {
            return Some(format!("it and {other} to see each other"));
        }
        if cmap.is_quorate(sight.has_device_vote()) {
            return None;
        }
        let mut absent: Vec<String> = absent(cmap).map(|id| self.called(id)).collect();
        let device = self.spec().quorum_device.as_ref().filter(|_| !sight.has_device_vote());
        absent.extend(device.map(|device| device.host.to_string()));
        let absent = absent.join(" and ");
        Some(if cmap.waits_for_all {
            format!("{absent} to join for the first time")
        } else {
            format!("quorum, without {absent}")
        })
    }
}

/// The ids of the nodes that a Corosync knows of and does not see.
fn absent(cmap: &Cmap) -> impl Iterator<Item = u32> {
    let nodes = cmap.nodes().into_iter();
    nodes.filter(|id| !cmap.members.contains(id))
}

/// Says that something of `node` could not be seen: a node that does not answer at all has said so itself.
pub(super) fn unseen(
    view: &View<'_>,
    node: &NodeName,
    what: &str,
    (subject, milestone): (&Subject, Milestone),
    why: &Why,
    found: &mut Assessment,
) {
    if *why == Why::NotAsked || !view.nodes[node].answers {
        return found.unknown(milestone, why);
    }
    let item = Item::held(subject, "look", format!("look at {what} on {node}"), Cause::Unknown, why.to_string(), "");
    found.item(item.gives(milestone));
}

/// The keys of which `class` is the class and that differ, each with its value in `now` and as it is to be.
pub(super) fn differences<'k>(
    now: &'k Keys,
    wanted: &'k Keys,
    class: Class,
) -> BTreeMap<&'k str, (Option<&'k str>, Option<&'k str>)> {
    // What a running Corosync has beyond the file it has put there itself, but for these.
    let lapses = |key: &&String| {
        let of_file = key.starts_with("quorum.") || key.starts_with("nodelist.node.") || *key == "totem.consensus";
        of_file && *key != corosync::STOP_WAITING
    };
    let keys: BTreeSet<&String> = wanted.keys().chain(now.keys().filter(lapses)).collect();
    let values = |key: &'k String| (now.get(key).map(String::as_str), wanted.get(key).map(String::as_str));
    let all = keys.into_iter().filter(|key| corosync::class(key) == class).map(|key| (key.as_str(), values(key)));
    all.filter(|(_, (now, wanted))| now != wanted).collect()
}

/// The text of `corosync.conf`.
fn text<'a>(spec: &'a Spec) -> String {
    let apart = |node: &'a NodeName| spec.cluster_address_of(node) != spec.storage_of(node);
    let two_links = spec.nodes.keys().all(apart);
    let member = |(name, node): (&'a NodeName, &crate::kinds::Node)| {
        let mut links = vec![spec.cluster_address_of(name)];
        if two_links {
            links.push(spec.storage_of(name));
        }
        Member { name: name.as_str(), id: node.id.unwrap_or_default(), links }
    };
    Conf {
        owner: &format!("cluster {}", spec.cluster),
        cluster: spec.cluster.as_str(),
        token: spec.token().milliseconds(),
        consensus: spec.consensus().map(|consensus| u64::try_from(consensus.as_millis()).unwrap_or(u64::MAX)),
        members: spec.nodes.iter().map(member).collect(),
        device: spec.quorum_device.as_ref().map(of_file),
    }
    .text()
}

fn of_file(device: &QuorumDevice) -> Device<'_> {
    let votes = match device.algorithm {
        // One vote, which is what makes two halves unequal; `lms` needs as many as to outvote all others.
        Algorithm::Ffsplit => Some(1),
        Algorithm::Lms => None,
    };
    Device { host: device.host.as_str(), algorithm: device.algorithm.word(), tls: device.tls().word(), votes }
}
