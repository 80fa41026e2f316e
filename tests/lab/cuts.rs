//! Power cuts in a row, at random moments, below a client that never stops to insert: nothing may add up.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::failover::{BEARABLE, NODES, SERVICE, VIP, deployed, is_whole_again};
use crate::harness::{Client, Lab, mixed, now, seed, tell};

/// A cut comes this late after all is well, at most: a checkpoint, a heal that has just ended, an idle moment.
const AT_MOST: u64 = 6000;

/// A cut that is over.
struct Cut {
    node: &'static str,
    from: SystemTime,
    to: SystemTime,
}

/// Cuts one node after the other, first the one that serves, and brings all back in between.
#[track_caller]
fn cuts_in_a_row(count: usize) {
    let seed = seed();
    let (lab, spec) = deployed(&NODES, &[]);
    let client = Client::start(&lab, VIP);
    let cuts = NODES.iter().cycle().take(count).zip(0..).map(|(node, round)| {
        sleep(Duration::from_millis(mixed(seed + round) % AT_MOST));
        cut(&lab, &spec, node)
    });
    let cuts: Vec<Cut> = cuts.collect();
    let log = client.stop();
    log.lost_nothing(&lab, VIP);
    is_whole_again(&lab, &spec);
    for node in NODES {
        let times = cuts.iter().filter(|cut| cut.node == node);
        let times: Vec<Duration> = times.map(|cut| log.gap_between(cut.from, cut.to).lasted).collect();
        tell(&format!("{node} cut: {}", distribution(times.clone())));
        assert!(times.iter().all(|time| *time < BEARABLE), "{times:?} without service");
    }
}

/// Cuts a node's power, waits for what the cluster makes of it, and has bricklayer bring the service home.
#[track_caller]
fn cut(lab: &Lab, spec: &str, node: &'static str) -> Cut {
    let from = now();
    lab.lab(&["cut", node]).exits(0);
    if node == "node01" {
        lab.until_service_is_on("node02", SERVICE);
    } else {
        lab.until_lost("node01", node);
    }
    let to = now();
    lab.until_booted(node);
    lab.apply(spec).exits(0);
    lab.until_service_is_on("node01", SERVICE);
    Cut { node, from, to }
}

/// The seconds without service, from the shortest to the longest.
fn distribution(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let all: Vec<String> = times.iter().map(|time| format!("{:.1}", time.as_secs_f64())).collect();
    let [Some(min), Some(median), Some(max)] = [all.first(), all.get(all.len() / 2), all.last()] else {
        return "never".to_owned();
    };
    format!("{min} s without service at least, {median} s in the middle, {max} s at most: {}", all.join(" "))
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn three_power_cuts_in_a_row_under_load_lose_no_row_and_leave_nothing_behind() {
    cuts_in_a_row(3);
}

#[test]
#[cfg(feature = "soak")]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn twenty_power_cuts_in_a_row_under_load_lose_no_row_and_leave_nothing_behind() {
    cuts_in_a_row(20);
}

#[test]
fn the_distribution_of_a_few_times_is_told_from_the_shortest_to_the_longest() {
    let times = [3.0, 1.0, 2.04].map(Duration::from_secs_f64);
    let told = distribution(times.to_vec());
    assert_eq!(told, "1.0 s without service at least, 2.0 s in the middle, 3.0 s at most: 1.0 2.0 3.0");
}
