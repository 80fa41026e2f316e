//! The heal gate: no service starts on a copy that misses something, and none that runs is touched by the gate.

use std::thread::sleep;
use std::time::Duration;

use crate::failover::{NODES, SERVICE, VIP, deployed};
use crate::harness::{Client, Lab, tell};

/// A node that comes back joins at once: what keeps the service off it is the gate alone.
const ON_BOOT: (&str, &str) = ("token: 3s, start: afterHeal", "token: 3s");
/// What heals by itself, and is told not to.
const HEALERS: [&str; 4] = ["self-heal-daemon", "data-self-heal", "entry-self-heal", "metadata-self-heal"];
/// For how many entries a node's brick blames the other one.
const BLAMES: &str = "find /glvol00/brick/.glusterfs/indices/xattrop -type f ! -name 'xattrop-*' | wc -l";
/// What a node that comes back starts.
const DAEMONS: &str = "glusterd corosync pacemaker";
/// Longer than the agents need to see something and to say it.
const SEEN: Duration = Duration::from_secs(15);
/// How long a running service may be without an answer while its agents are tormented: a brick that is killed costs a
/// moment, a service that is stopped costs more.
const UNDISTURBED: Duration = Duration::from_secs(3);

fn heal(lab: &Lab, how: &str) {
    for healer in HEALERS {
        lab.gluster(&format!("volume set data00 cluster.{healer} {how}"));
    }
}

/// Asserts that the service runs nowhere for a while, and that `status` says so in one sentence.
#[track_caller]
fn waits(lab: &Lab, spec: &str, on: &str, sentence: &str) {
    for _ in 0..SEEN.as_secs() {
        assert_eq!(lab.owner(on, SERVICE), None);
        assert!(!lab.is_mounted(on, "data00", "/gldata00"), "{on} has mounted a copy that misses something");
        sleep(Duration::from_secs(1));
    }
    lab.bricklayer(&["status", spec]).exits(2).says(sentence);
}

/// What the gate of a node says, as `on` knows it.
fn gate(lab: &Lab, on: &str, node: &str) -> bool {
    lab.on(on, &format!("attrd_updater -n healgate-data00 -N {node} -Q")).contains("value=\"1\"")
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_service_starts_on_no_copy_that_misses_what_was_written_elsewhere() {
    let (lab, spec) = deployed(&NODES, &[ON_BOOT]);
    assert!(gate(&lab, "node02", "node01") && gate(&lab, "node02", "node02"));
    heal(&lab, "off");
    lab.lab(&["cut", "node01"]).exits(0);
    lab.until_service_is_on("node02", SERVICE);
    lab.psql(VIP, "CREATE TABLE missed AS SELECT generate_series(1, 1000) AS n");

    // The domain wants the service on node01, which is back and misses a thousand rows.
    lab.until_booted("node01");
    lab.until("node01", "crm_mon -1 | grep -q 'Online: . node01 node02 .'");
    sleep(SEEN);
    assert!(!gate(&lab, "node02", "node01"));
    assert_eq!(lab.owner("node02", SERVICE).as_deref(), Some("node02"));

    // Who has them is fenced, and does not come back by itself.
    lab.on("node02", &format!("systemctl disable {DAEMONS}"));
    lab.lab(&["cut", "node02"]).exits(0);
    lab.until_fenced("node01", "node02");
    waits(&lab, &spec, "node01", "lacks what was written to volume data00 without it");

    lab.until_booted("node02");
    lab.on("node02", &format!("systemctl enable --now {DAEMONS}"));
    lab.until_service_is_on("node02", SERVICE);
    heal(&lab, "on");
    lab.until_service_is_on("node01", SERVICE);
    lab.is_healed("data00");
    assert_eq!(lab.psql(VIP, "SELECT count(*) FROM missed").trim(), "1000");
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_storage_link_that_is_cut_leaves_a_copy_on_which_nothing_starts() {
    let (lab, spec) = deployed(&NODES, &[ON_BOOT]);
    let client = Client::start(&lab, VIP);
    sleep(Duration::from_secs(3));
    // Corosync sees nothing of it.
    lab.on("node01", &format!("systemctl disable {DAEMONS}"));
    lab.lab(&["link", "node02", "down", "storage"]).exits(0);
    lab.until("node01", "attrd_updater -n healgate-data00 -N node02 -Q | grep -q 'value=.0'");
    assert_eq!(lab.on("node01", BLAMES).trim(), "0", "it is shut before anything is written without it");
    // The source dies as soon as it has acknowledged a few rows alone.
    lab.on("node01", &format!("until [ $({BLAMES}) -gt 0 ]; do sleep 0.1; done; sleep 0.5"));
    assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"));
    lab.lab(&["cut", "node01"]).exits(0);
    let log = client.stop();
    lab.until_fenced("node02", "node01");
    waits(&lab, &spec, "node02", "lacks what was written to volume data00 without it");

    lab.lab(&["link", "node02", "up", "storage"]).exits(0);
    lab.until_booted("node01");
    lab.on("node01", &format!("systemctl enable --now {DAEMONS}"));
    lab.until_service_is_on("node01", SERVICE);
    log.lost_nothing(&lab, VIP);
}

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn a_service_that_runs_is_not_touched_by_what_happens_to_its_gate() {
    let (lab, spec) = deployed(&NODES, &[ON_BOOT]);
    let started = || lab.psql(VIP, "SELECT pg_postmaster_start_time()");
    let since = started();
    let client = Client::start(&lab, VIP);
    sleep(Duration::from_secs(3));
    let torments = [
        ("node01", "kill -9 $(pgrep -x pacemaker-attrd)"),
        ("node02", "kill -9 $(pgrep -x pacemaker-attrd)"),
        ("node01", "kill -9 $(pgrep -x glusterfsd)"),
        ("node01", "crm_resource --resource healgate-data00-all --set-parameter target-role --meta -v Stopped"),
        ("node01", "kill -9 $(pgrep -x pacemaker-attrd)"),
        ("node01", "crm_resource --resource healgate-data00-all --delete-parameter target-role --meta"),
        ("node01", "echo '# another version' >>/usr/lib/ocf/resource.d/bricklayer/healgate"),
    ];
    for (node, torment) in torments {
        lab.on(node, torment);
        sleep(SEEN);
        assert_eq!(lab.owner("node01", SERVICE).as_deref(), Some("node01"), "{torment}");
        tell(&format!("still there after `{torment}`"));
    }
    // What was done by hand is mended: the brick is started, and the agent is ours again.
    lab.apply(&spec).exits(0);
    sleep(SEEN);
    let log = client.stop();
    log.lost_nothing(&lab, VIP);
    assert!(log.gap().lasted < UNDISTURBED, "{:?} without an answer", log.gap().lasted);
    assert_eq!(started(), since);
}
