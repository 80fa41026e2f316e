//! Fence devices against what their agents say of themselves: an option that an agent does not know is ignored by it
//! without a word, and the device fails on the day on which it is needed.

use super::fencers;
use crate::kinds::{Assessment, Cx, FenceDevice};
use crate::model::{FenceDeviceName, NodeName, Seen, SpecPath, did_you_mean};
use crate::tools::pacemaker::{self, Change, Metadata};

/// Looks at the devices that `changes` are about: what is in force already was looked at when it was put there.
pub(super) fn check(cx: &Cx<'_>, node: &NodeName, changes: &[Change], found: &mut Assessment) {
    for (name, device) in &cx.spec.fence_devices {
        let is_new = |id: &str| changes.iter().any(|change| change.object == id);
        if !fencers::ids(name, device).iter().any(|id| is_new(id)) {
            continue;
        }
        // An agent that is not installed yet is looked at once it is.
        if let Seen::Is(metadata) = cx.see(node, &pacemaker::metadata(device.agent.as_str())) {
            compare(name, device, &metadata, found);
        }
    }
}

fn compare(name: &FenceDeviceName, device: &FenceDevice, metadata: &Metadata, found: &mut Assessment) {
    let path = SpecPath::of(["fenceDevices", name.as_str()]);
    let agent = &device.agent;
    let known = |option: &str| option.starts_with("pcmk_") || metadata.parameters.contains_key(option);
    let common = device.options.keys().map(|option| (option, path.at("options").at(option)));
    let own = device.per_node.iter().flat_map(|(node, options)| {
        let path = path.at("perNode").at(node);
        options.keys().map(move |option| (option, path.at(option)))
    });
    let secret = device.secrets.keys().map(|option| (option, path.at("secrets").at(option)));
    for (option, path) in common.chain(own).chain(secret).filter(|(option, _)| !known(option)) {
        let all = format!("`{agent} -o metadata` lists what it knows");
        let hint = did_you_mean(option, metadata.parameters.keys().map(String::as_str), all);
        found.findings.warn(path, "unknown-fence-option", format!("{agent} knows no option `{option}`"), hint);
    }
    let given = |option: &str| {
        let per_node = || device.per_node.values().all(|options| options.contains_key(option));
        device.options.contains_key(option)
            || device.secrets.contains_key(option)
            || (!device.per_node.is_empty() && per_node())
            // The plugs are the outlets.
            || matches!(option, "port" | "plug" | "nodename" | "action")
    };
    for option in metadata.parameters.iter().filter(|(_, required)| **required).map(|(option, _)| option) {
        if !given(option) {
            let message = format!("{agent} needs its option `{option}`");
            found.findings.warn(
                path.clone(),
                "missing-fence-option",
                message,
                format!("write `{option}` below `options`"),
            );
        }
    }
}
