//! What commands said, and questions about it.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

/// How long a bricklayer that was started may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(240);

/// Puts a line into the test's own output, which is shown if it fails.
#[expect(clippy::print_stdout, reason = "cargo test keeps it and shows it on failure")]
pub fn tell(line: &str) {
    println!("{line}");
}

/// The time that nodes and clients have in common.
#[expect(clippy::disallowed_methods, reason = "real daemons live in real time")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// A command that has ended.
pub struct Run {
    what: String,
    /// Its exit code; 128 and the signal's number if one ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
    /// How long it took.
    pub seconds: f64,
}

/// Runs a command to its end.
pub fn ran(command: &mut Command, what: &str) -> Run {
    let start = Instant::now();
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    Run::of(what, output.status, &output.stdout, &output.stderr, start)
}

/// What a command prints, whatever becomes of it.
pub fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Run {
    fn of(what: &str, status: ExitStatus, stdout: &[u8], stderr: &[u8], start: Instant) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let run = Self {
            what: what.to_owned(),
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            stdout: text(stdout),
            stderr: text(stderr),
            seconds: start.elapsed().as_secs_f64(),
        };
        tell(&format!("$ {what}\n{}{}[{} after {:.1} s]", run.stdout, run.stderr, run.code, run.seconds));
        run
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}\n{}{}", self.what, self.stdout, self.stderr);
        self
    }

    /// Asserts that `words` are in what it printed or said, however the lines were broken.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        let said = format!("{} {}", self.stdout, self.stderr);
        let said: Vec<&str> = said.split_whitespace().collect();
        assert!(said.join(" ").contains(words), "`{words}` is not in\n{}{}", self.stdout, self.stderr);
        self
    }

    /// The commands in a JSON log of `-v`, each with its level.
    pub fn traced(&self) -> Vec<(String, String)> {
        let events = self.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let commands = events.filter(|event| event["target"] == "bricklayer::command");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        commands.map(|event| (text(&event["level"]), text(&event["span"]["command"]))).collect()
    }
}

/// A plan as `-o json` prints it.
pub struct Plan {
    steps: Vec<Value>,
    /// The exit code it came with.
    pub code: i32,
}

impl Plan {
    #[track_caller]
    pub(super) fn of(run: &Run) -> Self {
        let plan: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("no plan: {error}"));
        Self { steps: plan["steps"].as_array().expect("a plan has steps").clone(), code: run.code }
    }

    /// The ids of the steps whose work is `sort`, `run`, `wait` or `held`, and that nothing held stands before.
    pub fn ids(&self, sort: &str) -> Vec<&str> {
        let steps = self.steps.iter().filter(|step| !step["work"][sort].is_null() && step["state"]["is"] != "blocked");
        steps.filter_map(|step| step["id"].as_str()).collect()
    }

    /// The step with this id.
    #[track_caller]
    pub fn step(&self, id: &str) -> &Value {
        self.steps.iter().find(|step| step["id"] == id).unwrap_or_else(|| panic!("no step {id}"))
    }

    /// Asserts that it has something to do, and that these are the steps that would be run, in any order.
    #[track_caller]
    pub fn runs(&self, ids: &[&str]) -> &Self {
        assert_eq!(self.code, 2, "{:#?}", self.steps);
        let (mut expected, mut found) = (ids.to_vec(), self.ids("run"));
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
        self
    }

    /// Asserts that the step with this id is there because `field` is to become `to`.
    #[track_caller]
    pub fn wants(&self, id: &str, field: &str, from: &str, to: &str) -> &Self {
        let why = self.step(id)["why"].as_array().expect("a step has reasons");
        let found = why.iter().find(|why| why["field"] == field).unwrap_or_else(|| panic!("no {field} in {why:?}"));
        assert_eq!((&found["from"], &found["to"]), (&from.into(), &to.into()));
        self
    }

    /// The steps that would be run at more risk than safe.
    pub fn risky(&self) -> Vec<&str> {
        let risky = |step: &&Value| step["work"]["run"]["risk"].as_str().is_some_and(|risk| risk != "safe");
        self.steps.iter().filter(risky).filter_map(|step| step["id"].as_str()).collect()
    }
}

/// A command that runs.
pub struct Running {
    what: String,
    child: Child,
    start: Instant,
}

impl Running {
    #[track_caller]
    pub(super) fn start(command: &mut Command, what: &str) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the lab's script is there");
        Self { what: what.to_owned(), child, start: Instant::now() }
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_some()
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        #[expect(clippy::disallowed_methods, reason = "the standard library can only kill")]
        let mut kill = Command::new("kill");
        ran(kill.args(["-s", name, &self.child.id().to_string()]), &format!("kill -s {name} {}", self.child.id()));
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn end(mut self) -> Run {
        while !self.has_ended() {
            assert!(self.start.elapsed() < ENDS_WITHIN, "{} does not end", self.what);
            sleep(Duration::from_millis(20));
        }
        let Self { what, child, start } = self;
        let output = child.wait_with_output().expect("it is our child");
        Run::of(&what, output.status, &output.stdout, &output.stderr, start)
    }
}
