//! The raw commands of each recovery, made from the file alone: for the day on which bricklayer is what is broken, or is
//! not there. Where a verb does the same, the command is the verb's own.

use std::collections::BTreeSet;

use super::healgate::as_watched;
use super::{Brick, Resource, Service, Spec, Volume, VolumeState, ids, volumes};
use crate::model::{Chapter, Command, Instruction, NodeName, Runbook, ServiceName, VolumeName};
use crate::tools::{corosync, gluster, healgate, node, pacemaker};

/// Where it does not matter.
const ANY: &str = "any node";

/// The runbook of a cluster.
#[must_use]
pub fn runbook(spec: &Spec) -> Runbook {
    let mut chapters = vec![look(spec)];
    chapters.extend(volumes(spec).map(|(name, volume)| heal(spec, name, volume)));
    chapters.extend(replace(spec));
    if spec.has_manager() {
        chapters.push(drain(spec));
        chapters.push(rejoin(spec));
        chapters.push(lost(spec));
        for (name, service) in spec.present_services() {
            chapters.push(by_hand(name));
            chapters.extend(recover(spec, name, service));
            chapters.push(without(spec, name, service));
        }
    }
    Runbook { cluster: spec.cluster.clone(), chapters }
}

fn volumes(spec: &Spec) -> impl Iterator<Item = (&VolumeName, &Volume)> {
    let copies = |(_, volume): &(&VolumeName, &Volume)| volumes::is_redundant(volume);
    spec.volumes.iter().filter(|(_, volume)| volume.state == VolumeState::Started).filter(copies)
}

fn step(says: impl Into<String>, on: &str, commands: impl IntoIterator<Item = String>) -> Instruction {
    Instruction { says: says.into(), on: on.to_owned(), commands: commands.into_iter().collect() }
}

/// A command as a person types it: what makes gluster's answers readable for us is left out.
fn words(command: &Command) -> String {
    command.to_string().replace(" --mode=script", "").replace(" --xml", "")
}

fn each_node(spec: &Spec) -> String {
    spec.nodes.keys().map(NodeName::as_str).collect::<Vec<_>>().join(", ")
}

fn look(spec: &Spec) -> Chapter {
    let mut steps = vec![step(
        "The pool, and every brick's process.",
        ANY,
        ["gluster pool list".to_owned(), "gluster volume status".to_owned()],
    )];
    if spec.has_manager() {
        let commands = ["crm_mon -1rf", "corosync-quorumtool -s", "stonith_admin --history '*'"];
        steps.push(step(
            "Members, quorum, services with what failed, and who was fenced.",
            ANY,
            commands.map(str::to_owned),
        ));
    }
    Chapter { title: "How it stands".to_owned(), steps }
}

fn heal(spec: &Spec, name: &VolumeName, volume: &Volume) -> Chapter {
    let mut steps = vec![
        step(
            "What each copy knows the others to lack. Two lists that both have entries, after a node was away, blame each \
             other; what to do then is told below.",
            ANY,
            [format!("gluster volume heal {name} info summary")],
        ),
        step(
            "Start brick processes that have died, and the heal; repeat the first step until all is 0.",
            ANY,
            [words(&gluster::start(name.as_str(), true)), words(&gluster::heal_now(name.as_str()))],
        ),
        step(
            "Entries of which no copy is right by itself.",
            ANY,
            [format!("gluster volume heal {name} info split-brain")],
        ),
    ];
    let lists = volume.bricks.iter().map(|brick| format!("ls {}/.glusterfs/indices/xattrop", brick.path));
    let lists: BTreeSet<String> = lists.collect();
    let says =
        "The same without glusterd: the list lies on the brick itself, one file for each entry that others lack.";
    steps.push(step(says, "each node with a brick", lists));
    if spec.services.values().any(|service| service.resources.iter().any(|r| matches!(r, Resource::Postgresql(_)))) {
        steps.push(step(
            "For a database never resolve file by file: one whole copy wins. Compare what each brick has, and give up the \
             other as below.",
            "each node with a brick",
            databases(spec, volume),
        ));
    }
    Chapter { title: format!("Volume {name} is not healed"), steps }
}

