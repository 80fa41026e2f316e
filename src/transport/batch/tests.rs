//! What a real shell makes of a batch.
#![allow(clippy::disallowed_methods)] // it runs real shells

use std::io::Write as _;
use std::process;
use std::time::Instant;

use super::*;

fn sh(program: &[u8]) -> process::Output {
    shell("sh", program)
}

fn shell(shell: &str, program: &[u8]) -> process::Output {
    fed(&mut process::Command::new(shell), program)
}

fn fed(command: &mut process::Command, program: &[u8]) -> process::Output {
    let piped = process::Stdio::piped;
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(program).unwrap();
    child.wait_with_output().unwrap()
}

fn outcomes(batch: &Batch<'_>, reply: &[u8]) -> Vec<Outcome> {
    let told = batch.read(reply, |_| Failure::Lost("cut".to_owned()));
    told.into_iter().map(|told| told.outcome).collect()
}

fn run(commands: &[Command]) -> Vec<Outcome> {
    let batch = Batch::new(commands, None);
    let reply = sh(batch.program().as_bytes());
    assert_eq!(String::from_utf8_lossy(&reply.stderr), "");
    outcomes(&batch, &reply.stdout)
}

fn tool(name: &'static str, args: &[&str]) -> Command {
    Command::reads(Program::Tool(name), args.iter().copied())
}

fn script(name: &'static str, text: &'static str, args: &[&str]) -> Command {
    Command::reads(Program::Script(Script { name, text }), args.iter().copied())
}

#[allow(clippy::unnecessary_wraps)] // it is compared with outcomes
fn output(status: i32, stdout: &str, stderr: &str) -> Outcome {
    Ok(Output { status, stdout: stdout.to_owned(), stderr: stderr.to_owned() })
}

#[test]
fn a_script_that_says_its_own_name_does_not_divide_the_reply() {
    let named = script("named", "echo \"$0\" >&2\nno-such-program\n", &[]);
    let outcomes = run(&[named, tool("echo", &["behind it"])]);
    assert!(outcomes[0].as_ref().is_ok_and(|one| one.status == 127 && one.stderr.contains("/named")), "{outcomes:?}");
    assert_eq!(outcomes[1], output(0, "behind it\n", ""));
}

#[test]
fn arguments_and_input_arrive_as_they_were_given() {
    let nasty =
        ["", "-n", "a b", "'", "''", "\\", "\"", "$HOME", "$(id)", "`id`", "a\nb\n", "\t", "*", "}", "ä€", "#", "!!"];
    let expected = format!("<{}>", nasty.join("><"));
    let by_tool = tool("printf", &[&["<%s>"][..], &nasty[..]].concat());
    let by_script = script("probe", "printf '<%s>' \"$@\"\n", &nasty);
    assert_eq!(run(&[by_tool, by_script]), [output(0, &expected, ""), output(0, &expected, "")]);

    for text in ["", "no newline", "one\n", "\n\n", "it's $HOME\n\\n `id`\n", "\r\n"] {
        assert_eq!(run(&[tool("cat", &[]).with_input(text)]), [output(0, text, "")]);
    }
    let long = "0123456789abcde\n".repeat(200_000);
    assert_eq!(run(&[tool("cat", &[]).with_input(long.clone())]), [output(0, &long, "")]);
    assert_eq!(run(&[tool("true", &[]).with_input(long)]), [output(0, "", "")]);
}

#[test]
fn every_command_has_its_own_status_output_and_errors() {
    let outcomes = run(&[
        script("speak", "echo out; echo err >&2; exit 3", &[]),
        tool("true", &[]),
        tool("no-such-program-here", &[]),
        script("die", "kill -9 $$", &[]),
        script("look-late", "exit 124", &[]),
        tool("echo", &["a\0b"]),
        tool("cat", &[]),
    ]);
    assert_eq!(outcomes[0], output(3, "out\n", "err\n"));
    assert_eq!(outcomes[1], output(0, "", ""));
    assert_eq!(outcomes[2].as_ref().unwrap().status, 127);
    assert_eq!(outcomes[3].as_ref().unwrap().status, 137);
    assert_eq!(outcomes[4], output(124, "", ""));
    assert_eq!(outcomes[5].as_ref().unwrap().status, 126);
    assert_eq!(outcomes[6], output(0, "", ""));
}

