//! Every class of bad input, with the place it is told of; and the files that must be good.

mod ha;

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const HEAD: &str = "apiVersion: bricklayer/v1\ncluster: c\ntransport: {ssh: {user: root}}\n";
const NODES: &str = "nodes:\n  node01: {}\n  node02: {}\n  node03: {}\n";

/// A good head and nodes on lines 1 to 7, and `rest` from line 8 on.
fn with(rest: &str) -> String {
    format!("{HEAD}{NODES}{rest}")
}

fn found(text: &str) -> Vec<(usize, usize, &'static str)> {
    let loaded = from_bytes("test.yaml", text.as_bytes().to_vec());
    loaded.findings.iter().map(|l| (l.at.line, l.at.column, l.finding.code)).collect()
}

/// Asserts that `text` gives exactly these findings, each `line:column code`.
#[track_caller]
fn gives(text: &str, expected: &[&str]) {
    let found: Vec<String> = found(text).iter().map(|(line, column, code)| format!("{line}:{column} {code}")).collect();
    assert_eq!(found, expected, "\n{text:.2000}");
}

fn hints(text: &str) -> Vec<String> {
    let loaded = from_bytes("test.yaml", text.as_bytes().to_vec());
    loaded
        .findings
        .into_iter()
        .map(|l| format!("{} ({})", l.finding.message, l.finding.hint.unwrap_or_default()))
        .collect()
}

/// A volume of these lines, each indented, that has no warning of its own.
fn volume(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("    {line}\n")).collect();
    with(&format!("volumes:\n  data:\n{}", lines.concat()))
}

const THREE: &str = "bricks: [node01:/b/d/1, node02:/b/d/2, node03:/b/d/3]";

fn options(lines: &str) -> String {
    with(&format!("volumes:\n  data:\n    replica: 3\n    {THREE}\n    options:\n{lines}"))
}

fn mounts(lines: &str) -> String {
    with(&format!("volumes:\n  data: {{replica: 3, {THREE}}}\nmounts:\n{lines}"))
}

#[test]
fn a_good_file_gives_a_spec_and_no_findings() {
    let loaded = from_bytes("good.yaml", volume(&["replica: 3", THREE]).into_bytes());
    assert_eq!(loaded.findings, []);
    assert_eq!(loaded.spec.unwrap().nodes.len(), 3);
}

#[test]
fn values_arrive_as_they_are_written() {
    let text = options(
        "      user.a: on\n      user.b: 010\n      user.c: 1GB\n      user.d: yes\n      user.e: 1e3\n      user.f: '12:30'\n      user.g: 0x1F\n      user.h: 1_000\n",
    );
    let spec = from_bytes("test.yaml", text.into_bytes()).spec.unwrap();
    let values: Vec<&str> = spec.volumes.values().next().unwrap().options.values().map(String::as_str).collect();
    assert_eq!(values, ["on", "010", "1GB", "yes", "1e3", "12:30", "0x1F", "1_000"]);
}

#[test]
fn what_is_not_a_text_is_refused_with_its_place() {
    gives("", &["1:1 empty"]);
    gives("# only a comment\n", &["1:1 empty"]);
    gives("a: b\0", &["1:5 control-character"]);
    gives("\u{feff}a: b", &["1:1 byte-order-mark"]);
    gives(&"x".repeat(load::LARGEST + 1), &["1:1 too-large"]);
    let loaded = from_bytes("test.yaml", b"cluster: c\nname: \xff\n".to_vec());
    assert_eq!((loaded.findings[0].at.line, loaded.findings[0].at.column), (2, 7));
    assert_eq!(loaded.findings[0].finding.code, "not-utf8");
}

#[test]
fn what_is_not_yaml_is_refused_with_its_place() {
    gives("cluster: [a, b\nnodes: {}\n", &["2:6 yaml"]);
    gives("cluster: c\n\tnodes: {}\n", &["2:1 yaml"]);
    gives("cluster: c\nnodes:\n  a: {}\n\tb: {}\n", &["4:1 yaml"]);
    gives("just a sentence\n", &["1:1 wrong-type"]);
    gives("- a\n- b\n", &["1:1 wrong-type"]);
}

