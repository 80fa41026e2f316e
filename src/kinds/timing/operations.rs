//! How long the cluster manager lets an operation on a resource take, and how often it looks.
//!
//! A stop that takes longer than its timeout gets the node fenced, a monitor that does moves the service. While a node
//! is lost, every file of a volume hangs until the ping-timeout has passed; with Pacemaker's own 20 s and a ping-timeout
//! of 42 s, a healthy node was to be fenced 45 s after the other one had vanished.

use std::time::Duration;

use super::{FenceTimes, ping_timeout};
use crate::kinds::{Resource, Service, Spec, Timeouts};
use crate::model::Interval;

/// How long operations on a resource may take, and how often it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operations {
    /// Until it runs.
    pub start: Duration,
    /// Until it rests.
    pub stop: Duration,
    /// Until it is known whether it runs.
    pub monitor: Duration,
    /// From one look to the next.
    pub interval: Duration,
}

const fn seconds(start: u64, stop: u64, monitor: u64, interval: u64) -> Operations {
    Operations {
        start: Duration::from_secs(start),
        stop: Duration::from_secs(stop),
        monitor: Duration::from_secs(monitor),
        interval: Duration::from_secs(interval),
    }
}

/// Three times what `IPaddr2` advises (its metadata): it only talks to the kernel.
const IP: Operations = seconds(60, 60, 60, 10);
/// What `Filesystem` advises (its metadata); the bound of the volume is longer as a rule.
const MOUNT: Operations = seconds(60, 60, 60, 20);
/// A start after a crash reads the log through the mount and makes every file durable. A stop in `fast` mode writes
/// what is in memory; after 90 s `pgsql` itself goes on to `immediate` (`stop_escalate` in its metadata).
const POSTGRESQL: Operations = seconds(300, 120, 60, 10);
/// More than the 90 s that systemd itself gives a unit (`DefaultTimeoutStopSec`, systemd-system.conf(5)), so that it is
/// systemd that ends it.
const SYSTEMD: Operations = seconds(120, 120, 60, 10);
/// Nobody ever made an init script hurry: rgmanager gave it all the time it took, and looked every 30 s.
const LSB: Operations = seconds(300, 300, 60, 30);
/// An agent that nothing is known of.
const OCF: Operations = seconds(120, 120, 60, 10);

/// How long failures count against a resource unless written.
const RESTART_WINDOW: Duration = Duration::from_secs(600);

/// The longest ping-timeout of the volumes that `service` mounts; nothing if it mounts none.
pub(in crate::kinds) fn longest_ping(spec: &Spec, service: &Service, times: &FenceTimes) -> Option<Duration> {
    service.volumes(spec).map(|(_, volume)| ping_timeout(spec, volume, times)).max()
}

/// What timeouts of operations must not fall below where files hang for a ping-timeout: one for the file that is
/// waited for, one for the next, and 20 s for the work itself. Nothing where `service` mounts no volume.
#[must_use]
pub fn io_bound(spec: &Spec, service: &Service, times: &FenceTimes) -> Option<Duration> {
    let ping = longest_ping(spec, service, times)?;
    Some(ping.saturating_mul(2).saturating_add(Duration::from_secs(20)))
}

/// How long operations on `resource` of `service` may take: as written, else long enough.
#[must_use]
pub fn operations(spec: &Spec, service: &Service, resource: &Resource, times: &FenceTimes) -> Operations {
    let (usual, Timeouts { start, stop, monitor }) = (usual(resource), resource.timeouts());
    // An address is the one thing in a service that no file can hold up.
    let bound = match resource {
        Resource::Ip(_) => Duration::ZERO,
        _ => io_bound(spec, service, times).unwrap_or_default(),
    };
    let or = |written: &Option<Interval>, usual: Duration| written.map_or(usual.max(bound), Interval::duration);
    Operations {
        start: or(start, usual.start),
        stop: or(stop, usual.stop),
        monitor: or(monitor, usual.monitor),
        interval: usual.interval,
    }
}

fn usual(resource: &Resource) -> Operations {
    match resource {
        Resource::Ip(_) => IP,
        Resource::Mount(_) => MOUNT,
        Resource::Postgresql(_) => POSTGRESQL,
        Resource::Systemd(_) => SYSTEMD,
        Resource::Lsb(_) => LSB,
        Resource::Ocf(_) => OCF,
    }
}

/// How long a failure of `service` counts (`failure-timeout`): as written, else ten minutes, and never less than what
/// the longest operation may take, or it would be forgotten while it is still dealt with.
#[must_use]
pub fn restart_window(spec: &Spec, service: &Service, times: &FenceTimes) -> Duration {
    let written = service.restart_window.map(Interval::duration);
    written.unwrap_or_else(|| RESTART_WINDOW.max(longest_operation(spec, service, times)))
}

/// The longest time that an operation on any resource of `service` may take.
pub(in crate::kinds) fn longest_operation(spec: &Spec, service: &Service, times: &FenceTimes) -> Duration {
    let each = service.resources.iter().map(|resource| operations(spec, service, resource, times));
    each.map(|may| may.start.max(may.stop).max(may.monitor)).max().unwrap_or_default()
}
