//! The worst day on the embedded simulated cluster, as a person goes through it: all power is lost, one node does not
//! come back, and the other is gone on with. The lab does the same on real daemons (`tests/lab/worst.rs`).
#![allow(clippy::disallowed_methods, missing_docs)] // it runs the program itself

mod person;

use person::says;

#[test]
fn a_service_is_brought_back_from_the_one_copy_that_is_left() {
    let folder = tempfile::tempdir().expect("a folder of the test's own");
    let says = |code: i32, args: &[&str]| says(folder.path(), code, args);
    says(0, &["apply", "--yes"]);
    let refused = says(3, &["node", "confirm-off", "node02", "--off", "node02"]);
    assert!(refused.contains("node02 answers, so it is not off"), "{refused}");
    let recover = ["service", "recover", "db", "--from", "node01", "--off", "node02"];
    let refused = says(3, &recover);
    assert!(refused.contains("service db runs on node01"), "{refused}");

    for node in ["node01", "node02"] {
        says(0, &["simulate", "cut", node]);
    }
    says(0, &["simulate", "boot", "node01"]);
    says(0, &["simulate", "pass", "60s"]);
    let status = says(2, &["status"]);
    assert!(status.contains("`bricklayer node confirm-off NODE`"), "{status}");
    // Nobody is there to type the name.
    says(1, &["node", "confirm-off", "node02"]);
    let told = says(0, &["node", "confirm-off", "node02", "--off", "node02"]);
    assert!(told.contains("the cluster goes on without node02"), "{told}");
    let status = says(2, &["status"]);
    assert!(status.contains("service db is waiting") && status.contains("node02 is not here"), "{status}");

    let told = says(0, &recover);
    assert!(told.contains("service db: started on node01"), "{told}");
    assert!(says(0, &recover).contains("service db: started on node01"), "it is done, and is done again in vain");
}
