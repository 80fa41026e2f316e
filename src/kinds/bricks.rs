//! Bricks: the directories that hold a volume's data, and the file systems below them.
//!
//! The danger here is the wrong file system: a brick whose disk is not mounted is an empty directory on the root
//! file system, and whatever is written there is lost or fills the root. So a brick counts as ready only if it
//! carries its volume's id, or belongs to no volume yet and lies where the file says it may.

use std::collections::{BTreeMap, BTreeSet};

use super::actual::Actual;
use super::{Assessment, Brick, Cx, Filesystem, Kind, Spec, Volume, VolumeState};
use super::{maintenance, nodes};
use crate::model::{
    AbsPath, Cause, Difference, Findings, Item, Milestone, NodeName, Place, Risk, Seen, SpecPath, Subject, VolumeName,
};
use crate::tools::node::{self, BrickPlace, Device, Holds, PlaceKind};
use crate::tools::{gluster, systemd};

/// Below this share of free space a brick is said to be full: XFS and self-heal both need room to work.
const FREE_SHARE_MIN: f64 = 0.05;

/// The bricks, as a kind.
pub(super) struct Bricks;

impl Kind for Bricks {
    fn check(&self, spec: &Spec, findings: &mut Findings) {
        super::paths::check(spec, findings);
    }

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        let actual = Actual::of(cx);
        for (node, bricks) in planned(cx, &actual) {
            let devices = devices(cx, node, &bricks);
            for (volume, brick) in bricks {
                let one = One { cx, actual: &actual, name: volume, volume: &cx.spec.volumes[volume], brick };
                match &actual.places[node] {
                    Seen::Is(places) => one.at(places.get(brick.path.as_str()), devices.as_ref(), found),
                    Seen::NotYet(_) => one.make(None, found),
                    Seen::Unknown(why) => {
                        found.unknown(ready(brick), why);
                        found.unknown(served(brick), why);
                    }
                }
            }
        }
    }
}

/// The bricks of all volumes that are to be there, by node.
pub(super) fn by_node(spec: &Spec) -> BTreeMap<&NodeName, Vec<(&VolumeName, &Brick)>> {
    let mut by_node: BTreeMap<&NodeName, Vec<_>> = BTreeMap::new();
    for (name, volume) in spec.volumes.iter().filter(|(_, volume)| volume.state != VolumeState::Absent) {
        for brick in &volume.bricks {
            by_node.entry(&brick.node).or_default().push((name, brick));
        }
    }
    by_node
}

/// The same where a plan goes by them.
fn planned<'a>(cx: &'a Cx<'_>, actual: &'a Actual) -> BTreeMap<&'a NodeName, Vec<(&'a VolumeName, &'a Brick)>> {
    let mut by_node: BTreeMap<&NodeName, Vec<_>> = BTreeMap::new();
    for (name, volume) in cx.spec.volumes.iter().filter(|(_, volume)| volume.state != VolumeState::Absent) {
        for brick in actual.planned(cx, name, volume) {
            by_node.entry(&brick.node).or_default().push((name, brick));
        }
    }
    by_node
}

fn devices(cx: &Cx<'_>, node: &NodeName, bricks: &[(&VolumeName, &Brick)]) -> Option<Seen<BTreeMap<String, Device>>> {
    let devices: BTreeSet<&AbsPath> = bricks.iter().filter_map(|(_, brick)| brick.device.as_ref()).collect();
    (!devices.is_empty()).then(|| cx.see(node, &node::devices(devices)))
}

fn subject(brick: &Brick) -> Subject {
    Subject::on("brick", &brick.path, &brick.node)
}

/// The milestone that a volume can be made or started on `brick`.
pub(super) fn ready(brick: &Brick) -> Milestone {
    subject(brick).is("ready")
}

/// The milestone that a process serves `brick`.
pub(super) fn served(brick: &Brick) -> Milestone {
    subject(brick).is("served")
}

/// Whether nothing lies there, and nothing ever did.
pub(super) fn is_blank(place: &BrickPlace) -> bool {
    let empty = place.kind == PlaceKind::Absent || (place.kind == PlaceKind::Dir && place.empty);
    empty && place.volume_id.is_none()
}

