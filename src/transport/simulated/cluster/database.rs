//! `PostgreSQL`'s files on a volume, seen through a mount and on the bricks.

use super::data::{Database, Held};
use super::times;
use crate::model::{NodeName, Output};
use crate::transport::simulated::disks::{Directory, is_below};
use crate::transport::simulated::node::{Active, BrickRef, Volume};
use crate::transport::simulated::output::{Call, failed, printed, silent};
use crate::transport::simulated::world::World;

/// How long it takes to make a database. Measured: 7.8 s, durable.
const MAKE_MS: u64 = 7800;
/// What `initdb` of `PostgreSQL` 15 says, with places for the user and the folder of programs.
const INITDB: &str = include_str!("initdb.txt");
/// How many files it has.
const FILES: u64 = 966;

impl World {
    /// The volume that is mounted above a path, and the path below it, if the volume can be read.
    #[must_use]
    pub fn volume_at(&self, at: &NodeName, path: &str) -> Option<(String, String)> {
        let node = &self.nodes[at];
        let point = node.mount_of(path);
        let mount = node.mounts.get(point).filter(|mount| mount.fstype == "fuse.glusterfs")?;
        let name = mount.source.split_once(':')?.1.trim_start_matches('/').to_owned();
        let volume = self.volume(&name)?;
        let below = path.strip_prefix(point)?.trim_start_matches('/').to_owned();
        (volume.started() && self.has_quorum(at, volume)).then_some((name, below))
    }

    /// The database at a path, seen through the mount above it.
    #[must_use]
    pub fn database_at(&self, at: &NodeName, path: &str) -> Option<&Database> {
        let (volume, below) = self.volume_at(at, path)?;
        self.database_on(at, self.volume(&volume)?, &below)
    }

    /// The database on a volume, as a client on `at` sees it: of each set, the copy that no other one blames.
    fn database_on(&self, at: &NodeName, volume: &Volume, below: &str) -> Option<&Database> {
        volume.bricks.chunks(volume.set_size()).find_map(|set| {
            let up: Vec<&BrickRef> =
                set.iter().filter(|brick| self.brick_answers(at, &brick.uuid, &brick.path)).collect();
            let blamed = |brick: &&&BrickRef| {
                let key = self.brick_key(&brick.uuid, &brick.path).unwrap_or_default();
                up.iter()
                    .filter_map(|other| self.brick(&other.uuid, &other.path))
                    .any(|(_, d)| d.blames.contains_key(&key))
            };
            let good = up.iter().find(|brick| !blamed(brick)).or_else(|| up.first())?;
            self.brick(&good.uuid, &good.path)?.1.databases.get(below)
        })
    }

    /// The version of the `PostgreSQL` that is installed, if one is.
    #[must_use]
    pub fn postgresql(&self, at: &NodeName) -> Option<String> {
        self.nodes[at].packages.iter().find_map(|(name, version)| match name.strip_prefix("postgresql-")? {
            "server" => version.split('.').next().map(str::to_owned),
            number => number.parse::<u32>().is_ok().then(|| number.to_owned()),
        })
    }
}

/// `look-database DIR...`: on the bricks themselves.
pub fn look(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    printed(call.args.iter().map(|path| line(world, at, path)).collect::<String>())
}

/// The brick that a path lies on, and the rest of the path.
fn brick_above<'a>(world: &'a World, at: &NodeName, path: &'a str) -> Option<(&'a Directory, &'a str)> {
    let directories = &world.nodes[at].filesystem(path)?.directories;
    let bricks = directories.iter().filter(|(above, _)| is_below(above, path) && above.as_str() != path);
    let (above, directory) = bricks.max_by_key(|(above, _)| above.len())?;
    Some((directory, path.strip_prefix(above.as_str())?.trim_start_matches('/')))
}

fn line(world: &World, at: &NodeName, path: &str) -> String {
    let node = &world.nodes[at];
    let (brick, below) = brick_above(world, at, path).unzip();
    let get = |name: &str| brick.and_then(|directory| directory.databases.get(name));
    let unfinished = below.is_some_and(|below| get(&format!("{below}.new")).is_some());
    let unfinished = if unfinished { "yes" } else { "no" };
    match below.and_then(get) {
        Some(found) => format!("{path}\tpresent\t{}\t{}\t{unfinished}\n", found.version, found.identifier),
        None if node.files.contains_key(path) || node.directory(path).is_some_and(|own| own.files > 0) => {
            format!("{path}\tforeign\t-\t-\t{unfinished}\n")
        }
        None => format!("{path}\tabsent\t-\t-\t{unfinished}\n"),
    }
}

