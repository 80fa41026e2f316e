//! Bricks with a device of their own: formatted if blank and allowed, else left as they are.

use crate::harness::Lab;

const DEVICES: &str = "\
volumes:
  blank: {bricks: [{node: node01, path: /bricks/blank/brick, device: /dev/vdc, filesystem: xfs}]}
  taken: {bricks: [{node: node02, path: /bricks/taken/brick, device: /dev/vdc, filesystem: xfs}]}
";
const BEGINNING: &str = "head -c 1M /dev/vdc | sha256sum";

#[test]
#[ignore = "boots real nodes: root, Debian 12, see tests/run"]
fn only_a_blank_device_is_formatted_and_only_where_that_is_allowed() {
    let lab = Lab::up(&["node01", "node02"]);
    lab.on("node02", "mkfs.ext4 -q /dev/vdc");
    let (blank, taken) = (lab.on("node01", BEGINNING), lab.on("node02", BEGINNING));
    let spec = lab.spec(&["node01", "node02"], DEVICES);
    assert_eq!(lab.plan(&spec).risky(), ["brick//bricks/blank/brick/node01/format"]);

    let refused = "/dev/vdc on node02 is not blank: it carries ext4";
    lab.apply(&spec).exits(3).says("say `--allow destructive` if that is wanted now").says(refused);
    assert_eq!(lab.on("node01", BEGINNING), blank);

    let allowed = ["apply", "--yes", "--allow", "destructive", &spec];
    lab.bricklayer(&allowed).exits(3).says(refused);
    assert_eq!(lab.on("node02", BEGINNING), taken);
    lab.on("node02", "! findmnt /bricks/taken && test ! -e /bricks/taken/brick");
    let mounted = || lab.on("node01", "findmnt -n -o SOURCE,FSTYPE /bricks/blank | tr -s ' '");
    assert_eq!(mounted().trim(), "/dev/vdc xfs");
    let info = lab.gluster("volume info blank");
    assert!(info.contains("Status: Started") && info.contains("node01m:/bricks/blank/brick"), "{info}");

    // The mount is there again after a power cut, and before the brick is served.
    lab.lab(&["cut", "node01"]).exits(0);
    lab.lab(&["boot", "node01"]).exits(0);
    let plan = lab.plan(&spec);
    assert!(plan.ids("run").iter().all(|id| !id.starts_with("brick/")), "{:?}", plan.ids("run"));
    assert_eq!(mounted().trim(), "/dev/vdc xfs");
    lab.until("node01", "pgrep -x glusterfsd");
}
