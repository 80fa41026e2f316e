//! The past on the embedded simulated cluster, as a person asks for it: `status --history` after a node was lost and
//! came back. The lab asks the logs of real daemons (`tests/lab/failover.rs`).
#![allow(clippy::disallowed_methods, missing_docs)] // it runs the program itself

mod person;

use person::says;
use serde_json::Value;

#[test]
fn a_power_cut_is_told_from_the_last_sign_of_life_to_full_strength() {
    let folder = tempfile::tempdir().expect("a folder of the test's own");
    let says = |code: i32, args: &[&str]| says(folder.path(), code, args);
    let past = |code: i32| -> Value {
        serde_json::from_str(&says(code, &["status", "--history", "-o", "json"])).expect("a history is JSON")
    };
    says(0, &["apply", "--yes"]);
    assert!(says(0, &["status", "--history"]).contains("nothing was lost"));

    // What is written meanwhile is missing on its brick afterwards.
    says(0, &["simulate", "cut", "node01"]);
    says(0, &["simulate", "pass", "20s"]);
    let away = past(2);
    assert_eq!((&away["unheard"][0], &away["absences"][0]["node"]), (&"node01".into(), &"node01".into()));
    says(0, &["simulate", "pass", "60s"]);
    says(0, &["apply", "--yes"]);

    let absence = &past(0)["absences"][0];
    let at = |name: &str| -> jiff::Timestamp {
        absence[name].as_str().unwrap_or_else(|| panic!("no {name} in {absence:#}")).parse().expect("a time")
    };
    assert!(at("failedAt") < at("lostAt") && at("lostAt") < at("onAt") && at("onAt") < at("memberAt"), "{absence:#}");
    assert_eq!(absence["fencing"][0]["outcome"], "OK (complete)");
    let down = &absence["services"][0];
    assert_eq!((&down["service"], &down["from"], &down["to"]), (&"db".into(), &"node01".into(), &"node02".into()));
    let down_ms = down["downMs"].as_u64().expect("it is up again");
    assert!((3_000..30_000).contains(&down_ms), "{down_ms} ms");
    let told = says(0, &["status", "--history"]);
    assert!(told.contains("node01 was away for") && told.contains("fenced by node02 (reboot)"), "{told}");
    assert!(told.contains("db up on node02, after"), "{told}");
}
