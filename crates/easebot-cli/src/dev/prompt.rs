//! The terminal: lines in, answers out.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::Context;
use easebot_model::{Conversation, Message, UserId};
use easebot_testkit::parts::shown;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::{Stage, guest::Seen};
use crate::{Program, speech};

/// How long a typing indicator is shown. Source: the vendor's convention for typing indicators.
const TYPING: Duration = Duration::from_secs(5);

/// What is written where.
///
/// On a terminal the prompt is put up again below everything that comes in. In a pipe stdout has one line for each answer
/// and nothing else.
pub(super) struct Screen {
    user: UserId,
    is_terminal: bool,
}

impl Screen {
    pub(super) fn new(user: &UserId) -> Self {
        Self {
            user: user.clone(),
            is_terminal: io::stdin().is_terminal() && io::stdout().is_terminal(),
        }
    }

    /// A line for the person, none in a pipe.
    pub(super) fn tell(&self, line: &str) {
        if self.is_terminal {
            speech::say(line);
        }
    }

    fn answer(&self, message: &Message) {
        let place = match &message.conversation {
            Conversation::User(_) => String::new(),
            other => format!("[{}] ", other.name()),
        };
        let text = shown(&message.body);
        if self.is_terminal {
            let indented = text.replace('\n', "\n  ");
            self.raw(&format!("\r\x1b[K{place}{}: {indented}\n", message.from));
        } else {
            // One line an answer, whatever the answer holds.
            let line = text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
            speech::data(format_args!("{place}{}: {line}", message.from));
        }
    }

    fn typing(&self, from: &UserId) {
        if self.is_terminal {
            self.raw(&format!("\r\x1b[K{from} is typing…"));
        }
    }

    fn prompt(&self) {
        if self.is_terminal {
            self.raw(&format!("\r\x1b[K{}> ", self.user));
        }
    }

    fn raw(&self, text: &str) {
        let mut out = io::stdout().lock();
        // A terminal that is gone ends the lines, too.
        drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }
}

/// The conversation at the terminal.
pub(super) struct Prompt<'a> {
    program: &'a Program,
    stage: &'a Stage,
    screen: Screen,
    to: Option<Conversation>,
    patience: Duration,
}

impl<'a> Prompt<'a> {
    pub(super) fn new(
        program: &'a Program,
        stage: &'a Stage,
        screen: Screen,
        patience: Duration,
    ) -> Self {
        let to = stage.bots.first().map(|(_, user)| Conversation::User(user.clone()));
        Self { program, stage, screen, to, patience }
    }

    /// Talks until the lines end.
    pub(super) async fn talk(mut self) -> anyhow::Result<ExitCode> {
        let mut seen = self.stage.guest.take_seen().context("the prompt runs already")?;
        let mut lines = read_lines()?;
        if self.screen.is_terminal {
            self.at_terminal(&mut lines, &mut seen).await
        } else {
            self.in_pipe(&mut lines, &mut seen).await
        }
    }

    async fn at_terminal(
        &mut self,
        lines: &mut mpsc::Receiver<io::Result<String>>,
        seen: &mut mpsc::Receiver<Seen>,
    ) -> anyhow::Result<ExitCode> {
        let mut typing_until: Option<Instant> = None;
        self.screen.prompt();
        loop {
            let typing_over = async {
                match typing_until {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                line = lines.recv() => {
                    let Some(line) = line else {
                        self.screen.raw("\n");
                        return Ok(ExitCode::SUCCESS);
                    };
                    let line = line.context("cannot read what you type")?;
                    if let Err(error) = self.line(&line).await {
                        speech::failed(&error, self.program);
                    }
                    typing_until = None;
                    self.screen.prompt();
                }
                Some(seen) = seen.recv() => match seen {
                    Seen::Ended(cause) => anyhow::bail!("you were logged out: {cause}"),
                    Seen::Message(message) => {
                        self.screen.answer(&message);
                        typing_until = None;
                        self.screen.prompt();
                    }
                    Seen::Typing(from) => {
                        self.screen.typing(&from);
                        typing_until = Some(Instant::now() + TYPING);
                    }
                },
                () = typing_over => {
                    typing_until = None;
                    self.screen.prompt();
                }
            }
        }
    }

    /// One line after the other, each with its answers before the next.
    async fn in_pipe(
        &mut self,
        lines: &mut mpsc::Receiver<io::Result<String>>,
        seen: &mut mpsc::Receiver<Seen>,
    ) -> anyhow::Result<ExitCode> {
        let mut n_lines = 0;
        while let Some(line) = lines.recv().await {
            n_lines += 1;
            let line = line.context("cannot read the lines")?;
            self.line(&line).await.with_context(|| format!("line {n_lines}"))?;
            let settled = async {
                let settled = self.stage.settled();
                tokio::pin!(settled);
                loop {
                    tokio::select! {
                        biased;
                        Some(seen) = seen.recv() => self.print(seen)?,
                        () = &mut settled => return anyhow::Ok(()),
                    }
                }
            };
            timeout(self.patience, settled).await.with_context(|| {
                let secs = self.patience.as_secs();
                format!("line {n_lines}: the bots were not done with it after {secs} s")
            })??;
            while let Ok(seen) = seen.try_recv() {
                self.print(seen)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn print(&self, seen: Seen) -> anyhow::Result<()> {
        match seen {
            Seen::Ended(cause) => anyhow::bail!("you were logged out: {cause}"),
            Seen::Message(message) => self.screen.answer(&message),
            Seen::Typing(_) => {}
        }
        Ok(())
    }

    async fn line(&mut self, line: &str) -> anyhow::Result<()> {
        let line = line.trim_end_matches(['\r', '\n']);
        match line.strip_prefix(':') {
            Some(order) if !order.starts_with(':') => self.order(order.trim()),
            _ if line.trim().is_empty() => Ok(()),
            _ => {
                let to = self.to.clone().context("there is nobody to talk to")?;
                // `::` begins a text that begins with a colon.
                let text = line.strip_prefix(':').unwrap_or(line);
                self.stage.guest.say(to, text.to_owned()).await
            }
        }
    }

    fn order(&mut self, order: &str) -> anyhow::Result<()> {
        match order.split_once(' ').unwrap_or((order, "")) {
            ("to", name) => {
                let to = self.stage.conversation(name.trim());
                self.to = Some(to.with_context(|| {
                    format!("there is no `{}`; try {}", name.trim(), self.stage.places())
                })?);
            }
            ("help", _) => {
                speech::say(format_args!(
                    "Type a message and press Enter.\nTalk somewhere else: {}.\nA text that begins with `:` is typed `::`. Ctrl-D ends.",
                    self.stage.places()
                ));
            }
            (unknown, _) => anyhow::bail!("there is no order `:{unknown}`; `:help` lists them"),
        }
        Ok(())
    }
}

/// Lines from stdin, read by a thread: a terminal cannot be waited for in any other way.
fn read_lines() -> anyhow::Result<mpsc::Receiver<io::Result<String>>> {
    let (sender, receiver) = mpsc::channel(1);
    let read = move || {
        for line in io::stdin().lock().split(b'\n') {
            // What is no UTF-8 is shown as such, not an end of the conversation.
            let line = line.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let is_over = line.is_err();
            if sender.blocking_send(line).is_err() || is_over {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(read)
        .context("cannot start a thread for stdin")?;
    Ok(receiver)
}
