//! `cat`, and the scripts that write files.

use super::output::{Call, failed, silent};
use super::world::World;
use crate::model::{NodeName, Output};

/// Runs `cat FILE...`.
pub fn cat(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let node = &world.nodes[at];
    let mut output = silent();
    if call.args.is_empty() {
        output.stdout.push_str(call.stdin);
    }
    for path in call.args.iter().filter(|arg| **arg != "--") {
        if let Some(file) = node.files.get(*path) {
            output.stdout += &file.text;
        } else {
            let reason = if node.is_directory(path) { "Is a directory" } else { "No such file or directory" };
            output.stderr += &["cat: ", path, ": ", reason, "\n"].concat();
            output.status = 1;
        }
    }
    output
}

/// `write-file PATH MODE`.
pub fn write_file(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path, mode] = call.args else { return failed(2, "write-file: PATH MODE\n") };
    let node = world.node_mut(at);
    if node.is_directory(path) {
        return failed(1, format!("{path} is not a regular file; it is left alone\n"));
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if !folder.is_empty() && !node.is_directory(folder) {
        return failed(1, format!("cannot create {path}: Directory nonexistent\n"));
    }
    node.put(path, call.stdin, mode.trim_start_matches('0'));
    silent()
}

/// `remove-file PATH`.
pub fn remove_file(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path] = call.args else { return failed(2, "remove-file: PATH\n") };
    let node = world.node_mut(at);
    if node.is_directory(path) {
        return failed(1, format!("{path} is not a regular file; it is left alone\n"));
    }
    node.files.remove(*path);
    silent()
}

/// `write-hosts CLUSTER`.
pub fn write_hosts(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [cluster] = call.args else { return failed(2, "write-hosts: CLUSTER\n") };
    let (begin, end) = (format!("# bricklayer {cluster}: begin"), format!("# bricklayer {cluster}: end"));
    let node = world.node_mut(at);
    let old = node.files.get("/etc/hosts").map_or("", |file| &file.text);
    let mut lines: Vec<&str> = Vec::new();
    let mut place = None;
    let mut inside = false;
    for line in old.lines() {
        if line == begin {
            (inside, place) = (true, Some(lines.len()));
        } else if line == end {
            inside = false;
        } else if !inside {
            lines.push(line);
        }
    }
    if inside {
        return failed(
            3,
            format!("the marks of the block \"{begin}\" in /etc/hosts do not match; mend them by hand\n"),
        );
    }
    let block = call.stdin.trim_end_matches('\n');
    if !block.is_empty() {
        let place = place.unwrap_or(lines.len());
        lines.splice(place..place, [begin.as_str(), block, end.as_str()]);
    }
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    node.put("/etc/hosts", &text, "644");
    silent()
}

/// `replace-mount UNIT PATH MODE`.
pub fn replace_mount(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [unit, path, mode] = call.args else { return failed(2, "replace-mount: UNIT PATH MODE\n") };
    let systemctl = |world: &mut World, args: &[&str]| super::systemd::systemctl(world, at, &Call { args, stdin: "" });
    let stopped = systemctl(world, &["stop", "--", unit]);
    if !matches!(stopped.status, 0 | 5) {
        return stopped;
    }
    let written = write_file(world, at, &Call { args: &[path, mode], stdin: call.stdin });
    if !written.success() {
        return written;
    }
    systemctl(world, &["daemon-reload"]);
    systemctl(world, &["enable", "--now", "--", unit])
}
