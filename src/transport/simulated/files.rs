//! `cat`, and the scripts that write files.

use super::output::{Call, failed, printed, silent};
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

/// `base64 FILE`, on one line.
pub fn base64(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let Some(path) = call.args.iter().rev().find(|arg| !arg.starts_with('-') && **arg != "0") else {
        return failed(1, "base64: a file must be named here\n");
    };
    match world.nodes[at].files.get(*path) {
        Some(file) => printed(encoded(file.text.as_bytes()) + "\n"),
        None => failed(1, format!("base64: {path}: No such file or directory\n")),
    }
}

fn encoded(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * place) & 63]);
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

/// `write-file PATH MODE`.
pub fn write_file(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path, mode] = call.args else { return failed(2, "write-file: PATH MODE\n") };
    let node = world.node_mut(at);
    if node.is_directory(path) {
        return failed(1, format!("{path} is not a regular file; it is left alone\n"));
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    if !folder.is_empty() {
        node.make_directories(folder);
    }
    if node.sealed.contains(folder) && !node.mounts.contains_key(folder) {
        let name = path.rsplit('/').next().unwrap_or_default();
        let file = format!("{folder}/.{name}.XXXXXXXXXX");
        return failed(1, format!("mktemp: failed to create file via template '{file}': Operation not permitted\n"));
    }
    let written_ms = world.clock_ms;
    let node = world.node_mut(at);
    node.put(path, call.stdin, mode.trim_start_matches('0'));
    if let Some(file) = node.files.get_mut(*path) {
        file.written_ms = written_ms;
    }
    silent()
}

/// `write-config PATH MODE GROUP`.
pub fn write_config(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path, mode, group] = call.args else { return failed(2, "write-config: PATH MODE GROUP\n") };
    if let Some((folder, _)) = path.rsplit_once('/') {
        world.node_mut(at).make_directories(folder);
    }
    if !world.nodes[at].has_group(group) {
        return failed(1, format!("chown: invalid group: 'root:{group}'\n"));
    }
    let output = write_file(world, at, &Call { args: &[path, mode], stdin: call.stdin });
    if let Some(file) = world.node_mut(at).files.get_mut(*path) {
        file.owner = format!("root:{group}");
    }
    output
}

/// `set-key PATH KEY VALUE`.
pub fn set_key(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path, key, value] = call.args else { return failed(2, "set-key: PATH KEY VALUE\n") };
    if world.nodes[at].is_directory(path) {
        let skipped = format!("awk: cmd. line:2: warning: command line argument `{path}' is a directory: skipped\n");
        return failed(1, skipped + path + " is not a regular file; it is left alone\n");
    }
    let old = world.nodes[at].files.get(*path).map_or("", |file| &file.text).to_owned();
    let is = |line: &&str| line.split('=').next().is_some_and(|name| name.trim() == *key) && line.contains('=');
    let mut lines: Vec<String> = old.lines().filter(|line| !is(line)).map(str::to_owned).collect();
    let place = old.lines().position(|line| is(&line)).unwrap_or(lines.len());
    lines.insert(place, format!("{key} = {value}"));
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    if let Some((folder, _)) = path.rsplit_once('/') {
        world.node_mut(at).make_directories(folder);
    }
    write_file(world, at, &Call { args: &[path, "0644"], stdin: &text })
}

/// `look-mount-points PATH...`.
pub fn look_mount_points(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let node = &world.nodes[at];
    let state = |path: &str| {
        let below = |other: &&String| other.as_str() != path && super::disks::is_below(path, other);
        if node.mounts.contains_key(path) {
            "mounted"
        } else if node.files.contains_key(path) {
            "other"
        } else if !node.is_directory(path) {
            "absent"
        } else if node.files.keys().find(below).is_some() || node.root.directories.keys().find(below).is_some() {
            "used"
        } else if node.sealed.contains(path) {
            "sealed"
        } else {
            "open"
        }
    };
    printed(call.args.iter().fold(String::new(), |text, path| text + path + "\t" + state(path) + "\n"))
}

/// `make-mount-point PATH`.
pub fn make_mount_point(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path] = call.args else { return failed(2, "make-mount-point: PATH\n") };
    let state = look_mount_points(world, at, &Call { args: &[path], stdin: "" }).stdout;
    match state.trim_end().rsplit('\t').next() {
        Some("mounted") => return silent(),
        Some("other") => return failed(1, format!("mkdir: cannot create directory '{path}': File exists\n")),
        Some("used") => return failed(3, format!("{path} is not an empty directory; it is left alone\n")),
        _ => {}
    }
    let node = world.node_mut(at);
    node.make_directories(path);
    node.sealed.insert((*path).to_owned());
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
    let started = systemctl(world, &["enable", "--now", "--", unit]);
    Output { stderr: stopped.stderr + &started.stderr, ..started }
}
