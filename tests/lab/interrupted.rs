//! An `apply` that does not get to its end: the next one does.

use std::thread;
use std::time::Duration;

use crate::harness::{Lab, PAIR, Running, mixed, seed, tell};

/// Each on nodes of its own, side by side, because they mostly wait.
const ROUNDS: u64 = 3;
/// How long a lease lasts that nobody renews.
const LEASE_SECONDS: f64 = 60.0;
/// So many steps a first deployment has at least.
const STEPS: u64 = 10;

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn after_a_sigkill_at_any_step_the_next_apply_reaches_the_same_end() {
    let seed = seed();
    thread::scope(|scope| {
        let rounds: Vec<_> = (0..ROUNDS).map(|round| scope.spawn(move || killed(mixed(seed + round)))).collect();
        for round in rounds {
            round.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause));
        }
    });
}

fn killed(random: u64) {
    let lab = Lab::up(&["node01", "node02"]);
    let spec = lab.spec(&["node01", "node02"], PAIR);
    let (step, pause) = (1 + random % STEPS, Duration::from_millis((random >> 32) % 400));
    tell(&format!("SIGKILL {pause:?} after step {step} was begun"));

    let mut run = lab.start(&["apply", "--yes", &spec]);
    begin(&lab, &mut run, step);
    thread::sleep(pause);
    run.signal("KILL");
    run.end().exits(137);

    let next = lab.apply(&spec);
    next.exits(0);
    tell(&format!("killed in step {step}: the next run took {:.1} s", next.seconds));
    lab.has_the_pair();
    let created = |node| lab.on(node, "grep -c 'volume create.*SUCCESS' /var/log/glusterfs/cmd_history.log || :");
    let created = ["node01", "node02"].map(created);
    assert_eq!(created.iter().filter_map(|count| count.trim().parse::<u32>().ok()).sum::<u32>(), 1);
    assert_eq!(lab.plan(&spec).code, 0);

    // Where the killed run had left nothing to do, its lease is still there; it is in nobody's way.
    lab.gluster("volume set data00 network.ping-timeout 30");
    let mended = lab.apply(&spec);
    mended.exits(0);
    assert!(mended.seconds < LEASE_SECONDS / 2.0, "it waited for the lease to lapse");
    lab.has_the_pair();
    lab.has_no_lease();
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn sigterm_and_ctrl_c_end_after_the_running_step_and_the_next_apply_goes_on() {
    let lab = Lab::up(&["node01", "node02"]);
    let spec = lab.spec(&["node01", "node02"], PAIR);
    for signal in ["TERM", "INT"] {
        let begun = begun(&lab);
        let mut run = lab.start(&["apply", "--yes", &spec]);
        begin(&lab, &mut run, begun + 2);
        run.signal(signal);
        run.end().exits(2).says("not settled yet");
        let journal = lab.journal();
        let ended = journal.iter().filter(|line| !line["outcome"].is_null()).count();
        assert_eq!(ended * 2, journal.len(), "each step that was begun has ended: {journal:#?}");
        lab.has_no_lease();
        assert_eq!(lab.plan(&spec).code, 2, "it was interrupted, so something is left");
    }
    lab.apply(&spec).exits(0);
    lab.has_the_pair();
}

/// Waits until so many steps have been begun.
#[track_caller]
fn begin(lab: &Lab, run: &mut Running, steps: u64) {
    while begun(lab) < steps {
        assert!(!run.has_ended(), "it ended before step {steps}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn begun(lab: &Lab) -> u64 {
    lab.journal().iter().filter(|line| line["outcome"].is_null()).count() as u64
}
