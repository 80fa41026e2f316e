//! `ip`, as far as it tells which interface has an address in a network; floating addresses are second ones.

use crate::model::{NodeName, Output};
use crate::transport::simulated::output::{Call, failed, printed};
use crate::transport::simulated::world::World;

/// `ip -oneline address show to NETWORK`.
pub fn ip(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let ["-oneline", "address", "show", "to", network] = call.args else {
        return failed(255, "Command line is not complete. Try option \"help\"\n");
    };
    let (net, length) = network.rsplit_once('/').unwrap_or((network, "32"));
    let node = &world.nodes[at];
    let own = node.aliases.iter().enumerate().map(|(number, alias)| (number, alias.ip.as_str(), ""));
    // A floating address is a second one of the interface that is in its network.
    let floating = node.held.values().filter(|held| held.agent == "IPaddr2").filter_map(|held| {
        let ip = held.parameters.get("ip")?;
        let prefix = held.parameters.get("cidr_netmask").map_or("32", String::as_str);
        let number = node.aliases.iter().position(|alias| is_within(&alias.ip, ip, prefix))?;
        Some((number, ip.as_str(), "secondary "))
    });
    let shown = own.chain(floating).filter(|(_, ip, _)| is_within(ip, net, length));
    let line = |(number, ip, second): (usize, &str, &str)| {
        format!(
            "{}: eth{number}    inet {ip}/{length} scope global {second}eth{number}\\       valid_lft forever preferred_lft forever\n",
            number + 2
        )
    };
    printed(shown.map(line).collect::<Vec<_>>().concat())
}

fn is_within(ip: &str, network: &str, length: &str) -> bool {
    let bits = |text: &str| text.parse::<std::net::Ipv4Addr>().ok().map(u32::from);
    let (Some(ip), Some(network), Ok(length)) = (bits(ip), bits(network), length.parse::<u32>()) else { return false };
    let shift = 32 - length.min(32);
    shift == 32 || ip >> shift == network >> shift
}