/// How the last moment of each copy of a database is read from its brick.
fn databases(spec: &Spec, volume: &Volume) -> Vec<String> {
    let mounts = spec.mounts.values().filter(|mount| spec.volumes.get(&mount.volume) == Some(volume));
    let resources = || spec.services.values().flat_map(|service| &service.resources);
    let data = mounts.flat_map(|mount| {
        resources().filter_map(move |resource| match resource {
            Resource::Postgresql(database) => database.data_dir.as_str().strip_prefix(mount.path.as_str()),
            _ => None,
        })
    });
    let control = |below: &str| {
        volume.bricks.first().map(|brick| format!("/usr/lib/postgresql/*/bin/pg_controldata {}{below}", brick.path))
    };
    data.filter_map(control).collect()
}

/// What each volume has to heal, of those with copies.
fn heals(spec: &Spec) -> Vec<String> {
    volumes(spec).map(|(name, _)| format!("gluster volume heal {name} info summary")).collect()
}

fn drain(spec: &Spec) -> Chapter {
    let says = "What runs there moves; wait until nothing does. The mark tells bricklayer to leave the node alone.";
    let mark =
        format!("mkdir -p {} && touch {}", node::DRAINED.rsplit_once('/').map_or("", |(at, _)| at), node::DRAINED);
    let left =
        "Then it leaves the cluster, and nobody fences it; its bricks end with glusterd, or by the second command.";
    let stop =
        ["systemctl stop pacemaker corosync", "systemctl stop glusterd", "kill $(cat /run/gluster/vols/*/*.pid)"];
    Chapter {
        title: "A node is to be switched off for a while".to_owned(),
        steps: vec![
            step("Only while every copy elsewhere is whole and served.", ANY, heals(spec)),
            step(says, "the node", [mark, words(&pacemaker::standby("NODE", true)), "crm_mon -1r".to_owned()]),
            step("Only once nothing is left to heal.", ANY, heals(spec)),
            step(left, "the node", stop.map(str::to_owned)),
        ],
    }
}

fn rejoin(spec: &Spec) -> Chapter {
    let free = [words(&pacemaker::standby("NODE", false)), format!("rm -f {}", node::DRAINED)];
    Chapter {
        title: "A node comes back".to_owned(),
        steps: vec![
            step("Its bricks first.", "the node", ["systemctl start glusterd".to_owned()]),
            step("Wait until nothing is left to heal.", "the node", heals(spec)),
            step("Then the cluster.", "the node", ["systemctl start corosync pacemaker".to_owned()]),
            step("If it was taken out of service, services may come again.", "the node", free),
        ],
    }
}

/// A new machine in the place of one whose disks are lost, as `node replace` has it.
fn replace(spec: &Spec) -> Option<Chapter> {
    let all: Vec<_> = volumes(spec).filter_map(|(name, volume)| Some((name, volume.bricks.last()?))).collect();
    let node = &all.first()?.1.node;
    let all: Vec<_> = all.into_iter().filter(|(_, brick)| brick.node == *node).collect();
    let other = spec.nodes.keys().find(|other| *other != node)?;
    let intro = format!(
        "The commands are for {node}; for another node, change them. Find the UUID by which the others know it, and their own."
    );
    let who = ["gluster pool list", "cat /var/lib/glusterd/glusterd.info"].map(str::to_owned);
    let made = all.iter().map(|(_, brick)| format!("mkdir -p {}", brick.path));
    let start = "systemctl start glusterd && gluster pool list && systemctl stop glusterd".to_owned();
    let be = "sed -i s/^UUID=.*/UUID=UUID-OF-THE-LOST/ /var/lib/glusterd/glusterd.info".to_owned();
    let peer = spec.storage_of(other);
    let know = format!(
        "printf 'uuid=UUID-OF-THE-OTHER\\nstate=3\\nhostname1={peer}\\n' >/var/lib/glusterd/peers/UUID-OF-THE-OTHER"
    );
    let again =
        "Once it has been told of the volumes, start it anew: it finds the directories of bricks only at its start.";
    let told = ["systemctl start glusterd", "gluster volume info", "systemctl restart glusterd"].map(str::to_owned);
    let fill = all.iter().map(|(name, brick)| words(&gluster::reset_brick(name.as_str(), &brick.called(spec))));
    let steps = vec![
        step(intro, other.as_str(), who),
        step(
            "Make the bricks on their mounted file systems, and have glusterd be the lost one.",
            node.as_str(),
            made.chain([start, be, know]),
        ),
        step(again, node.as_str(), told),
        step(
            "Fill a brick; wait until it is healed before the next. Then the cluster, as below.",
            other.as_str(),
            fill,
        ),
    ];
    Some(Chapter { title: "A node has lost its disks, and a new machine has its name".to_owned(), steps })
}

