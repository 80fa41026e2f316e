//! Maintenance on the embedded simulated cluster, as a person goes through it: each node is drained, switched off and
//! brought back, and one is replaced. The lab does the same on real daemons (`tests/lab/maintenance.rs`).
#![allow(clippy::disallowed_methods, missing_docs)] // it runs the program itself

mod person;
#[path = "maintenance/replace.rs"]
mod replace;

use person::says;

#[test]
fn a_drained_node_is_switched_off_and_left_alone_until_it_is_resumed() {
    let folder = tempfile::tempdir().expect("a folder of the test's own");
    let says = |code: i32, args: &[&str]| says(folder.path(), code, args);
    says(0, &["apply", "--yes"]);
    let told = says(0, &["node", "drain", "node02"]);
    assert!(told.contains("node02 is drained and can be switched off"), "{told}");
    let told = says(2, &["status"]);
    assert!(told.contains("node02 is drained; `bricklayer node resume node02` brings it back"), "{told}");
    assert!(told.contains("db node01 started"), "{told}");

    // Nobody fights it, whether it is on, off, or back after a boot.
    for event in [&["status"][..], &["simulate", "cut", "node02"], &["simulate", "boot", "node02"]] {
        says(if event[0] == "status" { 2 } else { 0 }, event);
        let told = says(3, &["apply", "--yes", "--timeout", "20s"]);
        assert!(told.contains("`bricklayer node resume node02` brings it back"), "{event:?}: {told}");
    }
    says(0, &["simulate", "pass", "60s"]);
    assert!(says(2, &["status"]).contains("db node01 started"), "it serves nothing, also after a boot");

    let told = says(3, &["node", "drain", "node01"]);
    assert!(told.contains("node02 is not a member that takes services now"), "{told}");
    assert!(says(0, &["node", "resume", "node02"]).contains("node02 is back"));
    says(0, &["plan"]);
    assert!(says(0, &["node", "resume", "node02"]).contains("node02 is back"), "it is done, and is done again in vain");
}

#[test]
fn what_runs_on_a_node_that_is_drained_moves() {
    let folder = tempfile::tempdir().expect("a folder of the test's own");
    let says = |code: i32, args: &[&str]| says(folder.path(), code, args);
    says(0, &["apply", "--yes"]);
    says(0, &["node", "drain", "node01"]);
    says(0, &["node", "drain", "node01"]);
    assert!(says(2, &["status"]).contains("db node02 started"));
    says(0, &["node", "resume", "node01"]);
    assert!(says(2, &["status", "-o", "json"]).contains("\"owner\": \"node02\""), "its domain does not fail back");
    says(0, &["plan"]);
}

#[test]
fn a_new_machine_takes_the_place_of_a_lost_one_and_its_bricks_are_filled() {
    let folder = tempfile::tempdir().expect("a folder of the test's own");
    let says = |code: i32, args: &[&str]| says(folder.path(), code, args);
    says(0, &["apply", "--yes"]);
    says(0, &["simulate", "reinstall", "node02"]);
    says(0, &["simulate", "pass", "60s"]);
    let told = says(2, &["apply", "--yes", "--timeout", "15s"]);
    assert!(told.contains("`bricklayer node replace node02` has it take the place of the lost one"), "{told}");
    // Nobody is there to type the name.
    says(1, &["node", "replace", "node02"]);
    let replace = ["node", "replace", "node02", "--lost", "node02"];
    let told = says(0, &replace);
    assert!(told.contains("node02 has taken the place of the lost machine"), "{told}");
    says(0, &["plan"]);
    assert!(says(2, &["status"]).contains("db node01 started"));
    assert!(says(0, &replace).contains("has taken the place"), "it is done, and is done again in vain");
}
