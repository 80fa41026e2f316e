//! `gluster volume create`: what its words say, and making the volume.

use super::bricks::{Place, shares_a_node, stage};
use super::pool::stuck;
use super::xml::{accepted, answer, refused};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::{BrickRef, Volume};
use crate::transport::simulated::output::failed;
use crate::transport::simulated::world::World;

const USAGE: &str = "\nUsage:\nvolume create <NEW-VOLNAME> [[replica <COUNT> [arbiter <COUNT>]]|[replica 2 thin-arbiter \
    1]] [disperse [<COUNT>]] [disperse-data <COUNT>] [redundancy <COUNT>] [transport <tcp|rdma|tcp,rdma>] <NEW-BRICK> \
    <TA-BRICK>... [force]\n\n";

/// The shape and the bricks that words on the command line ask for.
pub struct Request<'a> {
    pub replica: Option<usize>,
    pub arbiter: usize,
    pub disperse: usize,
    pub redundancy: usize,
    pub bricks: Vec<(&'a str, &'a str)>,
    pub force: bool,
}

/// Reads the words behind the volume's name; an error is what the command line itself says of them.
pub fn parse<'a>(words: &[&'a str]) -> Result<Request<'a>, String> {
    let mut request =
        Request { replica: None, arbiter: 0, disperse: 0, redundancy: 0, bricks: Vec::new(), force: false };
    let mut words = words.iter().peekable();
    while let Some(&word) = words.next() {
        let mut count = || words.next().and_then(|number| number.parse::<usize>().ok()).ok_or_else(String::new);
        match word {
            "replica" => match count()? {
                0 | 1 => return Err("replica count should be greater than 1\n".to_owned()),
                replica => request.replica = Some(replica),
            },
            "arbiter" => request.arbiter = count()?,
            "disperse" => match count()? {
                // The second line is no more true in the real one.
                0..=2 => return Err("disperse count must be greater than 2\ndisperse option given twice\n".to_owned()),
                disperse => request.disperse = disperse,
            },
            "redundancy" => request.redundancy = count()?,
            "transport" => _ = words.next(),
            "force" if words.peek().is_none() => request.force = true,
            _ => match word.split_once(':') {
                Some((host, path)) if path.starts_with('/') && !host.is_empty() => request.bricks.push((host, path)),
                _ => return Err(format!("Wrong brick type: {word}, use <HOSTNAME>:<export-dir-abs-path>\n")),
            },
        }
    }
    check(request)
}

fn check(mut request: Request<'_>) -> Result<Request<'_>, String> {
    if request.disperse > 0 {
        request.redundancy = request.redundancy.max(1);
        let limit = request.disperse.div_ceil(2);
        if request.redundancy >= limit {
            return Err(format!(
                "redundancy must be greater than or equal to 1 and less than {limit} for a disperse {} volume\n",
                request.disperse
            ));
        }
    }
    if request.bricks.is_empty() {
        return Err(String::new());
    }
    let mut seen = std::collections::BTreeSet::new();
    match request.bricks.iter().find(|brick| !seen.insert(**brick)) {
        Some((host, path)) => Err(format!("Found duplicate exports {host}:{path}\n")),
        None => Ok(request),
    }
}

/// `volume create NAME ...`.
pub fn create(world: &mut World, at: &NodeName, words: &[&str]) -> Output {
    let Some((name, words)) = words.split_first() else { return failed(1, USAGE) };
    let strange = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if let Some(strange) = name.chars().find(strange) {
        let said = format!("Volume name should not contain \"{strange}\" character.\n");
        return failed(1, said + "Volume names can onlycontain alphanumeric, '-' and '_' characters.\n" + USAGE);
    }
    let request = match parse(words) {
        Ok(request) => request,
        Err(said) => return failed(1, said + USAGE),
    };
    if world.nodes[at].volume(name).is_some() {
        return answer(-1, 0, &format!("Volume {name} already exists"), |_| {});
    }
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, None, None),
    };
    let size = request.disperse.max(request.replica.unwrap_or(1));
    if !request.force && size > 1 && shares_a_node(world, at, &request.bricks, size) {
        return refused(SAME_SERVER);
    }
    let id = world.uuid();
    let place = Place { at, members: &members, volume: &id, force: request.force };
    let (bricks, warning) = match stage(world, &place, &request.bricks, "Staging failed on %. Error: ") {
        Ok(staged) => staged,
        Err(error) => return refused(&error),
    };
    if bricks.len() % size != 0 {
        return refused("Failed to create volume files");
    }
    let volume = volume(name, id, &request, bricks);
    for member in &members {
        world.node_mut(member).glusterd.enter(volume.clone());
    }
    answer(0, 0, &warning, |xml| {
        xml.element("volCreate", |xml| {
            xml.element("volume", |xml| {
                xml.leaf("name", &volume.name);
                xml.leaf("id", &volume.id);
            });
        });
    })
}

/// What glusterd says when two bricks of a set lie on one node.
pub const SAME_SERVER: &str = "Multiple bricks of a replicate volume are present on the same server. This setup is not \
    optimal. Bricks should be on different nodes to have best fault tolerant configuration. Use 'force' at the end of \
    the command if you want to override this behavior. ";

fn volume(name: &str, id: String, request: &Request<'_>, bricks: Vec<BrickRef>) -> Volume {
    let replica = request.replica.unwrap_or(1);
    let own: &[(&str, &str)] = &[
        ("cluster.granular-entry-heal", "on"),
        ("storage.fips-mode-rchecksum", "on"),
        ("transport.address-family", "inet"),
        ("nfs.disable", "on"),
        ("performance.client-io-threads", "off"),
    ];
    let own = if replica > 1 { own } else { &own[1..4] };
    Volume {
        name: name.to_owned(),
        id,
        status: 0,
        version: 1,
        replica,
        arbiter: request.arbiter,
        disperse: request.disperse,
        redundancy: request.redundancy,
        bricks,
        options: own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

/// The answer of a change that ends with the volume's name and id.
pub fn named(tag: &str, volume: &Volume) -> Output {
    accepted(|xml| {
        xml.element(tag, |xml| {
            xml.element("volume", |xml| {
                xml.leaf("name", &volume.name);
                xml.leaf("id", &volume.id);
            });
        });
    })
}
