//! Where a script runs in a test: a folder of the test's own, parts of which lie over parts of the system.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use bricklayer::model::Script;
use tempfile::TempDir;

use super::err;

/// A folder of the test's own, parts of which lie over parts of the system when a script runs.
pub struct Place {
    dir: TempDir,
    over: Vec<(&'static str, &'static str)>,
    /// What the script finds in its environment.
    pub environment: Vec<(&'static str, String)>,
}

impl Place {
    /// A place where the scripts run in the system as it is.
    pub fn plain() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        Self { dir, over: Vec::new(), environment: Vec::new() }
    }

    /// A place with its folders `(name, path)` over those of the system; nothing if this machine does not let us.
    pub fn over(folders: &[(&'static str, &'static str)]) -> Option<Self> {
        let allowed = Command::new("unshare").args(["-m", "true"]).output();
        if !allowed.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: a mount namespace cannot be made here (root is needed)");
            return None;
        }
        let place = Self { over: folders.to_vec(), ..Self::plain() };
        for (name, _) in folders {
            fs::create_dir_all(place.dir.path().join(name)).unwrap();
        }
        Some(place)
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Puts a program in front of the system's own; it notes its call and does what `text` says.
    pub fn fake(&self, name: &str, text: &str) {
        let log = self.path("calls");
        let path = self.write(&format!("bin/{name}"), &format!("#!/bin/sh\necho {name} \"$@\" >>{log}\n{text}\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn run(&self, script: Script, args: &[&str], stdin: &str) -> Output {
        let file = self.write(script.name, script.text);
        let mounts = self.over.iter().map(|(name, over)| format!("mount --bind {} {over}\n", self.path(name)));
        let prelude = format!("set -e\n{}exec sh {file} \"$@\"\n", mounts.collect::<String>());
        let prelude = self.write("prelude", &prelude);
        let mut command = Command::new(if self.over.is_empty() { "sh" } else { "unshare" });
        if !self.over.is_empty() {
            command.args(["-m", "sh"]);
        }
        command.arg(prelude).args(args).env("LC_ALL", "C");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("PATH", format!("{}:{}:/usr/sbin:/sbin", self.path("bin"), std::env::var("PATH").unwrap()));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub fn says(&self, script: Script, args: &[&str]) -> String {
        let output = self.run(script, args, "");
        assert!(output.status.success(), "{} {args:?}: {}", script.name, err(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn status(&self, script: Script, args: &[&str], stdin: &str) -> i32 {
        self.run(script, args, stdin).status.code().unwrap()
    }
}