#[test]
fn what_surprises_people_in_yaml_is_refused() {
    gives(&with("volumes: {}\nnodes: {}\n"), &["1:1 nothing-to-do", "9:1 duplicate-key"]);
    gives(&volume(&["replica: 3", "replica: 3", THREE]), &["11:5 duplicate-key"]);
    gives(&volume(&["replica: &three 3", THREE]), &["10:21 alias"]);
    gives(&volume(&["replica: !!int 3", THREE]), &["10:14 tag"]);
    gives(&volume(&["<<: {replica: 3}", THREE]), &["10:5 merge-key", "10:5 unknown-key"]);
    gives(&format!("{}---\na: b\n", volume(&["replica: 3", THREE])), &["12:1 second-document"]);
    gives(&"- ".repeat(200), &["1:33 too-deep"]);
    // The parser has a limit of its own, which comes first here.
    gives(&"[".repeat(10_000), &["1:256 yaml"]);
    gives(&"a: {".repeat(10_000), &["1:64 too-deep"]);
}

#[test]
fn an_alias_bomb_is_refused_quickly() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..=9 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{items}]").unwrap();
    }
    assert_eq!(found(&bomb).iter().filter(|(.., code)| *code == "alias").count(), 1);
}

#[test]
fn one_shape_error_per_entry_in_all_entries_and_every_finding_of_check() {
    let text = "apiVersion: bricklayer/v1\ncluster: c\nnodes:\n  node01: {id: one}\n  node02: {adresses: {}}\n  node03: {}\nvolumes:\n  bad: {replica: two, brick: []}\n  data: {replica: 3, bricks: [node01:/b/d/1, node02:/b/d/2, node04:/b/d/3]}\nmounts:\n  data: {volume: dat, path: data}\n  more: {volume: dta, path: /more}\n  bad: {volume: bad, path: /bad}\n";
    gives(
        text,
        &[
            "1:1 missing-key",
            "4:16 wrong-type",
            "5:12 unknown-key",
            "8:18 wrong-type",
            "9:61 unknown-node",
            "11:29 bad-value",
            "12:10 unknown-volume",
        ],
    );
    assert!(hints(text)[2].ends_with("(did you mean `addresses`?)"), "{:?}", hints(text));
    assert!(from_bytes("test.yaml", text.as_bytes().to_vec()).spec.is_none());
}

#[test]
fn the_head_is_required_and_never_assumed() {
    gives("cluster: c\n", &["1:1 missing-key", "1:1 missing-key", "1:1 missing-key", "1:1 nothing-to-do"]);
    let head = |from: &str, to: &str| volume(&["replica: 3", THREE]).replace(from, to);
    gives(&head("transport: {ssh: {user: root}}\n", ""), &["1:1 missing-key"]);
    gives(&head("bricklayer/v1", "bricklayer/v2"), &["1:13 bad-value"]);
    gives(&head("{ssh: {user: root}}", "telnet"), &["3:12 bad-value"]);
    gives(&head("{ssh: {user: root}}", "{ssh: {}, local: {}}"), &["3:1 bad-value"]);
    gives(&head("user: root", "usr: root"), &["3:19 unknown-key"]);
    gives(&head("user: root", "user: -oProxyCommand=x"), &["3:19 bad-name"]);
    gives(&head("user: root", "port: 0"), &["3:19 bad-value"]);
    gives(&head("user: root", "identityFile: -x"), &["3:19 bad-value"]);
    gives(&head("cluster: c", "cluster: ../c"), &["2:10 bad-value"]);
    gives(&head("cluster: c", "cluster:"), &["2:1 wrong-type"]);
}

#[test]
fn sections_are_known_to_come_or_mistyped() {
    gives(&with("manager: rgmanager\nvolmes: {}\n"), &["1:1 nothing-to-do", "8:1 not-managed-yet", "9:1 unknown-key"]);
    assert!(hints(&with("volmes: {}\n"))[1].contains("did you mean `volumes`?"));
}

