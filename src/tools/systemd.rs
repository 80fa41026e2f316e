//! systemd: the state of units, mount units as text, and the commands that change either.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{MARK, node, scripts, succeeded};
use crate::model::{AbsPath, Command, Output, Program, Query, ReadError};

const PROGRAM: &str = "systemctl";

/// The states of a unit's file in which something starts it at boot, or `systemctl enable` cannot do more for it
/// (systemctl(1), `is-enabled`). `enabled-runtime` is not among them: it is gone after a boot.
const STARTED_AT_BOOT: &[&str] = &["enabled", "alias", "static", "indirect", "generated"];

/// A unit as systemd sees it (systemctl(1), `show`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Whether there is such a unit.
    pub loaded: bool,
    /// `active`, `inactive`, `failed`, `activating`, …
    pub active_state: String,
    /// Whether it is started at boot.
    pub enabled: bool,
    /// Whether its file has changed since systemd read it.
    pub needs_reload: bool,
    /// When it became active, in microseconds of the node's uptime.
    pub active_since_us: u64,
}

impl Unit {
    /// Whether it runs.
    #[must_use]
    pub fn active(&self) -> bool {
        self.active_state == "active"
    }

    /// For how many seconds it has been active on a node that has been up for `uptime` seconds.
    #[must_use]
    pub fn active_for(&self, uptime: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "microseconds since boot stay far below 2^52")]
        let since = self.active_since_us as f64 / 1e6;
        uptime - since
    }
}

/// Asks for the state of `units`, by their full names.
pub fn units<'a>(units: impl IntoIterator<Item = &'a str>) -> Query<BTreeMap<String, Unit>> {
    let properties = "--property=Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,ActiveEnterTimestampMonotonic";
    let args = ["show", properties].into_iter().chain(units);
    Query { command: Command::reads(Program::Tool(PROGRAM), args), read: read_units }
}

fn read_units(output: &Output) -> Result<BTreeMap<String, Unit>, ReadError> {
    succeeded(output, "systemd")?;
    // An empty line stands between two units.
    output.stdout.split("\n\n").filter(|block| !block.trim().is_empty()).map(read_unit).collect()
}

fn read_unit(block: &str) -> Result<(String, Unit), ReadError> {
    let said: BTreeMap<&str, &str> = block.lines().filter_map(|line| line.split_once('=')).collect();
    let get = |key: &str| said.get(key).copied().ok_or_else(|| ReadError::Garbled(format!("a unit without `{key}`")));
    let unit = Unit {
        loaded: get("LoadState")? == "loaded",
        active_state: get("ActiveState")?.to_owned(),
        enabled: STARTED_AT_BOOT.contains(&get("UnitFileState")?),
        needs_reload: get("NeedDaemonReload")? == "yes",
        active_since_us: get("ActiveEnterTimestampMonotonic")?.parse().unwrap_or(0),
    };
    Ok((get("Id")?.to_owned(), unit))
}

/// Starts a unit now and at every boot.
#[must_use]
pub fn enable_now(unit: &str) -> Command {
    of_all(&["enable", "--now"], &[unit])
}

/// Starts units now and at every boot, all in one go.
#[must_use]
pub fn enable_all_now(units: &[&str]) -> Command {
    of_all(&["enable", "--now"], units)
}

/// Starts units at every boot, but not now. systemd reads their files anew.
#[must_use]
pub fn enable(units: &[&str]) -> Command {
    of_all(&["enable"], units)
}

/// No longer starts units at boot; what runs goes on.
#[must_use]
pub fn disable(units: &[&str]) -> Command {
    of_all(&["disable"], units)
}

/// Starts units now, all in one go.
#[must_use]
pub fn start(units: &[&str]) -> Command {
    of_all(&["start"], units)
}

/// Stops units now, all in one go.
#[must_use]
pub fn stop(units: &[&str]) -> Command {
    of_all(&["stop"], units)
}

/// Stops units and starts them again.
#[must_use]
pub fn restart(units: &[&str]) -> Command {
    of_all(&["restart"], units)
}

/// Has systemd read the files of all units again.
#[must_use]
pub fn reload() -> Command {
    of_all(&["daemon-reload"], &[])
}

/// Stops a unit now and for good.
#[must_use]
pub fn disable_now(unit: &str) -> Command {
    of_all(&["disable", "--now"], &[unit])
}

