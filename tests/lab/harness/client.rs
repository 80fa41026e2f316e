//! A client of a database that inserts a row every 20 ms through its floating address, whatever happens to it, and
//! remembers each row that was acknowledged: none of them may be missing afterwards.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, SystemTime};

use super::{Lab, SCRIPT, now, tell};

/// How often it inserts.
const EVERY: Duration = Duration::from_millis(20);
/// How long it rests before it connects anew.
const REST: Duration = Duration::from_millis(50);

/// Asks for an open port before a session is begun, because that can be given up sooner than a session. A session
/// whose server is silent ends after two seconds; one whose server answers the network, but not the query, waits.
const SESSION: &str = "\
for _ in 1 2 3 4 5; do
  timeout 0.3 bash -c \": <>/dev/tcp/$1/5432\" 2>/dev/null && exec psql -XqAt -v ON_ERROR_STOP=1 \"host=$1 \
    user=postgres dbname=postgres connect_timeout=2 keepalives_idle=1 keepalives_interval=1 keepalives_count=2 \
    tcp_user_timeout=2000\" 2>/dev/null
  sleep 0.05
done
exit 1";

/// A client that runs.
pub struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Log>,
}

/// What a client saw.
#[derive(Default)]
pub struct Log {
    /// The rows that the database said it has, in order, and when it said so.
    acknowledged: Vec<(u64, SystemTime)>,
    /// The rows that were sent; those that were never acknowledged may be there or not.
    sent: u64,
    sessions: u64,
}

/// A time in which nothing was acknowledged.
pub struct Gap {
    /// When the last row before it was acknowledged.
    pub since: SystemTime,
    /// How long it took to the next.
    pub lasted: Duration,
}

impl Client {
    /// Makes an empty table and starts to insert.
    #[track_caller]
    pub fn start(lab: &Lab, address: &str) -> Self {
        lab.psql(address, "DROP TABLE IF EXISTS rows");
        lab.psql(address, "CREATE TABLE rows (n bigint PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())");
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, address) = (Arc::clone(&stop), address.to_owned());
        let environment = lab.environment();
        let open = move || {
            #[expect(clippy::disallowed_methods, reason = "a lab is made of programs")]
            let mut command = std::process::Command::new(SCRIPT);
            command.envs(environment.clone()).args(["admin", "sh", "-c", SESSION, "sh", &address]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the lab's script is there")
        };
        Self { stop, thread: spawn(move || insert(&stopped, open)) }
    }

    /// Stops and gives what it saw.
    pub fn stop(self) -> Log {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it does not panic")
    }
}

fn insert(stop: &AtomicBool, open: impl Fn() -> Child) -> Log {
    let mut log = Log::default();
    while !stop.load(Ordering::Relaxed) {
        let mut psql = open();
        log.sessions += 1;
        let (mut ask, answers) = (psql.stdin.take().expect("a pipe"), psql.stdout.take().expect("a pipe"));
        let mut answers = BufReader::new(answers);
        while !stop.load(Ordering::Relaxed) && insert_one(&mut log, &mut ask, &mut answers) {
            sleep(EVERY);
        }
        drop((ask, answers));
        psql.wait().expect("it is our child");
        sleep(REST);
    }
    log
}

/// Whether the session is still there.
fn insert_one(log: &mut Log, ask: &mut ChildStdin, answers: &mut BufReader<ChildStdout>) -> bool {
    log.sent += 1;
    let asked = writeln!(ask, "INSERT INTO rows VALUES ({}) RETURNING n;", log.sent).and_then(|()| ask.flush());
    let mut answer = String::new();
    let answered = asked.is_ok() && answers.read_line(&mut answer).is_ok_and(|read| read > 0);
    if answered && answer.trim() == log.sent.to_string() {
        log.acknowledged.push((log.sent, now()));
    }
    answered
}

impl Log {
    /// The longest time in which nothing was acknowledged.
    #[track_caller]
    pub fn gap(&self) -> Gap {
        self.gaps().max_by_key(|gap| gap.lasted).expect("rows were acknowledged")
    }

    /// The longest of those that end within a time.
    #[track_caller]
    pub fn gap_between(&self, from: SystemTime, to: SystemTime) -> Gap {
        let within = self.gaps().filter(|gap| gap.since <= to && gap.since + gap.lasted >= from);
        within.max_by_key(|gap| gap.lasted).expect("rows were acknowledged")
    }

    fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.acknowledged
            .windows(2)
            .map(|pair| Gap { since: pair[0].1, lasted: pair[1].1.duration_since(pair[0].1).unwrap_or_default() })
    }

    /// Asserts that every acknowledged row is in the database, and that there were enough to tell.
    #[track_caller]
    pub fn lost_nothing(&self, lab: &Lab, address: &str) {
        let lost = self.lost(lab, address);
        assert!(lost.is_empty(), "{} acknowledged rows are lost: {lost:?}", lost.len());
    }

    /// The acknowledged rows that the database does not have.
    #[track_caller]
    pub fn lost(&self, lab: &Lab, address: &str) -> Vec<u64> {
        let rows = lab.numbers(address, "SELECT n FROM rows");
        tell(&format!(
            "{} rows sent in {} sessions, {} acknowledged, {} in the database, longest time without an answer {:.1?}",
            self.sent,
            self.sessions,
            self.acknowledged.len(),
            rows.len(),
            self.gap().lasted
        ));
        assert!(self.acknowledged.len() > 100, "too few rows to tell");
        self.acknowledged.iter().map(|(n, _)| *n).filter(|n| !rows.contains(n)).collect()
    }
}