#[test]
fn names_that_could_be_options_or_shell_words_are_refused_at_the_name() {
    for bad in ["-rf", "'a b'", "'a;b'", "'$(x)'", "'`x`'", "'a''b'", "'a\"b'", "'a%b'", "'a:b'", "knötchen"] {
        gives(&format!("{HEAD}nodes:\n  {bad}: {{}}\n"), &["1:1 nothing-to-do", "4:1 no-nodes", "5:3 bad-name"]);
    }
    let long = "v".repeat(256);
    gives(&with(&format!("volumes:\n  {long}: {{}}\n")), &["1:1 nothing-to-do", "9:3 bad-name"]);
}

#[test]
fn numbers_are_decimal_and_plain() {
    gives(&volume(&["replica: ~", THREE]), &["10:5 wrong-type"]);
    for bad in ["two", "'3'", "03", "0x3", "3.0", "-3", "1e1", "4294967296", "yes", "[3]", "{}"] {
        gives(&volume(&[&format!("replica: {bad}"), THREE]), &["10:14 wrong-type"]);
    }
}

#[test]
fn brick_paths_are_absolute_short_and_plain() {
    for bad in ["b", "/", "/b/../c", "/b/./c", "/b//c", "/b/", "/b c", "/ä", "/b;c", "/$(x)"] {
        let text = volume(&["replica: 2", &format!("bricks: ['node01:{bad}', node02:/b/d]")]);
        gives(&text, &["11:14 bad-value"]);
    }
    gives(&volume(&["bricks: [node01]"]), &["10:14 bad-value"]);
    gives(&volume(&["bricks: [{node: node01}]"]), &["10:14 missing-key"]);
    gives(&volume(&["bricks: [{node: node01, path: /a/b, filesystem: xfs}]"]), &["10:14 bad-value"]);
    gives(&volume(&["bricks: node01:/a/b"]), &["10:13 wrong-type"]);
}

#[test]
fn nodes_are_told_apart() {
    let nodes = |nodes: &str| format!("{HEAD}nodes:\n{nodes}volumes: {{d: {{disperse: 3, bricks: []}}}}\n");
    let end = |line: usize| format!("{line}:28 no-bricks");
    gives(&format!("{HEAD}nodes:\n"), &["1:1 nothing-to-do", "4:1 no-nodes"]);
    gives(&nodes("  a: {id: 1}\n  b: {id: 1}\n"), &["6:7 duplicate-id", &end(7)]);
    gives(&nodes("  a: {id: 0}\n"), &["5:7 bad-value", &end(6)]);
    let same =
        "  a: {addresses: {management: 10.0.0.1}}\n  b: {addresses: {management: 10.0.0.2, storage: 10.0.0.1}}\n";
    gives(&nodes(same), &["6:41 duplicate-address", &end(7)]);
    gives(&nodes("  a: {}\n  b: {addresses: {storage: a}}\n"), &["6:19 duplicate-address", &end(7)]);
    gives(&nodes("  a: {addresses: {storage: '10.0.0.1:22'}}\n"), &["5:28 bad-value", &end(6)]);
    gives(&nodes("  a: {addresses: {storage: {name: a, ip: 10.0.0.256}}}\n"), &["5:42 bad-value", &end(6)]);
    let loopback = "  a: {addresses: {storage: localhost}}\n  b: {addresses: {management: 127.0.0.1}}\n";
    gives(&nodes(loopback), &["5:19 loopback-address", "6:19 loopback-address", &end(7)]);
}

#[test]
fn managed_hosts_need_addresses_to_write() {
    let text =
        volume(&["replica: 3", THREE]).replace("node01: {}", "node01: {addresses: {cluster: n1h, storage: 10.0.0.1}}");
    let text = text.replace("node02: {}", "node02: {addresses: {storage: {name: n2, ip: 10.0.0.2}}}");
    gives(&format!("{text}hosts: managed\n"), &["5:24 hosts-need-ip", "7:3 hosts-need-ip"]);
}

#[test]
fn local_is_one_machine() {
    let text = volume(&["replica: 3", THREE]).replace("{ssh: {user: root}}", "local");
    gives(&text, &["3:1 local-with-many-nodes"]);
}

