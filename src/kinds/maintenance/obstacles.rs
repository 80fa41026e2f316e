//! Why a node cannot be taken out of service now: data, services and quorum that would go with it, and what is not known.

use std::collections::BTreeMap;

use crate::kinds::actual::Actual;
use crate::kinds::manager::Standing;
use crate::kinds::units::{self, Units};
use crate::kinds::{Assessment, Cx, corosync, manager, volumes};
use crate::model::{Cause, Held, Item, NodeName, Seen, ServiceName, Why, Work};
use crate::tools::gluster;

/// A reason not to begin, and what to do about it.
pub(super) struct Obstacle {
    pub(super) cause: Cause,
    pub(super) because: String,
    pub(super) hint: String,
}

pub(super) fn obstacle(cause: Cause, because: impl Into<String>, hint: impl Into<String>) -> Obstacle {
    Obstacle { cause, because: because.into(), hint: hint.into() }
}

/// What is not known is not done.
pub(super) fn unknown(because: impl Into<String>) -> Obstacle {
    obstacle(Cause::Unknown, because, "`bricklayer status` tells what can be seen; then ask again")
}

/// What was seen of the node and of those who are to go on without it.
pub(super) struct Sight<'a> {
    pub(super) cx: &'a Cx<'a>,
    node: &'a NodeName,
    pub(super) actual: Actual,
    standing: Option<Seen<Standing>>,
    pub(super) units: Units,
    /// Whether it carries the mark of a drained node.
    pub(super) marked: Option<bool>,
}

impl<'a> Sight<'a> {
    pub(super) fn of(cx: &'a Cx<'a>, node: &'a NodeName) -> Self {
        let standing = cx.spec.has_manager().then(|| Standing::of(cx));
        let (actual, units) = (Actual::of(cx), units::of(cx, node));
        Self { cx, node, actual, standing, units, marked: cx.is_drained(node) }
    }

