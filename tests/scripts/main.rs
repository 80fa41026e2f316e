//! The named scripts, run by a real `sh`. What they touch outside a folder of the test's own is put over the real
//! thing in a mount namespace, which takes root; without, those tests say that they were skipped.
#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::unwrap_used, missing_docs)]

mod healgate;
mod pg_ctl;
mod place;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use bricklayer::tools::scripts;

use place::Place;

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names_in(path: &str) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_script_is_clean_for_shellcheck_and_parses_in_every_shell() {
    for script in scripts::ALL {
        let place = Place::plain();
        let file = place.write(script.name, script.text);
        for shell in ["sh", "bash"] {
            assert!(Command::new(shell).args(["-n", &file]).status().unwrap().success(), "{shell} {}", script.name);
        }
        match Command::new("shellcheck").args(["-s", "sh", &file]).output() {
            Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout)),
            Err(error) => eprintln!("skipped: shellcheck: {error}"),
        }
    }
}

#[test]
fn a_file_is_written_whole_with_its_mode_and_nothing_beside_it() {
    let place = Place::plain();
    fs::create_dir(place.path("etc")).unwrap();
    let path = place.path("etc/a b");
    for text in ["first\n", "it's 'second'\n\nno newline", ""] {
        assert_eq!(place.status(scripts::WRITE_FILE, &[&path, "0640"], text), 0);
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), (text, 0o640));
    }
    assert_eq!(names_in(&place.path("etc")), ["a b"]);

    symlink(&path, place.path("etc/link")).unwrap();
    fs::create_dir(place.path("etc/dir")).unwrap();
    for other in ["etc/link", "etc/dir"] {
        assert_eq!(place.status(scripts::WRITE_FILE, &[&place.path(other), "0644"], "x"), 1);
        assert_eq!(place.status(scripts::REMOVE_FILE, &[&place.path(other)], ""), 1);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    for _ in 0..2 {
        assert_eq!(place.status(scripts::REMOVE_FILE, &[&path], ""), 0);
    }
    assert_eq!(names_in(&place.path("etc")), ["dir", "link"]);
}