#[test]
fn names_that_dangle_are_told_with_the_nearest_one() {
    let text = volume(&["replica: 3", "bricks: [node01:/b/d/1, node02:/b/d/2, node04:/b/d/3]"]);
    gives(&text, &["11:44 unknown-node"]);
    assert_eq!(hints(&text), ["there is no node `node04` (did you mean `node01`?)"]);
    gives(&mounts("  m: {volume: dta, path: /m}\n"), &["11:7 unknown-volume"]);
    gives(&mounts("  m: {volume: data, path: /m, nodes: [node01, nod02]}\n"), &["11:47 unknown-node"]);
    gives(&mounts("  m: {volume: data, path: /m, nodes: []}\n"), &["11:31 no-nodes"]);
}

#[test]
fn bricks_fill_sets_and_no_node_holds_two_of_one() {
    gives(&volume(&["replica: 3", "bricks: [node01:/b/d/1, node02:/b/d/2]"]), &["11:5 unfilled-set"]);
    gives(
        &volume(&["replica: 3", "bricks: [node01:/b/d/1, node02:/b/d/2, node01:/b/d/3]"]),
        &["11:44 set-on-one-node"],
    );
    gives(
        &volume(&["disperse: 3", "bricks: [node01:/b/d/1, node01:/b/d/2, node03:/b/d/3]"]),
        &["11:29 set-on-one-node"],
    );
    gives(&volume(&["replica: 3", "bricks: []"]), &["11:5 no-bricks"]);
    gives(&volume(&["replica: 3"]), &["9:3 no-bricks"]);
}

#[test]
fn shapes_that_do_not_exist_are_refused() {
    gives(&volume(&["replica: 1", THREE]), &["10:5 replica-of-one"]);
    gives(&volume(&["replica: 0", THREE]), &["10:5 replica-of-one"]);
    gives(&volume(&["replica: 3", "arbiter: 2", THREE]), &["11:5 arbiter-arity"]);
    gives(&volume(&["arbiter: 1", "disperse: 3", THREE]), &["10:5 arbiter-arity"]);
    gives(&volume(&["replica: 3", "disperse: 3", THREE]), &["11:5 replica-and-disperse"]);
    gives(&volume(&["replica: 3", "redundancy: 1", THREE]), &["11:5 redundancy-alone"]);
    gives(&volume(&["disperse: 3", "redundancy: 0", THREE]), &["11:5 redundancy-range"]);
    gives(&volume(&["disperse: 3", "redundancy: 2", THREE]), &["11:5 redundancy-range"]);
    gives(&volume(&["disperse: 2", THREE]), &["10:5 redundancy-range"]);
}

#[test]
fn paths_do_not_overlap_on_a_node() {
    let bricks = |bricks: &str| volume(&["disperse: 3", &format!("bricks: [{bricks}]")]);
    gives(&bricks("node01:/b/d, node02:/b/d, node01:/b/d"), &["11:40 duplicate-brick", "11:40 set-on-one-node"]);
    gives(&bricks("node01:/b/d/x, node02:/b/d, node03:/b/d"), &[]);
    let other = |brick: &str| {
        format!(
            "{}  more:\n    disperse: 3\n    bricks: [{brick}, node02:/m/m, node03:/m/m]\n",
            volume(&["replica: 3", THREE])
        )
    };
    gives(&other("node01:/b/d/1"), &["14:14 duplicate-brick"]);
    gives(&other("node01:/b/d/1/more"), &["14:14 brick-in-brick"]);
    gives(&other("node01:/b/d"), &["11:14 brick-in-brick"]);
    gives(&other("node01:/b/d/10"), &[]);
    gives(
        &mounts("  m: {volume: data, path: /b}\n"),
        &["9:31 brick-in-mount", "9:46 brick-in-mount", "9:61 brick-in-mount"],
    );
    gives(&mounts("  m: {volume: data, path: /b/d/1/m}\n"), &["11:21 mount-in-brick"]);
    gives(&mounts("  m: {volume: data, path: /m}\n  n: {volume: data, path: /m}\n"), &["12:21 duplicate-mount"]);
    gives(&mounts("  m: {volume: data, path: /m}\n  n: {volume: data, path: /m/n}\n"), &["12:21 mount-in-mount"]);
    gives(
        &mounts("  m: {volume: data, path: /m, nodes: [node01]}\n  n: {volume: data, path: /m, nodes: [node02]}\n"),
        &[],
    );
    gives(&mounts("  m: {volume: data, path: /etc/m}\n"), &["11:21 system-path"]);
    gives(&mounts("  m: {volume: data, path: /m, state: absent}\n  n: {volume: data, path: /m}\n"), &[]);
}

