//! A person who runs `bricklayer` on an embedded simulated cluster, whose state is in a folder of the test's own.
#![allow(dead_code)] // each test takes from it what it needs

use std::path::Path;
use std::process::{Command, Output};

/// Runs it on the cluster of a file.
pub fn run(spec: &Path, state: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bricklayer"));
    command.args(args).arg(spec).arg("--state-dir").arg(state).env_remove("STATE_DIRECTORY");
    command.output().expect("bricklayer runs")
}

/// What it says on standard output of the quickstart's cluster, its line breaks taken out, when it ends with `code`.
#[track_caller]
pub fn says(state: &Path, code: i32, args: &[&str]) -> String {
    let output = run(concat!(env!("CARGO_MANIFEST_DIR"), "/specs/quickstart.yaml").as_ref(), state, args);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
