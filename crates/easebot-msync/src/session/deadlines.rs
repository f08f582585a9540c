//! What is to be answered by when.

use std::{collections::VecDeque, time::Instant};

/// What waits for an answer, in the order in which it was asked. All wait equally long, so that is also the order of deadlines.
#[derive(Debug)]
pub(super) struct Deadlines<T> {
    /// The number of the first of `waiting`.
    first: u64,
    /// None: it was answered. The first one waits.
    waiting: VecDeque<Option<(Instant, T)>>,
}

impl<T> Default for Deadlines<T> {
    fn default() -> Self {
        Self { first: 0, waiting: VecDeque::new() }
    }
}

impl<T> Deadlines<T> {
    /// `what` is to be answered by `deadline`, which is not before that of the one before. Gives its number, which nothing else
    /// ever has.
    pub(super) fn push(&mut self, deadline: Instant, what: T) -> u64 {
        let n_waiting = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        self.waiting.push_back(Some((deadline, what)));
        self.first.saturating_add(n_waiting)
    }

    /// What has this number was answered. None: it does not wait.
    pub(super) fn remove(&mut self, number: u64) -> Option<T> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let (_, what) = self.waiting.get_mut(place)?.take()?;
        while self.waiting.pop_front_if(|waiting| waiting.is_none()).is_some() {
            self.first += 1;
        }
        Some(what)
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.front()?.as_ref().map(|(deadline, _)| *deadline)
    }

    /// Takes one out whose time is over.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<T> {
        (self.next()? <= now).then(|| self.remove(self.first)).flatten()
    }

    /// Takes all out, in their order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.first =
            self.first.saturating_add(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX));
        std::mem::take(&mut self.waiting).into_iter().flatten().map(|(_, what)| what)
    }

    /// Gives back room that nothing is in.
    pub(super) fn shrink_to_fit(&mut self) {
        self.waiting.shrink_to_fit();
    }

    /// For how many there is room.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.waiting.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant can only be made from a clock; the value does not matter"
    )]
    fn the_next_deadline_is_that_of_the_first_that_was_not_answered() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut deadlines = Deadlines::default();
        let asked = [(1, "a"), (2, "b"), (3, "c"), (4, "d")];
        let numbers = asked.map(|(secs, what)| deadlines.push(at(secs), what));
        assert_eq!(deadlines.next(), Some(at(1)));
        assert_eq!(deadlines.remove(numbers[1]), Some("b"));
        assert_eq!(deadlines.remove(numbers[1]), None, "it is answered");
        assert_eq!(deadlines.next(), Some(at(1)));
        assert_eq!(deadlines.remove(numbers[0]), Some("a"));
        assert_eq!(deadlines.next(), Some(at(3)));
        assert_eq!(deadlines.remove(numbers[0]), None);
        assert_eq!(deadlines.remove(99), None);
        assert_eq!(deadlines.take_expired(at(2)), None);
        assert_eq!(deadlines.take_expired(at(3)), Some("c"));
        assert_eq!(deadlines.push(at(5), "e"), numbers[3] + 1);
        assert_eq!(deadlines.drain().collect::<Vec<_>>(), ["d", "e"]);
        assert_eq!((deadlines.next(), deadlines.remove(numbers[3])), (None, None));
        assert_eq!(deadlines.push(at(6), "f"), numbers[3] + 2, "a number is used once");
        deadlines.shrink_to_fit();
        assert_eq!(deadlines.next(), Some(at(6)));
    }
}
