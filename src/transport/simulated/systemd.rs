//! `systemctl`, as of systemd 252, and what starting and stopping units does.

use super::cluster::{COROSYNC, JOIN, PACEMAKER, QDEVICE};
use super::disks::Mount;
use super::guard;
use super::node::{Active, Unit};
use super::output::{Call, failed, printed, silent};
use super::world::World;
use crate::model::{NodeName, Output};

const UNIT_FOLDER: &str = "/etc/systemd/system/";
/// The service units that packages bring: their description, file and target.
const SERVICES: [(&str, &str); 6] = [
    ("corosync-qdevice.service", "Corosync Qdevice daemon"),
    ("corosync.service", "Corosync Cluster Engine"),
    ("glusterd.service", "GlusterFS, a clustered file-system server"),
    ("pacemaker.service", "Pacemaker High Availability Cluster Manager"),
    ("postgresql.service", "PostgreSQL RDBMS"),
    ("ssh.service", "OpenBSD Secure Shell server"),
];
/// The units whose Debian packages have a script for the init of old as well.
const SYSV: [&str; 4] = ["corosync.service", "pacemaker.service", "postgresql.service", "ssh.service"];
const CHANGED: &str = "changed on disk. Run 'systemctl daemon-reload' to reload units.\n";
const NO_INSTALL: &str = "The unit files have no installation config (WantedBy=, RequiredBy=, Also=,\nAlias= settings in \
    the [Install] section, and DefaultInstance= for template\nunits). This means they are not meant to be enabled using \
    systemctl.\n";

fn is_mount(unit: &str) -> bool {
    unit.strip_suffix(".mount").is_some()
}

/// Why a unit did not start or stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such unit.
    NotFound,
    /// Its file makes no sense.
    BadSetting,
    /// It was tried and went wrong.
    JobFailed,
    /// Its own process said no.
    ProcessFailed,
}

/// Runs `systemctl`.
pub fn systemctl(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let mut words = Vec::new();
    let mut properties = Vec::new();
    let mut now = false;
    let mut args = call.args.iter();
    while let Some(&arg) = args.next() {
        match arg {
            "-p" | "--property" => properties.extend(args.next().iter().flat_map(|list| list.split(','))),
            "--now" => now = true,
            "--" | "--no-pager" | "--quiet" | "-q" | "--system" => {}
            _ if arg.starts_with("--property=") => properties.extend(arg["--property=".len()..].split(',')),
            _ if arg.starts_with("--") => return failed(1, format!("systemctl: unrecognized option '{arg}'\n")),
            _ => words.push(arg),
        }
    }
    let Some((verb, units)) = words.split_first() else { return silent() };
    let units: Vec<String> = units.iter().map(|unit| full_name(unit)).collect();
    match *verb {
        "show" => show(world, at, &properties, &units),
        "is-enabled" => is_enabled(world, at, &units),
        "is-active" => is_active(world, at, &units),
        "daemon-reload" => reload(world, at),
        "enable" | "disable" => {
            let change = if *verb == "enable" { enable } else { disable };
            let follow = if *verb == "enable" { "start" } else { "stop" };
            let mut output = each(&units, |unit| change(world, at, unit));
            // It goes by the folder of links, whatever it was told first.
            let mut lines: Vec<&str> = output.stderr.split_inclusive('\n').collect();
            lines.sort_unstable();
            output.stderr = synchronized(world, at, verb, &units) + &lines.concat();
            if now && output.success() {
                let then = each(&units, |unit| run_job(world, at, follow, unit));
                output = Output { stderr: output.stderr + &then.stderr, ..then };
            }
            output
        }
        "start" | "stop" | "restart" => each(&units, |unit| run_job(world, at, verb, unit)),
        "reset-failed" => silent(),
        other => failed(1, format!("Unknown command verb {other}.\n")),
    }
}

/// `stop-gluster`: systemd ends the bricks with glusterd; one whose glusterd was killed is ended by itself.
pub fn stop_gluster(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    let output = run_job(world, at, "stop", "glusterd.service");
    if output.success() {
        world.node_mut(at).end_bricks();
    }
    output
}

