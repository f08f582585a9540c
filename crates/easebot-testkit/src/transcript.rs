//! A conversation in lines: what was said, and what was heard.

use std::{num::IntErrorKind, str::FromStr, time::Duration};

use easebot_model::{Conversation, GroupId, RoomId, UserId};
use thiserror::Error;

/// A conversation that has to go as it is written.
///
/// ```text
/// # What stands behind a # is for readers only; empty lines are, too.
/// > /ping
/// < pong
/// bob> /help
/// < /ping  says pong
/// | /roll  rolls a die
/// group ops/bob> hello, bot
/// < hello, bob
/// alice< bob is in ops
/// wait 10m
/// group ops< it is quiet here
/// ```
///
/// | line | what |
/// |---|---|
/// | `> TEXT` | alice says it to the first bot |
/// | `NAME> TEXT` | this person does |
/// | `group ID/NAME> TEXT`, `room ID/NAME> TEXT` | this person says it there |
/// | `< TEXT` | a bot says it where something was said last: to the person who said it, or in that group or room |
/// | `NAME< TEXT` | a bot says it to this person alone |
/// | `group ID< TEXT`, `room ID< TEXT` | a bot says it there |
/// | `\| TEXT` | one more line of the text before; a bare `\|` is an empty one |
/// | `wait TIME` | so much time passes: `250ms`, `5s`, `10m`, `2h`, `1d` |
/// | `post PATH BODY` | another system posts BODY, on one line, to a hook of a plugin, which has to take it; needs [`Setup::pages`](crate::Setup::pages) |
/// | `! cut` | the link of the first bot breaks without a word; it comes back by itself |
/// | `! refuse N` | the server refuses the next N sends of the first bot for now |
/// | `! restart`, `! crash` | the bots stop as a process that ends well, or as one that is killed, and start again on what they have saved; needs [`Setup::start_with`](crate::Setup::start_with) |
///
/// All that bots say has to be there before the next thing that is said, in order within each conversation: two lines with `>`
/// in a row mean that the first had no answer. One space behind the mark belongs to it. What is no text is written `<kind: what names it>` where it is
/// heard; `<image: PATH>`, `<file: PATH>` and `<custom: EVENT>` can be said, too, and `<combine: one | two>` is what somebody
/// forwards of their own as one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Transcript {
    pub(crate) lines: Vec<Line>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    /// Its number in the text, from 1.
    pub(crate) number: usize,
    pub(crate) step: Step,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Breaks(Fault),
    Hears {
        /// None: where something was said last.
        place: Option<Conversation>,
        text: String,
    },
    Posts {
        path: String,
        body: String,
    },
    Says {
        by: UserId,
        /// None: to the first bot, one to one.
        within: Option<Conversation>,
        text: String,
    },
    Waits(Duration),
}

/// What goes wrong on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    Crash,
    Cut,
    Refuse(usize),
    Restart,
}

/// Why a text is no transcript.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("line {line} of the transcript {fault}")]
pub struct ParseTranscriptError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: TranscriptFault,
}

/// What is wrong with a line of a transcript.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TranscriptFault {
    /// A line with `|` stands behind nothing that was said.
    #[error("goes on with a text, but no text stands before it")]
    NothingToContinue,
    /// It says who hears it in a group.
    #[error(
        "says who hears it in a group or room: all do, so it begins with `group ID<` or `room ID<`"
    )]
    OneListener,
    /// What goes wrong is not known.
    #[error("breaks nothing: there are `! cut`, `! refuse N`, `! restart` and `! crash`")]
    NoFault,
    /// It does not say where something is posted.
    #[error("does not say where it posts what: it is `post /PATH BODY`")]
    NoPath,
    /// It does not say who speaks in a group.
    #[error("does not say who speaks there: it begins with `group ID/NAME>` or `room ID/NAME>`")]
    NoSpeaker,
    /// The time of a wait cannot be read.
    #[error("has no time such as 250ms, 5s, 10m, 2h or 1d behind `wait`, of at most a year")]
    NoTime,
    /// It is none of these.
    #[error(
        "is none of `> TEXT`, `< TEXT`, `| TEXT`, `wait TIME`, `post PATH BODY`, `! FAULT` and `# TEXT`"
    )]
    Unknown,
}

