//! The programs of a simulated machine by their names: which there are, who answers for them, and how long each takes.

use super::output::{self, Call, Fake};
use super::world::World;
use super::{cluster, files, gluster, guard, journal, lease, looks, mounts, packages, storage, systemd};
use crate::model::{Command, Effect, Failure, Lease, NodeName, Outcome, Output, Stdin};

/// Runs a command for real, if the lease allows it.
pub(super) fn perform(world: &mut World, node: &NodeName, command: &Command, lease: Option<&Lease>) -> (Outcome, u64) {
    if let Some(lease) = lease.filter(|_| command.effect == Effect::Changes) {
        let holder = lease::holder(world, node);
        if holder.as_deref() != Some(lease.owner.as_str()) {
            return (Err(Failure::Leased(holder.unwrap_or_else(|| "nobody".to_owned()))), 0);
        }
    }
    let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
    let stdin = match &command.stdin {
        Stdin::Nothing => "",
        Stdin::Text(text) => text,
        Stdin::Secret(_) | Stdin::FileOf { .. } => return (Ok(output::failed(126, "its input was not read\n")), 0),
    };
    let name = command.program.name();
    let (output, hang_ms) = run(world, node, name, &Call { args: &args, stdin });
    world.busy = false;
    world.advance(cost_ms(name));
    (Ok(output), hang_ms)
}

/// Runs a program; also says how long it waits beyond its usual time.
pub(super) fn run(world: &mut World, node: &NodeName, name: &str, call: &Call<'_>) -> (Output, u64) {
    if !world.nodes.contains_key(node) {
        return (output::failed(255, format!("no such node: {node}\n")), 0);
    }
    let output = match program(world, node, name) {
        Some(fake) => fake(world, node, call),
        None => output::not_found(name),
    };
    (output, std::mem::take(&mut world.hang_ms))
}

/// The fake that goes by this name on this node.
fn program(world: &World, node: &NodeName, name: &str) -> Option<Fake> {
    let has = |package: &str| world.nodes[node].packages.contains_key(package);
    Some(match name {
        "gluster" if has("glusterfs-cli") => gluster::gluster,
        "systemctl" => systemd::systemctl,
        "findmnt" => mounts::findmnt,
        "cat" => files::cat,
        "look-node" => looks::look_node,
        "look-bricks" => looks::look_bricks,
        "getfattr" if has("attr") => looks::getfattr,
        "look-devices" => looks::look_devices,
        "look-names" => looks::look_names,
        "look-ports" => looks::look_ports,
        "look-history" => journal::look_history,
        "write-file" => files::write_file,
        "remove-file" => files::remove_file,
        "write-hosts" => files::write_hosts,
        "install-packages" => packages::install,
        "release-hold" => packages::release_hold,
        "stop-gluster" => systemd::stop_gluster,
        "make-brick" => storage::make_brick,
        "release-brick" => storage::release_brick,
        "adopt-peer" => gluster::adopt_peer,
        "format-device" => storage::format_device,
        "replace-mount" => files::replace_mount,
        "base64" => files::base64,
        "write-config" => files::write_config,
        "set-key" => files::set_key,
        "look-mount-points" => files::look_mount_points,
        "make-mount-point" => files::make_mount_point,
        "go-on-alone" => |world, node, _| guard::go_on_alone(world, node),
        "lease" => lease::lease,
        _ => {
            let (fake, package) = cluster::program(name)?;
            return package.is_none_or(has).then_some(fake);
        }
    })
}

/// How long a program usually takes. Measured: gluster 50 to 100 ms, an installation some seconds.
pub(super) fn cost_ms(program: &str) -> u64 {
    match program {
        "gluster" | "cibadmin" | "crm_mon" => 60,
        "try-cib" | "push-cib" => 200,
        "install-packages" => 8000,
        _ => 10,
    }
}