/// The name of the mount unit for a path.
#[must_use]
pub fn mount_unit(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b":_.".contains(&b);
    let escaped: String = path
        .trim_matches('/')
        .bytes()
        .map(|b| match b {
            b'/' => "-".to_owned(),
            _ if plain(b) => char::from(b).to_string(),
            _ => format!("\\x{b:02x}"),
        })
        .collect();
    format!("{escaped}.mount")
}

fn full_name(unit: &str) -> String {
    let typed = [".service", ".mount", ".target", ".timer", ".socket"];
    if typed.iter().any(|suffix| unit.ends_with(suffix)) { unit.to_owned() } else { format!("{unit}.service") }
}

fn each(units: &[String], mut act: impl FnMut(&str) -> Output) -> Output {
    let mut all = silent();
    for unit in units {
        let one = act(unit);
        all.stdout += &one.stdout;
        all.stderr += &one.stderr;
        if one.status != 0 {
            all.status = one.status;
        }
    }
    all
}

/// A value of a unit file.
fn setting<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))
        .filter(|value| !value.is_empty())
}

impl World {
    fn unit(&self, at: &NodeName, unit: &str) -> Option<&Unit> {
        self.nodes[at].units.get(unit)
    }

    fn active(&self, at: &NodeName, unit: &str) -> Active {
        self.unit(at, unit).map_or(Active::Inactive, |unit| unit.active)
    }

    /// The text of a unit's file below `/etc`.
    fn unit_file(&self, at: &NodeName, unit: &str) -> Option<&str> {
        self.nodes[at].files.get(&format!("{UNIT_FOLDER}{unit}")).map(|file| file.text.as_str())
    }

    /// What of a unit lies below `/etc`: its file, or the part of glusterd's that is ours.
    fn text_on_disk(&self, at: &NodeName, unit: &str) -> Option<&str> {
        let part = || self.nodes[at].files.get(guard::UNIT_FILE).map(|file| file.text.as_str());
        if unit == guard::UNIT { part() } else { self.unit_file(at, unit) }
    }

    /// What systemd goes by: what it has read while the unit is in use, else what lies on disk.
    fn unit_text(&self, at: &NodeName, unit: &str) -> Option<String> {
        let in_use = self.unit(at, unit).filter(|unit| unit.active != Active::Inactive);
        in_use.and_then(|unit| unit.read.clone()).or_else(|| self.text_on_disk(at, unit).map(str::to_owned))
    }

    fn has_file(&self, at: &NodeName, unit: &str) -> bool {
        self.unit_file(at, unit).is_some() || (unit.ends_with(".service") && self.unit(at, unit).is_some())
    }

    fn is_stale(&self, at: &NodeName, unit: &str) -> bool {
        let in_use = self.unit(at, unit).filter(|unit| unit.active != Active::Inactive);
        // A part of a unit may come after the unit was read without it; a file of its own is read whenever it is used.
        let read = in_use.map(|in_use| in_use.read.as_deref()).filter(|read| unit == guard::UNIT || read.is_some());
        read.is_some_and(|read| self.text_on_disk(at, unit).is_some_and(|text| Some(text) != read))
    }