fn lost(spec: &Spec) -> Chapter {
    let waits = "After a power loss of all, the others wait until they have seen every node once. Only if the missing node \
                 is seen to be without power, have them go on.";
    let fenced =
        "Where a node cannot be fenced, nothing is taken over from it. Only if it is seen to be without power, say so.";
    Chapter {
        title: "A node is lost for good".to_owned(),
        steps: vec![
            step(waits, "each node that is left", [words(&corosync::stop_waiting())]),
            step(fenced, &format!("one of {}", each_node(spec)), [words(&pacemaker::confirm_off("NODE"))]),
        ],
    }
}

fn by_hand(name: &ServiceName) -> Chapter {
    let tell = |role: &str| {
        format!("crm_resource --resource {name} --meta --set-parameter target-role --parameter-value {role}")
    };
    Chapter {
        title: format!("Service {name} is to start, stop or move"),
        steps: vec![
            step("Start it, or stop it.", ANY, [tell("Started"), tell("Stopped")]),
            step("Have it tried again after a failure.", ANY, [words(&pacemaker::cleanup(name.as_str()))]),
            step(
                "Move it; take the constraint away once it is there, or it is pinned.",
                ANY,
                [
                    format!("crm_resource --move --resource {name} --node NODE"),
                    format!("crm_resource --clear --resource {name}"),
                ],
            ),
        ],
    }
}

/// The way past a gate that is shut, as `service recover` goes it, and the way back.
fn recover(spec: &Spec, name: &ServiceName, service: &Service) -> Option<Chapter> {
    let lone: Vec<_> = service.volumes(spec).filter(|(_, volume)| volumes::may_diverge(volume)).collect();
    let holder = &lone.first()?.1.bricks.first()?.node;
    let from = holder.as_str();
    let intro = format!(
        "Only if every other copy is lost: what was acknowledged while the node that is left was away is lost with them. \
         The commands are for {from}; for another node, change them. First see that the others are off, and say so as \
         above."
    );
    let mut steps = vec![step(intro, from, [])];
    let copies: Vec<Copies<'_>> = lone.iter().map(|(name, volume)| Copies::of(spec, name, volume, holder)).collect();
    for copies in &copies {
        let commands = [copies.give_up(), copies.watch(&copies.left)];
        steps.push(step("Take the lost copies out, and have the heal gate know.", from, commands));
    }
    let open =
        copies.iter().map(|one| format!("attrd_updater -Q -n {} -N {from}", healgate::attribute(one.name.as_str())));
    steps.push(step("The gate opens within seconds: the value is 1, and the service starts.", from, open));
    for copies in &copies {
        let empty = "Once a lost node is repaired: empty its old brick, on that node. What is in it is older.";
        steps.push(step(empty, "the repaired node", copies.empty.clone()));
        let commands = [copies.watch(&copies.all), copies.take_in()];
        steps.push(step("Then take it in again; it is filled by the heal.", from, commands));
    }
    Some(Chapter { title: format!("Service {name} waits for a copy that is lost"), steps })
}

/// The bricks of a volume, as the commands name them.
struct Copies<'a> {
    name: &'a VolumeName,
    replica: u32,
    /// The lost ones, for gluster.
    lost: Vec<String>,
    /// How their places are emptied.
    empty: Vec<String>,
    /// The one that is left, and all, for the heal gate.
    left: String,
    all: String,
}

impl<'a> Copies<'a> {
    fn of(spec: &Spec, name: &'a VolumeName, volume: &'a Volume, from: &NodeName) -> Self {
        let sets = |counts: &dyn Fn(&&Brick) -> bool| {
            let set = |set: &'a [Brick]| set.iter().filter(counts).map(as_watched).collect();
            healgate::sets(&volume.bricks.chunks(volumes::set_size(volume)).map(set).collect::<Vec<_>>())
        };
        let lost = || volume.bricks.iter().filter(|brick| brick.node != *from);
        Self {
            name,
            replica: volume.replica.unwrap_or(2),
            lost: lost().map(|brick| brick.called(spec)).collect(),
            empty: lost().map(|brick| format!("rm -rf {}", brick.path)).collect(),
            left: sets(&|brick| brick.node == *from),
            all: sets(&|_| true),
        }
    }

