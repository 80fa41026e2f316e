//! What a mount needs on each of its nodes: a unit of bricklayer's, as written, started and enabled.

use super::{Mount, MountState, managed};
use crate::kinds::units::{self, Units};
use crate::kinds::{Assessment, Cx, pool, volumes};
use crate::model::{Cause, Difference, Item, MountName, NodeName, Place, Risk, Seen, Subject};
use crate::tools::systemd::{self, MountUnit, Unit};
use crate::tools::{MARK, gluster, mounts};

/// Looks at all mounts.
pub(super) fn assess(cx: &Cx<'_>, found: &mut Assessment) {
    let units = units::of_all(cx);
    for (name, mount) in &cx.spec.mounts {
        for node in mount.on(cx.spec) {
            One { cx, name, mount, node }.look(&units[node], found);
        }
    }
}

/// One mount on one node.
pub(super) struct One<'a> {
    pub(super) cx: &'a Cx<'a>,
    pub(super) name: &'a MountName,
    pub(super) mount: &'a Mount,
    pub(super) node: &'a NodeName,
}

/// What was seen of it.
pub(super) struct Now {
    text: Option<String>,
    unit: Unit,
    pub(super) mounted: bool,
}

impl Now {
    /// Whether there is a unit for it that bricklayer wrote.
    pub(super) fn is_ours(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.starts_with(MARK))
    }
}

impl One<'_> {
    pub(super) fn subject(&self) -> Subject {
        Subject::on("mount", self.name, self.node)
    }

    fn unit(&self) -> String {
        systemd::mount_unit_name(&self.mount.path)
    }

    fn look(&self, units: &Units, found: &mut Assessment) {
        let unit = self.unit();
        let text = self.cx.see(self.node, &systemd::mount_unit(&self.mount.path));
        let mounted = self.cx.see(self.node, &mounts::gluster_mounts());
        let (text, units, mounted) = match (text, units, mounted) {
            (Seen::Is(text), Seen::Is(units), Seen::Is(mounted)) => (text, units, mounted),
            (Seen::Unknown(why), ..) | (.., Seen::Unknown(why)) => {
                return found.unknown(self.subject().is("mounted"), &why);
            }
            (_, Seen::Unknown(why), _) => {
                return found.unknown(self.subject().is("mounted"), why);
            }
            _ => return,
        };
        let now = Now {
            text: (*text).clone(),
            unit: units.get(&unit).cloned().unwrap_or_default(),
            mounted: mounted.contains_key(self.mount.path.as_str()),
        };
        match self.mount.state {
            MountState::Mounted if self.cx.spec.is_managed(self.name) => managed::assess(self, &now, found),
            MountState::Mounted => self.mount(&now, found),
            MountState::Absent => self.unmount(&now, found),
        }
    }

    /// The unit's text as it is to be.
    fn text(&self) -> String {
        let options: Vec<String> =
            self.mount.options.iter().cloned().chain(std::iter::once("_netdev".to_owned())).collect();
        MountUnit {
            owner: &format!("mount {} of cluster {}", self.name, self.cx.spec.cluster),
            what: &format!("localhost:/{}", self.mount.volume),
            path: &self.mount.path,
            fstype: "glusterfs",
            options: &options,
            before: &[],
            after: &[gluster::UNIT],
        }
        .text()
    }

    fn mount(&self, now: &Now, found: &mut Assessment) {
        let mounted = self.subject().is("mounted");
        let text = self.text();
        let as_written = now.text.as_deref() == Some(&text);
        if as_written && now.mounted && now.unit.active() && now.unit.enabled {
            return found.met(mounted);
        }
        if let Some(held) = self.foreign(now) {
            return found.item(held.gives(mounted));
        }
        let (verb, command) = if as_written {
            ("mount", systemd::enable_now(&self.unit()))
        } else {
            ("replace", systemd::replace_mount(&self.mount.path, &text))
        };
        let summary = format!("mount {} on {} of {}", self.mount.volume, self.mount.path, self.node);
        let mut item = Item::run(&self.subject(), verb, summary, Place::On(self.node.clone()), command)
            .needs(pool::in_pool(self.node))
            .needs(volumes::usable(&self.mount.volume))
            .gives(mounted);
        item.why = self.why(now, as_written);
        if now.mounted && !as_written {
            item = item.at_risk(Risk::Disruptive, format!("{} is unmounted for a moment", self.mount.path));
        }
        found.item(item);
    }

    fn why(&self, now: &Now, as_written: bool) -> Vec<Difference> {
        let mut why = Vec::new();
        if !as_written {
            why.push(match now.text {
                Some(_) => Difference::changed(self.unit(), "another text", "as written"),
                None => Difference::new(self.unit(), "as written"),
            });
        }
        if !now.mounted {
            why.push(Difference::changed(self.mount.path.as_str(), "not mounted", "mounted"));
        }
        if now.unit.loaded && !now.unit.enabled {
            why.push(Difference::changed("at boot", "not mounted", "mounted"));
        }
        why
    }

    /// A unit file that somebody else wrote is not overwritten.
    fn foreign(&self, now: &Now) -> Option<Item> {
        let foreign = now.text.as_ref().is_some_and(|text| !text.starts_with(MARK));
        foreign.then(|| {
            Item::held(
                &self.subject(),
                "foreign",
                format!("mount {} on {} of {}", self.mount.volume, self.mount.path, self.node),
                Cause::Refused,
                format!(
                    "{} on {} was not written by bricklayer",
                    systemd::mount_unit_file(&self.mount.path),
                    self.node
                ),
                "take the file away, or name another path",
            )
        })
    }

    pub(super) fn unmount(&self, now: &Now, found: &mut Assessment) {
        if !now.is_ours() {
            return;
        }
        let place = || Place::On(self.node.clone());
        let gone = self.subject().is("unmounted");
        if now.mounted || now.unit.enabled || now.unit.active() {
            let summary = format!("unmount {} on {}", self.mount.path, self.node);
            let item = Item::run(&self.subject(), "unmount", summary, place(), systemd::disable_now(&self.unit()))
                .because(Difference::gone(self.mount.path.as_str(), "mounted"))
                .at_risk(Risk::Disruptive, format!("{} is no longer there for those who use it", self.mount.path));
            found.item(item.gives(gone.clone()));
        } else {
            found.met(gone.clone());
        }
        let summary = format!("remove the mount unit for {} on {}", self.mount.path, self.node);
        let command = systemd::remove_mount_unit(&self.mount.path);
        let item = Item::run(&self.subject(), "remove", summary, place(), command);
        found.item(item.because(Difference::gone(self.unit(), "as written")).needs(gone));
    }
}