/// One brick of one volume.
struct One<'a> {
    cx: &'a Cx<'a>,
    actual: &'a Actual,
    name: &'a VolumeName,
    volume: &'a Volume,
    brick: &'a Brick,
}

impl One<'_> {
    /// Looks at the place.
    fn at(&self, place: Option<&BrickPlace>, devices: Option<&Seen<BTreeMap<String, Device>>>, found: &mut Assessment) {
        let Some(place) = place else { return };
        if place.process.is_some() {
            found.met(served(self.brick));
        }
        self.room(place, found);
        // What lies below a mount point whose device is not mounted says nothing about the brick.
        let mounted = self.brick.path.parent().is_some_and(|above| above.as_str() == place.mount);
        if let (Some(device), Some(devices), false) = (&self.brick.device, devices, mounted) {
            return self.prepare(device, devices, found);
        }
        match &self.actual.volumes {
            Seen::NotYet(_) if place.volume_id.is_some() => return found.item(self.ask_whose()),
            Seen::Unknown(why) if place.volume_id.is_some() => return found.unknown(ready(self.brick), why),
            _ => {}
        }
        if let Some(item) = self.unfit(place) {
            return found.item(item.gives(ready(self.brick)));
        }
        if place.on_root && !self.volume.allow_root_partition && !self.belongs(place) {
            return found.item(self.held(
                "place",
                format!("{} would lie on the root file system of {}", self.brick.path, self.brick.node),
                "mount a file system there, name a `device`, or write `allowRootPartition: true` to try things out",
            ));
        }
        match place.kind {
            PlaceKind::Absent => self.make(Some(place), found),
            PlaceKind::Dir | PlaceKind::Other => found.met(ready(self.brick)),
        }
    }

    /// A place that some volume marked, while no glusterd runs that could tell which.
    fn ask_whose(&self) -> Item {
        let (path, node) = (&self.brick.path, &self.brick.node);
        let summary = format!("glusterd to tell which volume {path} on {node} belongs to");
        Item::wait(&subject(self.brick), "identity", summary, nodes::POLL)
            .needs(nodes::running(node, gluster::DAEMON))
            .gives(ready(self.brick))
            .assumed_if(true)
    }

    /// What is in the way of the place being this brick, if anything is.
    fn unfit(&self, place: &BrickPlace) -> Option<Item> {
        let (path, node) = (&self.brick.path, &self.brick.node);
        if place.kind == PlaceKind::Other {
            let because = format!("{path} on {node} is not a directory");
            return Some(self.held("place", because, "move it away, or name another path"));
        }
        let own_id = self.demanded_id(place);
        if own_id.is_none() && place.mount == path.as_str() && !self.volume.allow_root_partition {
            let because = format!("{path} on {node} is a mount point, and glusterd takes only a directory below one");
            return Some(self.held("place", because, "name a directory below it, such as `PATH/brick`"));
        }
        match (own_id, &place.volume_id) {
            (Some(own), Some(there)) if own == *there => None,
            (Some(_), _) => Some(self.lost(format!("{path} on {node} does not carry the id of volume {}", self.name))),
            (None, Some(there)) if place.empty && (self.was_given_up(there) || self.is_nobodys(there)) => {
                Some(self.release(there))
            }
            (None, Some(there)) if self.was_given_up(there) => Some(self.held(
                "identity",
                format!("{path} on {node} was given up: volume {} has gone on without it", self.name),
                "empty it once nothing in it is needed, with its extended attributes: `rm -rf` the directory; it is \
                 made anew and filled from the other copies",
            )),
            (None, Some(there)) => Some(self.held(
                "identity",
                format!("{path} on {node} was part of another volume (id {there})"),
                "name another path, or, if nothing in it is needed, empty it and take away its extended attributes",
            )),
            (None, None) => None,
        }
    }

    /// The volume is there, and its brick is not.
    fn lost(&self, because: String) -> Item {
        let hint = format!(
            "its file system is not mounted, or its disk was replaced: mount it, or, if what lay there is lost, `bricklayer \
             node replace {}`; nothing is made or started there meanwhile",
            self.brick.node
        );
        self.held("identity", because, &hint)
    }

    /// The id of the volume, if it exists and this brick is one of its own.
    fn existing_id(&self) -> Option<String> {
        let volume = self.actual.volumes.known()?.get(self.name.as_str())?;
        self.actual.has_brick(self.name, self.brick).then(|| volume.id.clone())
    }

    /// The id that its place is to carry. One that is empty gets it when the brick of a lost machine is filled anew.
    fn demanded_id(&self, place: &BrickPlace) -> Option<String> {
        self.existing_id().filter(|_| !(self.is_replaced() && is_blank(place)))
    }

    /// Whether the brick's machine is a new one, on which it is to be made anew.
    fn is_replaced(&self) -> bool {
        maintenance::replaces(self.cx, &self.brick.node)
    }

    /// Whether this place carries the id of the volume that it is no brick of any more.
    fn was_given_up(&self, id: &str) -> bool {
        let volume = self.actual.volumes.known().and_then(|volumes| volumes.get(self.name.as_str()));
        volume.is_some_and(|volume| volume.id == id)
    }

    /// Whether every volume is known and none has this id.
    fn is_nobodys(&self, id: &str) -> bool {
        self.actual.volumes.known().is_some_and(|volumes| volumes.values().all(|volume| volume.id != id))
    }

    /// glusterd marks a brick before it knows whether the volume can be made or have it; if not, the mark stays and would
    /// keep the brick from every volume.
    fn release(&self, id: &str) -> Item {
        let (path, node) = (&self.brick.path, &self.brick.node);
        let summary = format!("take the mark of a volume that never had it from {path} on {node}");
        let command = node::release_brick(path);
        Item::run(&subject(self.brick), "release", summary, Place::On(node.clone()), command)
            .because(Difference::gone("volume id of an empty directory", id))
    }

    fn belongs(&self, place: &BrickPlace) -> bool {
        place.volume_id.is_some() && self.existing_id() == place.volume_id
    }

    fn held(&self, verb: &str, because: String, hint: &str) -> Item {
        let summary = format!("use {}:{} for volume {}", self.brick.node, self.brick.path, self.name);
        Item::held(&subject(self.brick), verb, summary, Cause::Refused, because, hint)
    }

    /// The same step, once glusterd can say that no volume has this brick already; none if nobody can tell.
    fn once_volumes_are_known(&self, item: Item, found: &mut Assessment) -> Option<Item> {
        if let Seen::Unknown(why) = &self.actual.volumes {
            found.unknown(ready(self.brick), why);
            return None;
        }
        Some(item.needs(nodes::running(&self.brick.node, gluster::DAEMON)))
    }

    /// Makes the directory. Only once glusterd can say that no volume has it already.
    fn make(&self, place: Option<&BrickPlace>, found: &mut Assessment) {
        let node = &self.brick.node;
        let own_file_system = place.filter(|place| !place.on_root).and_then(|place| AbsPath::new(&place.mount).ok());
        let mount = match &self.brick.device {
            Some(_) => self.brick.path.parent(),
            None => own_file_system,
        };
        let item = Item::run(
            &subject(self.brick),
            "make",
            format!("make the brick directory {} on {node}", self.brick.path),
            Place::On(node.clone()),
            node::make_brick(&self.brick.path, mount.as_ref()),
        )
        .because(Difference::new("directory", self.brick.path.as_str()))
        .gives(ready(self.brick))
        .assumed_if(place.is_none() || self.actual.volumes.known().is_none());
        let Some(item) = self.once_volumes_are_known(item, found) else { return };
        let mounted = place.is_some_and(|place| mount.as_ref().is_some_and(|at| at.as_str() == place.mount));
        found.item(match &self.brick.device {
            Some(_) if !mounted => item.needs(subject(self.brick).is("mounted")),
            _ => item,
        });
    }

    /// Gets the file system of a brick with a device of its own onto its place.
    fn prepare(&self, device: &AbsPath, devices: &Seen<BTreeMap<String, Device>>, found: &mut Assessment) {
        let node = &self.brick.node;
        let seen = match devices {
            Seen::Is(devices) => devices.get(device.as_str()),
            Seen::NotYet(_) => None,
            Seen::Unknown(why) => return found.unknown(ready(self.brick), why),
        };
        let filesystem = self.brick.filesystem.unwrap_or_default();
        let formatted = subject(self.brick).is("formatted");
        let refuse = |because: String, hint: &str| self.held("device", because, hint).gives(ready(self.brick));
        match seen.map(|device| (&device.holds, &device.mount)) {
            None => return,
            Some((Holds::Absent, _)) => {
                return found.item(refuse(format!("{node} has no block device {device}"), "name one that is there"));
            }
            Some((_, Some(elsewhere))) => {
                let because = format!("{device} on {node} is mounted on {elsewhere}");
                return found.item(refuse(because, "unmount it, or name another device"));
            }
            Some((Holds::Signature(signature), None)) if signature == filesystem.name() => found.met(formatted.clone()),
            Some((Holds::Signature(signature), None)) => {
                let because = format!("{device} on {node} is not blank: it carries {signature}");
                let hint = "only blank devices are formatted; if nothing on it is needed, `wipefs --all` it yourself";
                return found.item(refuse(because, hint));
            }
            Some((Holds::Blank, None)) if self.existing_id().is_some() && !self.is_replaced() => {
                let because = format!("{device} on {node} is blank, and volume {} has its brick on it", self.name);
                return found.item(self.lost(because).gives(ready(self.brick)));
            }
            Some((Holds::Blank, None)) => {
                let Some(item) = self.once_volumes_are_known(self.format(device, filesystem), found) else { return };
                found.item(item.gives(formatted.clone()));
            }
        }
        let mount = self.mount(device, filesystem).needs(formatted);
        if self.existing_id().is_some() && !self.is_replaced() {
            // The brick is on it already; whether it is the right one, the look after the mount tells.
            return found.item(mount.gives(ready(self.brick)));
        }
        found.item(mount);
        self.make(None, found);
    }

    fn format(&self, device: &AbsPath, filesystem: Filesystem) -> Item {
        let name = filesystem.name();
        Item::run(
            &subject(self.brick),
            "format",
            format!("make an {name} file system on {device} of {}", self.brick.node),
            Place::On(self.brick.node.clone()),
            node::format(device, name),
        )
        .because(Difference::changed(device.as_str(), "blank", name))
        .needs(nodes::installed(&self.brick.node, filesystem.package()))
        .at_risk(Risk::Destructive, format!("what {device} holds without a signature is gone"))
    }

    fn mount(&self, device: &AbsPath, filesystem: Filesystem) -> Item {
        let above = self.brick.path.parent().unwrap_or_else(|| self.brick.path.clone());
        let unit = systemd::MountUnit {
            owner: &format!("brick of volume {} in cluster {}", self.name, self.cx.spec.cluster),
            what: device.as_str(),
            path: &above,
            fstype: filesystem.name(),
            options: &["noatime".to_owned()],
            before: &[gluster::UNIT],
            after: &[],
        };
        Item::run(
            &subject(self.brick),
            "mount",
            format!("mount {device} on {above} of {}", self.brick.node),
            Place::On(self.brick.node.clone()),
            systemd::replace_mount(&above, &unit.text()),
        )
        .because(Difference::new("mount", format!("{device} on {above}")))
        .gives(subject(self.brick).is("mounted"))
    }

    fn room(&self, place: &BrickPlace, found: &mut Assessment) {
        #[expect(clippy::cast_precision_loss, reason = "a share of a disk, not an account")]
        let share = place.free_kib as f64 / place.size_kib.max(1) as f64;
        if share < FREE_SHARE_MIN {
            let position = self.volume.bricks.iter().position(|brick| brick == self.brick).unwrap_or(0);
            found.findings.warn(
                SpecPath::of(["volumes", self.name.as_str(), "bricks", &position.to_string()]),
                "brick-full",
                format!("{}:{} has {:.1} % of its space left", self.brick.node, self.brick.path, share * 100.0),
                "grow its file system or the volume before it is full: a full brick cannot heal",
            );
        }
    }
}
