//! `hosts: managed`: a block of bricklayer's in /etc/hosts, and nothing but the block.

use crate::harness::Lab;

const BODY: &str = "\
hosts: managed
nodes:
  node01: {addresses: {storage: {name: store01, ip: 192.168.9.11}}}
  node02: {addresses: {storage: {name: store02, ip: 192.168.9.12}}}
volumes:
  data00: {replica: 2, bricks: [node01:/glvol00/brick, node02:/glvol00/brick]}
";
const BLOCK: &str = "\
# bricklayer lab: begin
192.168.9.11\tstore01
192.168.9.12\tstore02
# bricklayer lab: end
";

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn the_nodes_names_are_written_into_a_block_of_etc_hosts_and_nothing_else_is_touched() {
    let lab = Lab::up(&["node01", "node02"]);
    let hosts = |node| lab.on(node, "cat /etc/hosts");
    // An empty line at the end, tabs and a comment: what a rewrite would tidy.
    lab.on("node01", "printf '\\n#  mine\\n10.0.0.1\\t \\telsewhere\\n\\n' >>/etc/hosts");
    let before = ["node01", "node02"].map(hosts);
    let spec = lab.spec_of(BODY);

    lab.apply(&spec).exits(0);
    assert_eq!(["node01", "node02"].map(hosts), before.clone().map(|text| text + BLOCK));
    assert_eq!(lab.on("node01", "stat -c '%a %U' /etc/hosts").trim(), "644 root");
    // The peers and bricks go by these names, which only the block explains.
    let info = lab.gluster("volume info data00");
    assert!(info.contains("store01:/glvol00/brick") && info.contains("store02:/glvol00/brick"), "{info}");
    let peers = lab.on("node02", "gluster peer status");
    assert!(peers.contains("store01") && peers.contains("Connected"), "{peers}");

    lab.on("node01", "sed -i 's/192.168.9.12\\tstore02/192.168.9.99\\tstore02/' /etc/hosts");
    lab.plan(&spec).runs(&["node/node01/hosts"]);
    lab.apply(&spec).exits(0);
    assert_eq!(hosts("node01"), before[0].clone() + BLOCK);
    assert_eq!(lab.plan(&spec).code, 0);
}
