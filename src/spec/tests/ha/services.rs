//! Services and what they are made of.

use super::*;

const IP: &str = "- ip: {address: 192.168.7.99/24, monitorLink: true}";
const MOUNT: &str = "- mount: gldata00";
const DATA: &str = "dataDir: /gldata00/pgsql";
const ACCESS: &str = "access: [host all all 192.168.7.0/24 trust]";
const RECOVERY: &str = "autostart: false";
/// The end of the list of resources.
const END: &str = "trust]\n";

/// The article with a second service.
fn and_another(resources: &str) -> String {
    format!("{ARTICLE}  service02: {{resources: [{resources}]}}\n")
}

#[test]
fn a_service_is_made_of_something_and_runs_somewhere() {
    let with_list = |list: &str| {
        let (head, _) = ARTICLE.split_once("    resources:").unwrap();
        told(&format!("{head}{list}"))
    };
    assert_eq!(with_list("    resources: []\n"), ["no-resources @ resources"]);
    assert_eq!(with_list("    state: started\n"), ["missing-key @ service01"]);
    assert_eq!(with_list("    resources: [{}]\n"), ["bad-value @ {}"]);
    assert_eq!(with_list("    resources: [{disk: a}]\n"), ["bad-value @ {disk: a}"]);
    assert_eq!(with_list("    resources: [{systemd: a, lsb: b}]\n"), ["bad-value @ {systemd: a, lsb: b}"]);
    tells("failoverDomain: dom01", "failoverDomain: dom1", &["unknown-domain @ failoverDomain: dom1"]);
    assert!(message(&[("Domain: dom01", "Domain: dom1")], "unknown-domain").ends_with("(did you mean `dom01`?)"));
    for bad in ["-x", "1st", "'a b'", "'a.b'", "'a:b'", "'<a>'", "'a\"b'"] {
        tells("  service01:", &format!("  {bad}:"), &[&format!("bad-name @ {bad}")]);
    }
}

#[test]
fn what_happens_after_a_failure_is_said_without_contradiction() {
    tells(RECOVERY, "maxRestarts: 3\n    restartWindow: 30m", &[]);
    tells(RECOVERY, "maxRestarts: 0", &["bad-value @ maxRestarts: 0"]);
    for recovery in ["relocate", "disable"] {
        let text = format!("recovery: {recovery}\n    maxRestarts: 3");
        tells(RECOVERY, &text, &["max-restarts-alone @ maxRestarts: 3"]);
    }
    tells(RECOVERY, "recovery: disable\n    restartWindow: 30m", &["restart-window-alone @ restartWindow: 30m"]);
    assert!(refused(RECOVERY, "recovery: later"));
    tells(RECOVERY, "restartWindow: 1m", &["short-restart-window @ restartWindow: 1m"]);
    assert!(message(&[(RECOVERY, "restartWindow: 1m")], "short-restart-window").contains("may take 300 s"));
}

#[test]
fn floating_addresses_are_free() {
    let address = |address: &str| format!("- ip: {{address: {address}}}");
    for bad in ["192.168.7.99", "192.168.7.99/33", "192.168.7.256/24", "'fe80::1/129'", "192.168.7.99/+8", "/24"] {
        tells(IP, &address(bad), &[&format!("bad-value @ {bad}")]);
    }
    for bad in ["127.0.0.1/8", "192.168.7.0/24", "192.168.7.255/24", "0.0.0.0/8", "224.0.0.1/24", "'::1/128'"] {
        tells(IP, &address(bad), &[&format!("bad-ip @ address: {bad}")]);
    }
    tells(IP, &address("192.168.8.11/24"), &["ip-is-taken @ address: 192.168.8.11/24"]);
    tells(IP, &address("192.168.8.1/24"), &["ip-is-taken @ address: 192.168.8.1/24"]);
    let interface = "- ip: {address: 192.168.7.99/24, interface: an-interface-of-many}";
    tells(IP, interface, &["bad-interface @ interface: an-interface-of-many"]);
    let twice = and_another("{ip: {address: 192.168.7.99/16}}");
    assert_eq!(told(&twice), ["duplicate-ip @ address: 192.168.7.99/16"]);
    let by_name = with_mistakes(&[("storage: node01m", "storage: {name: node01m, ip: 192.168.7.99}")]);
    assert_eq!(told(&by_name), ["ip-is-taken @ address: 192.168.7.99/24"]);
}

