//! Who writes at the moment.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use easebot_model::{Conversation, Typing, UserId};

/// Those who write, each until some time after it said so last.
#[derive(Debug)]
pub(super) struct Typers {
    lasts: Duration,
    capacity: usize,
    /// In the order of their ends, because all last equally long.
    typers: VecDeque<(Instant, Conversation, UserId)>,
}

impl Typers {
    pub(super) const fn new(lasts: Duration, capacity: usize) -> Self {
        Self { lasts, capacity, typers: VecDeque::new() }
    }

    /// `typing` began or goes on. Gives the one whose place it took, if there are too many.
    pub(super) fn began(&mut self, typing: &Typing, now: Instant) -> Option<Typing> {
        self.remove(&typing.conversation, &typing.from);
        let until = now + self.lasts;
        self.typers.push_back((until, typing.conversation.clone(), typing.from.clone()));
        if self.typers.len() > self.capacity { self.pop() } else { None }
    }

    /// `from` has stopped, or said what it wrote. Gives the end, if it was writing.
    pub(super) fn ended(&mut self, conversation: &Conversation, from: &UserId) -> Option<Typing> {
        self.remove(conversation, from).then(|| stopped(conversation.clone(), from.clone()))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.typers.front().map(|(until, ..)| *until)
    }

    /// The next one that was not heard of in time.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Typing> {
        if self.deadline()? > now {
            return None;
        }
        self.pop()
    }

    fn pop(&mut self) -> Option<Typing> {
        self.typers.pop_front().map(|(_, conversation, from)| stopped(conversation, from))
    }

    /// Few write at the same time, mostly nobody: looking through them is cheaper than a map.
    fn remove(&mut self, conversation: &Conversation, from: &UserId) -> bool {
        let is_it = |(_, at, who): &(_, Conversation, UserId)| who == from && at == conversation;
        let place = self.typers.iter().position(is_it);
        place.is_some_and(|place| self.typers.remove(place).is_some())
    }
}

const fn stopped(conversation: Conversation, from: UserId) -> Typing {
    Typing { conversation, from, is_typing: false }
}
