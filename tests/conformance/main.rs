//! The simulated programs against the real ones: one series of commands, the same outputs.
//!
//! What the real programs printed is kept in `real.txt`, so that the simulation is held to it on every machine. The
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

use bricklayer::tools::scripts;

use series::{Step, series};
use sides::{Fake, LAB, NODES, Real};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/real.txt");
/// Where the lab of this process is; a process that is told so runs on the admin host.
const INSIDE: &str = "BRICKLAYER_CONFORMANCE_LAB";
/// What was said there, in the lab's directory.
const SAID: &str = "said";
/// Whether what the real programs print is to be kept.
const RECORD: &str = "BRICKLAYER_RECORD";

#[test]
fn simulated_programs_print_what_the_real_ones_printed() {
    let fake = transcript::record(&Fake::new(), &series());
    agrees(&fake, "the simulated programs print what is marked with +");
}

#[test]
#[ignore = "needs root on Debian; `tests/run` runs it"]
fn real_programs_print_what_is_recorded() {
    if let Some(lab) = std::env::var_os(INSIDE).map(PathBuf::from) {
        let real = transcript::record(&Real::new(&lab), &series());
        return std::fs::write(lab.join(SAID), transcript::text(&real)).unwrap();
    }
    let real = said_on_the_admin_host();
    if std::env::var_os(RECORD).is_some() {
        std::fs::write(RECORDED, real).unwrap();
    } else {
        agrees(&transcript::blocks(&real), "the real programs now print what is marked with +");
    }
}

/// What no step of the series runs.
const WITHOUT_STEPS: [&str; 18] = [
    // The lab's nodes have everything, and what apt-get prints is nobody's contract.
    "install-packages",
    // A series of the cluster manager's half is still to come: until then the fakes are held to `tests/samples`.
    "look-authkey",
    "make-authkey",
    "look-cib-folder",
    "seed-cib",
    "bricklayer-join",
    "write-secret",
    "try-cib",
    "push-cib",
    "look-agent",
    "check-secret",
    "write-config",
    "set-key",
    "look-database",
    "make-database",
    "look-server",
    "look-mount-points",
    "make-mount-point",
];

#[test]
fn every_script_is_in_the_series() {
    let steps = series();
    let used: BTreeSet<&str> = steps.iter().filter_map(Step::command).map(|command| command.program.name()).collect();
    let missing: Vec<&str> =
        scripts::ALL.iter().map(|script| script.name).filter(|name| !used.contains(name)).collect();
    assert_eq!(missing, WITHOUT_STEPS);
}

#[track_caller]
fn agrees(printed: &[String], which: &str) {
    let recorded = transcript::blocks(&std::fs::read_to_string(RECORDED).unwrap());
    let steps = transcript::count(&recorded, printed);
    assert!(
        steps == 0,
        "{steps} of {} steps differ from tests/conformance/real.txt; {which}:\n{}",
        printed.len(),
        transcript::difference(&recorded, printed)
    );
}

/// A lab that is taken down with this.
struct Lab {
    name: String,
    dir: PathBuf,
}

/// Boots a lab, runs this very test again on its admin host, and gives what was said there.
fn said_on_the_admin_host() -> String {
    let name = format!("c{}", std::process::id());
    let dir = Path::new("/var/tmp").join(format!("bricklayer-lab.{name}"));
    let lab = Lab { name, dir };
    let up: Vec<&str> = ["up"].into_iter().chain(NODES).collect();
    assert!(lab.script(&up), "the lab does not start");
    let test = std::env::current_exe().unwrap();
    let again = ["real_programs_print_what_is_recorded", "--ignored", "--exact", "--nocapture"];
    let args: Vec<&str> = ["admin", test.to_str().unwrap()].into_iter().chain(again).collect();
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
