//! What a database needs of the volume that its files lie on.

use std::collections::BTreeSet;

use crate::kinds::{Resource, Service, Spec, Volume, volumes};
use crate::model::{Findings, SpecPath, VolumeName};
use crate::tools::gluster_options;

/// The option that settles a split-brain without asking.
const FAVORITE_CHILD: &str = "cluster.favorite-child-policy";

/// Looks at the volumes of `service` if it has a database.
pub(super) fn check(spec: &Spec, service: &Service, findings: &mut Findings) {
    let dirs: Vec<_> = service
        .resources
        .iter()
        .filter_map(|resource| match resource {
            Resource::Postgresql(server) => Some(&server.data_dir),
            _ => None,
        })
        .collect();
    let mounts = service.resources.iter().filter_map(|resource| match resource {
        Resource::Mount(mount) => spec.mounts.get(&mount.name),
        _ => None,
    });
    let below = mounts.filter(|mount| dirs.iter().any(|dir| mount.path.contains(dir)));
    let names: BTreeSet<&VolumeName> = below.map(|mount| &mount.volume).collect();
    for name in names {
        if let Some(volume) = spec.volumes.get(name) {
            check_volume(name, volume, findings);
        }
    }
}

fn check_volume(name: &VolumeName, volume: &Volume, findings: &mut Findings) {
    let path = SpecPath::of(["volumes"]).at(name);
    let written = volumes::written_options(volume);
    if written.get(FAVORITE_CHILD).is_some_and(|policy| !policy.eq_ignore_ascii_case("none")) {
        let message = "a split-brain would be settled file by file, and a database of files from two histories is none";
        let hint = "leave it out: one whole brick wins, chosen by a person, and the other is emptied";
        findings.error(path.at("options").at(FAVORITE_CHILD), "favorite-child", message, hint);
    }
    let differs = |(option, value): &&(&str, &str)| {
        !written.get(*option).is_some_and(|written| gluster_options::same(option, written, value))
    };
    let missing: Vec<&str> = gluster_options::DB_WORKLOAD.iter().filter(differs).map(|(option, _)| *option).collect();
    if missing.is_empty() {
        return;
    }
    let message = match missing.as_slice() {
        all if all.len() == gluster_options::DB_WORKLOAD.len() => {
            "a database's files lie here, and clients cache and reorder what it reads and writes".to_owned()
        }
        some => format!("a database's files lie here, and `{}` is not as upstream has it for one", some.join("`, `")),
    };
    findings.warn(path, "database-profile", message, "write `profile: db-workload`");
}