fn of_all(verb: &[&str], units: &[&str]) -> Command {
    Command::changes(Program::Tool(PROGRAM), verb.iter().chain(units).copied())
}

/// The mount unit for a file system, with the mark of its owner in the first line.
pub struct MountUnit<'a> {
    /// What it belongs to, for people: `mount gldata00 of cluster01`.
    pub owner: &'a str,
    /// What is mounted.
    pub what: &'a str,
    /// Where.
    pub path: &'a AbsPath,
    /// The file system's type.
    pub fstype: &'a str,
    /// Mount options.
    pub options: &'a [String],
    /// Units that must wait for the mount.
    pub before: &'a [&'a str],
    /// Units that must be up before it.
    pub after: &'a [&'a str],
}

impl MountUnit<'_> {
    /// The unit's text (systemd.mount(5)).
    #[must_use]
    pub fn text(&self) -> String {
        let Self { owner, what, path, fstype, options, before, after } = self;
        let mut text = format!("{MARK} {owner}\n[Unit]\nDescription={what} on {path}\n");
        for unit in *before {
            let _ = writeln!(text, "Before={unit}");
        }
        for unit in *after {
            let _ = writeln!(text, "Wants={unit}\nAfter={unit}");
        }
        let _ = write!(text, "\n[Mount]\nWhat={}\nWhere={path}\nType={fstype}\n", specifiers(what));
        if !options.is_empty() {
            let _ = writeln!(text, "Options={}", specifiers(&options.join(",")));
        }
        text + "\n[Install]\nWantedBy=multi-user.target\n"
    }
}

/// A per cent sign starts a specifier in a unit file; two are one.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// The name of the mount unit for `path` (systemd-escape(1), `--path --suffix=mount`).
#[must_use]
pub fn mount_unit_name(path: &AbsPath) -> String {
    let mut name = String::new();
    for (index, byte) in path.as_str()[1..].bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if index == 0 => name.push_str("\\x2e"),
            byte if byte.is_ascii_alphanumeric() || b":_.".contains(&byte) => name.push(char::from(byte)),
            byte => {
                let _ = write!(name, "\\x{byte:02x}");
            }
        }
    }
    name + ".mount"
}

/// The file in which the mount unit for `path` lies.
#[must_use]
pub fn mount_unit_file(path: &AbsPath) -> String {
    format!("/etc/systemd/system/{}", mount_unit_name(path))
}

/// Asks for the text of the mount unit for `path`; none if there is no file.
#[must_use]
pub fn mount_unit(path: &AbsPath) -> Query<Option<String>> {
    node::text_of(&mount_unit_file(path))
}

/// Writes the mount unit for `path` and mounts by it, after taking away what is mounted there now.
#[must_use]
pub fn replace_mount(path: &AbsPath, text: &str) -> Command {
    let args = [mount_unit_name(path), mount_unit_file(path), "0644".to_owned()];
    Command::changes(Program::Script(scripts::REPLACE_MOUNT), args).with_input(text)
}

/// Takes away the file of the mount unit for `path`.
#[must_use]
pub fn remove_mount_unit(path: &AbsPath) -> Command {
    Command::changes(Program::Script(scripts::REMOVE_FILE), [mount_unit_file(path)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_unit_names_are_those_of_systemd_escape() {
        let name = |path: &str| mount_unit_name(&AbsPath::new(path).unwrap());
        assert_eq!(name("/gldata00"), "gldata00.mount");
        assert_eq!(name("/srv/gl-data/x_y"), "srv-gl\\x2ddata-x_y.mount");
        assert_eq!(name("/.hidden/a.b"), "\\x2ehidden-a.b.mount");
        assert_eq!(name("/a/@b+c=d"), "a-\\x40b\\x2bc\\x3dd.mount");
    }

    #[test]
    fn two_units_are_told_apart_and_a_missing_one_is_not_loaded() {
        let block = |id: &str, load: &str, active: &str| {
            format!(
                "Id={id}\nLoadState={load}\nActiveState={active}\nUnitFileState=enabled\n\
                 NeedDaemonReload=no\nActiveEnterTimestampMonotonic=12\n"
            )
        };
        let stdout = block("a.service", "loaded", "active") + "\n" + &block("b.service", "not-found", "inactive");
        let units = read_units(&Output { stdout, ..Output::default() }).unwrap();
        assert!(units["a.service"].active() && units["a.service"].active_since_us == 12);
        assert!(!units["b.service"].loaded);
    }
}
