//! Nodes that are lost, and what fences them, as the real cluster did it.

use super::*;

#[test]
fn killing_corosync_has_the_node_fenced_and_its_service_taken_over() {
    let sim = started();
    sim.world().kill_corosync(&node("node01"));
    sim.advance(Duration::from_secs(1));
    agree(&sim, "node01", "crm_mon", MON, "85-node-lost/crm_mon-at-once");
    assert_eq!(held(&sim)[0].len(), 3, "the service runs on without its manager");
    sim.advance(Duration::from_millis(6500));
    let seen = sure(&sim, "node02", "crm_mon", MON).stdout;
    assert!(seen.contains("unclean=\"true\"") && seen.contains("status=\"pending\" extended-status=\"1\""), "{seen}");
    assert_eq!(held(&sim)[1].len(), 0, "nothing is started before the fence is confirmed");
    for _ in 0..20 {
        sim.advance(Duration::from_millis(500));
        assert!(held(&sim).iter().filter(|held| !held.is_empty()).count() <= 1, "{:?}", held(&sim));
    }
    assert_eq!(places(&sim, "node02"), on("node02"));
    let seen = sure(&sim, "node02", "crm_mon", MON).stdout;
    assert!(seen.contains("target=\"node01\"") && seen.contains("status=\"success\" delegate=\"node02\""), "{seen}");
    sim.advance(Duration::from_secs(20));
    assert!(sim.world().nodes[&node("node01")].is_on(), "it boots again");
    assert_eq!(sim.world().fenced[&node("node01")], 1);
    sure(&sim, "node01", "systemctl", &["start", "corosync", "pacemaker"]);
    sim.advance(Duration::from_secs(30));
    // 2000 for each of two members that run there, against 1000 more on the other node.
    assert_eq!(places(&sim, "node01"), on("node02"), "it is sticky");
    let history = |text: &str| {
        let root = Element::read(text).unwrap();
        let without = |name: &str| !matches!(name, "pacemakerd" | "summary" | "fence_history");
        root.children.iter().filter(|c| without(&c.name)).map(|c| normal(&c.print())).collect::<String>()
    };
    let told = sure(&sim, "node01", "crm_mon", MON).stdout;
    assert_eq!(history(&told), history(&sample("87-returned/crm_mon")));
    assert_eq!(sim.world().fenced[&node("node01")], 1);
}

#[test]
fn a_device_that_does_not_fence_keeps_the_service_down() {
    for mode in [FenceMode::Fails, FenceMode::Hangs] {
        let sim = started();
        sim.world().fence_modes.insert("kvmhost01".to_owned(), mode);
        sim.world().kill_corosync(&node("node01"));
        sim.advance(Duration::from_secs(90));
        assert_eq!((held(&sim)[0].len(), held(&sim)[1].len()), (3, 0));
        sim.world().fence_modes.clear();
        sim.advance(Duration::from_secs(80));
        assert_eq!((held(&sim)[0].len(), places(&sim, "node02")), (0, on("node02")));
    }
}

#[test]
fn a_device_that_only_switches_off_leaves_the_node_off() {
    let sim = started();
    sim.world().fence_modes.insert("kvmhost01".to_owned(), FenceMode::OnlyOff);
    sim.world().cut_power(&node("node01"), None);
    sim.advance(Duration::from_secs(40));
    assert_eq!(places(&sim, "node02"), on("node02"));
    assert!(!sim.world().nodes[&node("node01")].is_on());
}

#[test]
fn a_cut_between_two_nodes_ends_with_one_of_them_fenced() {
    let sim = started();
    sim.world().cut_link(&node("node01"), &node("node02"), Some(60_000));
    sim.advance(Duration::from_secs(40));
    let fenced = sim.world().fenced.clone();
    assert_eq!(fenced.values().sum::<u64>(), 1, "{fenced:?}");
    // One network is enough for membership.
    let sim = started();
    sim.world().cut_network(&node("node01"), &node("node02"), 2, None);
    sim.advance(Duration::from_secs(40));
    assert!(sim.world().fenced.is_empty());
}

#[test]
fn a_resource_that_does_not_stop_has_its_node_fenced() {
    let sim = started();
    sim.world().node_mut(&node("node01")).unstoppable.insert("service01-mount".to_owned(), "busy".to_owned());
    change(&sim, "node01", "\"target-role\" value=\"Started\"", "\"target-role\" value=\"Stopped\"");
    sim.advance(Duration::from_secs(20));
    assert_eq!(sim.world().fenced.get(&node("node01")), Some(&1));
}

#[test]
fn a_person_who_has_seen_a_node_off_frees_those_that_wait_for_it() {
    let sim = started();
    sim.world().fence_modes.insert("kvmhost01".to_owned(), FenceMode::Fails);
    for name in ["node01", "node02"] {
        sim.world().cut_power(&node(name), None);
    }
    sim.world().boot(&node("node01"));
    sure(&sim, "node01", "systemctl", &["start", "corosync", "pacemaker"]);
    sim.advance(Duration::from_secs(30));
    assert_eq!(held(&sim)[0].len(), 0, "it has not seen the other one");
    sure(&sim, "node01", "corosync-cmapctl", &["-s", "quorum.cancel_wait_for_all", "u8", "1"]);
    sim.advance(Duration::from_secs(30));
    assert_eq!(held(&sim)[0].len(), 0, "the other one cannot be fenced");
    sure(&sim, "node01", "stonith_admin", &["--confirm", "node02"]);
    sim.advance(Duration::from_secs(30));
    assert_eq!(places(&sim, "node01"), on("node01"));
}