    fn load_state(&self, at: &NodeName, unit: &str) -> &'static str {
        let text = self.unit_text(at, unit);
        let misnamed = |text: &String| setting(text, "Where").is_none_or(|path| mount_unit(path) != unit);
        if is_mount(unit) && text.as_ref().is_some_and(misnamed) {
            "bad-setting"
        } else if self.has_file(at, unit) || self.active(at, unit) == Active::Active {
            "loaded"
        } else {
            "not-found"
        }
    }

    /// Whether a unit mounts a local file system.
    #[must_use]
    pub fn is_local_mount(&self, at: &NodeName, unit: &str) -> bool {
        self.unit_file(at, unit).and_then(|text| setting(text, "What")).is_some_and(|what| what.starts_with("/dev/"))
    }

    /// Starts a unit.
    ///
    /// # Errors
    /// `Refusal` if it does not start.
    pub fn start_unit(&mut self, at: &NodeName, unit: &str) -> Result<(), Refusal> {
        match self.load_state(at, unit) {
            "not-found" => return Err(Refusal::NotFound),
            "bad-setting" => return Err(Refusal::BadSetting),
            _ if self.active(at, unit) == Active::Active => return Ok(()),
            // A unit whose condition does not hold is skipped, and that is no failure.
            _ if unit == guard::UNIT && !self.may_serve_bricks(at) => return Ok(()),
            _ => {}
        }
        let text = self.unit_text(at, unit);
        let started = match unit {
            COROSYNC => self.start_corosync(at),
            JOIN => self.start_joining(at),
            QDEVICE => self.start_qdevice(at),
            PACEMAKER => self.start_corosync_for(at) && self.start_pacemaker(at),
            _ if is_mount(unit) => self.mount_by_unit(at, text.as_deref()),
            _ => true,
        };
        if unit == PACEMAKER && !started {
            // Not started at all: what it requires did not start.
            return Err(Refusal::JobFailed);
        }
        let since_ms = self.clock_ms;
        let node = self.node_mut(at);
        let pid = node.fork();
        let new = || Unit { wanted_by: None, active: Active::Inactive, read: None, pid: 0, since_ms: 0 };
        let state = node.units.entry(unit.to_owned()).or_insert_with(new);
        state.active = if started { Active::Active } else { Active::Failed };
        state.read = text;
        state.pid = pid;
        state.since_ms = since_ms;
        if unit == "glusterd.service" {
            self.start_glusterd(at);
        }
        match (started, unit) {
            (true, _) => Ok(()),
            (false, COROSYNC | QDEVICE) => Err(Refusal::ProcessFailed),
            _ => Err(Refusal::JobFailed),
        }
    }

    fn start_glusterd(&mut self, at: &NodeName) {
        let (uuid, now) = (self.uuid(), self.clock_ms);
        let node = self.node_mut(at);
        if node.glusterd.uuid.is_empty() {
            node.glusterd.uuid = uuid;
        }
        node.glusterd.started_ms = now;
        node.glusterd.learnt.clear();
        node.glusterd.shd_pid = node.fork();
        self.serve(at);
    }

    /// Stops a unit.
    fn stop_unit(&mut self, at: &NodeName, unit: &str) -> Result<(), Refusal> {
        if self.load_state(at, unit) == "not-found" {
            return Err(Refusal::NotFound);
        }
        let path = self.unit_text(at, unit).and_then(|text| setting(&text, "Where").map(str::to_owned));
        let node = self.node_mut(at);
        if let Some(path) = path {
            let busy = node.processes().any(|(brick, _)| node.mount_of(brick) == path);
            if busy {
                return Err(Refusal::JobFailed);
            }
            node.mounts.remove(&path);
        }
        match unit {
            "glusterd.service" => node.end_bricks(),
            PACEMAKER => self.stop_pacemaker(at),
            COROSYNC => {
                // Its unit is required by Pacemaker's, which stops first.
                let _ = self.stop_unit(at, PACEMAKER);
                self.end_qdevice(at, Active::Inactive);
                self.end_corosync(at, true);
            }
            QDEVICE => self.end_qdevice(at, Active::Inactive),
            _ => {}
        }
        let node = self.node_mut(at);
        if let Some(state) = node.units.get_mut(unit) {
            state.active = Active::Inactive;
        }
        Ok(())
    }

    /// Stops a unit and starts it again, and what requires it with it.
    fn restart_unit(&mut self, at: &NodeName, unit: &str) -> Result<(), Refusal> {
        let votes = unit == COROSYNC && self.active(at, QDEVICE) == Active::Active;
        self.stop_unit(at, unit)?;
        self.start_unit(at, unit)?;
        if votes { self.start_unit(at, QDEVICE) } else { Ok(()) }
    }

    fn mount_by_unit(&mut self, at: &NodeName, text: Option<&str>) -> bool {
        let text = text.unwrap_or_default();
        let (Some(what), Some(path)) = (setting(text, "What"), setting(text, "Where")) else { return false };
        let fstype = setting(text, "Type").unwrap_or("auto");
        let options = setting(text, "Options").unwrap_or_default();
        let device = self.nodes[at].devices.get(what).and_then(Option::as_ref);
        let fstype = match fstype {
            "glusterfs" if self.can_mount(at, what, options) => "fuse.glusterfs",
            "xfs" | "ext4" if device.is_some_and(|device| device.kind == fstype) => fstype,
            _ => return false,
        };
        let mount = Mount { source: what.to_owned(), fstype: fstype.to_owned() };
        let node = self.node_mut(at);
        node.make_directories(path);
        node.mounts.insert(path.to_owned(), mount);
        true
    }
}