    pub(super) fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()?.known()
    }

    /// Whether the cluster is told to run nothing here; without a cluster manager nobody has to be told.
    pub(super) fn is_standby(&self) -> bool {
        self.standing.is_none() || self.standing().is_some_and(|standing| standing.cib.is_standby(self.node.as_str()))
    }

    /// Whether glusterd or a brick that the file knows runs here.
    pub(super) fn has_gluster_running(&self) -> bool {
        let glusterd = self.units.known().map(units::glusterd).unwrap_or_default();
        let places = self.actual.places.get(self.node).and_then(Seen::known);
        let served = places.is_some_and(|places| places.values().any(|place| place.process.is_some()));
        served || glusterd.active() || glusterd.active_state == "activating"
    }

    /// Whether nothing is left to be stopped here.
    pub(super) fn is_at_rest(&self) -> bool {
        self.units.known().is_some() && !self.has_gluster_running() && corosync::in_use(&self.units).is_empty()
    }

    /// The services of which anything runs here.
    pub(super) fn services_here(&self) -> impl Iterator<Item = &'a ServiceName> {
        let here = |name: &&ServiceName| {
            let state = self.standing().map(|standing| &standing.state);
            let mut members = state.into_iter().flat_map(|state| state.group(name.as_str()));
            members.any(|one| one.on.iter().any(|on| on == self.node.as_str()))
        };
        let here: Vec<_> = self.cx.spec.services.keys().filter(here).collect();
        here.into_iter()
    }

    /// How many entries of each volume the sets list whose bricks are served here.
    pub(super) fn pending(&self) -> BTreeMap<String, u64> {
        self.sets().unwrap_or_default()
    }

    /// What keeps the node from being taken out of service, if anything does.
    pub(super) fn obstacle(&self) -> Option<Obstacle> {
        let node = self.node;
        if !self.cx.answers(node) {
            let hint = "a node that is off serves nothing; drain it once it answers";
            return Some(obstacle(Cause::Unknown, format!("{node} does not answer"), hint));
        }
        match &self.units {
            Seen::Unknown(why) => return Some(unknown(why.to_string())),
            Seen::Is(_) | Seen::NotYet(_) => {}
        }
        if self.marked.is_none() {
            return Some(unknown(format!("it is not known whether {node} is drained already")));
        }
        if self.is_at_rest() && self.is_standby() {
            return None;
        }
        self.of_cluster().or_else(|| self.of_copies())
    }

    fn of_cluster(&self) -> Option<Obstacle> {
        let node = self.node;
        let standing = match self.standing.as_ref()? {
            Seen::Is(standing) => standing,
            Seen::NotYet(_) => return Some(unknown("Pacemaker runs on no node that answers")),
            Seen::Unknown(why) => return Some(unknown(format!("the cluster manager cannot be read: {why}"))),
        };
        if corosync::in_use(&self.units).is_empty() {
            return None;
        }
        if standing.state.maintenance {
            let hint = "`crm_attribute --name maintenance-mode --delete` ends it";
            return Some(obstacle(Cause::Unsafe, "the cluster is in maintenance mode, and moves nothing", hint));
        }
        if !standing.is_coordinated() {
            return Some(obstacle(
                Cause::Unsafe,
                "the cluster has no coordinator with quorum",
                "bring all members back",
            ));
        }
        let stuck = |name| Some((name, manager::stays(self.cx, standing, name, node)?));
        if let Some((name, because)) = self.services_here().find_map(stuck) {
            let because = format!("service {name} could run nowhere else: {because}");
            let hint = format!("mend that first, or, if it may rest, `bricklayer service disable {name}`");
            return Some(obstacle(Cause::Unsafe, because, hint));
        }
        if let Some(obstacle) = self.of_services(standing) {
            return Some(obstacle);
        }
        match corosync::quorate_without(self.cx, node) {
            Some(true) => None,
            Some(false) => {
                let because = format!("without {node} the other members would have no quorum");
                Some(obstacle(Cause::Unsafe, because, "bring the missing members back first"))
            }
            None => Some(unknown(format!("it is not known whether the others have quorum without {node}"))),
        }
    }

    /// A service that is to run and will not: a drain waits for all of them, and would be stuck half way.
    fn of_services(&self, standing: &Standing) -> Option<Obstacle> {
        if self.marked != Some(false) {
            return None;
        }
        let mut found = Assessment::default();
        manager::unsettled(self.cx, standing, &mut found);
        found.items.into_iter().find_map(|Item { subject, work, .. }| match work {
            Work::Held(Held { cause, because, hint }) => {
                Some(obstacle(cause, format!("{subject} does not run: {because}"), hint.unwrap_or_default()))
            }
            Work::Run(_) | Work::Wait(_) => None,
        })
    }

    fn of_copies(&self) -> Option<Obstacle> {
        let pending = match self.sets() {
            Err(obstacle) => return Some(obstacle),
            Ok(pending) => pending,
        };
        // Once begun, it is waited for.
        let (name, entries) = pending.iter().find(|(_, entries)| **entries > 0 && self.marked == Some(false))?;
        let because =
            format!("volume {name} has {entries} entries to heal, and {} may have the only good copy", self.node);
        Some(obstacle(Cause::Unsafe, because, format!("`bricklayer volume heal {name}`, then ask again")))
    }

    /// What each volume has to heal of the sets whose bricks are served here; or why they cannot be without this node.
    fn sets(&self) -> Result<BTreeMap<String, u64>, Obstacle> {
        let node = self.node;
        let mut pending = BTreeMap::new();
        match self.actual.places.get(node) {
            Some(Seen::Unknown(why)) => return Err(unknown(why.to_string())),
            _ if !self.has_gluster_running() => return Ok(pending),
            _ => {}
        }
        let volumes = match &self.actual.volumes {
            Seen::Is(volumes) => volumes,
            Seen::NotYet(milestone) => return Err(unknown(format!("it cannot be seen yet whether {milestone}"))),
            Seen::Unknown(why) => return Err(unknown(format!("the volumes cannot be read: {why}"))),
        };
        for (name, volume) in volumes.iter().filter(|(_, volume)| volume.started) {
            for set in volume.bricks.chunks(volumes::present_set_size(volume)) {
                *pending.entry(name.clone()).or_default() += self.of_set(name, volume, set)?;
            }
        }
        Ok(pending)
    }

    /// What a set has to heal, if it has a brick that is served here.
    fn of_set(&self, name: &str, volume: &gluster::Volume, set: &[gluster::Brick]) -> Result<u64, Obstacle> {
        let node = self.node;
        let is_own = |brick: &&gluster::Brick| self.actual.owner(brick) == Some(node);
        let (own, others): (Vec<_>, Vec<_>) = set.iter().partition(is_own);
        let mut served = false;
        for brick in &own {
            let Some(place) = self.actual.place(node, &brick.path) else {
                let because = format!("{node}:{} of volume {name} is not in this file", brick.path);
                let hint = "write it into the file, or stop that volume first";
                return Err(obstacle(Cause::Unknown, because, hint));
            };
            served |= place.process.is_some();
        }
        if !served {
            return Ok(0);
        }
        for brick in &others {
            self.is_served(name, brick)?;
        }
        let first = set.first().is_some_and(|first| !is_own(&first));
        if !volumes::goes_on(volume, set.len(), others.len(), first) {
            let because = format!("volume {name} cannot be used without {node}");
            return Err(obstacle(Cause::Unsafe, because, "stop what uses it, and the volume, first"));
        }
        let listed = set.iter().map(|brick| {
            let place = self.actual.owner(brick).and_then(|node| self.actual.place(node, &brick.path));
            place.and_then(|place| place.pending)
        });
        let listed: Option<Vec<u64>> = listed.collect();
        let listed = listed.ok_or_else(|| unknown(format!("it is not known what volume {name} has to heal")))?;
        Ok(listed.into_iter().max().unwrap_or(0))
    }

    /// Whether a brick is served that is to go on alone.
    fn is_served(&self, volume: &str, brick: &gluster::Brick) -> Result<(), Obstacle> {
        let called = format!("{}:{}", brick.host, brick.path);
        let Some(holder) = self.actual.owner(brick) else {
            return Err(unknown(format!("it is not known whose brick {called} of volume {volume} is")));
        };
        let places = self.actual.places.get(holder);
        if let Some(Seen::Unknown(why)) = places {
            return Err(unknown(format!("brick {called} of volume {volume} cannot be seen: {}", said(why))));
        }
        match self.actual.place(holder, &brick.path).map(|place| place.process) {
            Some(Some(_)) => Ok(()),
            Some(None) => {
                let because = format!("brick {called} of volume {volume} is not served");
                Err(obstacle(Cause::Unsafe, because, "`bricklayer apply` starts it; then ask again"))
            }
            None => Err(unknown(format!("brick {called} of volume {volume} is not in this file"))),
        }
    }
}

fn said(why: &Why) -> String {
    match why {
        Why::Drained(node) => super::told(node),
        other => other.to_string(),
    }
}