#[test]
fn a_mount_belongs_to_one_service_and_is_there() {
    let dangling = ["unknown-mount @ mount: gldata0", "data-dir-not-on-mount @ dataDir: /gldata00/pgsql"];
    tells(MOUNT, "- mount: gldata0", &dangling);
    assert!(message(&[(MOUNT, "- mount: gldata0")], "unknown-mount").ends_with("(did you mean `gldata00`?)"));
    tells(MOUNT, "- mount: gldata00\n      - mount: {name: gldata00}", &["shared-mount @ mount"]);
    assert_eq!(told(&and_another("{mount: gldata00}")), ["shared-mount @ mount: gldata00"]);
    tells("path: /gldata00\n", "path: /gldata00\n    state: absent\n", &["mount-is-absent @ mount: gldata00"]);
    let stopped = ("profile: db-workload", "profile: db-workload\n    state: stopped");
    let both = ["mount-of-stopped-volume @ volume: data00", "service-on-stopped-volume @ mount: gldata00"];
    tells(stopped.0, stopped.1, &both);
    assert_eq!(told(&with_mistakes(&[stopped, (RECOVERY, "state: stopped")])), both[..1]);
    tells("  gldata00:\n    volume: data00", "  gldata00:\n    volme: data00", &["unknown-key @ volme"]);
}

#[test]
fn a_database_lies_on_a_mount_of_its_service_that_is_there_before_it() {
    for elsewhere in ["/var/lib/pgsql", "/gldata000/pgsql"] {
        let told = [format!("data-dir-not-on-mount @ dataDir: {elsewhere}")];
        tells(DATA, &format!("dataDir: {elsewhere}"), &[&told[0]]);
    }
    tells(DATA, "dataDir: /gldata00", &["data-dir-is-mount @ dataDir: /gldata00"]);
    tells(DATA, "dataDir: pgsql", &["bad-value @ pgsql"]);
    tells(DATA, "dataDir: /gldata00/../etc", &["bad-value @ /gldata00/../etc"]);
    let mount = format!("      {MOUNT}\n");
    let late = with_mistakes(&[(&mount, ""), (END, "trust]\n      - mount: gldata00\n")]);
    assert_eq!(told(&late), ["mount-after-database @ dataDir: /gldata00/pgsql"]);
    let of_another = with_mistakes(&[(&mount, "")]);
    let of_another = format!("{of_another}  service02: {{resources: [{{mount: gldata00}}]}}\n");
    assert_eq!(told(&of_another), ["data-dir-not-on-mount @ dataDir: /gldata00/pgsql"]);
}

#[test]
fn two_servers_never_meet_on_one_node() {
    let second = |more: &str| {
        let mounts = "  more: {volume: data00, path: /more}\n\nfenceDevices:";
        let text = with_mistakes(&[("\nfenceDevices:", mounts)]);
        told(&format!("{text}  service02: {{resources: [{{mount: more}}, {{postgresql: {{{more}}}}}]}}\n"))
    };
    assert_eq!(second("dataDir: /more/pgsql, port: 5433"), [""; 0]);
    assert_eq!(second("dataDir: /more/pgsql"), ["duplicate-port @ postgresql"]);
    assert_eq!(second("dataDir: /more/pgsql, port: 0"), ["bad-value @ port: 0"]);
    assert_eq!(second("dataDir: /more/pgsql, port: 65536"), ["wrong-type @ 65536"]);
    let within = second("dataDir: /gldata00/pgsql/more, port: 5433");
    assert!(within.contains(&"duplicate-data-dir @ dataDir: /gldata00/pgsql/more".to_owned()), "{within:?}");
}

#[test]
fn a_server_listens_where_its_service_is() {
    let listen = |listen: &str| format!("{DATA}\n          listen: {listen}");
    for good in ["'*'", "192.168.7.99", "'192.168.7.99, localhost'", "0.0.0.0", "'::'"] {
        tells(DATA, &listen(good), &[]);
    }
    for bad in ["''", "'a b'", "\"a\\nport=1\"", "\"a'\"", "'a,'"] {
        tells(DATA, &listen(bad), &[&format!("bad-listen @ listen: {bad}")]);
    }
    for node in ["192.168.8.11", "node01m"] {
        tells(DATA, &listen(node), &[&format!("listen-on-node @ listen: {node}")]);
    }
    tells(DATA, &listen("10.0.0.1"), &["listen-elsewhere @ listen: 10.0.0.1"]);
    let late = with_mistakes(&[
        (&format!("      {IP}\n"), ""),
        (DATA, &listen("192.168.7.99")),
        (END, "trust]\n      - ip: {address: 192.168.7.99/24}\n"),
    ]);
    assert_eq!(told(&late), ["ip-after-database @ listen: 192.168.7.99"]);
}

