//! A conversation with bots at a terminal.

use std::{
    io::{self, BufRead, BufReader, IsTerminal, Write},
    mem,
    time::Duration,
};

use easebot_model::{Conversation, UserId, chain};
use easebot_store::ItemId;
use tokio::{task::spawn_blocking, time};

use crate::{
    Testbed, TranscriptFault,
    parts::{shown, stop_time},
    people::ActError,
    replay::draft,
    sent::{address, continued},
    transcript::{Fault, SOMEBODY, Step, step},
};

impl Testbed {
    /// Lets whoever sits at the terminal talk to the bots, until the input ends (Ctrl-D).
    ///
    /// What is typed is a line of a [`Transcript`](crate::Transcript), and what bots say is shown as one. A line without a mark
    /// is what alice says to the first bot; `bob> hi` and `group ops/bob> hi` are others and elsewhere, `<image: cat.png>` is
    /// a picture, and `wait 10m` lets so much time pass at once. A group or room is made when it is first named, with everybody who has come.
    /// What cannot be done is said behind `#`.
    ///
    /// While it waits for a line at a terminal, time goes as the clock does. In a pipe time stands still, what a transcript
    /// expects to hear is skipped, and what was said is written, too: a transcript that holds comes out as it went in.
    ///
    /// # Errors
    /// What the terminal says.
    pub async fn talk(&self) -> io::Result<()> {
        let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        let input = Box::new(BufReader::new(io::stdin()));
        Talk::new(self, is_terminal, io::stdout()).from(input).await
    }
}

/// Where lines come from. A thread that waits for one has it for that long.
type Input = Box<dyn BufRead + Send>;

struct Talk<'a, W> {
    bed: &'a Testbed,
    is_terminal: bool,
    out: W,
    /// Where something was said last.
    home: Option<Conversation>,
    /// The line of a pipe that was read to see whether the text before it goes on.
    ahead: Option<String>,
    /// Who is in the next group or room.
    people: Vec<UserId>,
    /// What was given up and is shown.
    given_up: Vec<ItemId>,
}

/// A line that says how it goes, for who sits there.
const HINT: &str = "# You are alice. `bob> hi` is somebody else, `group ops/bob> hi` elsewhere, `wait 10m` lets time pass; Ctrl-D ends.";

/// How much of what was given up is shown.
const MAX_GIVEN_UP: usize = 1_000;

impl<'a, W: Write> Talk<'a, W> {
    fn new(bed: &'a Testbed, is_terminal: bool, out: W) -> Self {
        let people = vec![UserId::new(SOMEBODY)];
        Self { bed, is_terminal, out, home: None, ahead: None, people, given_up: Vec::new() }
    }

    async fn from(mut self, mut input: Input) -> io::Result<()> {
        if self.is_terminal {
            writeln!(self.out, "{HINT}")?;
        }
        while let Some(line) = self.typed(&mut input).await? {
            match read(&line, self.is_terminal) {
                Ok(None) => {}
                Ok(Some(step)) => {
                    if !self.is_terminal {
                        writeln!(self.out, "{}", written(&step))?;
                    }
                    if let Err(error) = self.act(step).await {
                        writeln!(self.out, "# {}", chain(&error))?;
                    }
                    self.show().await?;
                }
                Err(fault) => writeln!(self.out, "# this line {fault}")?,
            }
        }
        if self.is_terminal { writeln!(self.out) } else { Ok(()) }
    }

    /// The next line with those that go on with its text. None when there are no more.
    async fn typed(&mut self, input: &mut Input) -> io::Result<Option<String>> {
        if self.is_terminal {
            return self.line(input).await;
        }
        let mut text = match self.ahead.take() {
            Some(line) => line,
            None => match self.line(input).await? {
                Some(line) => line,
                None => return Ok(None),
            },
        };
        while let Some(line) = self.line(input).await? {
            let Some(more) = line.strip_prefix('|') else {
                self.ahead = Some(line);
                break;
            };
            text.push('\n');
            text.push_str(more.strip_prefix(' ').unwrap_or(more));
        }
        Ok(Some(text))
    }

