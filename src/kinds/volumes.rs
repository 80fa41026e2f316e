//! Volumes: their shape, their bricks' order, their options and whether they run.

mod assess;
mod check;
mod check_options;
mod layout;
mod options;
mod shape;

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};

use super::one_of::{MapReader, word_or_map};
use super::{Assessment, Cx, Kind, Spec, parameters};
use crate::model::{AbsPath, Findings, Milestone, NodeName, Subject, VolumeName};
use crate::tools::gluster;

pub(super) use assess::{disputed, heal_now};
pub(super) use options::written as written_options;
pub(super) use shape::{change, in_place};

/// The volumes, as a kind.
pub(super) struct Volumes;

impl Kind for Volumes {
    fn check(&self, spec: &Spec, findings: &mut Findings) {
        check::check(spec, findings);
    }

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        assess::assess(cx, found);
    }
}

/// The milestone that `volume` exists.
fn exists(volume: &VolumeName) -> Milestone {
    Subject::new("volume", volume).is("created")
}

/// The milestone that `volume` is started.
fn started(volume: &VolumeName) -> Milestone {
    Subject::new("volume", volume).is("started")
}

/// The milestone that enough bricks of `volume` are served for it to be used.
pub(super) fn usable(volume: &VolumeName) -> Milestone {
    Subject::new("volume", volume).is("ready for use")
}

/// The milestone that every copy of `volume` is complete and served.
pub(crate) fn healed(volume: &VolumeName) -> Milestone {
    Subject::new("volume", volume).is("healed")
}

/// A `GlusterFS` volume.
///
/// Without `replica` and `disperse` it is distributed: every file lies on one brick.
///
/// ```yaml
/// volumes:
///   data00:
///     replica: 2
///     bricks: [node01:/glvol00/brick, node02:/glvol00/brick]
///     profile: db-workload
///     options: {network.ping-timeout: 20}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volume {
    /// How many bricks hold each file, an arbiter included. Bricks are taken in the order written, so many a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2))]
    pub replica: Option<u32>,
    /// How many bricks of each replica set hold names only: 1, with `replica: 3`. The last brick of each set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1))]
    pub arbiter: Option<u32>,
    /// How many bricks each file is spread over by erasure code, redundancy included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3))]
    pub disperse: Option<u32>,
    /// How many bricks of a disperse set may be lost; 1 unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub redundancy: Option<u32>,
    /// The bricks. Their order is the volume's shape: replica sets are filled from the front.
    #[serde(default)]
    pub bricks: Vec<Brick>,
    /// A set of options that upstream keeps for a kind of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Options as `gluster volume set` takes them. Values are kept as written.
    #[serde(default)]
    #[schemars(schema_with = "parameters::schema")]
    pub options: BTreeMap<String, String>,
    /// Whether bricks may lie on the node's root file system: for trying things out.
    #[serde(default)]
    pub allow_root_partition: bool,
    /// Whether the volume is to run, to rest, or not to be there.
    #[serde(default)]
    pub state: VolumeState,
}

/// Whether a volume is to run, to rest, or not to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum VolumeState {
    /// It exists and runs.
    #[default]
    Started,
    /// It exists and rests.
    Stopped,
    /// It is deleted, which is destructive. The files in its bricks stay where they are.
    Absent,
}

/// A set of options that upstream keeps for a kind of use (`extras/group-*` in its sources).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// A database's files: no caching translators, direct reads.
    DbWorkload,
    /// Images of virtual machines.
    Virt,
}

/// A brick: `node:/path`, or a map where bricklayer also makes the file system.
///
/// ```yaml
/// bricks:
///   - node01:/glvol00/brick
///   - {node: node02, path: /bricks/data00/brick, device: /dev/vdb, filesystem: xfs}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brick {
    /// The node that holds it.
    pub node: NodeName,
    /// Its directory.
    pub path: AbsPath,
    /// The block device for its file system, formatted only if it is blank, mounted on the directory above `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<AbsPath>,
    /// The file system to make on the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<Filesystem>,
}

impl Brick {
    /// What gluster calls it: `node01m:/glvol00/brick`.
    pub(super) fn called(&self, spec: &Spec) -> String {
        format!("{}:{}", spec.storage_of(&self.node), self.path)
    }
}

/// A file system for bricks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Filesystem {
    /// XFS with inodes of 512 bytes, as upstream advises.
    #[default]
    Xfs,
    /// ext4.
    Ext4,
}

impl Filesystem {
    /// Its name, as mkfs and mount know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Xfs => "xfs",
            Self::Ext4 => "ext4",
        }
    }

    /// The package that makes it, on every family of distributions.
    pub(super) fn package(self) -> &'static str {
        match self {
            Self::Xfs => "xfsprogs",
            Self::Ext4 => "e2fsprogs",
        }
    }
}

