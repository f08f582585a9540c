//! Conversations in which something can be said now: by kind, a person's answer before bulk, in turn.

use std::collections::VecDeque;

use easebot_model::Conversation;
use easebot_plugin::Urgency;

use crate::pace::{Kind, PerKind};

/// What may wait for its turn in a place of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Class {
    pub(super) kind: Kind,
    pub(super) urgency: Urgency,
}

/// Lets answers go first, but not for ever: behind eight answers that overtook it, bulk has a turn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turns {
    n_overtaking: u8,
}

/// How many answers may overtake bulk that waits.
const MAX_OVERTAKING: u8 = 8;

impl Turns {
    /// Whose turn it is. None if nothing waits.
    pub(super) const fn next(self, has_answers: bool, has_bulk: bool) -> Option<Urgency> {
        match (has_answers, has_bulk) {
            (false, false) => None,
            (true, true) if self.n_overtaking >= MAX_OVERTAKING => Some(Urgency::Bulk),
            (true, _) => Some(Urgency::Answer),
            (false, true) => Some(Urgency::Bulk),
        }
    }

    /// It was the turn of `urgency`, while bulk waited or not.
    pub(super) const fn took(&mut self, urgency: Urgency, has_bulk: bool) {
        self.n_overtaking = match urgency {
            Urgency::Answer if has_bulk => self.n_overtaking.saturating_add(1),
            _ => 0,
        };
    }
}

/// The conversations of one kind, in the order in which they came.
#[derive(Debug, Default)]
struct Queue {
    answers: Line,
    bulk: Line,
    turns: Turns,
}

/// Conversations with their places, in the order of these.
type Line = VecDeque<(u64, Conversation)>;

/// All conversations in which something can be said now. Each is in one place only.
#[derive(Debug, Default)]
pub(super) struct Ready {
    queues: PerKind<Queue>,
    last: u64,
}

impl Queue {
    const fn of(&mut self, urgency: Urgency) -> &mut Line {
        match urgency {
            Urgency::Answer => &mut self.answers,
            Urgency::Bulk => &mut self.bulk,
        }
    }
}

impl Ready {
    /// Puts `to` behind the others of its class. Gives its place.
    pub(super) fn push(&mut self, class: Class, to: Conversation) -> u64 {
        self.last += 1;
        self.queues.of(class.kind).of(class.urgency).push_back((self.last, to));
        self.last
    }

    pub(super) fn remove(&mut self, class: Class, place: u64) {
        let line = self.queues.of(class.kind).of(class.urgency);
        if let Ok(at) = line.binary_search_by_key(&place, |(place, _)| *place) {
            line.remove(at);
        }
    }

    pub(super) fn is_empty(&mut self, kind: Kind) -> bool {
        let queue = self.queues.of(kind);
        queue.answers.is_empty() && queue.bulk.is_empty()
    }

    /// Takes the conversation of `kind` whose turn it is.
    pub(super) fn pop(&mut self, kind: Kind) -> Option<(Class, Conversation)> {
        let queue = self.queues.of(kind);
        let has_bulk = !queue.bulk.is_empty();
        let urgency = queue.turns.next(!queue.answers.is_empty(), has_bulk)?;
        queue.turns.took(urgency, has_bulk);
        let (_, to) = queue.of(urgency).pop_front()?;
        Some((Class { kind, urgency }, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: Class = Class { kind: Kind::User, urgency: Urgency::Answer };
    const BULK: Class = Class { kind: Kind::User, urgency: Urgency::Bulk };

    #[test]
    fn answers_go_first_and_bulk_has_every_ninth_turn() {
        let mut ready = Ready::default();
        for n in 0..20 {
            ready.push(BULK, Conversation::user(format!("bulk{n}")));
        }
        for n in 0..20 {
            ready.push(ANSWER, Conversation::user(format!("answer{n}")));
        }
        let mut turns = String::new();
        while let Some((class, ..)) = ready.pop(Kind::User) {
            turns.push(if class == ANSWER { 'a' } else { 'b' });
        }
        assert_eq!(turns, "aaaaaaaabaaaaaaaabaaaabbbbbbbbbbbbbbbbbb");
    }

    #[test]
    fn conversations_of_a_class_come_in_turn() {
        let mut ready = Ready::default();
        for name in ["ann", "bob", "eve"] {
            ready.push(ANSWER, Conversation::user(name));
        }
        let mut names = Vec::new();
        while let Some((_, to)) = ready.pop(Kind::User) {
            names.push(to.name().to_owned());
        }
        assert_eq!(names, ["ann", "bob", "eve"]);
        assert!(ready.is_empty(Kind::User));
    }

    #[test]
    fn answers_that_overtake_nothing_are_not_counted() {
        let mut turns = Turns::default();
        for _ in 0..100 {
            turns.took(Urgency::Answer, false);
        }
        assert_eq!(turns.next(true, true), Some(Urgency::Answer));
    }
}
