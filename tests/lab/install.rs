//! A node without `GlusterFS` gets it, and nothing of it starts before bricklayer says so.

use crate::harness::Lab;

const ONE: &str = "volumes:\n  alone: {bricks: [node01:/glvol00/alone]}\n";

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn missing_packages_are_installed_and_start_nothing_by_themselves() {
    let lab = Lab::up_bare(&["node01"]);
    lab.on("node01", "! command -v glusterd");
    let spec = lab.spec(&["node01"], ONE);
    let plan = lab.plan(&spec);
    assert!(plan.ids("run").contains(&"node/node01/install"), "{:?}", plan.ids("run"));

    lab.apply(&spec).exits(0);
    assert!(lab.gluster("volume info alone").contains("Status: Started"));
    lab.on("node01", "test ! -e /usr/sbin/policy-rc.d");
    let installed =
        lab.journal().into_iter().find(|line| line["item"] == "node/node01/install" && line["outcome"] == "Done");
    let installed = installed.expect("the installation is in the journal")["at"].clone();
    let installed = installed.as_str().expect("a time is a text").to_owned();
    // Started once, and after the installation had ended.
    let early =
        format!("journalctl -q -o cat -u glusterd -u glustereventsd --until \"$(date -d {installed} '+%F %T.%N')\"");
    assert_eq!(lab.on("node01", &early), "");
    assert_eq!(lab.on("node01", "journalctl -q -o cat -u glusterd | grep -c ^Started").trim(), "1");
    assert_eq!(lab.plan(&spec).code, 0);
}
