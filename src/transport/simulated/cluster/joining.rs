//! `bricklayer-join`, the unit of our own by which a node joins once its bricks are healed, as its script does it.

use super::{corosync, pacemaker};
use crate::model::NodeName;
use crate::transport::simulated::node::Active;
use crate::transport::simulated::world::World;

/// The unit.
pub const UNIT: &str = "bricklayer-join.service";
const FILE: &str = "/etc/systemd/system/bricklayer-join.service";

impl World {
    /// Starts the script: Corosync comes first, and the rest with time.
    pub(in super::super) fn start_joining(&mut self, at: &NodeName) -> bool {
        self.start_unit(at, corosync::UNIT).is_ok()
    }

    /// Lets the scripts that wait go on.
    pub(super) fn join_the_healed(&mut self) {
        let now = self.clock_ms;
        let names: Vec<NodeName> = self.nodes.keys().cloned().collect();
        for name in names {
            let unit = self.nodes[&name].units.get(UNIT);
            let Some(since_ms) = unit.filter(|unit| unit.active == Active::Active).map(|unit| unit.since_ms) else {
                continue;
            };
            let Some((settle, patience, volumes)) = self.join_arguments(&name) else { continue };
            let waited_ms = now.saturating_sub(since_ms);
            let company = self.corosync(&name).is_some_and(|own| own.members.keys().any(|member| self.manages(member)));
            let whole = || volumes.iter().all(|volume| self.is_whole(&name, volume));
            let due = if company { whole() || waited_ms >= patience * 1000 } else { waited_ms >= settle * 1000 };
            if due {
                // The script ends by starting it, whatever comes of that.
                let _ = self.start_unit(&name, pacemaker::UNIT);
                if let Some(unit) = self.node_mut(&name).units.get_mut(UNIT) {
                    unit.active = Active::Inactive;
                }
            }
        }
    }

    /// `SETTLE PATIENCE VOLUME...` of the unit's file.
    fn join_arguments(&self, at: &NodeName) -> Option<(u64, u64, Vec<String>)> {
        let text = &self.nodes[at].files.get(FILE)?.text;
        let line = text.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
        let mut words = line.split_whitespace().skip(2);
        let (settle, patience) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some((settle, patience, words.map(str::to_owned).collect()))
    }

    /// Whether each brick of a volume answers and lists nothing to heal.
    fn is_whole(&self, at: &NodeName, volume: &str) -> bool {
        self.volume(volume).is_some_and(|volume| {
            volume.bricks.iter().all(|brick| {
                let pending = self.brick(&brick.uuid, &brick.path).map(|(_, directory)| directory.pending());
                self.brick_answers(at, &brick.uuid, &brick.path) && pending == Some(0)
            })
        })
    }
}
