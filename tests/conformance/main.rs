//! The simulated programs against the real ones: one series of commands, the same outputs.
//!
//! There are two series: volumes and mounts (`series.txt`), and the cluster manager with a service (`series-ha.txt`).
//! What the real programs printed is kept in `real.txt` and `real-ha.txt`, so that the simulation is held to it on every machine. The
//! lab test runs the series on real nodes (root, Debian) and compares with the same text, so that it also shows when
//! the real programs have changed. It is recorded anew with
//! `BRICKLAYER_RECORD=1 cargo test --test conformance -- --ignored`.
#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::unwrap_used, missing_docs)]

mod normal;
mod series;
mod sides;
mod transcript;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::{Mutex, PoisonError};

use bricklayer::tools::scripts;

use series::{MANAGER, STORAGE, Series, Step};
use sides::{Fake, LAB, Real};

/// Where the lab of this process is; a process that is told so runs on the admin host.
const INSIDE: &str = "BRICKLAYER_CONFORMANCE_LAB";
/// What was said there, in the lab's directory.
const SAID: &str = "said";
/// Whether what the real programs print is to be kept.
const RECORD: &str = "BRICKLAYER_RECORD";
/// One lab at a time: how fast its nodes are is part of what they say.
static LABS: Mutex<()> = Mutex::new(());

#[test]
fn simulated_programs_print_what_the_real_ones_printed() {
    the_simulation_agrees(&STORAGE);
}

#[test]
fn simulated_programs_of_the_cluster_manager_print_what_the_real_ones_printed() {
    the_simulation_agrees(&MANAGER);
}

#[test]
#[ignore = "needs root on Debian; `tests/run` runs it"]
fn real_programs_print_what_is_recorded() {
    the_lab_agrees(&STORAGE, "real_programs_print_what_is_recorded");
}

#[test]
#[ignore = "needs root on Debian; `tests/run` runs it"]
fn real_programs_of_the_cluster_manager_print_what_is_recorded() {
    the_lab_agrees(&MANAGER, "real_programs_of_the_cluster_manager_print_what_is_recorded");
}

#[track_caller]
fn the_simulation_agrees(series: &Series) {
    let fake = transcript::record(&Fake::new(series.nodes), &series.steps());
    agrees(series, &fake, "the simulated programs print what is marked with +");
}

/// `test` is the one that calls.
#[track_caller]
fn the_lab_agrees(series: &Series, test: &str) {
    if let Some(lab) = std::env::var_os(INSIDE).map(PathBuf::from) {
        let real = transcript::record(&Real::new(&lab, series.nodes), &series.steps());
        return std::fs::write(lab.join(SAID), transcript::text(&real)).unwrap();
    }
    let real = said_on_the_admin_host(series, test);
    if std::env::var_os(RECORD).is_some() {
        std::fs::write(series.recorded, real).unwrap();
    } else {
        agrees(series, &transcript::blocks(&real), "the real programs now print what is marked with +");
    }
}

/// What no step of the series runs.
const WITHOUT_STEPS: [&str; 8] = [
    // The lab's nodes have everything, and what apt-get prints is nobody's contract.
    "install-packages",
    // It is for a machine that is new, and what it says is nobody's contract: the lab replaces a node with it.
    "adopt-peer",
    // Nobody sends it: it lies on the nodes and is run there by a unit at boot, and says nothing to anyone.
    "bricklayer-join",
    // Nor this one: the agent of the database calls it. tests/scripts runs it.
    "pg-ctl",
    // Nor this one: Pacemaker runs it. tests/scripts asks it all it can say, the lab's gate tests what comes of it.
    "healgate",
    // Nor this one: systemd runs it before glusterd. The lab's partitions test what comes of it.
    "guard",
    // It says nothing, and is for the day on which the other copy is lost.
    "go-on-alone",
    // It tells of the past, which is never twice the same: tests/samples has a real one, and the lab's power cut compares
    // what it tells with what a client has seen.
    "look-history",
];

#[test]
fn every_script_is_in_the_series() {
    let steps: Vec<Step> = [STORAGE, MANAGER].iter().flat_map(Series::steps).collect();
    let used: BTreeSet<&str> = steps.iter().filter_map(Step::command).map(|command| command.program.name()).collect();
    let missing: Vec<&str> =
        scripts::ALL.iter().map(|script| script.name).filter(|name| !used.contains(name)).collect();
    assert_eq!(missing, WITHOUT_STEPS);
}

#[track_caller]
fn agrees(series: &Series, printed: &[String], which: &str) {
    let recorded = transcript::blocks(&std::fs::read_to_string(series.recorded).unwrap());
    let steps = transcript::count(&recorded, printed);
    assert!(
        steps == 0,
        "{steps} of {} steps differ from {}; {which}:\n{}",
        printed.len(),
        series.recorded,
        transcript::difference(&recorded, printed)
    );
}

/// A lab that is taken down with this.
struct Lab {
    name: String,
    dir: PathBuf,
}

/// Boots a lab, runs this very test again on its admin host, and gives what was said there.
fn said_on_the_admin_host(series: &Series, test: &str) -> String {
    // One that failed has taken its lab down all the same.
    let _alone = LABS.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("c{}", std::process::id());
    let dir = Path::new("/var/tmp").join(format!("bricklayer-lab.{name}"));
    let lab = Lab { name, dir };
    let up: Vec<&str> = ["up"].into_iter().chain(series.nodes.iter().copied()).collect();
    assert!(lab.script(&up), "the lab does not start");
    let program = std::env::current_exe().unwrap();
    let again = [test, "--ignored", "--exact", "--nocapture"];
    let args: Vec<&str> = ["admin", program.to_str().unwrap()].into_iter().chain(again).collect();
    assert!(lab.script(&args), "the series could not be run to its end");
    std::fs::read_to_string(lab.dir.join(SAID)).unwrap()
}

impl Lab {
    fn script(&self, args: &[&str]) -> bool {
        let mut script = Process::new(LAB);
        script.env("LAB_NAME", &self.name).env("LAB_DIR", &self.dir).env(INSIDE, &self.dir);
        // The test that runs inside would be counted as one more.
        script.args(args).stdout(Stdio::null()).status().unwrap().success()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.dir.join(SAID));
        self.script(&["down"]);
    }
}
