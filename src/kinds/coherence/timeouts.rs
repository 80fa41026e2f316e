//! Timeouts of operations: while a node is lost, files hang, and a healthy node must not be fenced for it.

use std::time::Duration;

use crate::kinds::timing::{self, FenceTimes, Seconds};
use crate::kinds::{Resource, Service, Spec, Timeouts};
use crate::model::{Findings, Interval, ServiceName, SpecPath};

/// Pacemaker's own timeout for whatever has none (Pacemaker Explained, "Resource Operations").
const USUAL: Duration = Duration::from_secs(20);
/// After this long, the agent stops a server without ceremony (`stop_escalate`, metadata of `pgsql`).
const STOP_ESCALATE: Duration = Duration::from_secs(90);
/// After this long, systemd kills what does not stop (`DefaultTimeoutStopSec`, systemd-system.conf(5)).
const SYSTEMD_STOP: Duration = Duration::from_secs(90);

/// Looks at the timeouts of `service`.
pub(super) fn check(
    spec: &Spec,
    (name, service): (&ServiceName, &Service),
    times: &FenceTimes,
    path: &SpecPath,
    findings: &mut Findings,
) {
    // Files hang for the longest ping-timeout among the mounts of the service.
    let ping = timing::longest_ping(spec, service, times);
    let bound = ping.zip(timing::io_bound(spec, service, times));
    for (index, resource) in service.resources.iter().enumerate() {
        let path = path.at("resources").at(index).at(resource.key()).at("timeouts");
        let Timeouts { start, stop, monitor } = resource.timeouts();
        for (key, written) in [("start", start), ("stop", stop), ("monitor", monitor)] {
            let Some(written) = written else { continue };
            let one = One { key, written: *written, path: path.at(key) };
            match (resource, bound) {
                (Resource::Mount(_) | Resource::Postgresql(_), Some((ping, bound))) if one.is_below(bound) => {
                    one.below(ping, bound, Findings::error, findings);
                }
                (Resource::Systemd(_) | Resource::Lsb(_) | Resource::Ocf(_), Some((ping, bound)))
                    if one.is_below(bound) =>
                {
                    one.below(ping, bound, Findings::warn, findings);
                }
                _ => one.by_itself(resource, findings),
            }
        }
    }
    let longest = timing::longest_operation(spec, service, times);
    if let Some(window) = service.restart_window.filter(|window| window.duration() < longest) {
        let message = format!(
            "failures of {name} would be forgotten after {window}, while what is done about them may take {}",
            Seconds(longest)
        );
        let hint = format!("write {}s or more, or leave it out", longest.as_secs());
        findings.error(path.at("restartWindow"), "short-restart-window", message, hint);
    }
}

/// How a finding is said: as an error or a warning.
type Say = fn(&mut Findings, SpecPath, &'static str, String, String);

/// A timeout that is written.
struct One {
    key: &'static str,
    written: Interval,
    path: SpecPath,
}

impl One {
    fn is_below(&self, bound: Duration) -> bool {
        self.written.duration() < bound
    }

    /// What happens when it is over.
    fn outcome(&self) -> &'static str {
        match self.key {
            "stop" => "and a stop that takes longer gets the healthy node fenced",
            "start" => "and a start that takes longer has failed there",
            _ => "and a look that takes longer moves the healthy service",
        }
    }

    fn below(self, ping: Duration, bound: Duration, say: Say, findings: &mut Findings) {
        let message = format!(
            "{} {} is less than 2 x {} ping-timeout + 20 s = {}: files hang that long when a node is lost, {}",
            self.key,
            self.written,
            Seconds(ping),
            Seconds(bound),
            self.outcome()
        );
        let hint = format!("leave it out, or write {}s or more", bound.as_secs());
        say(findings, self.path, "operation-timeout", message, hint);
    }

    /// Against what the thing itself is known to take.
    fn by_itself(self, resource: &Resource, findings: &mut Findings) {
        let (least, what) = match (resource, self.key) {
            (Resource::Postgresql(_), "stop") => {
                (STOP_ESCALATE, "its agent gives the server 90 s to write what it has")
            }
            (Resource::Systemd(_), "stop") => (SYSTEMD_STOP, "systemd gives a unit 90 s before it kills it"),
            _ => (USUAL, "a busy node takes as long as that for anything"),
        };
        if self.is_below(least) {
            let message = format!("{} {}: {what}, {}", self.key, self.written, self.outcome());
            let hint = format!("leave it out, or write more than {}s", least.as_secs());
            findings.warn(self.path, "short-timeout", message, hint);
        }
    }
}
