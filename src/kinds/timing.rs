//! How long it takes until a silent node is known to be lost, switched off and done without; and the bounds on other
//! times that follow from it.
//!
//! The times of one failover are written into three programs that do not know of each other: the token into Corosync,
//! the delay of fencing and the timeouts of operations into Pacemaker, the ping-timeout into every volume. Here is the
//! one place in which they are added up, so that what is derived, what is checked and what is told agree.

mod operations;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{FenceDevice, Spec, Volume, volumes};
use crate::model::NodeName;
use crate::tools::gluster_options;

pub use operations::{Operations, io_bound, operations, restart_window};
pub(super) use operations::{longest_operation, longest_ping};

/// How long it took to fence each node, where a fence test has measured it.
pub type FenceTimes = BTreeMap<NodeName, Duration>;

/// The option of a volume that says how long its clients wait for a silent brick before they go on without it.
pub const PING_TIMEOUT: &str = "network.ping-timeout";

/// The option that says how long TCP waits for data to be acknowledged before a client's connection ends; 0 leaves that
/// to the kernel. It holds for what is mounted afterwards (`TCP_USER_TIMEOUT`, tcp(7)).
pub const TCP_TIMEOUT: &str = "client.tcp-user-timeout";

/// How long fencing takes until it has been measured: an agent that logs in to a hypervisor took 4.05 s.
const FENCING: Duration = Duration::from_secs(4);
/// What lies between a fenced node and clients that go on without it, for what nobody has measured.
const MARGIN: Duration = Duration::from_secs(2);
/// How much longer the node that runs the service lives when two nodes fence each other, over what their devices
/// differ by.
const HEAD_START: Duration = Duration::from_secs(2);
/// Upstream's ping-timeout (`gluster volume set help`).
const UPSTREAM: Duration = Duration::from_secs(42);
/// Below it, a busy node is taken for a dead one.
const SHORTEST: Duration = Duration::from_secs(10);
/// Upstream's ping-timeout for images of running machines (`extras/group-virt.example`): where clients keep a quorum,
/// it only says how long files hang.
const WITH_QUORUM: Duration = Duration::from_secs(20);
/// The longest ping-timeout that glusterd takes.
pub const LONGEST: Duration = Duration::from_secs(1013);

/// What lies between the silence of a node and the moment in which it certainly writes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The token at run time.
    pub token: Duration,
    /// Consensus.
    pub consensus: Duration,
    /// How long fencing is held back.
    pub delay: Duration,
    /// How long fencing takes.
    pub fencing: Duration,
}

impl Bound {
    /// The sum, which a ping-timeout must exceed.
    #[must_use]
    pub fn total(&self) -> Duration {
        [self.token, self.consensus, self.delay, self.fencing, MARGIN].into_iter().fold(Duration::ZERO, |sum, part| {
            // A token of a day in a file of a thousand nodes is an error of its own, not an overflow.
            sum.saturating_add(part)
        })
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token, consensus, delay, fencing } = *self;
        write!(
            f,
            "{} token + {} consensus + {} fence delay + {} fencing + {} = {}",
            Seconds(token),
            Seconds(consensus),
            Seconds(delay),
            Seconds(fencing),
            Seconds(MARGIN),
            Seconds(self.total())
        )
    }
}

/// A duration as a reader adds it up: `3.6 s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, ms) = (self.0.as_secs(), self.0.subsec_millis());
        match ms {
            0 => write!(f, "{whole} s"),
            ms => write!(f, "{whole}.{} s", format!("{ms:03}").trim_end_matches('0')),
        }
    }
}

/// How much longer Pacemaker lets the node live that runs the service (`priority-fencing-delay`, Pacemaker Explained,
/// "Cluster Options"); nothing where a third vote decides.
///
/// Without it, two nodes that lose sight of each other may switch each other off, or the one off that serves. It is
/// safely twice what the devices themselves are told to wait, as Pacemaker's manual wants it.
#[must_use]
pub fn priority_fencing_delay(spec: &Spec, times: &FenceTimes) -> Option<Duration> {
    let race = spec.nodes.len() == 2 && spec.quorum_device.is_none() && !spec.fence_devices.is_empty();
    race.then(|| {
        let measured = || spec.nodes.keys().map(|node| times.get(node));
        let differ = match (measured().max().flatten(), measured().min().flatten()) {
            (Some(slowest), Some(fastest)) => slowest.saturating_sub(*fastest),
            _ => Duration::ZERO,
        };
        differ.saturating_add(HEAD_START).max(static_delay(spec).saturating_mul(2))
    })
}

/// How long fencing is held back at most: by the priority of a service, and by what the devices are told to wait.
#[must_use]
pub fn fence_delay(spec: &Spec, times: &FenceTimes) -> Duration {
    priority_fencing_delay(spec, times).unwrap_or_default().saturating_add(static_delay(spec))
}

