//! `pg_ctl` on the nodes, run by a real `sh` on a folder that is laid out as a mount of a volume shows itself.

use std::fs;
use std::os::unix::fs::symlink;

use bricklayer::tools::scripts::PG_CTL;

use super::place::Place;

/// A version that no machine has in a folder of its own, so that the program is looked for in `PATH`.
const VERSION: &str = "99";
const SYNCED: &str = "-o -c recovery_init_sync_method=syncfs -c restart_after_crash=off";

/// A node with the address 10.0.0.1, on which a volume with a brick on each of two nodes is mounted.
struct Node {
    place: Place,
}

impl Node {
    fn new() -> Self {
        let place = Place::plain();
        for (name, text) in [
            ("pg_ctl", ""),
            ("pg_controldata", "[ \"$1 $2\" = '-D FOLDERmount/data' ] && [ -e FOLDER/state ] && cat FOLDER/state"),
            (
                "sync",
                "[ ! -e FOLDER/broken ] || exit 1
                 case $1 in
                   --version) cat FOLDER/version ;;
                   --) shift; for file; do [ -e \"$file\" ] || exit 1; done ;;
                 esac",
            ),
            ("findmnt", "[ ! -e FOLDER/elsewhere ] && echo FOLDER/mount"),
            ("getent", "case $2 in one) echo '10.0.0.1 STREAM' ;; two) echo '10.0.0.2 STREAM' ;; *) exit 2 ;; esac"),
            ("ip", "if [ \"$5\" = 10.0.0.1 ]; then echo '2: eth0 inet 10.0.0.1/24'; fi"),
        ] {
            place.fake(name, &text.replace("FOLDER", &place.path("")));
        }
        fs::create_dir_all(place.path("mount/data/pg_tblspc")).unwrap();
        place.write("version", "sync (GNU coreutils) 9.1\n");
        let node = Self { place };
        node.file("mount/data/PG_VERSION", &format!("{VERSION}\n"));
        node.file("mount/.meta/graphs/active/volfile", "");
        node.file("mount/.meta/graphs/active/vol-replicate-0/type", "cluster/replicate\n");
        node.brick(0, "one", true);
        node.brick(1, "two", false);
        node
    }

    fn file(&self, path: &str, text: &str) {
        fs::create_dir_all(self.place.path(path.rsplit_once('/').unwrap().0)).unwrap();
        self.place.write(path, text);
    }

    /// What the mount says of a brick.
    fn brick(&self, number: usize, host: &str, connected: bool) {
        let client = format!("mount/.meta/graphs/active/vol-client-{number}");
        self.file(&format!("{client}/type"), "protocol/client\n");
        let private =
            format!("[xlator.protocol.client.vol-client-{number}.priv]\nconnected = {}\n", u8::from(connected));
        self.file(&format!("{client}/private"), &private);
        self.file(&format!("{client}/options/remote-host"), &format!("{host}\n"));
        self.file(&format!("{client}/options/remote-subvolume"), &format!("/b{number}\n"));
    }

    /// What the mount says of the set of the bricks with these numbers, of which the last is an arbiter's or not.
    fn set(&self, numbers: [usize; 3], has_arbiter: bool) {
        let copies = format!("mount/.meta/graphs/active/vol-replicate-{}", numbers[0] / 3);
        self.file(&format!("{copies}/type"), "cluster/replicate\n");
        self.file(&format!("{copies}/options/arbiter-count"), &format!("{}\n", u8::from(has_arbiter)));
        fs::create_dir_all(self.place.path(&format!("{copies}/subvolumes"))).unwrap();
        for (place, number) in numbers.into_iter().enumerate() {
            let client = format!("../../vol-client-{number}");
            symlink(client, self.place.path(&format!("{copies}/subvolumes/{place}"))).unwrap();
        }
    }

    /// Which bricks were synced, and with what the real `pg_ctl` was then called.
    fn calls(&self, action: &str) -> (Vec<String>, String) {
        let _ = fs::remove_file(self.place.path("calls"));
        let data = self.place.path("mount/data");
        assert_eq!(self.place.status(PG_CTL, &["-D", &data, "-o", "-c port=1", "-W", action], ""), 0);
        let calls = self.place.read("calls");
        let of = |name: &str| calls.lines().filter_map(|line| line.strip_prefix(name)).map(str::to_owned).collect();
        let synced: Vec<String> = of("sync -f -- ");
        let called: Vec<String> = of("pg_ctl ");
        let rest = format!("-D {data} -o -c port=1 -W {action}");
        (synced, called.concat().replace(&rest, "AS ASKED"))
    }

    #[track_caller]
    fn leaves_it_to_the_server(&self) {
        assert_eq!(self.calls("start").1, "AS ASKED");
    }

    #[track_caller]
    fn syncs_file_by_file(&self) {
        assert_eq!(self.calls("start").1, format!("{SYNCED} AS ASKED"));
        let files = self.place.read("calls");
        let data = self.place.path("mount/data");
        for file in [format!(" {data} "), format!(" {data}/pg_tblspc"), format!(" {data}/PG_VERSION")] {
            assert!(files.contains(&file), "{file} is not in {files}");
        }
    }
}