pub(super) fn run_job(world: &mut World, at: &NodeName, verb: &str, unit: &str) -> Output {
    let mut stderr = String::new();
    if world.is_stale(at, unit) {
        stderr = format!("Warning: The unit file, source configuration file or drop-ins of {unit} {CHANGED}");
    }
    let done = match verb {
        "start" => world.start_unit(at, unit),
        "stop" => world.stop_unit(at, unit),
        _ => world.restart_unit(at, unit),
    };
    match done {
        Ok(()) => Output { stderr, ..silent() },
        Err(Refusal::NotFound) => {
            let found = if verb == "stop" { "not loaded" } else { "not found" };
            failed(5, format!("Failed to {verb} {unit}: Unit {unit} {found}.\n"))
        }
        Err(Refusal::BadSetting) => {
            failed(1, format!("Failed to {verb} {unit}: Unit {unit} has a bad unit file setting.\n"))
        }
        Err(Refusal::JobFailed) if unit == PACEMAKER => {
            failed(1, "A dependency job for pacemaker.service failed. See 'journalctl -xe' for details.\n")
        }
        Err(Refusal::JobFailed) => failed(1, stderr + "Job failed. See \"journalctl -xe\" for details.\n"),
        Err(Refusal::ProcessFailed) => failed(
            1,
            format!(
                "Job for {unit} failed because the control process exited with error code.\nSee \"systemctl status \
                 {unit}\" and \"journalctl -xeu {unit}\" for details.\n"
            ),
        ),
    }
}

/// What is said of units that have a script for the init of old as well.
fn synchronized(world: &World, at: &NodeName, verb: &str, units: &[String]) -> String {
    let debian = world.nodes[at].family == "debian";
    let scripted = units.iter().filter(|unit| debian && SYSV.contains(&unit.as_str()) && world.has_file(at, unit));
    scripted.fold(String::new(), |text, unit| {
        let (helper, name) = ("/lib/systemd/systemd-sysv-install", unit.trim_end_matches(".service"));
        format!(
            "{text}Synchronizing state of {unit} with SysV service script with {helper}.\nExecuting: {helper} {verb} {name}\n"
        )
    })
}

/// What starts a unit at boot, by its own file or by its package.
fn wanted_by(world: &World, at: &NodeName, unit: &str) -> Option<String> {
    match world.unit_file(at, unit) {
        Some(text) => setting(text, "WantedBy").map(str::to_owned),
        None => Some("multi-user.target".to_owned()),
    }
}

fn enable(world: &mut World, at: &NodeName, unit: &str) -> Output {
    if !world.has_file(at, unit) {
        return failed(1, format!("Failed to enable unit: Unit file {unit} does not exist.\n"));
    }
    let Some(target) = wanted_by(world, at, unit) else { return failed(0, NO_INSTALL) };
    let folder = if world.unit_file(at, unit).is_some() { UNIT_FOLDER } else { "/lib/systemd/system/" };
    let units = &mut world.node_mut(at).units;
    let new = || Unit { wanted_by: None, active: Active::Inactive, read: None, pid: 0, since_ms: 0 };
    let state = units.entry(unit.to_owned()).or_insert_with(new);
    if state.wanted_by.is_some() {
        return silent();
    }
    let line = format!("Created symlink {UNIT_FOLDER}{target}.wants/{unit} -> {folder}{unit}.\n");
    state.wanted_by = Some(target);
    failed(0, line)
}

fn disable(world: &mut World, at: &NodeName, unit: &str) -> Output {
    let exists = world.has_file(at, unit);
    let state = world.nodes.get_mut(at).and_then(|node| node.units.get_mut(unit));
    match state.and_then(|state| state.wanted_by.take()) {
        Some(target) => failed(0, format!("Removed \"{UNIT_FOLDER}{target}.wants/{unit}\".\n")),
        None if exists => silent(),
        None => failed(1, format!("Failed to disable unit: Unit file {unit} does not exist.\n")),
    }
}

fn reload(world: &mut World, at: &NodeName) -> Output {
    let names: Vec<String> = world.nodes[at].units.keys().cloned().collect();
    for unit in names {
        let text = world.text_on_disk(at, &unit).map(str::to_owned);
        let state = world.nodes.get_mut(at).and_then(|node| node.units.get_mut(&unit));
        if let (Some(state), Some(text)) = (state, text) {
            state.read = Some(text);
        }
    }
    silent()
}

