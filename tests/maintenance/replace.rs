//! A new machine in the place of a lost one, on the embedded simulated cluster: in every shape of volume, and with bricks
//! that lie elsewhere than they lay. The lab does the same on real daemons (`tests/lab/replace.rs`).

use std::path::PathBuf;

use crate::person::run;

/// A cluster of a file that its person edits.
struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    fn new(file: &str) -> Self {
        let cluster = Self { folder: tempfile::tempdir().expect("a folder of the test's own") };
        cluster.write(file);
        cluster.says(0, &["apply", "--yes"]);
        cluster
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("cluster.yaml")
    }

    fn write(&self, file: &str) {
        std::fs::write(self.file(), file).expect("it is the test's own");
    }

    /// What bricklayer says, its line breaks taken out, when it ends with `code`.
    #[track_caller]
    fn says(&self, code: i32, args: &[&str]) -> String {
        let output = run(&self.file(), self.folder.path(), args);
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{told}");
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// A node's machine is lost and is there anew.
    fn reinstall(&self, node: &str) {
        self.says(0, &["simulate", "reinstall", node]);
        self.says(0, &["simulate", "pass", "60s"]);
    }

    #[track_caller]
    fn replace(&self, code: i32, node: &str) -> String {
        self.says(code, &["node", "replace", node, "--lost", node])
    }

    /// Has node02 of two sets replaced, which is refused as long as node03 is off; what is said of it then.
    #[track_caller]
    fn replaced_once_all_is_served(&self) -> String {
        self.says(0, &["simulate", "reinstall", "node02"]);
        self.says(0, &["simulate", "cut", "node03"]);
        self.says(0, &["simulate", "pass", "60s"]);
        let told = self.replace(3, "node02");
        assert!(told.contains("it is not known whether brick node03:/b/b/2 of volume vol is served"), "{told}");
        self.says(0, &["simulate", "boot", "node03"]);
        self.says(0, &["simulate", "pass", "60s"]);
        self.replace(0, "node02")
    }
}

fn shaped(nodes: usize, shape: &str) -> String {
    let nodes: Vec<String> = (1..=nodes).map(|number| format!("node0{number}")).collect();
    let all: Vec<String> = nodes.iter().map(|node| format!("{node}: {{}}")).collect();
    let bricks: Vec<String> = nodes.iter().map(|node| format!("{node}:/b/vol/brick")).collect();
    format!(
        "apiVersion: bricklayer/v1\ncluster: shaped\ntransport: simulated\nnodes: {{{}}}\nvolumes: {{vol: {{{shape}, \
         bricks: [{}]}}}}\n",
        all.join(", "),
        bricks.join(", ")
    )
}

#[test]
fn a_brick_of_an_arbited_or_dispersed_set_is_filled_on_a_new_machine_whichever_it_is() {
    let cases = [
        (3, "replica: 3, arbiter: 1", "node02"),
        (3, "replica: 3, arbiter: 1", "node03"),
        (3, "disperse: 3, redundancy: 1", "node02"),
        (6, "disperse: 6, redundancy: 2", "node06"),
    ];
    for (nodes, shape, lost) in cases {
        let file = shaped(nodes, shape);
        for moved in [file.clone(), file.replace(&format!("{lost}:/b/vol/brick"), &format!("{lost}:/b/vol/new"))] {
            let cluster = Cluster::new(&file);
            cluster.reinstall(lost);
            cluster.write(&moved);
            let told = cluster.replace(0, lost);
            assert!(told.contains("from the other copies of volume vol"), "{told}");
            assert!(told.contains("has taken the place of the lost machine"), "{told}");
            cluster.says(0, &["plan"]);
        }
    }
}

/// A node with a brick of each of two sets.
const TWO_SETS: &str = "\
apiVersion: bricklayer/v1
cluster: sets
transport: simulated
nodes: {node01: {}, node02: {}, node03: {}}
volumes: {vol: {replica: 2, bricks: [node01:/b/a/1, node02:/b/a/1, node02:/b/b/2, node03:/b/b/2]}}
";

fn moved(file: &str) -> String {
    file.replace("node02:/b/a/1", "node02:/b/a/new").replace("node02:/b/b/2", "node02:/b/b/new")
}

#[test]
fn the_bricks_of_a_new_machine_are_filled_one_after_the_other_and_only_while_all_other_copies_are_served() {
    let cluster = Cluster::new(TWO_SETS);
    let told = cluster.replaced_once_all_is_served();
    let at = |words: &str| told.find(words).unwrap_or_else(|| panic!("{words} is not in {told}"));
    assert!(at("fill brick /b/a/1 on node02") < at("fill brick /b/b/2 on node02"));
    cluster.says(0, &["plan"]);
}