    fn give_up(&self) -> String {
        words(&gluster::give_up_bricks(self.name.as_str(), 1, &self.lost))
    }

    fn take_in(&self) -> String {
        let shape = gluster::Shape { replica: self.replica, ..gluster::Shape::default() };
        words(&gluster::add_bricks(self.name.as_str(), Some(shape), &self.lost, false))
    }

    fn watch(&self, sets: &str) -> String {
        let gate = ids::gate(self.name);
        format!("crm_resource --resource {gate} --set-parameter sets --parameter-value '{sets}'")
    }
}

/// The service by hand, on one node, with no cluster manager at all.
fn without(spec: &Spec, name: &ServiceName, service: &Service) -> Chapter {
    let by_hand = |resource: &Resource| match resource {
        Resource::Ip(ip) => Some(format!("ip address add {} dev INTERFACE", String::from(ip.address))),
        Resource::Mount(mount) => {
            let mount = spec.mounts.get(&mount.name)?;
            Some(format!("mount -t glusterfs localhost:/{} {}", mount.volume, mount.path))
        }
        Resource::Postgresql(database) => Some(format!(
            "su postgres -c '/usr/lib/postgresql/*/bin/pg_ctl -D {} -o \"-c \
             config_file=/etc/bricklayer/postgresql/{name}/postgresql.conf\" start'",
            database.data_dir
        )),
        Resource::Systemd(systemd) => Some(format!("systemctl start {}", systemd.unit)),
        Resource::Lsb(lsb) => Some(format!("/etc/init.d/{} start", lsb.script)),
        Resource::Ocf(_) => None,
    };
    let start = service.resources.iter().filter_map(by_hand);
    Chapter {
        title: format!("Service {name} is to run without a cluster manager"),
        steps: vec![
            step(
                "Nothing else may start it meanwhile.",
                &each_node(spec),
                ["systemctl disable --now pacemaker corosync".to_owned()],
            ),
            step(
                "On one node only, whose copy is complete, and with every other node seen to run none of it.",
                "that node",
                start,
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str) -> String {
        let spec = crate::spec::from_bytes("t.yaml", file.as_bytes().to_vec()).spec.unwrap();
        let chapters = runbook(&spec).chapters;
        let steps = chapters.iter().flat_map(|chapter| &chapter.steps);
        steps.flat_map(|step| &step.commands).fold(String::new(), |text, command| text + command + "\n")
    }

    #[test]
    fn the_article_has_the_commands_of_each_recovery_in_its_own_names() {
        let told = of(include_str!("../../specs/postgres-ha.yaml"));
        for command in [
            "corosync-cmapctl -s quorum.cancel_wait_for_all u8 1\n",
            "stonith_admin --confirm NODE\n",
            "volume remove-brick data00 replica 1 node02m:/glvol00/brick force\n",
            "--resource healgate-data00 --set-parameter sets --parameter-value 'node01:/glvol00/brick'\n",
            "--parameter-value 'node01:/glvol00/brick,node02:/glvol00/brick'\n",
            "volume add-brick data00 replica 2 node02m:/glvol00/brick\n",
            "pg_controldata /glvol00/brick/pgsql\n",
            "mount -t glusterfs localhost:/data00 /gldata00\n",
            "crm_resource --clear --resource service01\n",
            "gluster volume reset-brick data00 node02m:/glvol00/brick node02m:/glvol00/brick commit force\n",
            "crm_attribute --node NODE --name standby --update on\n",
            "crm_attribute --node NODE --name standby --delete\n",
        ] {
            assert!(told.contains(command), "{command} in\n{told}");
        }
    }

    #[test]
    fn what_the_file_does_not_have_is_not_told_of() {
        let told = of(include_str!("../../specs/article.yaml"));
        assert!(told.contains("gluster volume heal data00 info summary") && !told.contains("crm_"), "{told}");
        let arbiter = of(include_str!("../../specs/arbiter.yaml"));
        assert!(!arbiter.contains("remove-brick"), "where clients keep a quorum, no copy is ever alone: {arbiter}");
    }
}