#[test]
fn settings_that_lose_rows_are_refused_with_the_reason() {
    let settings = |settings: &str| format!("{DATA}\n          settings: {{{settings}}}");
    tells(DATA, &settings("shared_buffers: 256MB, work_mem: 4MB, pg_stat_statements.max: 100"), &[]);
    for bad in [
        "recovery_init_sync_method: syncfs",
        "Recovery_Init_Sync_Method: SyncFS",
        "fsync: off",
        "fsync: 'no'",
        "FSYNC: f",
        "full_page_writes: 0",
    ] {
        tells(DATA, &settings(bad), &[&format!("unsafe-setting @ {bad}")]);
        assert!(refused(DATA, &settings(bad)), "{bad}");
    }
    assert!(message(&[(DATA, &settings("recovery_init_sync_method: syncfs"))], "unsafe-setting").contains("0 of 966"));
    tells(DATA, &settings("fsync: on, full_page_writes: true, recovery_init_sync_method: fsync"), &[]);
    tells(DATA, &settings("synchronous_commit: off"), &["unsafe-setting @ synchronous_commit: off"]);
    assert!(!refused(DATA, &settings("synchronous_commit: off")), "it loses rows and harms nothing else");
    for bad in ["data_directory: /x", "port: 1", "include: x.conf", "Listen_Addresses: a"] {
        tells(DATA, &settings(bad), &[&format!("reserved-setting @ {bad}")]);
    }
    for bad in ["'-x': 1", "'a b': 1", "'a=b': 1", "1a: 1"] {
        tells(DATA, &settings(bad), &[&format!("bad-name @ {bad}")]);
    }
    tells(DATA, &settings("work_mem: \"4MB\\nfsync=off\""), &["setting-value @ work_mem: \"4MB\\nfsync=off\""]);
    tells(DATA, &settings("fsync: \"'off'\""), &["setting-value @ fsync: \"'off'\""]);
    tells(DATA, &settings("WORK_MEM: 1MB, work_mem: 4MB"), &["duplicate-setting @ work_mem: 4MB"]);
    tells(DATA, &format!("{DATA}\n          version: 9"), &["bad-value @ version: 9"]);
}

#[test]
fn access_is_given_by_lines_that_the_server_can_read() {
    let access = |line: &str| format!("access: [{line}]");
    for bad in [
        "host all all 192.168.7.0/24",
        "all",
        "host all all 192.168.7.0 trust",
        "\"host all all 10.0.0.0/8 md5\\nhost all all all trust\"",
        "''",
    ] {
        let told = told(&with_mistakes(&[(ACCESS, &access(bad))]));
        assert_eq!(told, [format!("bad-access @ {bad}")]);
    }
    for open in ["host all all 0.0.0.0/0 trust", "'host all all ::/0 trust'", "host all all all trust"] {
        tells(ACCESS, &access(open), &[&format!("trust-from-everywhere @ {open}")]);
        assert!(!refused(ACCESS, &access(open)));
    }
    let ldap = "host all all 10.0.0.0/8 ldap ldapserver=l ldapbindpasswd=hunter2";
    tells(ACCESS, &access(ldap), &[&format!("inline-secret @ {ldap}")]);
}

#[test]
fn units_and_agents_are_named_as_the_cluster_manager_names_them() {
    let more = |resource: &str| format!("{MOUNT}\n      - {resource}");
    for good in ["systemd: nginx", "systemd: app@1", "lsb: glmount", "ocf: {agent: 'heartbeat:apache'}"] {
        tells(MOUNT, &more(good), &[]);
    }
    tells(MOUNT, &more("systemd: nginx.service"), &["unit-suffix @ systemd: nginx.service"]);
    tells(MOUNT, &more("systemd: {unit: app@}"), &["bad-unit @ unit: app@"]);
    tells(MOUNT, &more("systemd: pacemaker"), &["unit-of-the-cluster @ systemd: pacemaker"]);
    assert!(refused(MOUNT, &more("systemd: '../x'")) && refused(MOUNT, &more("lsb: -x")));
    for bad in ["apache", "'ocf:heartbeat:apache'", "'heartbeat:'"] {
        tells(MOUNT, &more(&format!("ocf: {{agent: {bad}}}")), &[&format!("bad-agent @ agent: {bad}")]);
    }
    tells(MOUNT, &more("ocf: {agent: 'a:b', parameters: {'a b': c}}"), &["bad-name @ 'a b': c"]);
    tells(MOUNT, &more("ocf: {agent: 'a:b', parameters: {a: \"b\\nc\"}}"), &["option-value @ a: \"b\\nc\""]);
    tells(MOUNT, &more("ocf: {agent: 'a:b', parameters: {passwd: c}}"), &["inline-secret @ passwd: c"]);
    let twice = with_mistakes(&[(MOUNT, &more("systemd: nginx"))]);
    assert_eq!(
        told(&format!("{twice}  service02: {{resources: [{{lsb: nginx}}]}}\n")),
        ["duplicate-unit @ lsb: nginx"]
    );
}

#[test]
fn nothing_in_the_cluster_manager_has_the_name_of_another() {
    tells("kvmhost01:", "service01:", &["id-clash @ service01"]);
    tells("kvmhost01:", "service01-mount:", &["id-clash @ mount: gldata00"]);
    tells("kvmhost01:", "service01-on-node01:", &["id-clash @ service01"]);
    tells("  service01:", "  cib-bootstrap-options:", &["id-clash @ cib-bootstrap-options"]);
    let two = format!("{MOUNT}\n      - ip: {{address: 192.168.7.98/24}}");
    tells(MOUNT, &two, &[]);
    let three = format!("{two}\n      - systemd: ip-2");
    tells(MOUNT, &three, &["id-clash @ systemd: ip-2"]);
}