fn file_state(world: &World, at: &NodeName, unit: &str) -> &'static str {
    match world.unit(at, unit).and_then(|unit| unit.wanted_by.as_ref()) {
        _ if !world.has_file(at, unit) => "",
        Some(_) => "enabled",
        None if wanted_by(world, at, unit).is_none() => "static",
        None => "disabled",
    }
}

fn is_enabled(world: &World, at: &NodeName, units: &[String]) -> Output {
    let mut output = each(units, |unit| match file_state(world, at, unit) {
        "" => failed(1, format!("Failed to get unit file state for {unit}: No such file or directory\n")),
        state => printed(format!("{state}\n")),
    });
    let enabled = output.stdout.lines().any(|state| state != "disabled");
    output.status = i32::from(!enabled || output.status != 0);
    output
}

fn is_active(world: &World, at: &NodeName, units: &[String]) -> Output {
    let mut output = each(units, |unit| printed(format!("{}\n", states(world.active(at, unit), unit).0)));
    output.status = if output.stdout.lines().any(|state| state == "active") { 0 } else { 3 };
    output
}

/// `ActiveState` and `SubState`.
fn states(active: Active, unit: &str) -> (&'static str, &'static str) {
    match active {
        Active::Inactive => ("inactive", "dead"),
        Active::Active if is_mount(unit) => ("active", "mounted"),
        Active::Active => ("active", "running"),
        Active::Failed => ("failed", "failed"),
        Active::Restarting { .. } => ("activating", "auto-restart"),
    }
}

fn show(world: &World, at: &NodeName, wanted: &[&str], units: &[String]) -> Output {
    let blocks: Vec<String> = units
        .iter()
        .map(|unit| {
            let all = properties(world, at, unit);
            let shown = all.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
            shown.fold(String::new(), |text, (name, value)| text + name + "=" + value + "\n")
        })
        .collect();
    printed(blocks.join("\n"))
}

/// A unit's properties in systemd's own order.
fn properties(world: &World, at: &NodeName, unit: &str) -> Vec<(&'static str, String)> {
    let text = world.unit_text(at, unit).unwrap_or_default();
    let active = world.active(at, unit);
    let (active_state, sub_state) = states(active, unit);
    let pid = world.unit(at, unit).filter(|_| active == Active::Active).map_or(0, |unit| unit.pid);
    let booted_ms = world.nodes.get(at).map_or(0, |node| node.booted_ms);
    // 0 is for a unit that was never up; what the boot itself starts is up a moment later.
    let since_us = world
        .unit(at, unit)
        .filter(|_| active == Active::Active)
        .map_or(0, |unit| unit.since_ms.saturating_sub(booted_ms) * 1000 + 1);
    let own = |key: &str| setting(&text, key).unwrap_or_default().to_owned();
    let specific = if is_mount(unit) {
        vec![("Where", own("Where")), ("What", own("What")), ("Options", own("Options")), ("Type", own("Type"))]
    } else {
        vec![("MainPID", pid.to_string())]
    };
    let described = SERVICES.iter().find(|(name, _)| *name == unit).map(|(_, description)| (*description).to_owned());
    let fragment = match world.unit_file(at, unit) {
        Some(_) => format!("{UNIT_FOLDER}{unit}"),
        None if world.has_file(at, unit) => format!("/lib/systemd/system/{unit}"),
        None => String::new(),
    };
    let stale = if world.is_stale(at, unit) { "yes" } else { "no" };
    let common = [
        ("Id", unit.to_owned()),
        ("Description", described.unwrap_or_else(|| setting(&text, "Description").unwrap_or(unit).to_owned())),
        ("LoadState", world.load_state(at, unit).to_owned()),
        ("ActiveState", active_state.to_owned()),
        ("SubState", sub_state.to_owned()),
        ("FragmentPath", fragment),
        ("UnitFileState", file_state(world, at, unit).to_owned()),
        ("ActiveEnterTimestampMonotonic", since_us.to_string()),
        ("NeedDaemonReload", stale.to_owned()),
    ];
    specific.into_iter().chain(common).collect()
}