/// A brick written as a map.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BrickMap {
    /// The node that holds it.
    node: NodeName,
    /// Its directory.
    path: AbsPath,
    /// The block device for its file system, formatted only if it is blank, mounted on the directory above `path`.
    device: Option<AbsPath>,
    /// The file system to make on the device: xfs unless written.
    filesystem: Option<Filesystem>,
}

impl<'de> Deserialize<'de> for Brick {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsMap;
        impl<'de> MapReader<'de, Brick> for AsMap {
            fn read<A: MapAccess<'de>>(self, entries: A) -> Result<Brick, A::Error> {
                let BrickMap { node, path, device, filesystem } =
                    BrickMap::deserialize(MapAccessDeserializer::new(entries))?;
                if filesystem.is_some() && device.is_none() {
                    return Err(A::Error::custom("`filesystem` needs a `device` to make it on"));
                }
                let filesystem = device.as_ref().map(|_| filesystem.unwrap_or_default());
                Ok(Brick { node, path, device, filesystem })
            }
        }
        word_or_map(deserializer, "`node:/path` or a map with `node` and `path`", brick_from_word, AsMap)
    }
}

fn brick_from_word(word: &str) -> Result<Brick, String> {
    let (node, path) = word.split_once(':').ok_or_else(|| format!("`{word}` is not a brick; write `node:/path`"))?;
    Ok(Brick {
        node: NodeName::new(node).map_err(|e| e.to_string())?,
        path: AbsPath::new(path).map_err(|e| e.to_string())?,
        device: None,
        filesystem: None,
    })
}

impl JsonSchema for Brick {
    fn schema_name() -> Cow<'static, str> {
        "Brick".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<BrickMap>();
        json_schema!({
            "description": "A brick: `node:/path`, or a map where bricklayer also makes the file system.",
            "oneOf": [{ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9.-]*:(/[A-Za-z0-9_+@=.-]+)+$" }, map]
        })
    }
}

/// Whether the volume keeps more than one copy of a file, or can make it anew.
pub(super) fn is_redundant(volume: &Volume) -> bool {
    volume.disperse.is_some() || volume.replica.is_some_and(|count| count > 1)
}

/// Whether two clients that lose sight of each other can both go on writing, each to its own copy: replicas without
/// client quorum. Unless written, clients of three copies and more want more than half of them, and of two none
/// (`gluster volume set help`, `cluster.quorum-type`). A disperse set never has too few bricks and still writes.
pub(super) fn may_diverge(volume: &Volume) -> bool {
    let (Some(replica @ 2..), None) = (volume.replica, volume.disperse) else { return false };
    let written = written_options(volume);
    let kind = written.get("cluster.quorum-type").map(|kind| kind.to_ascii_lowercase());
    match kind.as_deref() {
        None => replica == 2,
        Some("auto") => false,
        Some("fixed") => {
            let count = written.get("cluster.quorum-count").and_then(|count| count.parse::<u32>().ok());
            count.is_none_or(|count| u64::from(count) * 2 <= u64::from(replica))
        }
        Some(_) => true,
    }
}

/// How many bricks of a set a client must reach, where clients keep a quorum.
pub(super) fn client_quorum(volume: &Volume) -> Option<usize> {
    if may_diverge(volume) {
        return None;
    }
    let fixed = written_options(volume).get("cluster.quorum-count").and_then(|count| count.parse().ok());
    let shape = shape::wanted(volume);
    Some(fixed.filter(|_| shape.disperse == 0).unwrap_or_else(|| shape::enough(shape, shape::set_size(shape))))
}

/// How many bricks make a set.
pub(super) fn set_size(volume: &Volume) -> usize {
    shape::set_size(shape::wanted(volume))
}

/// How many bricks make a set of a volume that is there.
pub(super) fn present_set_size(there: &gluster::Volume) -> usize {
    shape::set_size(shape::present(there))
}

/// Whether the files of a set of `size` are still read and written with `left` of its bricks. Of an even number, half
/// is enough for clients with `cluster.quorum-type: auto` only if the `first` brick is among them.
pub(super) fn goes_on(there: &gluster::Volume, size: usize, left: usize, first: bool) -> bool {
    let option = |name: &str| there.options.get(name).map(|value| value.to_ascii_lowercase());
    let quorum = match option("cluster.quorum-type").as_deref() {
        Some("auto") if !first && left * 2 == size => return false,
        Some("fixed") => option("cluster.quorum-count").and_then(|count| count.parse().ok()).unwrap_or(size),
        _ => 0,
    };
    left >= shape::enough(shape::present(there), size).max(quorum)
}

/// The shape in words: as the volume has it, else as it is written.
pub(super) fn shape_words(written: &Volume, there: Option<&gluster::Volume>) -> String {
    match there {
        Some(there) => shape::words(shape::present(there), there.bricks.len()),
        None => shape::words(shape::wanted(written), written.bricks.len()),
    }
}

/// How many entries wait for their heal, from each brick's count in the order written.
pub(super) fn pending(written: &Volume, counts: &[Option<u64>]) -> u64 {
    shape::pending(shape::wanted(written), counts)
}