#[test]
fn a_device_has_one_mount_point_below_the_root() {
    let bricks = |first: &str| {
        volume(&["disperse: 3", "bricks:", &format!("  - {first}"), "  - node02:/b/d", "  - node03:/b/d"])
    };
    gives(&bricks("node01:/b"), &["12:9 brick-at-root"]);
    gives(&bricks("{node: node01, path: /b, device: /dev/vdb}"), &["12:9 brick-at-root"]);
    gives(&bricks("{node: node01, path: /b/d, device: vdb}"), &["12:44 bad-value"]);
    let two = |first: &str, second: &str| {
        format!(
            "{}  more:\n    disperse: 3\n    bricks:\n      - {second}\n      - node02:/m/m\n      - node03:/m/m\n",
            bricks(first)
        )
    };
    let brick = |path: &str, device: &str| format!("{{node: node01, path: {path}, device: {device}}}");
    gives(&two(&brick("/b/d", "/dev/vdb"), &brick("/b/e", "/dev/vdb")), &[]);
    gives(&two(&brick("/b/d", "/dev/vdb"), &brick("/b/e", "/dev/vdc")), &["18:9 duplicate-device"]);
    gives(&two(&brick("/b/d", "/dev/vdb"), &brick("/c/e", "/dev/vdb")), &["18:9 duplicate-device"]);
}

#[test]
fn options_are_known_by_their_full_names() {
    gives(&options("      network.pingtimeout: 20\n"), &["13:7 unknown-option"]);
    gives(&options("      ping-timeout: 20\n"), &["13:7 short-option"]);
    gives(&options("      cluster.brick-multiplex: on\n"), &["13:7 pool-option"]);
    gives(&options("      user.bricklayer.options: x\n"), &["13:7 reserved-option"]);
    gives(&options("      '-x': 1\n      'a b': 1\n"), &["13:7 bad-name", "14:7 bad-name"]);
    gives(&options("      user.mine: anything at all\n"), &[]);
    assert!(hints(&options("      network.pingtimeout: 20\n"))[0].contains("did you mean `network.ping-timeout`?"));
}

#[test]
fn option_values_are_what_glusterd_takes() {
    for bad in [
        "performance.io-cache: maybe",
        "client.event-threads: 33",
        "client.event-threads: many",
        "network.ping-timeout: 2000",
        "performance.write-behind-window-size: 1KB",
        "cluster.quorum-type: majority",
        "cluster.min-free-disk: plenty",
        "auth.allow: \"\"",
        "auth.allow: -x",
        "auth.allow: \"a\\nb\"",
    ] {
        gives(&options(&format!("      {bad}\n")), &["13:7 option-value"]);
    }
    gives(&options("      auth.allow:\n"), &["13:7 wrong-type"]);
    gives(&options("      storage.owner-uid: -1\n      performance.cache-size: 1GB\n      features.shard: yes\n"), &[]);
}

#[test]
fn ping_timeouts_at_the_extremes_are_told_of() {
    for (value, error) in [("0", true), ("1", true), ("2", false), ("9", false), ("43", false)] {
        let text = options(&format!("      network.ping-timeout: {value}\n"));
        gives(&text, &["13:7 ping-timeout"]);
        assert_eq!(from_bytes("t", text.into_bytes()).spec.is_none(), error, "{value}");
    }
    gives(&options("      network.ping-timeout: 10\n"), &[]);
    gives(&options("      network.ping-timeout: 42\n"), &[]);
}

