//! The loop with clusters that only pretend, on a clock that jumps.

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{advance, sleep, timeout};

use super::*;
use crate::kinds::Spec;
use crate::model::{ClusterName, Item, NodeName, Place, Plan, Report, State, Step, Subject, Verdict, Work};
use crate::spec;
use crate::tools::gluster;

const INTERVAL: Duration = Duration::from_secs(30);

/// What the pretended clusters did and are to do.
#[derive(Default)]
struct World {
    /// How long a tick takes.
    takes: Duration,
    /// How the ticks of a cluster end; as written, unless said.
    verdicts: BTreeMap<String, Verdict>,
    /// Ticks by cluster: when they began.
    ticks: BTreeMap<String, Vec<Instant>>,
    running: Vec<String>,
    most_running: usize,
    looks: usize,
    opened: usize,
    closed: usize,
}

impl World {
    fn ticks_of(&self, cluster: &str) -> usize {
        self.ticks.get(cluster).map_or(0, Vec::len)
    }
}

struct Pretender {
    name: String,
    world: Rc<RefCell<World>>,
}

impl Worker for Pretender {
    fn heading(&self) -> String {
        self.name.clone()
    }
    fn renew(&mut self, spec: Spec) -> LocalBoxFuture<'_, Result<(), String>> {
        self.name = spec.cluster.as_str().to_owned();
        Box::pin(async { Ok(()) })
    }
    fn look<'a>(&'a mut self, _: &'a Allow) -> LocalBoxFuture<'a, Plan> {
        self.world.borrow_mut().looks += 1;
        Box::pin(async { plan(&self.name, true) })
    }
    fn work<'a>(&'a mut self, mut shift: Shift<'a>) -> LocalBoxFuture<'a, Result<Report, String>> {
        Box::pin(async move {
            let (takes, verdict) = {
                let mut world = self.world.borrow_mut();
                assert!(!world.running.contains(&self.name), "{} is worked on twice at once", self.name);
                world.running.push(self.name.clone());
                world.most_running = world.most_running.max(world.running.len());
                world.ticks.entry(self.name.clone()).or_default().push(Instant::now());
                (world.takes, world.verdicts.get(&self.name).copied().unwrap_or(Verdict::AsWritten))
            };
            tokio::select! {
                () = sleep(takes) => {}
                () = stopped(&mut shift.stop) => {}
            }
            self.world.borrow_mut().running.retain(|name| *name != self.name);
            let left = plan(&self.name, verdict != Verdict::AsWritten);
            Ok(Report { verdict, done: vec![], failed: vec![], left, took: takes })
        })
    }
    fn close(&mut self) -> LocalBoxFuture<'_, ()> {
        self.world.borrow_mut().closed += 1;
        Box::pin(async {})
    }
}

fn plan(cluster: &str, differs: bool) -> Plan {
    let item = Item::run(
        &Subject::new("volume", "v"),
        "start",
        "start volume v",
        Place::On(NodeName::new("n1").unwrap()),
        gluster::start("v", false),
    );
    let steps = differs.then_some(Step { item, state: State::Ready }).into_iter().collect();
    Plan { cluster: ClusterName::new(cluster).unwrap(), steps, findings: vec![] }
}

struct Pretend(Rc<RefCell<World>>);

impl Open for Pretend {
    fn open(&self, _: &Path, spec: Spec) -> Result<Box<dyn Worker>, String> {
        self.0.borrow_mut().opened += 1;
        Ok(Box::new(Pretender { name: spec.cluster.as_str().to_owned(), world: Rc::clone(&self.0) }))
    }
}

struct Told(mpsc::UnboundedReceiver<Trigger>);

impl Triggers for Told {
    async fn next(&mut self) -> Trigger {
        match self.0.recv().await {
            Some(trigger) => trigger,
            None => std::future::pending().await,
        }
    }
}

/// A folder that is watched while a test does something to it.
struct Stage {
    folder: TempDir,
    world: Rc<RefCell<World>>,
    triggers: mpsc::UnboundedSender<Trigger>,
}

impl Stage {
    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).unwrap();
        self.triggers.send(Trigger::Files).unwrap();
    }
    fn remove(&self, file: &str) {
        fs::remove_file(self.folder.path().join(file)).unwrap();
        self.triggers.send(Trigger::Files).unwrap();
    }
    fn ticks(&self, cluster: &str) -> usize {
        self.world.borrow().ticks_of(cluster)
    }
}

/// Watches a folder of `clusters` while `script` goes on, ends the watch, and gives what was done.
async fn played(clusters: &[&str], dry_run: bool, world: World, script: impl AsyncFnOnce(&Stage)) -> World {
    let (folder, world) = (tempfile::tempdir().unwrap(), Rc::new(RefCell::new(world)));
    for cluster in clusters {
        fs::write(folder.path().join(format!("{cluster}.yaml")), spec::starter(cluster)).unwrap();
    }
    let (triggers, heard) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let settings = Settings { interval: INTERVAL, allow: Allow::default(), dry_run, seed: 1 };
    let open = Pretend(Rc::clone(&world));
    let stage = Stage { folder, world: Rc::clone(&world), triggers };
    let mut heard = Told(heard);
    let watched = run(stage.folder.path(), &settings, &open, &mut heard, stopped);
    let played = async {
        script(&stage).await;
        stop.send_replace(true);
    };
    let (result, ()) = tokio::join!(timeout(INTERVAL * 1000, watched), played);
    result.expect("the watch ends when it is asked to").unwrap();
    drop(open);
    drop(stage);
    Rc::into_inner(world).unwrap().into_inner()
}

