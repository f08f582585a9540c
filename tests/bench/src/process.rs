//! A side in a process of its own: on its core, its CPU time and memory read from outside.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// The core of what is measured.
pub(crate) const MEASURED: usize = 0;
/// The core of whatever makes the load, or stands on the other side.
pub(crate) const OTHER: usize = 1;

/// How long a side may take for a line that is awaited.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running side. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// Starts it on `core`, with all threads that it will have. What it writes to standard error is shown.
    ///
    /// # Errors
    /// If it cannot be started, or this machine does not have the core.
    pub(crate) fn start(name: &str, command: &mut Command, core: usize) -> anyhow::Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        Self::spawn(name, command, core)
    }

    /// Starts one whose lines are those that it writes to standard error, as `easebot run` does. The rest is as in
    /// [`start`](Self::start).
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub(crate) fn start_heard_on_stderr(
        name: &str,
        command: &mut Command,
        core: usize,
    ) -> anyhow::Result<Self> {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        Self::spawn(name, command, core)
    }

    fn spawn(name: &str, command: &mut Command, core: usize) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped());
        // A child has the cores of the thread that started it, from its first instruction on.
        let spawned = thread::scope(|scope| {
            let pinned = scope.spawn(|| {
                let mut cores = CpuSet::new();
                cores.set(core)?;
                sched_setaffinity(Pid::from_raw(0), &cores)
                    .with_context(|| format!("this machine has no core {core} for `{name}`"))?;
                command.spawn().with_context(|| format!("cannot start `{name}`"))
            });
            pinned.join()
        });
        let Ok(spawned) = spawned else { bail!("the thread that starts `{name}` panicked") };
        let mut child = spawned?;
        let (say, lines) = mpsc::channel();
        let stdout = child.stdout.take().map(|stdout| Box::new(stdout) as Box<dyn Read + Send>);
        let stderr = child.stderr.take().map(|stderr| Box::new(stderr) as Box<dyn Read + Send>);
        if let Some(heard) = stdout.or(stderr) {
            thread::spawn(move || {
                for line in BufReader::new(heard).lines().map_while(Result::ok) {
                    if say.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let stdin = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, stdin, lines })
    }

    /// The next line that it prints on standard output (or error, if it was started so).
    ///
    /// # Errors
    /// If it ends before, or takes longer than two minutes.
    pub(crate) fn line(&mut self) -> anyhow::Result<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("`{}` said nothing for {} s", self.name, PATIENCE.as_secs())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().context("cannot wait for a side")?;
                bail!("`{}` ended with {status} before it was done", self.name)
            }
        }
    }

    /// The rest of the next line that begins with `word` and a space; lines before it are left out.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub(crate) fn word(&mut self, word: &str) -> anyhow::Result<String> {
        loop {
            let line = self.line().with_context(|| format!("waited for `{word}`"))?;
            if let Some(rest) = line.strip_prefix(word) {
                return Ok(rest.trim().to_owned());
            }
        }
    }

    /// Waits for a line with `part` in it; lines before it are left out.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub(crate) fn until(&mut self, part: &str) -> anyhow::Result<String> {
        loop {
            let line = self.line().with_context(|| format!("waited for `{part}`"))?;
            if line.contains(part) {
                return Ok(line);
            }
        }
    }

    /// Lets it do what it does for `time`.
    ///
    /// # Errors
    /// If it ends meanwhile, or has something to say.
    pub(crate) fn watch(&mut self, time: Duration) -> anyhow::Result<()> {
        match self.lines.recv_timeout(time) {
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(()),
            Ok(line) => bail!("`{}` says `{line}` while it is watched", self.name),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().context("cannot wait for a side")?;
                bail!("`{}` ended with {status} while it was watched", self.name)
            }
        }
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// If it has ended before, or does not end in two minutes.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        kill(self.pid()?, Signal::SIGTERM).with_context(|| format!("`{}` has ended", self.name))?;
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Timeout) => bail!("`{}` does not end", self.name),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        self.child.wait().context("cannot wait for a side")?;
        Ok(())
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// If it does not read any more.
    pub(crate) fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("its input is closed")?;
        writeln!(stdin, "{line}").with_context(|| format!("`{}` does not listen", self.name))
    }

    /// The CPU time that all of its threads have used, in the kernel and outside.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let clock = clock_getcpuclockid(self.pid()?)?;
        Ok(Duration::from(clock.now()?))
    }

    /// Memory that it holds now, in KiB (`VmRSS`).
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that it has held at any time, in KiB (`VmHWM`).
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, key: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .with_context(|| format!("`{}` has ended", self.name))?;
        kib(&status, key).with_context(|| format!("no {key} of `{}`", self.name))
    }

    /// Its number in the system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        Ok(Pid::from_raw(i32::try_from(self.child.id()).context("a pid is no pid")?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The number of a line `KEY   123 kB`.
pub(crate) fn kib(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::start("sh", Command::new("sh").args(["-c", script]), MEASURED).unwrap()
    }

    #[test]
    fn a_side_runs_on_its_core_alone() {
        let mut side = shell("grep Cpus_allowed_list /proc/self/status");
        assert_eq!(side.word("Cpus_allowed_list:").unwrap(), "0");
    }

    #[test]
    fn its_time_and_memory_are_read_from_outside() {
        let mut side =
            shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; read end");
        side.word("done").unwrap();
        assert!(side.cpu().unwrap() > Duration::from_micros(100));
        assert!(side.peak_memory().unwrap() >= side.memory().unwrap());
    }

    #[test]
    fn one_that_speaks_on_stderr_is_heard_and_ends_when_it_is_asked_to() {
        let mut command = Command::new("sh");
        command.args(["-c", "trap 'echo bye >&2; exit 0' TERM; echo it is up >&2; read end"]);
        let mut side = Process::start_heard_on_stderr("sh", &mut command, MEASURED).unwrap();
        assert_eq!(side.until("is up").unwrap(), "it is up");
        side.stop().unwrap();
    }

    #[test]
    fn a_side_that_ends_too_early_is_named_with_its_end() {
        let error = shell("exit 3").word("ready").unwrap_err();
        assert!(format!("{error:#}").contains("`sh` ended with exit status: 3"), "{error:#}");
    }

    #[test]
    fn memory_is_read_from_its_line() {
        assert_eq!(kib("VmHWM:\t  120 kB\nVmRSS:\t   90 kB\n", "VmRSS:"), Some(90));
        assert_eq!(kib("", "VmRSS:"), None);
    }
}