#[test]
fn mount_options_are_single_words() {
    for bad in ["'a,b'", "'a b'", "-o", "''", "'a%b'", "\"a\\nb\"", "'a\"b'"] {
        let text = mounts(&format!("  m: {{volume: data, path: /m, options: [log-level=WARNING, {bad}]}}\n"));
        gives(&text, &["11:60 mount-option"]);
    }
}

#[test]
fn a_mount_point_has_a_name_that_a_unit_can_have() {
    let mount = |letters: usize| mounts(&format!("  m: {{volume: data, path: /{}}}\n", "m".repeat(letters)));
    gives(&mount(255 - ".mount".len()), &[]);
    gives(&mount(256 - ".mount".len()), &["11:21 path-too-long"]);
}

#[test]
fn volumes_that_rest_or_go_are_not_mounted() {
    let state = |state: &str| {
        mounts("  m: {volume: data, path: /m}\n").replace("replica: 3,", &format!("replica: 3, state: {state},"))
    };
    gives(&state("stopped"), &["11:7 mount-of-stopped-volume"]);
    gives(&state("absent"), &["11:7 mount-of-absent-volume"]);
    gives(&state("gone"), &["9:29 bad-value"]);
    gives(&with("volumes:\n  data: {state: absent}\n"), &[]);
}

#[test]
fn what_will_hurt_one_day_is_warned_of() {
    gives(&volume(&["replica: 2", "bricks: [node01:/b/d, node02:/b/d]"]), &["10:5 replica-2"]);
    gives(&volume(&["bricks: [node01:/b/d]"]), &["10:5 no-redundancy"]);
    gives(&volume(&["replica: 3", THREE, "allowRootPartition: true"]), &["12:5 root-partition"]);
    let even = volume(&["replica: 3", THREE, "profile: virt"]).replace("  node03", "  node04: {}\n  node03");
    gives(&even, &["13:5 even-pool"]);
    let warned = from_bytes("t", volume(&["bricks: [node01:/b/d]"]).into_bytes());
    assert!(warned.spec.is_some(), "a warning does not take the spec away");
}

#[test]
fn the_starter_has_nothing_to_object_to() {
    let loaded = from_bytes("bricklayer.yaml", starter("shop").into_bytes());
    assert_eq!(loaded.findings, []);
    assert_eq!(loaded.spec.unwrap().cluster.as_str(), "shop");
}

#[test]
fn ten_thousand_objects_are_checked_in_a_moment() {
    let mut text = format!("{HEAD}nodes:\n");
    for node in 0..2_000 {
        writeln!(text, "  n{node}: {{id: {}}}", node + 1).unwrap();
    }
    text.push_str("volumes:\n");
    for volume in 0..2_000 {
        let bricks: Vec<String> = (0..3).map(|i| format!("n{}:/b/v{volume}/d", (volume + i) % 2_000)).collect();
        writeln!(text, "  v{volume}: {{replica: 3, bricks: [{}]}}", bricks.join(", ")).unwrap();
    }
    let started = std::time::Instant::now();
    gives(&text, &[]);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn no_bytes_make_the_loader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = from_bytes("any.yaml", bytes);
    }

    #[test]
    fn no_yaml_like_text_makes_the_loader_panic(text in "([a-z]{1,4}|[\\[\\]{}:,#&*!|>'\"%@`?~-]|\n| |<<: |\t|ä|nodes:\n  )*") {
        let loaded = from_bytes("any.yaml", text.clone().into_bytes());
        for located in &loaded.findings {
            prop_assert!(text.get(located.at.start..located.at.end).is_some(), "{located:?}");
        }
    }

    #[test]
    fn a_good_file_with_a_part_torn_out_never_panics(from in 0usize..1500, len in 0usize..40, put in "[a-z:{\\[\n ]{0,3}") {
        let mut text = include_str!("../../specs/arbiter.yaml").to_owned();
        let from = from.min(text.len());
        let to = (from + len).min(text.len());
        text.replace_range(from..to, &put);
        let _ = from_bytes("any.yaml", text.into_bytes());
    }
}