/// `look-control BIN DIR...`: each file that is written moves the WAL on.
pub fn look_control(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let line = |path: &str| {
        let found = brick_above(world, at, path).filter(|(brick, below)| brick.databases.contains_key(*below));
        let Some((brick, _)) = found else { return format!("{path}\t-\t-\t-\n") };
        let written = times::short(world, at, brick.written_ms).replace(' ', "T");
        format!("{path}\t0/{:X}\t{written}\t{written}\n", 0x0100_0000 + brick.files * 0x1000)
    };
    printed(call.args.iter().skip(1).map(|path| line(path)).collect::<String>())
}

/// `make-database VOLUME PATH BIN USER`.
pub fn make(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [volume, path, bin, user] = call.args else { return failed(2, "make-database: VOLUME PATH BIN USER\n") };
    let Some(version) = world.postgresql(at) else {
        return failed(127, format!("{bin}/initdb: No such file or directory\n"));
    };
    if !world.can_mount(at, &format!("localhost:/{volume}"), "") {
        return failed(1, "Mounting glusterfs on /run/bricklayer/make-database/volume failed.\n");
    }
    let Some(found) = world.volume(volume).cloned() else { return failed(1, "no such volume\n") };
    if world.database_on(at, &found, path).is_some() {
        return silent();
    }
    let identifier = (7_500_000_000_000_000_000_u64 + world.draw() % 100_000_000_000_000_000).to_string();
    if world.write_files(volume, FILES).is_err() {
        return failed(1, "install: cannot create directory: Read-only file system\n");
    }
    let database = Database { version, identifier };
    let first = found.bricks.iter().take(found.set_size());
    let up: Vec<BrickRef> = first.filter(|brick| world.brick_answers(at, &brick.uuid, &brick.path)).cloned().collect();
    for brick in &up {
        world.on_brick(brick, |directory| _ = directory.databases.insert((*path).to_owned(), database.clone()));
    }
    world.hang_ms += MAKE_MS;
    Output { stderr: INITDB.replace("USER", user).replace("BIN", bin), ..silent() }
}

/// `look-server USER BIN PORT DATADIR FILE...`.
pub fn look_server(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [user, _bin, port, data, files @ ..] = call.args else {
        return failed(2, "look-server: USER BIN PORT DATADIR\n");
    };
    let node = &world.nodes[at];
    let of = |held: &Held, name: &str, usual: &str| held.parameters.get(name).map_or(usual, String::as_str).to_owned();
    let ids = if *user == "postgres" && world.postgresql(at).is_some() { "104:112" } else { "-" };
    let server = node
        .held
        .values()
        .find(|held| held.agent == "pgsql" && held.parameters.get("pgdata").is_some_and(|d| d == data));
    let packaged = node.units.get("postgresql.service").is_some_and(|unit| unit.active == Active::Active);
    let same_port = |held: &Held| held.agent == "pgsql" && of(held, "pgport", "5432") == *port;
    let other = packaged || node.held.values().any(same_port);
    let state = match server {
        Some(_) => "ours",
        None if other => "other",
        None => "off",
    };
    let written_ms = files.iter().filter_map(|file| node.files.get(*file)).map(|file| file.written_ms).max();
    let reload = match server {
        None => "-",
        Some(held) if written_ms.is_some_and(|written| written > held.read_ms) => "needed",
        Some(_) => "no",
    };
    printed(format!("user\t{ids}\nserver\t{state}\nreload\t{reload}\nrestart\t-\n"))
}

/// `runuser -u USER -- BIN/pg_ctl reload -D DATADIR`.
pub fn runuser(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let ["-u", _, "--", _, "reload", "-D", data] = call.args else {
        return failed(1, "runuser: only pg_ctl reload is played here\n");
    };
    let (now, missing) = (world.clock_ms, world.database_at(at, data).is_none());
    let mut servers = world.node_mut(at).held.values_mut().filter(|held| held.agent == "pgsql");
    match servers.find(|held| held.parameters.get("pgdata").is_some_and(|own| own == data)) {
        Some(held) => {
            held.read_ms = now;
            printed("server signaled\n")
        }
        None if missing => failed(1, format!("pg_ctl: directory \"{data}\" does not exist\n")),
        None => failed(1, format!("pg_ctl: PID file \"{data}/postmaster.pid\" does not exist\nIs server running?\n")),
    }
}
