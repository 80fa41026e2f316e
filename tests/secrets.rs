//! A secret reaches the nodes and nothing else: not the terminal, not the log, not the journal, not a saved plan.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const SECRET: &str = "hunter2-very-secret";
const FILE: &str = "\
apiVersion: bricklayer/v1
cluster: c1
transport: simulated
nodes: {n1: {id: 1}, n2: {id: 2}}
fenceDevices:
  bmc:
    agent: fence_ipmilan
    options: {username: fence, lanplus: \"1\"}
    secrets: {password: {file: ./bmc.pw}}
    perNode: {n1: {ip: 10.9.0.1}, n2: {ip: 10.9.0.2}}
";

/// Runs bricklayer and gives its exit code and everything it said.
fn said(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bricklayer"));
    let output = command.args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// A folder with a cluster and its secret.
fn folder(secret: &str, mode: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c1.yaml"), FILE).unwrap();
    let path = folder.path().join("bmc.pw");
    fs::write(&path, secret).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    folder
}

#[test]
fn nothing_that_is_said_or_kept_on_this_side_holds_a_secret() {
    let folder = folder(&format!("{SECRET}\n"), 0o600);
    let at = folder.path();
    let mut all = Vec::new();
    for args in [
        &["plan", "-vv", "c1.yaml"][..],
        &["plan", "-o", "json", "--out", "saved.json", "c1.yaml"],
        &["--log-format", "json", "-vv", "apply", "--yes", "--timeout", "60s", "c1.yaml"],
        &["-vv", "apply", "--yes", "--timeout", "60s", "c1.yaml"],
        &["-vv", "status", "c1.yaml"],
    ] {
        let (code, text) = said(at, args);
        assert_ne!(code, Some(1), "{args:?}: {text}");
        all.push((args.join(" "), text));
    }
    for kept in ["saved.json", ".bricklayer/c1/journal"] {
        all.push((kept.to_owned(), fs::read_to_string(at.join(kept)).unwrap()));
    }
    for (what, text) in &all {
        assert!(!text.contains(SECRET), "{what} holds the secret");
    }
    let journal = &all.last().unwrap().1;
    assert!(journal.contains("write-secret /etc/bricklayer/secrets/bmc.password 0600"), "{journal}");
    let plan: String = all[0].1.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains("(reads file ./bmc.pw)"), "the plan names where it comes from: {}", all[0].1);
    // It did reach the nodes.
    assert!(fs::read_to_string(at.join(".bricklayer/c1/world.json")).unwrap().contains(SECRET));
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_what_to_do() {
    let folder = folder(SECRET, 0o644);
    let (_, text) = said(folder.path(), &["plan", "c1.yaml"]);
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("the secret file ./bmc.pw has the mode 0644"), "{text}");
    assert!(text.contains("`chmod 600` it"), "{text}");
    assert!(!text.contains(SECRET));
}
