//! What bots have said.

use std::{fmt, panic::Location};

use easebot_model::{Conversation, Message};

use crate::{Testbed, parts::shown};

/// What bots have said, in the order in which they said it.
///
/// Shown it is a transcript of what was heard: `alice< pong` or `group ops< hello`, so that a test can compare it as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The messages as the server has them.
    pub messages: Vec<Message>,
}

impl Testbed {
    /// Waits until the bots have nothing to do, and gives everything that they have said to anybody since the test began, edits
    /// applied: the last 10,000 messages of each conversation. What was recalled, what only some members of a group were told,
    /// and commands without a conversation are not in it.
    ///
    /// # Panics
    /// When the bots still work after an hour.
    #[track_caller]
    pub fn sent(&self) -> impl Future<Output = Sent> {
        let at = Location::caller();
        async move {
            self.settled(at).await;
            let said = self.infos().into_iter().filter_map(|bot| {
                let control = self.0.ground.control(&bot.app_key)?;
                Some(control.said_by(&bot.user))
            });
            let mut messages: Vec<_> = said.flatten().collect();
            messages.sort_by_key(|message| message.id);
            Sent { messages }
        }
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages.iter().try_for_each(|message| {
            let words = shown(&message.body);
            writeln!(f, "{}< {}", address(&message.conversation), continued(&words))
        })
    }
}

/// How a transcript names what is said to somebody.
pub(crate) fn address(place: &Conversation) -> String {
    match place {
        Conversation::User(user) => user.to_string(),
        place => format!("{} {}", place.kind().as_str(), place.name()),
    }
}

/// Lines as a transcript has them: each but the first behind `|`.
pub(crate) fn continued(words: &str) -> String {
    let mut lines = words.split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |all, line| match line {
        "" => all + "\n|",
        line => all + "\n| " + line,
    })
}