/// Who speaks where nobody is named.
pub(crate) const SOMEBODY: &str = "alice";

/// The longest wait.
const MAX_WAIT_MS: u64 = 366 * 24 * 60 * 60 * 1000;

impl FromStr for Transcript {
    type Err = ParseTranscriptError;

    fn from_str(text: &str) -> Result<Self, ParseTranscriptError> {
        let mut lines: Vec<Line> = Vec::new();
        // Whether a text stands right before.
        let mut goes_on = false;
        for (number, line) in (1..).zip(text.lines()) {
            let at = |fault| ParseTranscriptError { line: number, fault };
            if line.trim().is_empty() || line.starts_with('#') {
                goes_on = false;
            } else if let Some(more) = line.strip_prefix('|') {
                let nothing = at(TranscriptFault::NothingToContinue);
                match lines.last_mut().map(|line| &mut line.step) {
                    Some(Step::Hears { text, .. } | Step::Says { text, .. }) if goes_on => {
                        text.push('\n');
                        text.push_str(more.strip_prefix(' ').unwrap_or(more));
                    }
                    _ => return Err(nothing),
                }
            } else {
                let step = step(line).map_err(at)?;
                goes_on = matches!(step, Step::Hears { .. } | Step::Says { .. });
                lines.push(Line { number, step });
            }
        }
        Ok(Self { lines })
    }
}

pub(crate) fn step(line: &str) -> Result<Step, TranscriptFault> {
    if let Some(order) = line.strip_prefix('!') {
        return fault(order.trim()).map(Step::Breaks).ok_or(TranscriptFault::NoFault);
    }
    if let Some(request) = line.strip_prefix("post ") {
        let (path, body) = request.trim().split_once(' ').ok_or(TranscriptFault::NoPath)?;
        if !path.starts_with('/') {
            return Err(TranscriptFault::NoPath);
        }
        return Ok(Step::Posts { path: path.to_owned(), body: body.trim().to_owned() });
    }
    let Some((who, text)) = line.split_once(['<', '>']) else {
        let time = line.strip_prefix("wait").ok_or(TranscriptFault::Unknown)?;
        return wait(time.trim()).map(Step::Waits).ok_or(TranscriptFault::NoTime);
    };
    let is_said = line.get(who.len()..).is_some_and(|rest| rest.starts_with('>'));
    let text = text.strip_prefix(' ').unwrap_or(text).to_owned();
    let who = who.trim();
    let within = if let Some(rest) = who.strip_prefix("group ") {
        Some((rest, "group"))
    } else {
        who.strip_prefix("room ").map(|rest| (rest, "room"))
    };
    let Some((rest, kind)) = within else {
        if who.contains(char::is_whitespace) {
            return Err(TranscriptFault::Unknown);
        }
        let named = Some(who).filter(|who| !who.is_empty());
        return Ok(if is_said {
            Step::Says { by: UserId::new(named.unwrap_or(SOMEBODY)), within: None, text }
        } else {
            Step::Hears { place: named.map(Conversation::user), text }
        });
    };
    let place = |id: &str| match kind {
        "group" => Conversation::Group(GroupId::new(id)),
        _ => Conversation::Room(RoomId::new(id)),
    };
    match (rest.trim().split_once('/'), is_said) {
        (Some((id, by)), true) if !id.is_empty() && !by.is_empty() => {
            Ok(Step::Says { by: UserId::new(by), within: Some(place(id)), text })
        }
        (None, false) if !rest.trim().is_empty() => {
            Ok(Step::Hears { place: Some(place(rest.trim())), text })
        }
        (_, true) => Err(TranscriptFault::NoSpeaker),
        (_, false) => Err(TranscriptFault::OneListener),
    }
}

