//! Points of the world's time as Pacemaker's programs write them, by the clock of a node.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::NodeName;
use crate::transport::simulated::world::World;

fn at(world: &World, node: &NodeName, ms: u64) -> Timestamp {
    let offset_ms = world.nodes[node].clock_offset_ms;
    let ms = world.since_1970(ms).saturating_add_signed(offset_ms);
    i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `Tue Nov 24 21:57:38 2026`.
pub fn long(world: &World, node: &NodeName, ms: u64) -> String {
    at(world, node, ms).to_zoned(TimeZone::UTC).strftime("%a %b %e %H:%M:%S %Y").to_string()
}

/// `2026-11-24 21:57:38Z`.
pub fn short(world: &World, node: &NodeName, ms: u64) -> String {
    at(world, node, ms).to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Seconds since 1970.
pub fn seconds(world: &World, node: &NodeName, ms: u64) -> i64 {
    at(world, node, ms).as_second()
}