#[test]
fn bricks_that_are_written_elsewhere_take_the_places_of_the_old_ones_one_set_after_the_other() {
    let cluster = Cluster::new(TWO_SETS);
    cluster.write(&moved(TWO_SETS));
    let told = cluster.replaced_once_all_is_served();
    let at = |words: &str| told.find(words).unwrap_or_else(|| panic!("{words} is not in {told}"));
    assert!(at("fill brick /b/a/new on node02") < at("fill brick /b/b/new on node02"));
    assert!(!told.contains("find the directories"), "its glusterd is not started anew for them: {told}");
    cluster.says(0, &["plan"]);
    assert!(cluster.replace(0, "node02").contains("has taken the place"), "it is done, and is done again in vain");
}

#[test]
fn as_long_as_a_brick_is_only_written_elsewhere_the_status_shows_it_where_it_lies() {
    let cluster = Cluster::new(TWO_SETS);
    let before = cluster.says(0, &["status"]);
    cluster.write(&moved(TWO_SETS));
    assert_eq!(cluster.says(0, &["status"]), before);
}

#[test]
fn one_brick_of_a_new_machine_is_reset_and_the_other_replaced() {
    let cluster = Cluster::new(TWO_SETS);
    cluster.reinstall("node02");
    cluster.write(&TWO_SETS.replace("node02:/b/b/2", "node02:/b/b/new"));
    let told = cluster.replace(0, "node02");
    assert!(told.contains("fill brick /b/a/1 on node02") && told.contains("fill brick /b/b/new on node02"), "{told}");
    cluster.says(0, &["plan"]);
}

#[test]
fn no_brick_is_moved_unasked_and_whoever_asks_is_told_how() {
    let cluster = Cluster::new(TWO_SETS);
    cluster.write(&moved(TWO_SETS));
    let moves = |code: i32, args: &[&str]| {
        let told = cluster.says(code, args);
        assert!(told.contains("node02 has /b/a/1 and not /b/a/new, /b/b/2 and not /b/b/new in it"), "{told}");
        assert!(told.contains("`bricklayer node replace node02` has what is written filled"), "{told}");
        assert!(!told.contains("make the brick directory") && !told.contains("to heal"), "{told}");
    };
    moves(3, &["plan"]);
    moves(3, &["apply", "--yes", "--allow", "disruptive,destructive"]);
    cluster.says(0, &["simulate", "cut", "node02"]);
    cluster.says(0, &["simulate", "pass", "60s"]);
    assert!(cluster.says(3, &["plan"]).contains("`bricklayer node replace node02` has what is written filled"));
    cluster.says(0, &["simulate", "boot", "node02"]);
    cluster.says(0, &["simulate", "pass", "60s"]);
    // As it was, it is as written.
    cluster.write(TWO_SETS);
    cluster.says(0, &["plan"]);
}

#[test]
fn a_node_that_is_alive_gets_its_bricks_elsewhere_by_the_same_verb() {
    let cluster = Cluster::new(TWO_SETS);
    cluster.write(&moved(TWO_SETS));
    let told = cluster.replace(0, "node02");
    assert!(told.contains("fill brick /b/a/new on node02"), "{told}");
    cluster.says(0, &["plan"]);
}

#[test]
fn nothing_is_replaced_where_more_is_written_anew_than_the_bricks_of_that_node() {
    let cluster = Cluster::new(TWO_SETS);
    let refused = |file: String, because: &str| {
        cluster.write(&file);
        let told = cluster.replace(3, "node02");
        assert!(told.contains("fill the bricks of node02") && told.contains(because), "{because}: {told}");
    };
    let elsewhere = moved(TWO_SETS);
    refused(elsewhere.replace("node01:/b/a/1", "node01:/b/a/new"), "its bricks on node01 and on node02 lie elsewhere");
    refused(TWO_SETS.replace("node01:/b/a/1", "node01:/b/a/new"), "its bricks on node01 lie elsewhere");
    refused(
        elsewhere.replace("node01:/b/a/1", "node03:/b/a/1"),
        "it has the brick node01:/b/a/1, which is not written",
    );
    let swapped = "node02:/b/b/2, node01:/b/a/1, node02:/b/a/1, node03:/b/b/2";
    let swapped = TWO_SETS.replace("node01:/b/a/1, node02:/b/a/1, node02:/b/b/2, node03:/b/b/2", swapped);
    refused(swapped, "its bricks stand in another order");
    cluster.write(TWO_SETS);
    cluster.says(0, &["plan"]);
}