    async fn line(&mut self, input: &mut Input) -> io::Result<Option<String>> {
        let mut reader = mem::replace(input, Box::new(io::empty()));
        // While such a task runs, tokio does not move a time that stands.
        let mut reading = spawn_blocking(move || {
            let mut line = Vec::new();
            let read = reader.read_until(b'\n', &mut line);
            (reader, read.map(|n_bytes| (n_bytes > 0).then_some(line)))
        });
        let (reader, line) = if self.is_terminal {
            write!(self.out, "> ")?;
            self.out.flush()?;
            let mut news = self.bed.0.crowd.memory().news();
            time::resume();
            let read = loop {
                tokio::select! {
                    read = &mut reading => break read,
                    Ok(()) = news.changed() => self.interrupt().await?,
                }
            };
            stop_time().map_err(io::Error::other)?;
            read
        } else {
            reading.await
        }
        .map_err(io::Error::other)?;
        *input = reader;
        // What is no UTF-8 is shown as such.
        let text = line?.map(|line| String::from_utf8_lossy(&line).into_owned());
        Ok(text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// Shows what bots say by themselves above the line that is being typed.
    async fn interrupt(&mut self) -> io::Result<()> {
        write!(self.out, "\r\x1b[K")?;
        self.show().await?;
        write!(self.out, "> ")?;
        self.out.flush()
    }

    async fn act(&mut self, step: Step) -> Result<(), ActError> {
        match step {
            Step::Hears { .. } => Ok(()),
            Step::Says { by, within, text } => {
                self.bed.come(&by).await?;
                if !self.people.contains(&by) {
                    self.people.push(by.clone());
                }
                let app = self.bed.app();
                let to = if let Some(place) = &within {
                    if !self.bed.has_place(place) {
                        self.bed.gather(place.clone(), &self.people).await?;
                    }
                    place.clone()
                } else {
                    let bots = self.bed.infos();
                    let Some(bot) = bots.into_iter().next() else { return Ok(()) };
                    Conversation::User(bot.user)
                };
                self.home = Some(within.unwrap_or_else(|| Conversation::User(by.clone())));
                self.bed.say(&app, &by, to, draft(&by, &text)).await?;
                self.bed.rest().await
            }
            Step::Waits(time) => self.bed.pass(time).await,
            Step::Posts { path, body } => {
                self.bed.post(&path, body).await?;
                self.bed.rest().await
            }
            Step::Breaks(fault) => {
                self.bed.break_with(fault).await?;
                self.bed.rest().await
            }
        }
    }

    /// Shows what was heard and given up since the last time.
    async fn show(&mut self) -> io::Result<()> {
        let mut heard = self.bed.0.crowd.memory().take();
        let home = self.home.clone();
        heard.sort_by_cached_key(|heard| {
            (home.as_ref() != Some(&heard.place), heard.place.to_string())
        });
        for heard in heard {
            let mark = if home.as_ref() == Some(&heard.place) {
                String::new()
            } else {
                address(&heard.place)
            };
            writeln!(self.out, "{mark}< {}", continued(&shown(&heard.message.body)))?;
        }
        // A store that does not answer has no more to show.
        let dead = self.bed.0.store.dead(None, MAX_GIVEN_UP).await.unwrap_or_default();
        for letter in dead {
            if !self.given_up.contains(&letter.id) {
                writeln!(self.out, "# given up by a bot: {}", letter.reason)?;
                self.given_up.push(letter.id);
            }
        }
        self.out.flush()
    }
}

/// What a line asks for: nothing, a step, or a text for the first bot.
fn read(line: &str, is_terminal: bool) -> Result<Option<Step>, TranscriptFault> {
    if line.trim().is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let says = || Step::Says { by: UserId::new(SOMEBODY), within: None, text: line.to_owned() };
    match step(line) {
        // Nobody types at a terminal what is to be heard: it is a text like `1 < 2`.
        Ok(Step::Hears { .. }) => Ok(is_terminal.then(says)),
        Ok(step) => Ok(Some(step)),
        Err(
            fault @ (TranscriptFault::NoFault
            | TranscriptFault::NoPath
            | TranscriptFault::NoSpeaker
            | TranscriptFault::OneListener),
        ) => Err(fault),
        Err(_) => Ok(Some(says())),
    }
}

/// A step as a transcript has it.
fn written(step: &Step) -> String {
    match step {
        Step::Says { by, within, text } => {
            let who = match within {
                Some(place) => format!("{}/{by}", address(place)),
                None if *by == SOMEBODY => String::new(),
                None => by.to_string(),
            };
            format!("{who}> {}", continued(text))
        }
        Step::Hears { place, text } => {
            format!("{}< {}", place.as_ref().map(address).unwrap_or_default(), continued(text))
        }
        Step::Waits(time) => format!("wait {}", spelt(*time)),
        Step::Posts { path, body } => format!("post {path} {body}"),
        Step::Breaks(Fault::Crash) => "! crash".to_owned(),
        Step::Breaks(Fault::Cut) => "! cut".to_owned(),
        Step::Breaks(Fault::Refuse(n)) => format!("! refuse {n}"),
        Step::Breaks(Fault::Restart) => "! restart".to_owned(),
    }
}

/// A time in the largest unit of which it is a whole number.
fn spelt(time: Duration) -> String {
    let ms = time.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let unit = units.into_iter().find(|(_, length)| ms > 0 && ms.is_multiple_of(*length));
    let (name, length) = unit.unwrap_or(("ms", 1));
    format!("{}{name}", ms / length)
}

#[cfg(test)]
mod tests;
