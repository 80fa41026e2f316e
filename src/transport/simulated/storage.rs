//! The scripts that make bricks' directories and file systems.

use super::disks::{Filesystem, is_below};
use super::output::{Call, failed, silent};
use super::world::World;
use crate::model::{NodeName, Output};

/// `make-brick PATH MOUNT`.
pub fn make_brick(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path, mount] = call.args else { return failed(2, "make-brick: PATH MOUNT\n") };
    let node = world.node_mut(at);
    if *mount != "-" {
        if !is_below(mount, path) {
            return failed(1, format!("{path} does not lie below {mount}\n"));
        }
        if !node.mounts.contains_key(*mount) {
            return failed(1, format!("{mount} is not a mount point; nothing is made on the file system below it\n"));
        }
    }
    if node.files.contains_key(*path) {
        return failed(1, format!("mkdir: cannot create directory '{path}': File exists\n"));
    }
    node.make_directories(path);
    silent()
}

/// `release-brick PATH`.
pub fn release_brick(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path] = call.args else { return failed(2, "release-brick: PATH\n") };
    let Some(directory) = world.node_mut(at).directory_mut(path) else {
        return failed(1, format!("{path} is not a directory\n"));
    };
    if directory.is_used() {
        return failed(3, format!("{path} is not empty; its volume id stays\n"));
    }
    directory.volume_id = None;
    silent()
}

/// `format-device DEVICE FILESYSTEM`.
pub fn format_device(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [device, kind] = call.args else { return failed(2, "format-device: DEVICE FILESYSTEM\n") };
    let node = world.node_mut(at);
    let Some(state) = node.devices.get_mut(*device) else {
        return failed(3, format!("{device} is not a block device\n"));
    };
    match *kind {
        "ext4" => {}
        "xfs" if node.packages.contains_key("xfsprogs") => {}
        "xfs" => return failed(127, "mkfs.xfs is not installed\n"),
        other => return failed(1, format!("{other} is not a file system for bricks\n")),
    }
    if let Some(filesystem) = state {
        return failed(3, format!("{device} is not blank, it holds: {}; it is left alone\n", filesystem.kind));
    }
    *state = Some(Filesystem::new(kind));
    silent()
}
