//! What is derived from token, delay and fencing, and that what is derived keeps its own bounds.

use std::time::Duration;

use super::*;
use crate::kinds::timing::{self, FenceTimes};
use crate::kinds::{Resource, Spec};
use crate::model::NodeName;

fn spec(mistakes: &[(&str, &str)]) -> Spec {
    let loaded = from_bytes("test.yaml", with_mistakes(mistakes).into_bytes());
    loaded.spec.unwrap_or_else(|| panic!("{:?}", loaded.findings))
}

fn times(node01: u64, node02: u64) -> FenceTimes {
    let time = |name: &str, seconds| (NodeName::new(name).unwrap(), Duration::from_secs(seconds));
    FenceTimes::from([time("node01", node01), time("node02", node02)])
}

fn derived(spec: &Spec, times: &FenceTimes) -> Option<u64> {
    timing::derived_ping_timeout(spec, spec.volumes.values().next().unwrap(), times).map(|ping| ping.as_secs())
}

#[test]
fn the_ping_timeout_is_the_next_second_above_the_bound() {
    let none = FenceTimes::new();
    assert_eq!(derived(&spec(&[]), &none), Some(31));
    assert_eq!(derived(&spec(&[("token: 20s", "token: 3s")]), &none), Some(12));
    // 3.5 + 0.7 + 2 + 4 + 2 = 12.2; 5 + 1 + 2 + 4 + 2 = 14 on the dot.
    assert_eq!(derived(&spec(&[("token: 20s", "token: 3500ms")]), &none), Some(13));
    assert_eq!(derived(&spec(&[("token: 20s", "token: 5s")]), &none), Some(15));
    assert_eq!(derived(&spec(&[("token: 20s", "token: 500ms")]), &none), Some(10), "never in reach of a busy node");
}

#[test]
fn a_measured_fencing_counts_and_the_head_start_covers_what_the_devices_differ_by() {
    let spec = spec(&[("token: 20s", "token: 3s")]);
    let seconds = |times: &FenceTimes| timing::fence_delay(&spec, times).as_secs();
    assert_eq!((seconds(&times(4, 4)), derived(&spec, &times(4, 4))), (2, Some(12)));
    assert_eq!((seconds(&times(9, 4)), derived(&spec, &times(9, 4))), (7, Some(22)));
    assert_eq!(derived(&spec, &times(1, 1)), Some(10));
    let half = FenceTimes::from([(NodeName::new("node01").unwrap(), Duration::from_secs(9))]);
    assert_eq!((seconds(&half), derived(&spec, &half)), (2, Some(17)), "what is not measured is taken for 4 s");
}

#[test]
fn with_a_third_vote_nobody_waits() {
    let three = from_bytes("test.yaml", with_nodes(3).into_bytes()).spec.unwrap();
    assert_eq!(timing::priority_fencing_delay(&three, &FenceTimes::new()), None);
    let device = format!("{ARTICLE}quorumDevice: {{host: qd1}}\n");
    let device = from_bytes("test.yaml", device.into_bytes()).spec.unwrap();
    assert_eq!(timing::priority_fencing_delay(&device, &FenceTimes::new()), None);
    assert_eq!(derived(&device, &FenceTimes::new()), Some(29));
    // From three nodes on, Corosync adds 650 ms for each: 20.65 + 24.78 + 0 + 4 + 2.
    assert_eq!(derived(&three, &FenceTimes::new()), Some(52));
}

#[test]
fn what_is_derived_keeps_its_own_bounds_for_every_token() {
    let none = FenceTimes::new();
    for token in ["500ms", "1s", "1999ms", "2s", "3s", "7s", "20s", "1m", "2m", "5m", "7m"] {
        let spec = spec(&[("token: 20s", &format!("token: {token}"))]);
        let volume = spec.volumes.values().next().unwrap();
        let bound = timing::bound(&spec, volume, &none).unwrap().total();
        assert!(timing::ping_timeout(&spec, volume, &none) > bound, "{token}");
        let service = spec.services.values().next().unwrap();
        let io = timing::io_bound(&spec, service, &none).unwrap();
        for resource in &service.resources {
            let may = timing::operations(&spec, service, resource, &none);
            let files = !matches!(resource, Resource::Ip(_));
            assert!(!files || (may.start >= io && may.stop >= io && may.monitor >= io), "{token} {may:?}");
            assert!(timing::restart_window(&spec, service, &none) >= may.start.max(may.stop).max(may.monitor));
        }
    }
}

#[test]
fn only_a_file_with_a_cluster_manager_has_a_ping_timeout_of_its_own() {
    let article = from_bytes("test.yaml", include_bytes!("../../../../specs/article.yaml").to_vec()).spec.unwrap();
    assert_eq!(derived(&article, &FenceTimes::new()), None);
    let volume = article.volumes.values().next().unwrap();
    assert_eq!(timing::ping_timeout(&article, volume, &FenceTimes::new()).as_secs(), 42);
}
