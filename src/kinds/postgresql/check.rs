//! What can be wrong with a database server: where its data is, what it listens on, and settings that lose rows.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::check_access::check_access;
use crate::kinds::services::{Part, parts};
use crate::kinds::{Mount, Postgresql, Resource, Service, Spec, nodes, parameters};
use crate::model::{AbsPath, Findings, ServiceName, SpecPath};

/// The oldest major version that is written as one number.
const OLDEST: u32 = 10;

/// Settings that follow from the rest of the file, or lead out of it.
const OURS: &[&str] = &[
    "config_file",
    "data_directory",
    "external_pid_file",
    "hba_file",
    "ident_file",
    "include",
    "include_dir",
    "include_if_exists",
    "listen_addresses",
    "port",
    "unix_socket_directories",
];

/// Looks at all servers.
pub(super) fn check(spec: &Spec, findings: &mut Findings) {
    let mut ports: BTreeMap<u16, &ServiceName> = BTreeMap::new();
    let mut dirs: Vec<(&AbsPath, &ServiceName)> = Vec::new();
    for part in parts(spec) {
        let Resource::Postgresql(server) = part.resource else { continue };
        check_place(spec, &part, server, findings);
        if let Some(version) = server.version.filter(|version| *version < OLDEST) {
            let message = format!("PostgreSQL {version} is not a major version that there is a package of");
            findings.error(part.path.at("version"), "bad-value", message, "write its major version: `15`");
        }
        let path = part.path.at("port");
        if server.port == 0 {
            findings.error(path, "bad-value", "port 0 is no port", "leave it out for 5432");
        } else if let Some(other) = ports.insert(server.port, part.name) {
            let message = format!("port {} is taken by {other}, and both may run on one node", server.port);
            findings.error(path, "duplicate-port", message, "give each server its own port");
        }
        let dir = &server.data_dir;
        if let Some((_, other)) = dirs.iter().find(|(other, _)| other.contains(dir) || dir.contains(other)) {
            let message = format!("`{dir}` and a data directory of {other} lie in each other");
            findings.error(part.path.at("dataDir"), "duplicate-data-dir", message, "put them side by side");
        }
        dirs.push((dir, part.name));
        check_listen(spec, &part, server, findings);
        check_settings(server, &part.path.at("settings"), findings);
        check_access(server, &part.path.at("access"), findings);
    }
}

/// The mount of `service` that `dir` lies on, and its place in the list.
fn mount_of<'a>(spec: &'a Spec, service: &Service, dir: &AbsPath) -> Option<(usize, &'a Mount)> {
    let mounts = service.resources.iter().enumerate().filter_map(|(index, resource)| match resource {
        Resource::Mount(mount) => Some((index, spec.mounts.get(&mount.name)?)),
        _ => None,
    });
    mounts.filter(|(_, mount)| mount.path.contains(dir)).max_by_key(|(_, mount)| mount.path.as_str().len())
}

fn check_place(spec: &Spec, part: &Part<'_>, server: &Postgresql, findings: &mut Findings) {
    let path = part.path.at("dataDir");
    let dir = &server.data_dir;
    match mount_of(spec, part.service, dir) {
        None => {
            let message = format!("`{dir}` lies below no mount of {}: it would stay behind when that moves", part.name);
            let hint = "list the mount above this item, and write a directory below its path";
            findings.error(path, "data-dir-not-on-mount", message, hint);
        }
        Some((_, mount)) if mount.path == *dir => {
            let message = format!("`{dir}` is the mount point itself, and a volume keeps things of its own there");
            findings.error(path, "data-dir-is-mount", message, format!("write a directory below it: `{dir}/pgsql`"));
        }
        Some((index, mount)) if index > part.index => {
            let message = format!("the server would start before {} is mounted", mount.path);
            findings.error(path, "mount-after-database", message, "list the mount above the server");
        }
        Some(_) => {}
    }
}