#[test]
fn what_looks_runs_side_by_side_and_what_changes_in_order() {
    let began = Instant::now();
    let looks: Vec<Command> = (0..5).map(|_| tool("sleep", &["0.5"])).collect();
    assert!(run(&looks).iter().all(Result::is_ok));
    assert!(began.elapsed() < Duration::from_secs(2));

    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let note = |pause: &str, word: &str| {
        let text = "sleep \"$1\"; echo \"$2\" >>\"$3\"\n";
        let args = [pause, word, log.to_str().unwrap()].map(str::to_owned);
        Command::changes(Program::Script(Script { name: "note", text }), args)
    };
    assert!(run(&[note("0.3", "first"), note("0", "second"), note("0", "third")]).iter().all(Result::is_ok));
    assert_eq!(std::fs::read_to_string(log).unwrap(), "first\nsecond\nthird\n");
}

#[test]
fn a_deadline_ends_the_command_and_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("alive");
    let text = "(sleep 3; echo still here >\"$1\") & sleep 30\n";
    let slow = script("slow", text, &[mark.to_str().unwrap()]).within(Duration::from_secs(1));
    let began = Instant::now();
    let outcomes = run(&[slow, tool("echo", &["fine"])]);
    assert_eq!(outcomes, [Err(Failure::TimedOut(Duration::from_secs(1))), output(0, "fine\n", "")]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    std::thread::sleep(Duration::from_secs(3));
    assert!(!mark.exists());
}

#[test]
fn a_program_that_cannot_be_ended_does_not_take_the_other_answers_with_it() {
    // As a process that hangs in the kernel: it is out of reach of `timeout`, which waits for it.
    let hanging = tool("sleep", &["30"]).within(Duration::from_secs(1));
    let commands = [hanging, tool("echo", &["fine"]).within(Duration::from_secs(1))];
    let batch = Batch::new(&commands, None);
    let stubborn = batch.program().replace("timeout -k 5 \"$seconds\" \"$@\"", "\"$@\"");
    assert_ne!(stubborn, batch.program());
    let began = Instant::now();
    let reply = sh(stubborn.as_bytes());
    let expected = [Err(Failure::TimedOut(Duration::from_secs(1))), output(0, "fine\n", "")];
    assert_eq!(outcomes(&batch, &reply.stdout), expected);
    assert!(began.elapsed() < batch.patience());
}

#[test]
fn a_daemon_that_does_not_run_is_not_asked_and_one_that_listens_elsewhere_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned().leak() as &'static str;
    let _listens = std::os::unix::net::UnixListener::bind(path("there")).unwrap();
    let ask = |socket, program: &'static str| {
        tool(program, &["asked"]).asking(Daemon { socket, unit: "no such.service", off: "it's off" })
    };
    let commands = [ask(path("there"), "echo"), ask(path("away"), "echo"), ask(path("away"), "no-such-program")];
    let batch = Batch::new(&commands, None);
    let outcomes = outcomes(&batch, &sh(batch.program().as_bytes()).stdout);
    assert_eq!(outcomes[..2], [output(0, "asked\n", ""), output(1, "it's off\n", "")]);
    // A program that is not installed is not taken for a daemon that is off.
    assert!(matches!(&outcomes[2], Ok(output) if output.status == 127), "{outcomes:?}");
}

#[test]
fn a_program_that_arrives_incomplete_runs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("mark");
    let touch = tool("touch", &[mark.to_str().unwrap()]);
    let commands = [touch.clone(), Command { effect: Effect::Changes, ..touch }];
    let program = Batch::new(&commands, None).program().to_owned();
    let end = program.trim_end().len();
    for cut in (0..end).step_by(37).chain(end - 40..end) {
        let reply = sh(&program.as_bytes()[..cut]);
        assert!(reply.stdout.is_empty() && !mark.exists(), "cut at {cut}");
    }
    sh(&program.as_bytes()[..end]);
    assert!(mark.exists());
}