/// The longest time that a device is told to wait before it fences.
pub(super) fn static_delay(spec: &Spec) -> Duration {
    let delays = spec.fence_devices.values().flat_map(|device| {
        let own = device.per_node.values().map(|options| delay_of(options, device));
        own.chain([delay_of(&device.options, device)])
    });
    delays.max().unwrap_or_default()
}

/// What `options`, and those of the device where they say nothing, make it wait (`pcmk_delay_*` of pacemaker-fenced(7),
/// `delay` of every agent).
fn delay_of(options: &BTreeMap<String, String>, device: &FenceDevice) -> Duration {
    let of = |name: &str| options.get(name).or_else(|| device.options.get(name)).and_then(|value| longest(value));
    let pacemaker = of("pcmk_delay_base").max(of("pcmk_delay_max")).unwrap_or_default();
    pacemaker.saturating_add(of("delay").unwrap_or_default())
}

/// The longest time in a value: `5s`, or by node `node01:5s;node02:0`. Nothing if it is none.
pub(super) fn longest(value: &str) -> Option<Duration> {
    let times = value.split([';', ' ']).filter(|part| !part.is_empty());
    let times = times.map(|part| pacemaker_time(part.rsplit_once(':').map_or(part, |(_, time)| time)));
    times.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// A length of time as Pacemaker reads it: seconds unless it has a unit (`crm_get_msec`).
fn pacemaker_time(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    match text[digits..].to_ascii_lowercase().as_str() {
        "" | "s" | "sec" => Some(Duration::from_secs(number)),
        "ms" | "msec" => Some(Duration::from_millis(number)),
        "us" | "usec" => Some(Duration::from_micros(number)),
        "m" | "min" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" | "hr" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

/// What the ping-timeout of `volume` must exceed: nothing where its clients keep a quorum, or where nobody is fenced.
///
/// A node that is cut off goes on writing to its own copy alone once the ping-timeout has passed, and says of such
/// writes that they are safe. If it is still alive then, they are lost when it is fenced; measured with a ping-timeout
/// of 3 s and fencing after 8 s: 162 of 812 rows, and a split-brain behind them.
#[must_use]
pub fn bound(spec: &Spec, volume: &Volume, times: &FenceTimes) -> Option<Bound> {
    let needed = !spec.fence_devices.is_empty() && volumes::may_diverge(volume);
    needed.then(|| {
        let token = spec.effective_token();
        let fencing = spec.nodes.keys().map(|node| times.get(node).copied().unwrap_or(FENCING)).max();
        Bound {
            token,
            consensus: spec.detection().saturating_sub(token),
            delay: fence_delay(spec, times),
            fencing: fencing.unwrap_or(FENCING),
        }
    })
}

/// The ping-timeout that `volume` is given where the file has a cluster manager and says none.
#[must_use]
pub fn derived_ping_timeout(spec: &Spec, volume: &Volume, times: &FenceTimes) -> Option<Duration> {
    if !spec.has_manager() || !volumes::is_redundant(volume) {
        return None;
    }
    if !volumes::may_diverge(volume) {
        return Some(WITH_QUORUM);
    }
    let above = |bound: Bound| Duration::from_secs(bound.total().as_secs().saturating_add(1));
    bound(spec, volume, times).map(|bound| above(bound).clamp(SHORTEST, LONGEST))
}

/// How long after it is to be fenced the clients of a lost node certainly still wait for the bricks of the others.
///
/// It begins to be fenced once its silence is agreed on. If it is off only after this time, it may have written alone.
#[must_use]
pub fn patience(spec: &Spec, volume: &Volume, times: &FenceTimes) -> Option<Duration> {
    bound(spec, volume, times)?;
    Some(gives_up(spec, volume, times).1.saturating_sub(spec.detection()).saturating_sub(MARGIN))
}

/// The option that says when clients of `volume` give a silent brick up, and that time.
///
/// It is the ping-timeout, unless the file says that TCP is to give up earlier.
#[must_use]
pub fn gives_up(spec: &Spec, volume: &Volume, times: &FenceTimes) -> (&'static str, Duration) {
    let ping = (PING_TIMEOUT, ping_timeout(spec, volume, times));
    let tcp = volumes::written_options(volume).get(TCP_TIMEOUT).map(String::as_str).and_then(duration);
    tcp.filter(|tcp| !tcp.is_zero() && *tcp < ping.1).map_or(ping, |tcp| (TCP_TIMEOUT, tcp))
}

/// An option's value as a length of time.
fn duration(value: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(gluster_options::seconds(value)?).ok()
}

/// The ping-timeout of `volume`: as written, else derived, else its profile's, else upstream's.
#[must_use]
pub fn ping_timeout(spec: &Spec, volume: &Volume, times: &FenceTimes) -> Duration {
    let written = volume.options.get(PING_TIMEOUT).map(String::as_str).and_then(duration);
    let of_profile = || volumes::written_options(volume).get(PING_TIMEOUT).map(String::as_str).and_then(duration);
    written.or_else(|| derived_ping_timeout(spec, volume, times)).or_else(of_profile).unwrap_or(UPSTREAM)
}