fn check_listen(spec: &Spec, part: &Part<'_>, server: &Postgresql, findings: &mut Findings) {
    let path = part.path.at("listen");
    let own = |ip: IpAddr| {
        let at = |resource: &Resource| matches!(resource, Resource::Ip(own) if own.address.address == ip);
        part.service.resources.iter().position(at)
    };
    for item in server.listen.split(',').map(str::trim) {
        let word = |c: char| c.is_ascii_alphanumeric() || ".:-_".contains(c);
        let path = path.clone();
        if item != "*" && (item.is_empty() || !item.chars().all(word)) {
            let message = format!("`{}` is nothing that a server can listen on", item.escape_debug());
            let hint = "write addresses with commas between them, or leave it out for all";
            findings.error(path, "bad-listen", message, hint);
        } else if let Some(node) = nodes::at_address(spec, item) {
            let message = format!("`{item}` is {node}: on another node the server could not start");
            findings.error(path, "listen-on-node", message, "leave it out, or write the service's own address");
        } else if let Ok(ip) = item.parse::<IpAddr>() {
            match own(ip) {
                Some(index) if index > part.index => {
                    let message = format!("the server would start before `{item}` is there to listen on");
                    findings.error(path, "ip-after-database", message, "list the address above the server");
                }
                None if !ip.is_unspecified() && !ip.is_loopback() => {
                    let message = format!("`{item}` is no address of {}, and does not move with it", part.name);
                    findings.warn(path, "listen-elsewhere", message, "leave it out, or list it as `ip`");
                }
                _ => {}
            }
        }
    }
}

fn check_settings(server: &Postgresql, path: &SpecPath, findings: &mut Findings) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (name, value) in &server.settings {
        let path = path.at(name);
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c));
        if !good {
            let message = format!("`{}` is not the name of a setting", name.escape_debug());
            findings.error(path, "bad-name", message, "letters, digits, `_` and `.`, a letter or `_` first");
            continue;
        }
        if !parameters::is_one_line(value) {
            let message = format!("`{}` is not a value for `{name}`", value.escape_debug());
            findings.error(path, "setting-value", message, "write one line of text");
            continue;
        }
        if value.len() > 1 && value.starts_with('\'') && value.ends_with('\'') {
            let message = format!("the quotes of `{value}` would become a part of the value");
            findings.error(
                path,
                "setting-value",
                message,
                "write it without them: bricklayer quotes it for the server",
            );
            continue;
        }
        // PostgreSQL takes names in any case.
        let plain = name.to_ascii_lowercase();
        if let Some(other) = seen.insert(plain.clone(), name) {
            let message = format!("`{name}` and `{other}` are one setting");
            findings.error(path.clone(), "duplicate-setting", message, "keep one of them");
        }
        if OURS.contains(&plain.as_str()) {
            let message = format!("`{name}` follows from the rest of this file");
            findings.error(path, "reserved-setting", message, "write `dataDir`, `listen`, `port` or `access`");
        } else {
            check_setting(&plain, value, path, findings);
        }
    }
}

/// What makes a server faster by what a takeover needs.
fn check_setting(name: &str, value: &str, path: SpecPath, findings: &mut Findings) {
    let value = value.trim().to_ascii_lowercase();
    match name {
        "recovery_init_sync_method" if value == "syncfs" => {
            let message = "`syncfs` on a volume reaches no brick: none of the files that a takeover must make durable \
                           are (0 of 966 in a test)";
            let hint = "leave it out: before a server starts, its files are made durable as fast as the volume lets";
            findings.error(path, "unsafe-setting", message, hint);
        }
        "fsync" if is_off(&value) => {
            let message = "without `fsync` a takeover finds rows that were acknowledged missing, or no database at all";
            findings.error(path, "unsafe-setting", message, "leave it out; `synchronous_commit` loses less for speed");
        }
        "full_page_writes" if is_off(&value) => {
            let message = "without `full_page_writes` a page that was half written when its node died stays torn: a \
                           brick writes in blocks of its own";
            findings.error(path, "unsafe-setting", message, "leave it out");
        }
        "synchronous_commit" if is_off(&value) => {
            let message = "without `synchronous_commit` the last rows that were acknowledged are gone after a takeover";
            findings.warn(path, "unsafe-setting", message, "leave it out if acknowledged is to mean kept");
        }
        _ => {}
    }
}

/// `off` in any of the server's spellings: each may be shortened as long as it is clear (`parse_bool`).
fn is_off(value: &str) -> bool {
    let short = |word: &str, least: usize| value.len() >= least && word.starts_with(value);
    value == "0" || short("off", 2) || short("false", 1) || short("no", 1)
}

#[cfg(test)]
mod tests {
    use super::is_off;

    #[test]
    fn off_is_known_in_all_spellings_that_postgresql_takes() {
        for off in ["off", "of", "false", "f", "no", "n", "0"] {
            assert!(is_off(off), "{off}");
        }
        for on in ["on", "o", "true", "yes", "1", "", "offf"] {
            assert!(!is_off(on), "{on}");
        }
    }
}