#[test]
fn the_block_in_etc_hosts_is_ours_and_every_other_line_is_not() {
    let Some(place) = Place::over(&[("etc", "/etc")]) else { return };
    let write = |text: &str| place.status(scripts::WRITE_HOSTS, &["cluster01"], text);
    let (begin, end) = ("# bricklayer cluster01: begin", "# bricklayer cluster01: end");

    // Where awk is one of several, its link lies in /etc.
    fs::create_dir(place.path("etc/alternatives")).unwrap();
    symlink(fs::canonicalize("/usr/bin/awk").unwrap(), place.path("etc/alternatives/awk")).unwrap();
    place.write("etc/hosts", "127.0.0.1 localhost\n\n");
    fs::set_permissions(place.path("etc/hosts"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(write("10.0.0.1 node01\n10.0.0.2 node02\n"), 0);
    let block = format!("{begin}\n10.0.0.1 node01\n10.0.0.2 node02\n{end}\n");
    assert_eq!(place.read("etc/hosts"), format!("127.0.0.1 localhost\n\n{block}"));
    assert_eq!(mode(&place.path("etc/hosts")), 0o640);

    let foreign =
        format!("# bricklayer cluster02: begin\nx\n# bricklayer cluster02: end\n{block}10.1.1.1 mine \\n\n\n");
    place.write("etc/hosts", &foreign);
    assert_eq!(write("10.0.0.1 node01\n10.0.0.2 node02\n"), 0);
    assert_eq!(place.read("etc/hosts"), foreign);
    assert_eq!(write("10.0.0.3 node03"), 0);
    let changed = foreign.replace("10.0.0.1 node01\n10.0.0.2 node02", "10.0.0.3 node03");
    assert_eq!(place.read("etc/hosts"), changed);
    assert_eq!(write(""), 0);
    assert_eq!(place.read("etc/hosts"), foreign.replace(&block, ""));
    assert_eq!(names_in(&place.path("etc")), ["alternatives", "hosts"]);

    for broken in
        [format!("{begin}\nx\n"), format!("x\n{end}\n"), format!("{block}{block}"), format!("{end}\n{begin}\n")]
    {
        place.write("etc/hosts", &broken);
        assert_eq!(write("y"), 3, "{broken}");
        assert_eq!(place.read("etc/hosts"), broken);
    }
}

#[test]
fn the_lease_is_held_by_one_until_it_is_released_or_lapses() {
    let Some(place) = Place::over(&[("run", "/run")]) else { return };
    let lease = |args: &[&str]| place.run(scripts::LEASE, args, "");
    assert!(lease(&["take", "a", "100"]).status.success());
    assert!(lease(&["take", "a", "100"]).status.success());
    let refused = lease(&["take", "b", "100"]);
    assert_eq!((refused.status.code(), err(&refused).as_str()), (Some(75), "a\n"));
    assert!(lease(&["release", "b"]).status.success());
    assert_eq!(lease(&["take", "b", "100"]).status.code(), Some(75));
    for _ in 0..2 {
        assert!(lease(&["release", "a"]).status.success());
    }
    assert!(lease(&["take", "b", "1"]).status.success());
    let (owner, expiry) = place
        .read("run/bricklayer/lease")
        .trim_end()
        .split_once('\t')
        .map(|(o, e)| (o.to_owned(), e.parse::<u64>().unwrap()))
        .unwrap();
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: u64 = uptime.split('.').next().unwrap().parse().unwrap();
    assert!(owner == "b" && (uptime..=uptime + 1).contains(&expiry));
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(lease(&["take", "a", "100"]).status.success());
    place.write("run/bricklayer/lease", "garbage");
    assert!(lease(&["take", "b", "100"]).status.success());
}

#[test]
fn a_node_tells_of_itself_and_its_packages() {
    let said = Place::plain().says(scripts::LOOK_NODE, &["no-such-package", "coreutils"]);
    let keys: Vec<&str> = said.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(keys, ["os", "family", "hostname", "clock", "uptime", "hold", "package", "package"]);
    let fields = |line: &'static str| said.lines().any(|said| said.starts_with(line));
    assert!(fields("package\tno-such-package\t-") && !fields("package\tcoreutils\t-"), "{said}");
}

#[test]
fn what_lies_at_a_bricks_place_is_told() {
    let Some(place) = Place::over(&[("run", "/run"), ("lib", "/var/lib")]) else { return };
    let [absent, dir, file] = ["b/absent/brick", "b/dir", "b/file"].map(|name| place.path(name));
    fs::create_dir_all(format!("{dir}/.glusterfs/indices/xattrop")).unwrap();
    place.write("b/file", "");
    for entry in ["xattrop-1", "00000000-0000-0000-0000-000000000001", "2"] {
        place.write(&format!("b/dir/.glusterfs/indices/xattrop/{entry}"), "");
    }
    let id = "0x0123456789abcdef0123456789abcdef";
    let tagged = Command::new("setfattr").args(["-n", "trusted.glusterfs.volume-id", "-v", id, &dir]).status();
    let id = if tagged.is_ok_and(|status| status.success()) { "01234567-89ab-cdef-0123-456789abcdef" } else { "-" };

    // A process by the name of the real one, and the files by which glusterd finds it: one of a brick whose path
    // only ends alike comes first.
    fs::copy("/usr/bin/sleep", place.path("bin/glusterfsd")).unwrap();
    let mut server = Command::new(place.path("bin/glusterfsd")).arg("60").spawn().unwrap();
    let dashed = dir.replace('/', "-");
    fs::create_dir_all(place.path("run/gluster/vols/data00")).unwrap();
    fs::create_dir_all(place.path("lib/glusterd/vols/data00/bricks")).unwrap();
    place.write(&format!("run/gluster/vols/data00/a-x{dashed}.pid"), "1\n");
    place.write(&format!("lib/glusterd/vols/data00/bricks/a:-x{dashed}"), "");
    place.write(&format!("run/gluster/vols/data00/node-01{dashed}.pid"), &format!("{}\n", server.id()));
    place.write(&format!("lib/glusterd/vols/data00/bricks/node-01:{dashed}"), "");

    let said = place.says(scripts::LOOK_BRICKS, &[&absent, &dir, &file]);
    let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split('\t').collect()).collect();
    let pid = server.id().to_string();
    let told = |row: &Vec<&str>| [row[0], row[1], row[4], row[5], row[6], row[9]].map(str::to_owned);
    assert_eq!(told(&rows[0]), [&absent, "absent", "-", "-", "-", "-"]);
    assert_eq!(told(&rows[1]), [&dir, "dir", id, "2", &pid, "no"]);
    assert_eq!(told(&rows[2]), [&file, "other", "-", "-", "-", "-"]);
    for row in &rows {
        assert!(Path::new(row[2]).is_dir() && ["root", "own"].contains(&row[3]));
        assert!(row[7].parse::<u64>().unwrap() >= row[8].parse::<u64>().unwrap());
    }
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(place.says(scripts::LOOK_BRICKS, &[&dir]).contains("\t2\t-\t"));
}

/// A loop device over a sparse file, taken away with it.
struct Disk(String);

impl Disk {
    fn new(place: &Place) -> Option<Self> {
        let file = place.path("disk");
        fs::File::create(&file).unwrap().set_len(512 << 20).unwrap();
        let made = Command::new("losetup").args(["--find", "--show", &file]).output();
        match made {
            Ok(output) if output.status.success() => {
                Some(Self(String::from_utf8(output.stdout).unwrap().trim().to_owned()))
            }
            _ => {
                eprintln!("skipped: a loop device cannot be made here (root is needed)");
                None
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.0]).status();
    }
}

#[test]
fn a_device_is_formatted_only_while_it_is_blank() {
    let place = Place::plain();
    assert_eq!(place.says(scripts::LOOK_DEVICES, &["/dev/no-such"]), "/dev/no-such\tabsent\t-\n");
    assert_eq!(place.status(scripts::FORMAT_DEVICE, &["/dev/null", "ext4"], ""), 3);
    let Some(disk) = Disk::new(&place) else { return };
    let disk = disk.0.as_str();
    assert_eq!(place.says(scripts::LOOK_DEVICES, &[disk]), format!("{disk}\tblank\t-\n"));
    for kind in ["xfs", "ext4"] {
        if place.status(scripts::FORMAT_DEVICE, &[disk, kind], "") == 127 {
            eprintln!("skipped: mkfs.{kind} is not installed");
            continue;
        }
        assert_eq!(place.says(scripts::LOOK_DEVICES, &[disk]), format!("{disk}\t{kind}\t-\n"));
        let again = place.run(scripts::FORMAT_DEVICE, &[disk, kind], "");
        assert!(again.status.code() == Some(3) && err(&again).contains(kind), "{again:?}");
        assert!(Command::new("wipefs").args(["-q", "-a", disk]).status().unwrap().success());
    }
    assert!(Command::new("mkswap").args(["-q", disk]).status().unwrap().success());
    assert_eq!(place.says(scripts::LOOK_DEVICES, &[disk]), format!("{disk}\tswap\t-\n"));
    assert_eq!(place.status(scripts::FORMAT_DEVICE, &[disk, "ext4"], ""), 3);
}

#[test]
fn names_and_ports_are_told_in_the_order_in_which_they_were_asked() {
    let place = Place::plain();
    let said = place.says(scripts::LOOK_NAMES, &["no-such-host.invalid", "127.0.0.1", "localhost"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..2], ["no-such-host.invalid\t-", "127.0.0.1\t127.0.0.1"]);
    assert!(lines[2].starts_with("localhost\t") && lines[2] != "localhost\t-");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().to_string();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let said = place.says(scripts::LOOK_PORTS, &["no-such-host.invalid:1", &open, "255.255.255.255:1", &closed]);
    let expected =
        format!("no-such-host.invalid:1\tunresolved\n{open}\topen\n255.255.255.255:1\tsilent\n{closed}\trefused\n");
    assert_eq!(said, expected);
}

#[test]
fn a_bricks_folder_is_made_only_inside_its_mount() {
    let place = Place::plain();
    let path = place.path("a/b");
    for _ in 0..2 {
        assert_eq!(place.status(scripts::MAKE_BRICK, &[&path, "-"], ""), 0);
    }
    assert!(Path::new(&path).is_dir());
    let below = place.path("a/b/brick");
    let refused = place.run(scripts::MAKE_BRICK, &[&below, &path], "");
    assert!(refused.status.code() == Some(1) && err(&refused).contains("not a mount point"), "{refused:?}");
    assert_eq!(place.status(scripts::MAKE_BRICK, &["/elsewhere", &path], ""), 1);
    assert!(!Path::new(&below).exists());

    let Some(place) = Place::over(&[("mounted", "/mnt")]) else { return };
    assert_eq!(place.status(scripts::MAKE_BRICK, &["/mnt/x/brick", "/mnt"], ""), 0);
    assert!(Path::new(&place.path("mounted/x/brick")).is_dir());
}

#[test]
fn services_are_kept_from_starting_while_packages_are_installed() {
    let Some(place) = Place::over(&[("sbin", "/usr/sbin")]) else { return };
    let calls = || fs::read_to_string(place.path("calls")).unwrap_or_default();
    let held = "sh /usr/sbin/policy-rc.d glusterd start; echo \"policy: $?\" >>";
    place.fake("dpkg", "");
    place.fake("apt-get", &format!("{held}{}", place.path("calls")));
    assert_eq!(place.status(scripts::INSTALL_PACKAGES, &["debian", "glusterfs-server"], ""), 0);
    assert!(calls().contains("policy: 101") && calls().contains("install -- glusterfs-server"), "{}", calls());
    assert!(names_in(&place.path("sbin")).is_empty());

    place.fake("apt-get", "exit 100");
    fs::remove_file(place.path("calls")).unwrap();
    assert_eq!(place.status(scripts::INSTALL_PACKAGES, &["debian", "x"], ""), 100);
    assert!(calls().trim_end().ends_with("update"), "{}", calls());
    assert!(names_in(&place.path("sbin")).is_empty());

    place.write("sbin/policy-rc.d", "#!/bin/sh\nexit 0\n");
    place.fake("apt-get", "");
    for (script, args) in [(scripts::INSTALL_PACKAGES, &["debian", "x"][..]), (scripts::RELEASE_HOLD, &[])] {
        assert_eq!(place.status(script, args, ""), 0);
        assert_eq!(place.read("sbin/policy-rc.d"), "#!/bin/sh\nexit 0\n");
    }
    place.write("sbin/policy-rc.d", "#!/bin/sh\n# bricklayer: hold\nexit 101\n");
    assert!(place.says(scripts::LOOK_NODE, &[]).contains("hold\tyes\n"));
    assert_eq!(place.status(scripts::RELEASE_HOLD, &[], ""), 0);
    assert!(place.says(scripts::LOOK_NODE, &[]).contains("hold\tno\n"));
    assert_eq!(place.status(scripts::INSTALL_PACKAGES, &["other", "x"], ""), 1);
}

#[test]
fn a_mount_is_down_while_its_unit_file_changes() {
    let place = Place::plain();
    let unit = place.write("data.mount", "old");
    let replace = || place.status(scripts::REPLACE_MOUNT, &["data.mount", &unit, "0644"], "new");
    place.fake("systemctl", "case $1 in stop) exit 1;; esac");
    assert_eq!((replace(), place.read("data.mount").as_str()), (1, "old"));
    fs::remove_file(place.path("calls")).unwrap();
    place.fake("systemctl", "case $1 in stop) exit 5;; esac");
    assert_eq!((replace(), place.read("data.mount").as_str()), (0, "new"));
    assert_eq!(
        place.read("calls"),
        "systemctl stop -- data.mount\nsystemctl daemon-reload\nsystemctl enable --now -- data.mount\n"
    );
}

#[test]
fn corosyncs_key_is_made_once_and_told_by_a_part_of_its_hash() {
    let Some(place) = Place::over(&[("etc", "/etc/corosync")]) else { return };
    assert_eq!(place.says(scripts::LOOK_AUTHKEY, &[]), "-\t-\t-\n");
    assert_eq!(place.says(scripts::MAKE_AUTHKEY, &[]), "");
    let key = fs::read(place.path("etc/authkey")).unwrap();
    assert_eq!((key.len(), mode(&place.path("etc/authkey"))), (256, 0o400));
    assert_eq!(place.says(scripts::MAKE_AUTHKEY, &[]), "");
    assert_eq!(fs::read(place.path("etc/authkey")).unwrap(), key);
    place.write("etc/other", "");
    fs::remove_file(place.path("etc/authkey")).unwrap();
    fs::write(place.path("etc/authkey"), "abc").unwrap();
    fs::set_permissions(place.path("etc/authkey"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.says(scripts::LOOK_AUTHKEY, &[]), "ba7816bf8f01cfea\t644\troot:root\n");
}

#[test]
fn the_first_cib_is_put_down_only_where_pacemaker_has_never_run() {
    let known = Command::new("id").arg("hacluster").output().is_ok_and(|output| output.status.success());
    if !known || !Path::new("/var/lib/pacemaker/cib").is_dir() {
        eprintln!("skipped: pacemaker is not installed");
        return;
    }
    let Some(place) = Place::over(&[("cib", "/var/lib/pacemaker/cib")]) else { return };
    place.fake("cibadmin", "echo '<cib epoch=\"1\"><configuration>\n<crm_config/>\n<nodes/></configuration></cib>'");
    place.fake("systemctl", "echo active");
    assert_eq!(place.says(scripts::LOOK_CIB_FOLDER, &[]), "empty\n");
    assert_eq!(place.status(scripts::SEED_CIB, &["2"], ""), 0);
    assert!(names_in(&place.path("cib")).is_empty(), "pacemaker runs");
    place.fake("systemctl", "echo inactive");
    assert_eq!(place.status(scripts::SEED_CIB, &["2"], ""), 0);
    let seed = place.read("cib/cib.xml");
    let nvpair = r#"<nvpair id="cib-bootstrap-options-dc-deadtime" name="dc-deadtime" value="2s"/>"#;
    assert!(seed.starts_with("<cib epoch=\"1\">") && seed.contains(nvpair) && seed.contains("<nodes/>"), "{seed}");
    assert_eq!((names_in(&place.path("cib")), mode(&place.path("cib/cib.xml"))), (vec!["cib.xml".to_owned()], 0o600));
    assert_eq!(place.says(scripts::LOOK_CIB_FOLDER, &[]), "used\n");
    assert_eq!(place.status(scripts::SEED_CIB, &["9"], ""), 0);
    assert_eq!(place.read("cib/cib.xml"), seed);
}

#[test]
fn a_secret_is_written_whole_for_root_alone_or_not_at_all() {
    let place = Place::plain();
    let path = place.path("folder/key");
    if place.status(scripts::WRITE_SECRET, &[&path, "0400"], "one") != 0 {
        eprintln!("skipped: only root can write for root");
        return;
    }
    assert_eq!((place.read("folder/key").as_str(), mode(&path)), ("one", 0o400));
    let bytes = |text: &str| place.status(scripts::WRITE_SECRET, &[&path, "0400", "base64"], text);
    assert_eq!(bytes("AAEC\n/w=="), 0);
    assert_eq!(fs::read(&path).unwrap(), [0, 1, 2, 255]);
    assert_ne!(bytes("AAEC!!"), 0);
    assert_ne!(place.status(scripts::WRITE_SECRET, &[&path, "0400", "hex"], "00"), 0);
    assert_eq!(
        (fs::read(&path).unwrap(), names_in(&place.path("folder"))),
        (vec![0, 1, 2, 255], vec!["key".to_owned()])
    );
}

#[test]
fn a_secret_is_compared_and_written_for_root_alone() {
    let place = Place::plain();
    if !is_root() {
        return;
    }
    let path = place.path("etc/secrets/bmc.password");
    let check = |secret: &str| {
        let output = place.run(scripts::CHECK_SECRET, &[&path, "0600"], secret);
        assert!(output.status.success(), "{}", err(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let write = |secret: &str| assert_eq!(place.status(scripts::WRITE_SECRET, &[&path, "0600"], secret), 0);
    assert_eq!(check("s3cret"), "absent\n");
    write("s3cret");
    assert_eq!((check("s3cret").as_str(), mode(&path)), ("same\n", 0o600));
    assert_eq!(mode(&place.path("etc/secrets")), 0o700);
    for other in ["s3cre", "s3cret\n", ""] {
        assert_eq!(check(other), "differs\n", "{other:?}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(check("s3cret"), "differs\n");
    write("other");
    assert_eq!((check("other").as_str(), mode(&path)), ("same\n", 0o600));
    fs::remove_file(&path).unwrap();
    symlink("/dev/null", &path).unwrap();
    assert_eq!(check(""), "differs\n");
    assert_eq!(place.status(scripts::WRITE_SECRET, &[&path, "0600"], "x"), 1);
}

#[test]
fn one_key_is_set_and_every_other_line_stays() {
    let place = Place::plain();
    let path = place.path("new/createcluster.conf");
    let set = |value: &str| assert_eq!(place.status(scripts::SET_KEY, &[&path, "create_main_cluster", value], ""), 0);
    set("false");
    assert_eq!(fs::read_to_string(&path).unwrap(), "create_main_cluster = false\n");
    let foreign = "# create_main_cluster = true\nssl = on\n  create_main_cluster= true\nstart_conf = 'a\\n'\n\
                   create_main_cluster = true\n";
    fs::write(&path, foreign).unwrap();
    for _ in 0..2 {
        set("false");
        let kept = "# create_main_cluster = true\nssl = on\ncreate_main_cluster = false\nstart_conf = 'a\\n'\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), kept);
    }
}

#[test]
fn a_database_is_told_from_nothing_and_from_something_else() {
    let place = Place::plain();
    for name in ["db/global", "new.new", "empty", "other"] {
        fs::create_dir_all(place.path(name)).unwrap();
    }
    place.write("db/PG_VERSION", "15\n");
    place.write("other/file", "");
    let look = |names: &[&str]| {
        let paths: Vec<String> = names.iter().map(|name| place.path(name)).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        place.says(scripts::LOOK_DATABASE, &paths).replace(&place.path(""), "")
    };
    assert_eq!(look(&["db"]), "db\tpresent\t15\t-\tno\n");
    fs::write(place.path("db/global/pg_control"), [7_711_868_116_490_944_626_u64.to_ne_bytes(), [0; 8]].concat())
        .unwrap();
    assert_eq!(look(&["db"]), "db\tpresent\t15\t7711868116490944626\tno\n");
    // An arbiter's brick has the files without what is in them.
    place.write("db/PG_VERSION", "");
    place.write("db/global/pg_control", "");
    assert_eq!(look(&["db"]), "db\tpresent\t-\t-\tno\n");
    let expected =
        "new\tabsent\t-\t-\tyes\nempty\tabsent\t-\t-\tno\nother\tforeign\t-\t-\tno\nnone\tabsent\t-\t-\tno\n";
    assert_eq!(look(&["new", "empty", "other", "none"]), expected);
    place.write("file", "");
    symlink(place.path("empty"), place.path("link")).unwrap();
    assert_eq!(look(&["file", "link"]), "file\tforeign\t-\t-\tno\nlink\tforeign\t-\t-\tno\n");
}

#[test]
fn a_mount_point_is_sealed_only_while_it_is_an_empty_directory() {
    let place = Place::plain();
    let path = place.path("mnt");
    let look = || place.says(scripts::LOOK_MOUNT_POINTS, &[&path]).trim_end().rsplit('\t').next().unwrap().to_owned();
    if !is_root() {
        return;
    }
    assert_eq!(look(), "absent");
    fs::create_dir(&path).unwrap();
    assert_eq!(look(), "open");
    place.write("mnt/file", "");
    assert_eq!(look(), "used");
    assert_eq!(place.status(scripts::MAKE_MOUNT_POINT, &[&path], ""), 3);
    fs::remove_file(place.path("mnt/file")).unwrap();
    let sealed = place.run(scripts::MAKE_MOUNT_POINT, &[&path], "");
    if !sealed.status.success() {
        assert!(err(&sealed).contains("not supported"), "{}", err(&sealed));
        return eprintln!("skipped: this file system has no immutable files");
    }
    assert_eq!(look(), "sealed");
    assert!(fs::write(place.path("mnt/file"), "").is_err());
    assert_eq!(place.status(scripts::MAKE_MOUNT_POINT, &[&path], ""), 0);
    assert!(Command::new("chattr").args(["-i", &path]).status().unwrap().success());
}

#[test]
fn a_new_glusterd_takes_the_place_of_a_lost_one_and_one_that_is_somebody_does_not() {
    let Some(place) = Place::over(&[("glusterd", "/var/lib/glusterd")]) else { return };
    place.fake("systemctl", "");
    for folder in ["vols", "peers"] {
        fs::create_dir(place.path(&format!("glusterd/{folder}"))).unwrap();
    }
    place.write("glusterd/glusterd.info", "UUID=new\noperating-version=100000\n");
    let adopt = || place.status(scripts::ADOPT_PEER, &["old", "one=node01m", "three=node03m"], "");
    for somebody in ["vols/data00", "peers/stranger"] {
        let path = place.write(&format!("glusterd/{somebody}"), "");
        assert_eq!(adopt(), 3, "{somebody}");
        fs::remove_file(path).unwrap();
    }
    assert_eq!(place.read("glusterd/glusterd.info"), "UUID=new\noperating-version=100000\n");
    assert_eq!(adopt(), 0);
    assert_eq!(place.read("calls"), "systemctl stop glusterd.service\nsystemctl start glusterd.service\n");
    // By now the others have told it of the volumes.
    place.write("glusterd/vols/data00", "");
    assert_eq!(adopt(), 0);
    assert!(place.read("calls").ends_with("systemctl start glusterd.service\nsystemctl start glusterd.service\n"));
    assert_eq!(place.read("glusterd/glusterd.info"), "UUID=old\noperating-version=100000\n");
    assert_eq!(place.read("glusterd/peers/one"), "uuid=one\nstate=3\nhostname1=node01m\n");
    assert_eq!(names_in(&place.path("glusterd/peers")), ["one", "three"]);
}

/// Whether this is root, which these scripts take; without, their tests say that they were skipped.
fn is_root() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !root {
        eprintln!("skipped: root is needed");
    }
    root
}
