//! From the tree to a [`Spec`]: entry by entry, so that one mistake does not hide the others.
//!
//! An entry is a node, a volume, a mount, or one of the keys at the head. An entry that cannot be read leaves a
//! placeholder, so that names which stand for it are still known and everything else can be checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::de::{self, ShapeError};
use super::tree::{Entry, Map, Node, Value};
use crate::kinds::{self, ApiVersion, Spec, TransportSpec, Volume};
use crate::model::{ClusterName, Finding, InvalidName, Located, Position, Severity, SpecPath, did_you_mean};

/// The keys at the head of the file.
pub(super) const HEAD: &[&str] = &[
    "apiVersion",
    "cluster",
    "transport",
    "hosts",
    "nodes",
    "volumes",
    "mounts",
    "corosync",
    "quorumDevice",
    "fenceDevices",
    "fenceLevels",
    "fencing",
    "failoverDomains",
    "services",
];

/// Sections that a file may have one day.
const TO_COME: &[&str] = &["manager"];

/// What was read.
pub(super) struct Read {
    /// The spec, with placeholders where an entry could not be read.
    pub spec: Spec,
    /// The entries that could not be read.
    pub unread: BTreeSet<SpecPath>,
    /// What is wrong with them.
    pub findings: Vec<Located>,
}

/// Reads the whole tree; nothing only if it is not a map.
pub(super) fn read(root: &Node) -> Result<Read, Box<Located>> {
    let Value::Map(map) = &root.value else {
        let message = "a cluster's file is a map of keys, and this is none".to_owned();
        let hint = Some("`bricklayer init` writes a file to start from".to_owned());
        return Err(Box::new(located(root.at.clone(), SpecPath::default(), "wrong-type", message, hint)));
    };
    let mut reader =
        Reader { map, top: root.locate(&SpecPath::default()), unread: BTreeSet::new(), findings: Vec::new() };
    reader.unknown_sections();
    if map.get("nodes").is_none() {
        reader.missing("nodes", "write `nodes:` and below it each machine by its name");
    }
    let spec = Spec {
        api_version: reader.head("apiVersion", "write `apiVersion: bricklayer/v1`").unwrap_or(ApiVersion::V1),
        cluster: reader.head("cluster", "write `cluster: NAME`").unwrap_or_else(placeholder_name),
        transport: reader.head("transport", TRANSPORT).unwrap_or(TransportSpec::Simulated),
        hosts: reader.optional("hosts").unwrap_or_default(),
        nodes: reader.section("nodes", Some(kinds::Node::default)),
        volumes: reader.section("volumes", Some(Volume::default)),
        mounts: reader.section("mounts", None),
        corosync: reader.optional("corosync"),
        quorum_device: reader.optional("quorumDevice"),
        fence_devices: reader.section("fenceDevices", None),
        fence_levels: reader.section("fenceLevels", None),
        fencing: reader.optional("fencing"),
        failover_domains: reader.section("failoverDomains", None),
        services: reader.section("services", None),
    };
    Ok(Read { spec, unread: reader.unread, findings: reader.findings })
}

const TRANSPORT: &str = "write how the nodes are reached: `transport: {ssh: {user: root}}`, `transport: local`, or \
                         `transport: simulated` to try things out";

const OTHER_VERSION: &str = "write `bricklayer/v1`; a file of a later version needs a later bricklayer";

fn placeholder_name() -> ClusterName {
    ClusterName::new("unread").expect("a word is a cluster name")
}

fn located(at: Position, path: SpecPath, code: &'static str, message: String, hint: Option<String>) -> Located {
    Located { at, finding: Finding { path, severity: Severity::Error, code, message, hint } }
}

struct Reader<'a> {
    map: &'a Map,
    top: Position,
    unread: BTreeSet<SpecPath>,
    findings: Vec<Located>,
}

impl<'a> Reader<'a> {
    fn unknown_sections(&mut self) {
        for entry in self.map.entries() {
            let key = entry.key.as_str();
            if HEAD.contains(&key) || key == "<<" || key.is_empty() {
                continue;
            }
            let (code, message, hint) = if TO_COME.contains(&key) {
                let hint = "take the section out; Corosync and Pacemaker are then left as they are".to_owned();
                ("not-managed-yet", format!("this version of bricklayer does not manage `{key}` yet"), hint)
            } else {
                let all = format!("the keys here are `{}`", HEAD.join("`, `"));
                ("unknown-key", format!("there is no key `{key}` here"), did_you_mean(key, HEAD.iter().copied(), all))
            };
            self.findings.push(located(entry.at.clone(), SpecPath::of([key]), code, message, Some(hint)));
        }
    }

    /// A key that must be there; nothing if it is not, or cannot be read.
    fn head<T: DeserializeOwned>(&mut self, key: &'static str, hint: &str) -> Option<T> {
        if self.map.get(key).is_none() {
            self.missing(key, hint);
        }
        self.optional(key)
    }

    /// A key that may be there; nothing if it is not, or cannot be read.
    fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let entry = self.map.get(key)?;
        let read = de::read(entry).map_err(|error| match key {
            "apiVersion" => ShapeError { hint: OTHER_VERSION.to_owned(), ..error },
            _ => error,
        });
        read.map_err(|error| self.unreadable(SpecPath::of([key]), error)).ok()
    }

    /// A section: entries by name. What cannot be read is left as `placeholder`, or out.
    fn section<N, T>(&mut self, key: &'static str, placeholder: Option<fn() -> T>) -> BTreeMap<N, T>
    where
        N: Ord + TryFrom<String, Error = InvalidName>,
        T: DeserializeOwned,
    {
        let mut read = BTreeMap::new();
        for entry in self.entries(key) {
            let path = SpecPath::of([key, &entry.key]);
            let name = N::try_from(entry.key.clone()).map_err(|error| self.bad_name(path.clone(), entry, &error));
            let value = de::read(entry).map_err(|error| self.unreadable(path, error)).ok();
            if let (Ok(name), Some(value)) = (name, value.or_else(|| placeholder.map(|make| make()))) {
                read.insert(name, value);
            }
        }
        read
    }

    /// The entries of a section, none if it is not one.
    fn entries(&mut self, key: &'static str) -> &'a [Entry] {
        let Some(entry) = self.map.get(key) else { return &[] };
        match &entry.value.value {
            Value::Map(map) => map.entries(),
            Value::Nothing => &[],
            Value::Scalar { .. } | Value::List(_) | Value::Refused => {
                if let Err(error) = de::read::<BTreeMap<String, String>>(entry) {
                    self.unreadable(SpecPath::of([key]), error);
                }
                &[]
            }
        }
    }

    fn missing(&mut self, key: &'static str, hint: &str) {
        let path = SpecPath::of([key]);
        self.unread.insert(path.clone());
        let message = format!("`{key}` is missing");
        self.findings.push(located(self.top.clone(), path, "missing-key", message, Some(hint.to_owned())));
    }

    fn bad_name(&mut self, path: SpecPath, entry: &Entry, error: &InvalidName) {
        self.unread.insert(path.clone());
        let message = format!("`{}` is not a {}", error.value, error.what);
        let hint = Some(format!("a {} is made of {}", error.what, error.rule));
        self.findings.push(located(entry.at.clone(), path, "bad-name", message, hint));
    }

    fn unreadable(&mut self, path: SpecPath, error: ShapeError) {
        let ShapeError { at, code, message, hint, told } = error;
        self.unread.insert(path.clone());
        if !told {
            let hint = (!hint.is_empty()).then_some(hint);
            self.findings.push(located(at.unwrap_or_else(|| self.top.clone()), path, code, message, hint));
        }
    }
}
