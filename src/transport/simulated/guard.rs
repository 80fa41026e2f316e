//! `guard`, the script of our own that looks at bricks before glusterd serves them, as its part of the unit runs it.

use super::output::silent;
use super::world::World;
use crate::model::{NodeName, Output};

/// The unit that it is a part of.
pub const UNIT: &str = "glusterd.service";
/// Where its part lies.
pub const UNIT_FILE: &str = "/etc/systemd/system/glusterd.service.d/bricklayer.conf";
/// What a person leaves behind who knows that the other copies are lost.
const ALONE: &str = "/run/bricklayer/alone";
/// How long until it asks again.
const AGAIN_MS: u64 = 5000;

/// What it says of the bricks of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Serve,
    Wait,
    Torn,
}

/// A brick here and another copy of it: volume, path, host and path.
type Copy = [String; 4];

impl World {
    /// Whether glusterd may start; if not, whether it is tried again is noted.
    pub(super) fn may_serve_bricks(&mut self, at: &NodeName) -> bool {
        let says = self.copies(at).iter().map(|copy| self.says_of(at, copy)).max().unwrap_or(Says::Serve);
        let again_ms = (says == Says::Wait).then_some(self.clock_ms + AGAIN_MS);
        self.node_mut(at).asks_again_ms = again_ms;
        says == Says::Serve
    }

    /// Lets those ask again that could not be answered.
    pub(super) fn ask_for_copies_again(&mut self) {
        let now = self.clock_ms;
        let due = |name: &&NodeName| {
            let node = &self.nodes[*name];
            node.is_on() && node.asks_again_ms.is_some_and(|again_ms| again_ms <= now)
        };
        for name in self.nodes.keys().filter(due).cloned().collect::<Vec<_>>() {
            let _ = self.start_unit(&name, UNIT);
        }
    }

    /// `[VOLUME BRICK HOST BRICK]...` of the unit's part.
    fn copies(&self, at: &NodeName) -> Vec<Copy> {
        let text = self.nodes[at].files.get(UNIT_FILE).map_or("", |file| file.text.as_str());
        let line = text.lines().find_map(|line| line.strip_prefix("ExecCondition=")).unwrap_or_default();
        let words: Vec<String> = line.split_whitespace().skip(2).map(str::to_owned).collect();
        words.chunks(4).filter_map(|copy| copy.to_vec().try_into().ok()).collect()
    }

    fn says_of(&self, at: &NodeName, [volume, own, host, other]: &Copy) -> Says {
        let node = &self.nodes[at];
        let is_mounted = node.mounts.values().any(|mount| mount.source.ends_with(&format!(":/{volume}")));
        let asks = |own: &super::disks::Directory| own.pending() > 0 && own.process.is_none();
        if is_mounted || !node.directory(own).is_some_and(asks) {
            return Says::Serve;
        }
        let sibling = self.node_called(at, host).map(|name| &self.nodes[name]);
        let answers = sibling.filter(|sibling| self.brick_answers(at, &sibling.glusterd.uuid, other));
        match answers.and_then(|sibling| sibling.directory(other)) {
            Some(other) if other.pending() > 0 => Says::Torn,
            None if !node.files.contains_key(ALONE) => Says::Wait,
            _ => Says::Serve,
        }
    }
}

/// `go-on-alone`
pub(super) fn go_on_alone(world: &mut World, at: &NodeName) -> Output {
    world.node_mut(at).put(ALONE, "", "0644");
    let _ = world.start_unit(at, UNIT);
    silent()
}
