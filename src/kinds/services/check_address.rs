//! What can be wrong with floating addresses: they must be free, and addresses of a machine at all.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::check::parts;
use super::resources::Cidr;
use crate::kinds::{Ip, Resource, Spec, nodes};
use crate::model::{Findings, ServiceName, SpecPath};

/// The longest name of a network interface (`IFNAMSIZ` in Linux, less its NUL).
const IFNAME_MAX: usize = 15;

/// Looks at all floating addresses.
pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    let mut taken: BTreeMap<IpAddr, &ServiceName> = BTreeMap::new();
    for part in parts(spec) {
        let Resource::Ip(ip) = part.resource else { continue };
        let path = part.path.at("address");
        let address = ip.address.address;
        check_one(ip, &part.path, findings);
        if let Some(other) = taken.insert(address, part.name) {
            let message = format!("`{address}` is an address of {other} already");
            findings.error(path.clone(), "duplicate-ip", message, "give each service its own");
        }
        check_free(spec, address, path, findings);
    }
}

fn check_one(ip: &Ip, path: &SpecPath, findings: &mut Findings) {
    let Cidr { address, prefix } = ip.address;
    let host = match address {
        IpAddr::V4(address) => is_host(address, prefix),
        IpAddr::V6(_) => true,
    };
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() || !host {
        let message = format!("`{address}/{prefix}` is not an address that a machine can have in its network");
        let hint = "write a free address with the prefix of its network: `192.168.7.99/24`";
        findings.error(path.at("address"), "bad-ip", message, hint);
    }
    if let Some(interface) = &ip.interface
        && (interface.as_str().len() > IFNAME_MAX || interface.as_str().contains(':'))
    {
        let message = format!("`{interface}` is not the name of a network interface");
        findings.error(path.at("interface"), "bad-interface", message, "write it as `ip link` shows it: `eth0`");
    }
}

/// Whether an address is neither its network itself nor the one for all in it.
fn is_host(address: Ipv4Addr, prefix: u8) -> bool {
    let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    // Networks of one and two addresses have no others (RFC 3021).
    let host = address.to_bits() & host_bits;
    prefix >= 31 || (host != 0 && host != host_bits && address != Ipv4Addr::BROADCAST)
}

/// An address that somebody else has answers from two machines.
fn check_free(spec: &Spec, address: IpAddr, path: SpecPath, findings: &mut Findings) {
    let text = address.to_string();
    let owner = if let Some(node) = nodes::at_address(spec, &text) {
        format!("an address of {node}, which has it with or without this service")
    } else if spec.quorum_device.as_ref().is_some_and(|device| device.host.as_str().parse() == Ok(address)) {
        "the address of the quorum device".to_owned()
    } else {
        let options = spec.fence_devices.iter().flat_map(|(name, device)| {
            let all = device.per_node.values().chain([&device.options]);
            all.map(move |options| (name, options))
        });
        let at = |options: &BTreeMap<String, String>| {
            ["ip", "ipaddr"].iter().any(|name| options.get(*name).is_some_and(|ip| ip.parse() == Ok(address)))
        };
        match options.into_iter().find(|(_, options)| at(options)) {
            Some((name, _)) => format!("the address of fence device {name}"),
            None => return,
        }
    };
    findings.error(path, "ip-is-taken", format!("`{text}` is {owner}"), "write a free address, which moves");
}
