//! What can be wrong with the mounts, each by itself; their paths are looked at together with the bricks'.

use crate::kinds::{Mount, MountState, Spec, VolumeState, nodes};
use crate::model::{Findings, SpecPath, VolumeName, did_you_mean};
use crate::tools::systemd;

/// The longest name of a unit (`UNIT_NAME_MAX` in systemd, less its NUL).
const UNIT_NAME_MAX: usize = 255;

/// Looks at the mounts.
pub(in crate::kinds) fn check(spec: &Spec, findings: &mut Findings) {
    for (name, mount) in &spec.mounts {
        let path = SpecPath::of(["mounts"]).at(name);
        check_nodes(spec, mount, &path, findings);
        check_unit(mount, path.at("path"), findings);
        if mount.state == MountState::Mounted {
            check_volume(spec, mount, &path.at("volume"), findings);
        }
        for (index, option) in mount.options.iter().enumerate() {
            check_option(option, path.at("options").at(index), findings);
        }
    }
}

fn check_nodes(spec: &Spec, mount: &Mount, path: &SpecPath, findings: &mut Findings) {
    let Some(nodes) = &mount.nodes else { return };
    let path = path.at("nodes");
    if nodes.is_empty() {
        findings.error(path.clone(), "no-nodes", "this mount is on no node", "leave `nodes` out for all of them");
    }
    for node in nodes {
        nodes::known(spec, node, path.at(node), findings);
    }
}

/// systemd refuses a longer name, and with it the question for all units of the node.
fn check_unit(mount: &Mount, path: SpecPath, findings: &mut Findings) {
    let length = systemd::mount_unit_name(&mount.path).len();
    if length > UNIT_NAME_MAX {
        let message = format!("the mount unit of this path would have a name of {length} characters");
        let hint = format!("systemd takes {UNIT_NAME_MAX}: mount it at a shorter path");
        findings.error(path, "path-too-long", message, hint);
    }
}

fn check_volume(spec: &Spec, mount: &Mount, path: &SpecPath, findings: &mut Findings) {
    let volume = &mount.volume;
    match spec.volumes.get(volume).map(|volume| volume.state) {
        Some(VolumeState::Started) => {}
        Some(VolumeState::Stopped) => findings.warn(
            path.clone(),
            "mount-of-stopped-volume",
            format!("volume {volume} is to rest, and a mount of it would hang"),
            "write `state: absent` for the mount",
        ),
        Some(VolumeState::Absent) => findings.error(
            path.clone(),
            "mount-of-absent-volume",
            format!("volume {volume} is to be deleted"),
            "write `state: absent` for the mount too",
        ),
        None => {
            let all = "write it below `volumes:`, or name one that is there";
            let hint = did_you_mean(volume.as_str(), spec.volumes.keys().map(VolumeName::as_str), all);
            findings.error(path.clone(), "unknown-volume", format!("there is no volume `{volume}`"), hint);
        }
    }
}

/// An option is a word of `Options=` in a mount unit: a comma begins the next one, `%` and quotes mean something.
fn check_option(option: &str, path: SpecPath, findings: &mut Findings) {
    let word = |c: char| c.is_ascii_alphanumeric() || "_-.=:/@+".contains(c);
    if option.is_empty() || option.starts_with('-') || !option.chars().all(word) {
        let message = format!("`{}` is not one mount option", option.escape_debug());
        let hint = "write each as an item of its own, without `-o`, made of letters, digits and `_ - . = : / @ +`";
        findings.error(path, "mount-option", message, hint);
    }
}
