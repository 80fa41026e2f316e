//! The scripts for keys, secrets and the first CIB, in the formats of `tools/scripts/README.md`.

use super::corosync::KEY;
use super::data::Cib;
use super::element::Element;
use crate::model::{NodeName, Output};
use crate::transport::simulated::files;
use crate::transport::simulated::node::Active;
use crate::transport::simulated::output::{Call, failed, printed, silent};
use crate::transport::simulated::world::World;

/// `look-authkey`.
pub fn look_authkey(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    printed(match world.nodes[at].files.get(KEY) {
        Some(file) => format!("{}\t{}\t{}\n", super::digest(&file.text), file.mode, file.owner),
        None => "-\t-\t-\n".to_owned(),
    })
}

/// `make-authkey`.
pub fn make_authkey(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    if !world.nodes[at].files.contains_key(KEY) {
        if !world.nodes[at].is_directory("/etc/corosync") {
            return failed(
                1,
                "mktemp: failed to create file via template '/etc/corosync/.authkey.XXXXXXXXXX': No such file or directory\n",
            );
        }
        let key = (0..32).fold(String::new(), |key, _| key + &format!("{:016x}", world.draw()));
        world.node_mut(at).put(KEY, &key, "400");
    }
    silent()
}

/// `look-cib-folder`.
pub fn look_cib_folder(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    printed(if world.nodes[at].pacemaker.cib.is_some() { "used\n" } else { "empty\n" })
}

/// `seed-cib SECONDS`.
pub fn seed_cib(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [seconds] = call.args else { return failed(2, "seed-cib: SECONDS\n") };
    let node = world.node_mut(at);
    let stopped = node
        .units
        .get(super::pacemaker::UNIT)
        .is_none_or(|unit| matches!(unit.active, Active::Inactive | Active::Failed));
    if !stopped || node.pacemaker.cib.is_some() {
        return silent();
    }
    if !node.packages.contains_key("pacemaker") {
        return failed(127, "cibadmin: not found\n");
    }
    let id = "cib-bootstrap-options";
    let pair = Element::new("nvpair")
        .with("id", format!("{id}-dc-deadtime"))
        .with("name", "dc-deadtime")
        .with("value", format!("{seconds}s"));
    let mut cib = Cib::default();
    let set = Element::new("cluster_property_set").with("id", id).holding([pair]);
    cib.configuration.child_mut("crm_config").children.push(set);
    node.pacemaker.cib = Some(cib);
    silent()
}

/// `write-secret PATH MODE [base64]`.
pub fn write_secret(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path, mode, form @ ..] = call.args else { return failed(2, "write-secret: PATH MODE\n") };
    let text = match form {
        [] => call.stdin.to_owned(),
        ["base64"] => match decoded(call.stdin) {
            Some(text) => text,
            None => return failed(1, "base64: invalid input\n"),
        },
        [other, ..] => return failed(1, format!("{other} is not a form in which secrets come\n")),
    };
    if let Some((folder, _)) = path.rsplit_once('/') {
        world.node_mut(at).make_directories(folder);
    }
    files::write_file(world, at, &Call { args: &[path, mode], stdin: &text })
}

/// `check-secret PATH MODE`.
pub fn check_secret(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let [path, mode, form @ ..] = call.args else { return failed(2, "check-secret: PATH MODE\n") };
    let wanted = if form.is_empty() { Some(call.stdin.to_owned()) } else { decoded(call.stdin) };
    printed(match world.nodes[at].files.get(*path) {
        None if world.nodes[at].is_directory(path) => "differs\n",
        None => "absent\n",
        Some(file) => {
            let same = Some(&file.text) == wanted.as_ref()
                && file.mode == mode.trim_start_matches('0')
                && file.owner == "root:root";
            if same { "same\n" } else { "differs\n" }
        }
    })
}

/// What a text in base64 stands for; the world's files hold text alone, so other bytes stand for themselves.
fn decoded(text: &str) -> Option<String> {
    let digit = |b: u8| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let packed: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=').collect();
    let mut bytes = Vec::new();
    for chunk in packed.chunks(4) {
        let mut bits = 0_u32;
        for b in chunk {
            bits = bits << 6 | u32::from(digit(*b)?);
        }
        bits <<= 6 * (4 - u32::try_from(chunk.len()).ok()?);
        bytes.extend(bits.to_be_bytes().iter().skip(1).take(chunk.len() - 1));
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().iter().map(|b| char::from(*b)).collect()))
}
