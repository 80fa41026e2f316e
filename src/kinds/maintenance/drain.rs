//! Draining: what runs on a node moves, what its bricks know to be missing elsewhere heals, and only then it leaves the
//! cluster and its bricks are stopped.
//!
//! In this order nobody notices: a member that has left is not fenced, and a brick that is stopped says goodbye to its
//! clients, who wait for none. What has been done is seen, not remembered, so a drain that was broken off goes on.

use std::time::Duration;

use super::obstacles::{Obstacle, Sight};
use crate::kinds::{Assessment, Cx, corosync, manager, volumes};
use crate::model::{Difference, Item, Lane, Milestone, NodeName, Place, Risk, Subject, Threat};
use crate::tools::{gluster, node as files, pacemaker, systemd};

/// How long until it is worth looking again.
const POLL: Duration = Duration::from_secs(1);
/// How long Pacemaker may take to stop: nothing runs there any more.
const STOP_DEADLINE: Duration = Duration::from_secs(180);

/// A node that is to be drained.
struct Drain<'a> {
    sight: &'a Sight<'a>,
    node: &'a NodeName,
    subject: Subject,
}

/// Looks at `node`, which is to be drained.
pub(super) fn assess(cx: &Cx<'_>, node: &NodeName, found: &mut Assessment) {
    let sight = Sight::of(cx, node);
    let subject = Subject::new("drain", node);
    if let Some(Obstacle { cause, because, hint }) = sight.obstacle() {
        let summary = format!("take {node} out of service");
        return found.item(Item::held(&subject, "begin", summary, cause, because, hint));
    }
    let drain = Drain { sight: &sight, node, subject };
    drain.mark(found);
    drain.moved(found);
    drain.heal(found);
    drain.leave(found);
    drain.stop(found);
    if sight.marked == Some(true) && sight.is_standby() && sight.is_at_rest() {
        found.met(super::drained(node));
    }
}

impl Drain<'_> {
    fn is(&self, state: &'static str) -> Milestone {
        self.subject.is(state)
    }

    fn run(&self, verb: &str, summary: String, command: crate::model::Command) -> Item {
        Item::run(&self.subject, verb, summary, Place::On(self.node.clone()), command)
    }

    /// From here on nobody else starts what is stopped.
    fn mark(&self, found: &mut Assessment) {
        if self.sight.marked == Some(true) {
            return found.met(self.is("marked"));
        }
        let item = self.run("mark", format!("mark {} as drained", self.node), files::mark_drained());
        found.item(item.because(Difference::new(files::DRAINED, "the mark")).gives(self.is("marked")));
    }

    /// Has the cluster run nothing here, and waits until it does, and what ran here runs elsewhere.
    fn moved(&self, found: &mut Assessment) {
        let Some(standing) = self.sight.standing() else { return found.met(self.is("free")) };
        let runs = standing.state.resources.iter().filter(|one| one.on.iter().any(|on| on == self.node.as_str()));
        let count = runs.count() as u64;
        if self.sight.is_standby() {
            found.met(self.is("standby"));
        } else {
            found.item(self.standby(standing));
        }
        let before = found.items.len();
        if self.sight.is_standby() {
            manager::unsettled(self.sight.cx, standing, found);
            found.items[before..].iter_mut().for_each(|item| item.gives.push(self.is("free")));
        }
        if count > 0 || !self.sight.is_standby() {
            let wait = Item::wait(&self.subject, "move", format!("nothing to run on {}", self.node), POLL);
            let wait = wait.left(count, "resources").needs(self.is("standby"));
            found.item(wait.gives(self.is("free")));
        } else if found.items.len() == before {
            found.met(self.is("free"));
        }
    }

    fn standby(&self, standing: &manager::Standing) -> Item {
        let summary = format!("have the cluster run nothing on {}", self.node);
        let place = Place::On(standing.node.clone());
        let command = pacemaker::standby(self.node.as_str(), true);
        let item = Item::run(&self.subject, "standby", summary, place, command)
            .because(Difference::changed("standby", "off", "on"))
            .in_lane(Lane::Cib)
            .threatens(Threat::Cluster)
            .needs(self.is("marked"))
            .gives(self.is("standby"));
        self.sight.services_here().fold(item, |item, name| {
            item.at_risk(Risk::Disruptive, format!("service {name} moves away from {}", self.node))
        })
    }

    /// Waits for what the bricks here and their siblings list of each other; nobody stops a brick before.
    fn heal(&self, found: &mut Assessment) {
        let pending = self.sight.pending();
        let mut met = true;
        for (name, entries) in pending.iter().filter(|(_, entries)| **entries > 0) {
            met = false;
            let summary = format!("volume {name} to heal");
            let wait = Item::wait(&self.subject, &format!("heal-{name}"), summary, POLL).left(*entries, "entries");
            if self.sight.cx.intent.stalled.contains(&wait.id) {
                found.items.extend(volumes::heal_now(self.sight.cx, &self.sight.actual, name));
            }
            found.item(wait.needs(self.is("free")).gives(self.is("whole")));
        }
        if met {
            found.met(self.is("whole"));
        }
    }

    /// Leaves the cluster with a goodbye.
    fn leave(&self, found: &mut Assessment) {
        let units = corosync::in_use(&self.sight.units);
        if units.is_empty() {
            return found.met(self.is("out of the cluster"));
        }
        let summary = format!("stop Pacemaker and Corosync on {}", self.node);
        let item = self.run("leave", summary, systemd::stop(&units).within(STOP_DEADLINE));
        let stops = |item: Item, unit: &&str| item.because(Difference::changed(*unit, "active", "inactive"));
        let mut item = units.iter().fold(item, stops);
        for state in ["marked", "free", "whole"] {
            item = item.needs(self.is(state));
        }
        found.item(item.gives(self.is("out of the cluster")));
    }

    /// Stops the bricks, which say goodbye to their clients.
    fn stop(&self, found: &mut Assessment) {
        if !self.sight.has_gluster_running() {
            return;
        }
        let summary = format!("stop glusterd and its bricks on {}", self.node);
        let mut item = self
            .run("stop", summary, gluster::stop_all())
            .because(Difference::changed(gluster::UNIT, "active", "inactive"))
            .at_risk(Risk::Safe, format!("what is written from now on heals to {} once it is resumed", self.node));
        for state in ["marked", "free", "whole", "out of the cluster"] {
            item = item.needs(self.is(state));
        }
        found.item(item);
    }
}
