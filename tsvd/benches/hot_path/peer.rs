//! Other processes that take samples: this program in another environment, or one built from `sanitized.rs`.
//!
//! A request is a line with a row and a number of calls, the answer a line with the nanoseconds a call, of wall and of processor
//! time. A peer waits for requests and so costs nothing while others are sampled.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::measure::Sample;
use crate::rows::Local;

pub(crate) struct Peer {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// This program with `variables`.
    pub(crate) fn of_this(variables: &[(&str, &str)]) -> Self {
        let program = std::env::current_exe().expect("this program's path");
        let mut command = Command::new(program);
        command.arg("--serve").envs(variables.iter().copied());
        // Whoever provokes a violation is not interested in its text.
        command.stderr(Stdio::null());
        Self::start(command)
    }

    pub(crate) fn of(program: &Path) -> Self {
        Self::start(Command::new(program))
    }

    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let answers = BufReader::new(child.stdout.take().expect("its output is piped"));
        let requests = child.stdin.take();
        Self {
            child,
            requests,
            answers,
        }
    }

    pub(crate) fn sample(&mut self, row: &str, calls: u64) -> Sample {
        let requests = self.requests.as_mut().expect("open until dropped");
        writeln!(requests, "{row} {calls}").expect("the peer listens");
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .expect("the peer answers");
        let mut numbers = answer.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(wall)), Some(Ok(processor))) => Sample { wall, processor },
            _ => panic!("a peer answered {answer:?} to `{row} {calls}`"),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends at the end of its input.
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}

/// Answers requests until there are no more.
pub(crate) fn serve(local: &mut Local) {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a request in UTF-8");
        let (row, calls) = line.rsplit_once(' ').expect("a row and a number");
        let sample = local.sample(row, calls.parse().expect("a number of calls"));
        println!("{} {}", sample.wall, sample.processor);
    }
}