/// What looks at a node after each change.
fn changed_so_that(holds: fn(&Node)) -> impl Fn(fn(&Node)) {
    move |change| {
        let node = Node::new();
        change(&node);
        holds(&node);
    }
}

#[test]
fn a_server_whose_only_copy_is_here_is_started_on_durable_files() {
    let node = Node::new();
    assert_eq!(node.calls("start"), (vec!["/b0".to_owned()], format!("{SYNCED} AS ASKED")));
    assert_eq!(node.calls("stop"), (Vec::new(), "AS ASKED".to_owned()));
    node.brick(1, "one", true);
    assert_eq!(node.calls("start"), (vec!["/b0".to_owned(), "/b1".to_owned()], format!("{SYNCED} AS ASKED")));
}

#[test]
fn an_arbiters_brick_is_no_copy() {
    let node = Node::new();
    node.brick(2, "two", true);
    node.set([0, 1, 2], true);
    assert_eq!(node.calls("start"), (vec!["/b0".to_owned()], format!("{SYNCED} AS ASKED")));
    // Of another set, it is the last one, too.
    node.brick(3, "one", true);
    node.brick(4, "two", false);
    node.brick(5, "two", true);
    node.set([3, 4, 5], true);
    assert_eq!(node.calls("start").0, ["/b0", "/b3"]);

    // The last brick of a set without arbiter is a copy, and so is any other than the last.
    node.file("mount/.meta/graphs/active/vol-replicate-1/options/arbiter-count", "0\n");
    node.syncs_file_by_file();
    node.file("mount/.meta/graphs/active/vol-replicate-1/options/arbiter-count", "1\n");
    node.brick(4, "two", true);
    node.syncs_file_by_file();

    // Somebody has to have a copy, and an arbiter here has none.
    let node = Node::new();
    node.brick(0, "two", false);
    node.brick(2, "one", true);
    node.set([0, 1, 2], true);
    node.syncs_file_by_file();
}

#[test]
fn every_file_is_synced_where_a_copy_is_elsewhere_or_nobody_can_tell() {
    let changed = changed_so_that(Node::syncs_file_by_file);
    changed(|node| node.brick(1, "two", true));
    changed(|node| node.brick(2, "two", true));
    changed(|node| node.brick(1, "nobody", true));
    changed(|node| node.brick(0, "one", false));
    changed(|node| drop(node.place.write("elsewhere", "")));
    changed(|node| fs::remove_dir_all(node.place.path("mount/.meta")).unwrap());
    // An old graph of the volume is still in use.
    changed(|node| {
        node.file("mount/.meta/graphs/old/volfile", "");
        node.file("mount/.meta/graphs/new/volfile", "");
    });
    // What is asked for is a link to where it lies.
    changed(|node| {
        fs::rename(node.place.path("mount/data"), node.place.path("mount/there")).unwrap();
        symlink("there", node.place.path("mount/data")).unwrap();
        node.brick(1, "two", true);
    });
    changed(|node| fs::remove_file(node.place.path("mount/.meta/graphs/active/vol-client-1/private")).unwrap());

    let node = Node::new();
    node.brick(1, "two", true);
    for number in 0..200 {
        node.file(&format!("mount/data/base/1/a file {number}"), "");
    }
    node.syncs_file_by_file();
    let calls = node.place.read("calls");
    assert_eq!(calls.lines().filter(|line| line.starts_with("sync -- ")).count(), 4, "{calls}");
    assert_eq!(calls.matches("/base/1/a file ").count(), 200);
}

#[test]
fn what_cannot_be_synced_here_is_left_to_the_server() {
    let changed = changed_so_that(Node::leaves_it_to_the_server);
    changed(|node| drop(node.place.write("broken", "")));
    changed(|node| symlink("/elsewhere", node.place.path("mount/data/pg_tblspc/16384")).unwrap());
    changed(|node| symlink("/elsewhere", node.place.path("mount/data/pg_wal")).unwrap());
    // A sync that does not sync files.
    changed(|node| {
        node.brick(1, "two", true);
        node.place.write("version", "sync (uutils coreutils) 0.0.30\n");
    });
    // What find cannot list.
    changed(|node| {
        node.brick(1, "two", true);
        node.place.fake("find", "printf '.\\0'; exit 1");
    });
    // Versions that have no such setting, or say none.
    changed(|node| node.file("mount/data/PG_VERSION", "13\n"));
    changed(|node| node.file("mount/data/PG_VERSION", "9.6\n"));
    changed(|node| fs::remove_file(node.place.path("mount/data/PG_VERSION")).unwrap());
}

#[test]
fn a_server_that_was_shut_down_has_nothing_to_sync() {
    let node = Node::new();
    let state = |state: &str| {
        let text = format!("pg_control version number: 1300\nDatabase cluster state:   {state}\n");
        node.place.write("state", &text);
        node.calls("start")
    };
    for clean in ["shut down", "shut down in recovery"] {
        assert_eq!(state(clean), (Vec::new(), "AS ASKED".to_owned()));
    }
    for torn in ["in production", "shutting down", "in crash recovery"] {
        assert_eq!(state(torn), (vec!["/b0".to_owned()], format!("{SYNCED} AS ASKED")));
    }
}