fn fault(order: &str) -> Option<Fault> {
    match order.split_once(' ').unwrap_or((order, "")) {
        ("crash", "") => Some(Fault::Crash),
        ("cut", "") => Some(Fault::Cut),
        ("refuse", n) => n.trim().parse().ok().map(Fault::Refuse),
        ("restart", "") => Some(Fault::Restart),
        _ => None,
    }
}

fn wait(time: &str) -> Option<Duration> {
    let digits = time.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = time.split_at_checked(digits)?;
    let number = match number.parse::<u64>() {
        Ok(number) => number,
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => u64::MAX,
        Err(_) => return None,
    };
    let ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(ms).filter(|ms| *ms <= MAX_WAIT_MS).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Line> {
        text.parse::<Transcript>().unwrap().lines
    }

    fn says(by: &str, within: Option<Conversation>, text: &str) -> Step {
        Step::Says { by: UserId::new(by), within, text: text.to_owned() }
    }

    fn hears(place: Option<Conversation>, text: &str) -> Step {
        Step::Hears { place, text: text.to_owned() }
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        let group = || Some(Conversation::group("ops"));
        let cases = [
            ("> hi", says("alice", None, "hi")),
            (">hi", says("alice", None, "hi")),
            (">  hi ", says("alice", None, " hi ")),
            ("bob> a < b", says("bob", None, "a < b")),
            ("group ops/bob> hi", says("bob", group(), "hi")),
            ("room lobby/bob> hi", says("bob", Some(Conversation::room("lobby")), "hi")),
            ("< hi", hears(None, "hi")),
            ("< <image: cat.png>", hears(None, "<image: cat.png>")),
            ("bob< a > b", hears(Some(Conversation::user("bob")), "a > b")),
            ("group ops< hi", hears(group(), "hi")),
            ("wait 250ms", Step::Waits(Duration::from_millis(250))),
            ("wait 2h", Step::Waits(Duration::from_secs(7200))),
            ("! cut", Step::Breaks(Fault::Cut)),
            ("! refuse 2", Step::Breaks(Fault::Refuse(2))),
            ("! restart", Step::Breaks(Fault::Restart)),
            ("! crash", Step::Breaks(Fault::Crash)),
            (
                "post /hooks/a {\"text\": \"a < b\"}",
                Step::Posts { path: "/hooks/a".into(), body: "{\"text\": \"a < b\"}".into() },
            ),
        ];
        for (line, step) in cases {
            assert_eq!(read(line), [Line { number: 1, step }], "{line}");
        }
    }

    #[test]
    fn a_text_goes_on_behind_a_bar_and_comments_are_skipped() {
        let lines = read("# how it goes\n\n> one\n|\n|  two\n# and\n< three\r\n");
        assert_eq!(
            lines,
            [
                Line { number: 3, step: says("alice", None, "one\n\n two") },
                Line { number: 7, step: hears(None, "three") },
            ]
        );
    }

    #[test]
    fn what_is_no_transcript_is_told_with_its_line() {
        use TranscriptFault::{
            NoFault, NoPath, NoSpeaker, NoTime, NothingToContinue, OneListener, Unknown,
        };
        let cases = [
            ("| a", NothingToContinue),
            ("wait 5s\n| a", NothingToContinue),
            ("> a\n\n| b", NothingToContinue),
            ("group ops/bob< a", OneListener),
            ("group ops> a", NoSpeaker),
            ("group /bob> a", NoSpeaker),
            ("wait", NoTime),
            ("wait 5", NoTime),
            ("wait 5 minutes", NoTime),
            ("wait 99999999999999999999d", NoTime),
            ("! cut the link", NoFault),
            ("! refuse all", NoFault),
            ("!", NoFault),
            ("post /hooks/a", NoPath),
            ("post hooks body", NoPath),
            ("hello", Unknown),
            ("he said> hello", Unknown),
        ];
        for (text, fault) in cases {
            let line = text.lines().count();
            let error = text.parse::<Transcript>().unwrap_err();
            assert_eq!(error, ParseTranscriptError { line, fault }, "{text}");
        }
    }
}
