//! Where the time of a failover went, read from the journal of a node that survived it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::client::Gap;
use super::{Lab, tell};

/// What a failover passes through before the first resource starts, by the words that end it in the journal.
const PHASES: [(&str, &str); 3] =
    [("detect", "A processor failed"), (NOTICED, "A new membership"), ("fence", " was terminated (")];
/// The phase at whose end the others go on without the node.
const NOTICED: &str = "consensus";
/// Followed by a resource, and behind it by how it went.
const STARTED: &str = "Result of start operation for ";

/// The phases of a failover, each with how long it took.
pub struct Phases {
    failure: SystemTime,
    phases: Vec<(String, Duration)>,
}

impl Phases {
    /// Those that the journal of `survivor` shows since the failure.
    #[track_caller]
    pub fn of(lab: &Lab, survivor: &str, failure: SystemTime) -> Self {
        let since = failure.duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs_f64();
        let journal = format!("journalctl -q --no-pager -o short-unix -u corosync -u pacemaker --since @{since:.3}");
        let phases = read(&lab.quietly(survivor, &journal), since);
        assert!(!phases.is_empty(), "{survivor} has noticed nothing");
        Self { failure, phases }
    }

    /// Prints them, with what a client saw of it: a service whose node was lost may still have answered for a while.
    pub fn tell(&self, gap: &Gap) {
        let phases = self.phases.iter().map(|(phase, took)| format!("{phase} {:.2} s", took.as_secs_f64()));
        let phases: Vec<String> = phases.collect();
        let answered = gap.since.duration_since(self.failure).unwrap_or_default().as_secs_f64();
        let without = gap.lasted.as_secs_f64();
        tell(&format!("{}; answered for {answered:.2} s, then {without:.2} s without service", phases.join(", ")));
    }
}

/// Each phase counts from the end of the last one; what happens again, as after a first attempt that failed, ends its
/// phase where it happens last.
fn read(journal: &str, since: f64) -> Vec<(String, Duration)> {
    let lines: Vec<(f64, &str)> = journal.lines().filter_map(moment).filter(|(at, _)| *at >= since).collect();
    let mut ends: Vec<(String, f64)> = Vec::new();
    for (at, text) in lines {
        let Some(phase) = phase(text) else { continue };
        // The node that was lost makes another membership when it comes back.
        if is_noticing(&phase) && ends.iter().any(|(known, _)| known == NOTICED) {
            continue;
        }
        ends.retain(|(known, _)| *known != phase);
        ends.push((phase, at));
    }
    let mut last = since;
    let took = |(phase, at): (String, f64)| {
        let took = Duration::from_secs_f64((at - last).max(0.0));
        last = at;
        (phase, took)
    };
    ends.into_iter().map(took).collect()
}

fn is_noticing(phase: &str) -> bool {
    phase == "detect" || phase == NOTICED
}

/// The time of a line of `journalctl -o short-unix`, and the line.
fn moment(line: &str) -> Option<(f64, &str)> {
    let (at, text) = line.split_once(' ')?;
    Some((at.parse().ok()?, text))
}

fn phase(text: &str) -> Option<String> {
    if let Some((_, result)) = text.split_once(STARTED) {
        let (resource, result) = result.split_once(' ')?;
        return result.ends_with(": ok").then(|| resource.to_owned());
    }
    PHASES.iter().find(|(_, words)| text.contains(words)).map(|(phase, _)| (*phase).to_owned())
}

#[test]
fn the_phases_of_a_failover_are_read_from_the_journal() {
    let journal = "\
99.500000 node02 corosync[87]:   [TOTEM ] A processor failed, forming new configuration: token timed out (3000ms)
103.000000 node02 corosync[87]:   [TOTEM ] A processor failed, forming new configuration: token timed out (3000ms)
106.600000 node02 corosync[87]:   [TOTEM ] A new membership (2.12) was formed. Members left: 1
108.100000 node02 pacemaker-controld[207]:  notice: Peer node01 was not terminated (reboot) by node02: Timed Out
109.100000 node02 pacemaker-controld[207]:  notice: Peer node01 was terminated (reboot) by node02 on behalf of x: OK
109.300000 node02 pacemaker-controld[207]:  notice: Result of start operation for service01-ip on node02: ok
109.900000 node02 corosync[87]:   [TOTEM ] A new membership (1.16) was formed. Members joined: 1
110.000000 node02 pacemaker-controld[207]:  notice: Result of start operation for service01-mount on node02: error
110.300000 node02 pacemaker-controld[207]:  notice: Result of start operation for service01-mount on node02: ok
";
    let phases: Vec<(String, u128)> =
        read(journal, 100.0).into_iter().map(|(phase, took)| (phase, took.as_millis())).collect();
    let expected =
        [("detect", 3000), ("consensus", 3600), ("fence", 2500), ("service01-ip", 200), ("service01-mount", 1000)];
    assert_eq!(phases, expected.map(|(phase, took)| (phase.to_owned(), took)));
}
