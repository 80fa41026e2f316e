//! The rooms use each other only as the drawing in `src/lib.rs` allows.
//!
//! The drawing is read from the documentation itself, so that the two cannot drift. Tests inside the rooms may reach
//! further: a view is shown what the real loader finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For each room, the rooms that it may use.
type Arrows = BTreeMap<String, BTreeSet<String>>;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The arrows of the drawing: the lines `ROOM → ROOM, ROOM` below the heading.
fn drawn(map: &str) -> Arrows {
    let (_, below) = map.split_once("//! # Arrows").expect("lib.rs has a heading `# Arrows`");
    let drawing = below.split("```").nth(1).expect("a drawing stands below it");
    let lines = drawing.lines().filter_map(|line| line.strip_prefix("//! ")?.split_once('→'));
    lines.map(|(from, to)| (from.trim().to_owned(), rooms_in(to))).collect()
}

fn rooms_in(list: &str) -> BTreeSet<String> {
    list.split(',').map(str::trim).filter(|room| *room != "nothing").map(str::to_owned).collect()
}

/// The rooms there are: the modules of lib.rs.
fn rooms(map: &str) -> BTreeSet<String> {
    map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}

/// The code of a file without its comments and without what only tests have. It relies on rustfmt: an item ends with
/// a brace at its own margin.
fn production(source: &str) -> Vec<&str> {
    let mut code = Vec::new();
    let mut lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            code.push(line);
            continue;
        }
        let head = lines.by_ref().find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default();
        if !head.ends_with([';', '}']) {
            let margin = &line[..line.len() - line.trim_start().len()];
            let end = format!("{margin}}}");
            lines.by_ref().find(|line| *line == end);
        }
    }
    code
}

/// Every file of a room that is not there for tests alone.
fn files(room: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![sources().join(format!("{room}.rs")), sources().join(room).join("mod.rs")];
    while let Some(file) = open.pop() {
        if !file.exists() {
            continue;
        }
        let folder = match file.file_name() {
            Some(name) if name == "mod.rs" => file.with_file_name(""),
            _ => file.with_extension(""),
        };
        let source = read(&file);
        for child in production(&source).into_iter().filter_map(declared) {
            open.push(folder.join(format!("{child}.rs")));
            open.push(folder.join(child).join("mod.rs"));
        }
        found.push(file);
    }
    found
}

/// The module that a line declares to lie in another file.
fn declared(line: &str) -> Option<&str> {
    let (before, name) = line.trim().strip_suffix(';')?.rsplit_once(' ')?;
    before.ends_with("mod").then_some(name)
}

/// The rooms that a line of code names.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
}

/// How many modules below the crate a file is: 1 for a room itself.
fn depth(file: &Path) -> usize {
    let below = file.strip_prefix(sources()).expect("it lies in src/").components().count();
    if file.ends_with("mod.rs") { below - 1 } else { below }
}

/// The rooms that a room uses, each with one place where it does.
fn used(room: &str) -> BTreeMap<String, String> {
    let mut used = BTreeMap::new();
    for file in files(room) {
        let source = read(&file);
        let out_of_the_room = "super::".repeat(depth(&file));
        for line in production(&source) {
            let place = format!("{}: {}", file.display(), line.trim());
            assert!(!line.contains("crate::{"), "write one `use crate::ROOM` a line: {place}");
            assert!(!line.contains(&out_of_the_room), "write `crate::ROOM`, not `super::`: {place}");
            for other in named(line).filter(|other| *other != room) {
                used.entry(other.to_owned()).or_insert_with(|| place.clone());
            }
        }
    }
    used
}

#[test]
fn every_room_uses_only_the_rooms_that_the_drawing_allows() {
    let map = read(&sources().join("lib.rs"));
    let drawn = drawn(&map);
    let unruly: Vec<String> = rooms(&map)
        .iter()
        .flat_map(|room| used(room).into_iter().map(move |(other, place)| (room.clone(), other, place)))
        .filter(|(room, other, _)| !drawn.get(room).is_some_and(|allowed| allowed.contains(other)))
        .map(|(room, other, place)| format!("{room} → {other} is not drawn in lib.rs\n  {place}"))
        .collect();
    assert!(unruly.is_empty(), "{}", unruly.join("\n"));
}

#[test]
fn the_drawing_shows_every_room_and_no_arrow_that_nobody_walks() {
    let map = read(&sources().join("lib.rs"));
    let drawn = drawn(&map);
    assert_eq!(drawn.keys().cloned().collect::<BTreeSet<_>>(), rooms(&map));
    for (room, allowed) in drawn {
        assert_eq!(used(&room).into_keys().collect::<BTreeSet<_>>(), allowed, "the arrows from {room}");
        assert!(map.contains(&format!("//! - [`{room}`]: ")), "lib.rs has no paragraph on {room}");
    }
}

#[test]
fn an_arrow_never_leads_back() {
    let drawn = drawn(&read(&sources().join("lib.rs")));
    for room in drawn.keys() {
        let (mut seen, mut open) = (BTreeSet::new(), vec![room]);
        while let Some(next) = open.pop() {
            for other in &drawn[next] {
                assert_ne!(other, room, "a way leads from {room} through {next} back to {room}");
                if seen.insert(other) {
                    open.push(other);
                }
            }
        }
    }
}

#[test]
fn what_only_tests_have_is_not_read() {
    let source = "\
use crate::a;
// crate::b
#[cfg(test)]
mod tests;
#[cfg(test)]
#[allow(x)]
mod more {
    use crate::c;
}
use crate::d::e;
";
    assert_eq!(production(source).into_iter().flat_map(named).collect::<Vec<_>>(), ["a", "d"]);
}