#[tokio::test(start_paused = true)]
async fn every_cluster_is_looked_at_at_once_and_then_every_interval_over_one_worker() {
    let world = played(&["a", "b"], false, World::default(), async |_| advance_by(INTERVAL * 10).await).await;
    for cluster in ["a", "b"] {
        assert!((10..=12).contains(&world.ticks_of(cluster)), "{}", world.ticks_of(cluster));
        let ticks = &world.ticks[cluster];
        assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] <= INTERVAL), "{ticks:?}");
    }
    assert_eq!((world.opened, world.closed), (2, 2));
}

/// Lets time pass in steps, so that what is due meanwhile has its turn.
async fn advance_by(time: Duration) {
    let step = Duration::from_millis(100);
    for _ in 0..time.as_millis() / step.as_millis() {
        advance(step).await;
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_ends_the_tick_that_goes_by_the_old_one_and_is_looked_at_at_once() {
    let takes = Duration::from_secs(600);
    played(&["a"], false, World { takes, ..World::default() }, async |stage| {
        advance_by(INTERVAL).await;
        assert_eq!(stage.ticks("a"), 1);
        stage.write("a.yaml", &(spec::starter("a") + "# changed\n"));
        advance_by(Duration::from_millis(200)).await;
        assert_eq!(stage.ticks("a"), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn many_wakes_while_a_cluster_is_at_work_are_one_more_tick() {
    let takes = Duration::from_secs(5);
    played(&["a"], false, World { takes, ..World::default() }, async |stage| {
        advance_by(Duration::from_secs(1)).await;
        for _ in 0..20 {
            stage.triggers.send(Trigger::Reload).unwrap();
            advance_by(Duration::from_millis(100)).await;
        }
        advance_by(Duration::from_secs(20)).await;
        assert_eq!(stage.ticks("a"), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_clusters_of_a_folder_run_side_by_side_up_to_a_bound() {
    let names: Vec<String> = (0..20).map(|index| format!("c{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let takes = Duration::from_secs(1);
    let world = played(&names, false, World { takes, ..World::default() }, async |_| advance_by(takes * 5).await).await;
    assert_eq!(world.most_running, SIDE_BY_SIDE);
    assert!(names.iter().all(|name| world.ticks_of(name) == 1));
}

#[tokio::test(start_paused = true)]
async fn new_files_become_clusters_and_removed_ones_are_let_go() {
    let world = played(&["a"], false, World::default(), async |stage| {
        advance_by(Duration::from_secs(1)).await;
        stage.write("b.yaml", &spec::starter("b"));
        stage.remove("a.yaml");
        advance_by(INTERVAL * 4).await;
        assert_eq!(stage.world.borrow().closed, 1);
    })
    .await;
    assert!(world.ticks_of("a") == 1 && world.ticks_of("b") >= 4);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_whose_file_is_removed_during_its_tick_ends_that_tick_and_may_come_back() {
    let takes = Duration::from_secs(600);
    played(&["a"], false, World { takes, ..World::default() }, async |stage| {
        advance_by(Duration::from_secs(1)).await;
        stage.remove("a.yaml");
        advance_by(Duration::from_secs(1)).await;
        assert!(stage.world.borrow().running.is_empty() && stage.world.borrow().closed == 1);
        stage.write("a.yaml", &spec::starter("a"));
        advance_by(Duration::from_secs(1)).await;
        assert_eq!(stage.ticks("a"), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_used_leaves_the_last_good_one_in_force() {
    let world = played(&["a"], false, World::default(), async |stage| {
        advance_by(Duration::from_secs(1)).await;
        stage.write("a.yaml", "cluster: [\n");
        advance_by(INTERVAL * 3).await;
    })
    .await;
    assert!(world.ticks_of("a") >= 4 && world.opened == 1 && world.closed == 1);
}

#[tokio::test(start_paused = true)]
async fn two_files_never_stand_for_the_same_cluster() {
    played(&["a"], false, World::default(), async |stage| {
        stage.write("b.yaml", &spec::starter("a"));
        advance_by(INTERVAL * 2).await;
        assert_eq!(stage.world.borrow().opened, 1);
        stage.remove("a.yaml");
        advance_by(INTERVAL * 2).await;
        assert_eq!((stage.world.borrow().opened, stage.world.borrow().closed), (2, 1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_for_their_own_cluster_and_a_changed_file_resets_them() {
    let failing = World { verdicts: [("a".to_owned(), Verdict::Failed)].into(), ..World::default() };
    played(&["a", "b"], false, failing, async |stage| {
        advance_by(Duration::from_secs(4000)).await;
        let ticks = stage.world.borrow().ticks["a"].clone();
        let pauses: Vec<Duration> = ticks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses[0] <= Duration::from_secs(2) && pauses[8..].iter().all(|pause| pause.as_secs() > 100));
        assert!(stage.ticks("b") > 100);
        let before = stage.ticks("a");
        stage.write("a.yaml", &(spec::starter("a") + "# another try\n"));
        advance_by(Duration::from_secs(3)).await;
        assert!(stage.ticks("a") >= before + 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_only_looks() {
    let world = played(&["a"], true, World::default(), async |_| advance_by(INTERVAL * 3).await).await;
    assert!(world.looks >= 3 && world.ticks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_nothing_that_comes_is_looked_at_again_as_after_a_failure() {
    let mut report = Report {
        verdict: Verdict::Unsettled,
        done: vec![],
        failed: vec![],
        left: plan("a", true),
        took: Duration::ZERO,
    };
    assert_eq!(Outcome::of(&report), Outcome::Failed);
    let poll = Duration::from_secs(2);
    let wait = Item::wait(&Subject::new("volume", "v"), "heal", "volume v to heal", poll);
    assert!(matches!(wait.work, Work::Wait(_)));
    report.left.steps = vec![Step { item: wait, state: State::Ready }];
    assert_eq!(Outcome::of(&report), Outcome::Coming(poll, false));
}
