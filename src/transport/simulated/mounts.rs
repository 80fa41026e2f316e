//! `findmnt`, and when a volume can be mounted.

use super::node::Node;
use super::output::{Call, failed, printed};
use super::world::World;
use crate::model::{NodeName, Output};

/// What the kernel shows for the options of a volume's mount, whatever was asked for.
const FUSE_OPTIONS: &str = "rw,relatime,user_id=0,group_id=0,default_permissions,allow_other,max_read=131072";
const DISK_OPTIONS: &str = "rw,relatime,inode64,logbufs=8,logbsize=32k,noquota";

/// Runs `findmnt --json [--types TYPE]`.
pub fn findmnt(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let mut fstype = None;
    let mut args = call.args.iter();
    while let Some(&arg) = args.next() {
        match arg {
            "--json" | "-J" => {}
            "--types" | "-t" => fstype = args.next(),
            other => {
                let hint = "Try 'findmnt --help' for more information.";
                return failed(1, format!("findmnt: unrecognized option '{other}'\n{hint}\n"));
            }
        }
    }
    let entries: Vec<String> = world.nodes[at]
        .mounts
        .iter()
        .filter(|(_, mount)| fstype.is_none_or(|wanted| *wanted == mount.fstype))
        .map(|(target, mount)| {
            let options = if mount.fstype == "fuse.glusterfs" { FUSE_OPTIONS } else { DISK_OPTIONS };
            let fields = [
                ("target", target.as_str()),
                ("source", &mount.source),
                ("fstype", &mount.fstype),
                ("options", options),
            ];
            fields.map(|(name, value)| format!("         \"{name}\": \"{value}\"")).join(",\n")
        })
        .collect();
    let list = if entries.is_empty() {
        String::new()
    } else {
        format!("      {{\n{}\n      }}", entries.join("\n      },{\n"))
    };
    printed(format!("{{\n   \"filesystems\": [\n{list}\n   ]\n}}\n"))
}

impl World {
    /// Whether `at` can mount `HOST:/VOLUME`: a glusterd that answers and has it started, and enough bricks.
    #[must_use]
    pub fn can_mount(&self, at: &NodeName, source: &str, options: &str) -> bool {
        let Some((host, volume)) = source.split_once(':') else { return false };
        let client = ["glusterfs-client", "glusterfs-fuse"];
        if !client.iter().any(|package| self.nodes[at].packages.contains_key(*package)) {
            return false;
        }
        let backups = options.split(',').find_map(|option| option.strip_prefix("backup-volfile-servers="));
        let hosts = std::iter::once(host).chain(backups.into_iter().flat_map(|list| list.split(':')));
        let servers = hosts.filter_map(|host| self.node_called(at, host));
        let volume = volume.trim_start_matches('/');
        servers
            .filter(|server| self.reaches(at, server) && self.nodes[*server].serves())
            .filter_map(|server| self.nodes[server].volume(volume))
            .any(|volume| volume.started() && self.has_quorum(at, volume))
    }

    /// Whether every set of a volume has enough bricks that `at` reaches.
    #[must_use]
    pub fn has_quorum(&self, at: &NodeName, volume: &super::node::Volume) -> bool {
        volume.bricks.chunks(volume.set_size()).all(|set| {
            let up = set.iter().filter(|brick| self.brick_answers(at, &brick.uuid, &brick.path)).count();
            let needed = match (volume.disperse, set.len()) {
                (0, 0..=2) => 1,
                (0, len) => len / 2 + 1,
                (len, _) => len - volume.redundancy,
            };
            up >= needed
        })
    }

    /// Whether a brick serves `at`.
    #[must_use]
    pub fn brick_answers(&self, at: &NodeName, uuid: &str, path: &str) -> bool {
        let reached = self.node_with(uuid).is_some_and(|node| self.reaches(at, node));
        reached && self.brick_is_up(uuid, path)
    }
}

impl Node {
    /// Where a device is mounted.
    #[must_use]
    pub fn mount_point(&self, device: &str) -> Option<&str> {
        self.mounts.iter().find(|(_, mount)| mount.source == device).map(|(path, _)| path.as_str())
    }
}