#[test]
fn a_reply_that_ends_early_tells_of_the_commands_that_it_tells_of_whole() {
    let commands = [tool("echo", &["one"]), tool("echo", &["two"])];
    let batch = Batch::new(&commands, None);
    let reply = sh(batch.program().as_bytes()).stdout;
    let whole = [output(0, "one\n", ""), output(0, "two\n", "")];
    assert_eq!(outcomes(&batch, &reply), whole);
    let lost = Err(Failure::Lost("cut".to_owned()));
    for cut in 0..reply.len() - "end\n".len() {
        for (outcome, whole) in outcomes(&batch, &reply[..cut]).iter().zip(&whole) {
            assert!(outcome == whole || *outcome == lost, "cut at {cut}: {outcome:?}");
        }
    }
    assert_eq!(outcomes(&batch, &reply[..40]), [lost.clone(), lost]);
    assert!(!batch.begun(&reply[..20]) && batch.begun(&reply[..40]));
}

#[test]
fn noise_before_the_reply_is_not_part_of_it() {
    let commands = [tool("echo", &["fine"])];
    let batch = Batch::new(&commands, None);
    let mut reply = b"Welcome to node01!\n0 0\nLast login: never ".to_vec();
    assert!(!batch.begun(&reply));
    reply.extend(sh(batch.program().as_bytes()).stdout);
    assert_eq!(outcomes(&batch, &reply), [output(0, "fine\n", "")]);
}

#[test]
fn too_much_output_is_a_failure_and_not_a_part_of_it() {
    let much = |bytes: usize| tool("head", &["-c", &bytes.to_string(), "/dev/zero"]);
    let outcomes = run(&[much(STREAM_MAX), much(STREAM_MAX + 1)]);
    assert_eq!(outcomes[0].as_ref().unwrap().stdout.len(), STREAM_MAX);
    assert_eq!(outcomes[1], Err(Failure::Lost("it printed more than 16 MiB".to_owned())));
}

#[test]
fn a_change_runs_only_while_the_node_says_that_the_lease_is_ours() {
    let run_dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(run_dir.path().join("bricklayer")).unwrap();
    let file = run_dir.path().join("bricklayer/lease");
    let change = Command { effect: Effect::Changes, ..tool("echo", &["changed"]) };
    let renew = Command { effect: Effect::Changes, ..script("lease", "echo taken", &[]) };
    let commands = [tool("echo", &["seen"]), change, renew];
    let lease = Lease { owner: "host 7 'x'".to_owned(), ttl: Duration::from_secs(60) };
    let batch = Batch::new(&commands, Some(&lease));
    let line = format!("mount --bind '{}' /run && exec sh", run_dir.path().display());
    if !process::Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success()) {
        return; // only root can put a lease of its own over the node's
    }
    let changed = || {
        let mut node = process::Command::new("unshare");
        let reply = fed(node.args(["-m", "sh", "-c", &line]), batch.program().as_bytes());
        let outcomes = outcomes(&batch, &reply.stdout);
        assert_eq!([&outcomes[0], &outcomes[2]], [&output(0, "seen\n", ""), &output(0, "taken\n", "")]);
        outcomes[1].clone()
    };
    let leased = |holder: &str| Err(Failure::Leased(holder.to_owned()));
    let later = "99999999999";
    assert_eq!(changed(), leased("nobody"));
    for (text, expected) in [
        (format!("host 7 'x'\t{later}\n"), output(0, "changed\n", "")),
        ("host 7 'x'\t1\n".to_owned(), leased("nobody")),
        (format!("other\t{later}\n"), leased("other")),
        ("other\t1\n".to_owned(), leased("nobody")),
        ("garbage".to_owned(), leased("nobody")),
    ] {
        std::fs::write(&file, &text).unwrap();
        assert_eq!(changed(), expected, "{text:?}");
    }
}

#[test]
fn every_posix_shell_runs_it_and_nothing_stays_behind() {
    let commands = [tool("echo", &["fine"]), script("probe", "pwd; umask; cat", &[]).with_input("in")];
    for name in ["sh", "bash", "dash"] {
        let batch = Batch::new(&commands, None);
        let reply = shell(name, batch.program().as_bytes());
        assert_eq!(outcomes(&batch, &reply.stdout), [output(0, "fine\n", ""), output(0, "/\n0022\nin", "")], "{name}");
        for place in ["/run", "/tmp"] {
            assert!(!std::path::Path::new(place).join(format!("bricklayer.{}", batch.place)).exists());
        }
    }
}

#[test]
fn the_common_part_is_clean_for_shellcheck() {
    let checked = process::Command::new("shellcheck").args(["-s", "sh", "src/transport/batch.sh"]).output();
    match checked {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}
