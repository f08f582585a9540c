//! A program as a process: what it says and how it ends.

use std::{path::Path, process::Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinSet,
};

use crate::within;

/// A folder with a `bots.toml`.
#[must_use]
pub fn folder(bots_toml: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("bots.toml"), bots_toml).expect("a configuration");
    folder
}

/// A call of a program before it is made.
#[derive(Debug)]
pub struct Call {
    command: Command,
    input: Option<Vec<u8>>,
}

impl Call {
    /// `program` with `words`, separated by blanks, in `folder`, with nothing at stdin and nothing of ours in its environment.
    #[must_use]
    pub fn new(program: &str, folder: impl AsRef<Path>, words: &str) -> Self {
        let mut command = Command::new(program);
        command.args(words.split_whitespace()).current_dir(folder).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["COLUMNS", "CONCIERGE_PASSWORD", "EASEBOT_LOG"] {
            command.env_remove(name);
        }
        Self { command, input: Some(Vec::new()) }
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// One more word, which may hold blanks.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        self.command.arg(word);
        self
    }

    /// What is piped into it.
    #[must_use]
    pub fn input(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { input: Some(bytes.into()), ..self }
    }

    /// Leaves stdin open.
    #[must_use]
    pub fn open_input(self) -> Self {
        Self { input: None, ..self }
    }

    /// Starts it.
    #[must_use]
    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the binary starts");
        let mut tasks = JoinSet::new();
        let stdout = collect(&mut tasks, child.stdout.take().expect("stdout"));
        let stderr = collect(&mut tasks, child.stderr.take().expect("stderr"));
        let mut stdin = child.stdin.take().expect("stdin");
        let open_stdin = match self.input {
            None => Some(stdin),
            Some(bytes) => {
                tasks.spawn(async move {
                    // A process that ends early does not read everything.
                    drop(stdin.write_all(&bytes).await);
                });
                None
            }
        };
        Running { child, tasks, stdin: open_stdin, stdout, stderr }
    }

    /// Starts it, waits for its end and tells what happened.
    pub async fn outcome(self) -> String {
        self.start().outcome().await
    }
}

/// A call while it runs. Dropping it kills the process.
#[derive(Debug)]
pub struct Running {
    child: Child,
    tasks: JoinSet<()>,
    stdin: Option<ChildStdin>,
    stdout: watch::Receiver<String>,
    stderr: watch::Receiver<String>,
}

fn collect(
    tasks: &mut JoinSet<()>,
    stream: impl AsyncRead + Send + Unpin + 'static,
) -> watch::Receiver<String> {
    let (sender, text) = watch::channel(String::new());
    tasks.spawn(async move {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while matches!(stream.read_until(b'\n', &mut line).await, Ok(1..)) {
            sender.send_modify(|text| text.push_str(&String::from_utf8_lossy(&line)));
            line.clear();
        }
    });
    text
}

impl Running {
    /// Waits until `part` stands on stderr.
    pub async fn says(&mut self, part: &str) {
        wait_for(&mut self.stderr, part).await;
    }

    /// Waits until `part` stands on stdout.
    pub async fn prints(&mut self, part: &str) {
        wait_for(&mut self.stdout, part).await;
    }

    /// What stands on stderr so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.stderr.borrow().clone()
    }

    /// What stands on stdout so far.
    #[must_use]
    pub fn printed(&self) -> String {
        self.stdout.borrow().clone()
    }

    /// Types `text`; the input stays open.
    pub async fn types(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("an open input");
        stdin.write_all(text.as_bytes()).await.expect("it reads");
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends it the signal `name`, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let words = [format!("-{name}"), self.pid().to_string()];
        let status = Command::new("kill").args(words).status().await.expect("`kill` runs");
        assert!(status.success(), "there is no process to be sent {name}");
    }

    /// Kills it, as a machine does that runs out of memory.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// Waits for its end and tells what happened: `exit CODE`, then stdout and stderr as far as they are not empty.
    pub async fn outcome(mut self) -> String {
        let status = within("the process to end", self.child.wait()).await.expect("a status");
        within("its output", async { while self.tasks.join_next().await.is_some() {} }).await;
        let mut outcome =
            status.code().map_or_else(|| format!("{status}\n"), |code| format!("exit {code}\n"));
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let text = text.borrow();
            if !text.is_empty() {
                outcome.push_str(&format!("--- {name}\n{}", *text));
            }
        }
        outcome
    }
}

async fn wait_for(text: &mut watch::Receiver<String>, part: &str) {
    let what = format!("`{part}`");
    let found = within(&what, text.wait_for(|text| text.contains(part))).await.is_ok();
    assert!(found, "the process ended and said:\n{}", *text.borrow());
}

/// Compares an outcome with what it should be; the first line break of `expected` does not count.
#[track_caller]
pub fn assert_outcome(actual: &str, expected: &str) {
    let expected = expected.strip_prefix('\n').unwrap_or(expected);
    assert!(actual == expected, "\n=== it was:\n{actual}\n=== it should be:\n{expected}");
}
