//! The readers against what glusterfs 10.3 really prints.

use super::*;
use crate::tools::sample::read as sample;

#[test]
fn a_glusterd_that_does_not_run_is_off_and_not_an_empty_pool() {
    let pool = read_pool(&sample("10-glusterd-not-running/pool-list.txt"));
    assert_eq!(pool, Err(ReadError::Off(DAEMON)));
    let volumes = read_volumes(&sample("10-glusterd-not-running/volume-info.txt"));
    assert_eq!(volumes, Err(ReadError::Off(DAEMON)));
}

#[test]
fn a_program_that_is_not_there_is_not_installed() {
    let missing = Output { status: 127, stdout: String::new(), stderr: "gluster: not found".into() };
    assert_eq!(read_pool(&missing), Err(ReadError::NotInstalled(PACKAGE)));
}

#[test]
fn the_pool_tells_its_own_uuid_and_its_peers_names() {
    let pool = read_pool(&sample("13-probed/pool-list.txt")).unwrap();
    assert!(!pool.own.is_empty() && pool.peers.len() == 1);
    let peer = pool.peers.values().next().unwrap();
    assert!(peer.connected && peer.standing == Standing::InCluster);
    assert!(peer.hostnames.contains(&"node02".to_owned()), "{peer:?}");
    let back = read_pool(&sample("13-probed/node02.pool-list.txt")).unwrap();
    assert!(back.peers.contains_key(&pool.own) && pool.peers.contains_key(&back.own));
}

#[test]
fn a_peer_whose_glusterd_is_stopped_is_not_connected() {
    let pool = read_pool(&sample("43-peer-glusterd-stopped/pool-list.txt")).unwrap();
    assert!(pool.peers.values().any(|peer| !peer.connected && peer.standing == Standing::InCluster));
}

#[test]
fn every_shape_of_volume_is_read() {
    let shape = |file: &str| {
        let volumes = read_volumes(&sample(&format!("60-shapes/{file}"))).unwrap();
        let volume = volumes.into_values().next().unwrap();
        (volume.replica, volume.arbiter, volume.disperse, volume.redundancy, volume.bricks.len())
    };
    assert_eq!(shape("volume-info-rep2x2.txt"), (2, 0, 0, 0, 4));
    assert_eq!(shape("volume-info-rep3.txt"), (3, 0, 0, 0, 3));
    assert_eq!(shape("volume-info-arb.txt"), (3, 1, 0, 0, 6));
    assert_eq!(shape("volume-info-disp.txt"), (1, 0, 3, 1, 3));
    let (replica, arbiter, disperse, ..) = shape("volume-info-dist.txt");
    assert_eq!((replica, arbiter, disperse), (1, 0, 0));
}

#[test]
fn a_brick_has_its_host_its_path_and_its_hosts_uuid() {
    let volumes = read_volumes(&sample("22-started/volume-info.txt")).unwrap();
    let volume = volumes.values().next().unwrap();
    assert!(volume.started && volume.options.contains_key("transport.address-family"));
    let brick = &volume.bricks[0];
    assert_eq!((brick.host.as_str(), brick.path.as_str()), ("node01", "/glvol00/brick"));
    assert_eq!(brick.host_id.len(), 36);
}

#[test]
fn a_brick_that_is_away_gives_no_count_which_is_not_zero() {
    let heal = read_heal(&sample("43-peer-glusterd-stopped/volume-heal-vol-info-summary.txt")).unwrap();
    let away = heal.pending.iter().find(|(name, _)| name.starts_with("node02")).unwrap();
    assert_eq!(away.1, &None);
    assert_eq!(heal.split_brain, 0);
}

#[test]
fn answers_to_changes_are_sorted_into_done_busy_and_refused() {
    for done in ["12-probe/peer-probe-node02.txt", "12-probe/peer-probe-self.txt", "20-create/volume-create.txt"] {
        assert_eq!(judge(&stop("vol"), &sample(done)), Judgement::Done, "{done}");
    }
    for busy in ["31-busy/volume-set-busy.txt", "46-node-off-unnoticed/volume-set-node-back.txt"] {
        assert!(matches!(judge(&stop("vol"), &sample(busy)), Judgement::Busy(_)), "{busy}");
    }
    for refused in ["20-create/volume-create-root-partition.txt", "20-create/volume-create-exists.txt"] {
        assert!(matches!(judge(&stop("vol"), &sample(refused)), Judgement::Refused(_)), "{refused}");
    }
}

#[test]
fn a_reply_that_is_cut_off_anywhere_is_garbled_and_never_an_answer() {
    let whole = sample("22-started/volume-info.txt");
    let end = whole.stdout.rfind("</cliOutput>").unwrap();
    for cut in (0..end).step_by(7).filter(|cut| whole.stdout.is_char_boundary(*cut)) {
        let output = Output { stdout: whole.stdout[..cut].to_owned(), ..whole.clone() };
        assert!(read_volumes(&output).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_heal_that_was_launched_is_told_in_words() {
    assert_eq!(judge(&heal_now("vol"), &sample("42-healing/volume-heal.txt")), Judgement::Done);
    let refused = Output { status: 1, stderr: "Volume vol is not started.\n".to_owned(), ..Output::default() };
    assert!(matches!(judge(&heal_now("vol"), &refused), Judgement::Refused(why) if why.contains("not started")));
}
