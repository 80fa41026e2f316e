//! What is wrong or doubtful between the entries of a file, with its place.

use std::collections::BTreeSet;

use super::read::Read;
use super::tree::Node;
use crate::kinds;
use crate::model::{Finding, Located, SpecPath};

/// Every finding of every kind, except what only follows from an entry that could not be read.
pub(super) fn check(read: &Read, root: &Node) -> Vec<Located> {
    let found = kinds::check_all(&read.spec).0.into_iter();
    found
        .filter(|finding| !follows(finding, &read.unread))
        .map(|finding| Located { at: root.locate(&finding.path), finding })
        .collect()
}

/// Whether `finding` is about a placeholder, or misses a name that may stand in a part that could not be read.
fn follows(finding: &Finding, unread: &BTreeSet<SpecPath>) -> bool {
    let section = |name: &str| unread.contains(&SpecPath::of([name]));
    // Entries of these sections leave no placeholder: any of them may be the one that is missed.
    let part_of = |name: &str| unread.iter().any(|path| path.0.first().is_some_and(|first| first == name));
    let missed = match finding.code {
        "unknown-node" => section("nodes"),
        "unknown-volume" => section("volumes"),
        "unknown-mount" | "data-dir-not-on-mount" => part_of("mounts"),
        "unknown-domain" => part_of("failoverDomains"),
        "unknown-fence-device" | "unfenced-node" => part_of("fenceDevices"),
        "no-fencing" => part_of("fenceDevices") || section("fencing"),
        "failback-before-heal" => section("corosync"),
        _ => false,
    };
    if missed {
        return true;
    }
    (1..=2).any(|keys| finding.path.0.get(..keys).is_some_and(|keys| unread.contains(&SpecPath(keys.to_vec()))))
}
