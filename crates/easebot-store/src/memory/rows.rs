//! Rows that are numbered one behind the other.

use std::collections::{BTreeMap, VecDeque};

/// Rows by number. Numbers begin with 1 and are never used again.
///
/// Nearly all rows go in the order in which they came, so they stand one behind the other, and finding one is no search. What has
/// to stay longer stands apart.
#[derive(Debug)]
pub(super) struct Rows<T> {
    /// The number of the first of `young`.
    first: i64,
    young: VecDeque<T>,
    /// Rows that were old once, and had to stay.
    held: BTreeMap<i64, T>,
    /// The last of `held` that was looked at.
    looked: i64,
    /// How many of `held` were looked at in this turn.
    n_looked: usize,
}

/// How many of those that had to stay are looked at in a turn: there may be as many as wait to be sent.
const HELD_A_TURN: usize = 8;

/// What is to be done with a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Age {
    Young,
    /// It is old, and has to stay for now.
    Held,
    Over,
}

/// What a step of pruning has done.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Step<T> {
    /// There is nothing to be done for now.
    None,
    /// One has to stay.
    Held,
    Over(i64, T),
}

impl<T> Rows<T> {
    pub(super) const fn new() -> Self {
        Self { first: 1, young: VecDeque::new(), held: BTreeMap::new(), looked: 0, n_looked: 0 }
    }

    /// The number that comes next.
    pub(super) fn next(&self) -> i64 {
        self.first.saturating_add_unsigned(u64::try_from(self.young.len()).unwrap_or(u64::MAX))
    }

    /// Puts `row` behind the others. Gives its number.
    pub(super) fn push(&mut self, row: T) -> i64 {
        let number = self.next();
        self.young.push_back(row);
        number
    }

    pub(super) fn get(&self, number: i64) -> Option<&T> {
        match self.place(number) {
            Some(place) => self.young.get(place),
            None => self.held.get(&number),
        }
    }

    pub(super) fn get_mut(&mut self, number: i64) -> Option<&mut T> {
        match self.place(number) {
            Some(place) => self.young.get_mut(place),
            None => self.held.get_mut(&number),
        }
    }

    /// Where it stands among the young ones; `None` if it is before them.
    fn place(&self, number: i64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    /// Takes the first row that is over by `age`, or looks at one that is not young. A turn ends with [`Step::None`].
    pub(super) fn prune(&mut self, age: impl Fn(i64, &T) -> Age) -> Step<T> {
        let first = self.first;
        let is_young = |row: &mut T| age(first, row) == Age::Young;
        if let Some(row) = self.young.pop_front_if(|row| !is_young(row)) {
            self.first += 1;
            return match age(first, &row) {
                Age::Over => Step::Over(first, row),
                Age::Held | Age::Young => {
                    self.held.insert(first, row);
                    Step::Held
                }
            };
        }
        if self.n_looked == HELD_A_TURN {
            self.n_looked = 0;
            return Step::None;
        }
        let Some((&number, row)) = self.held.range(self.looked + 1..).next() else {
            (self.looked, self.n_looked) = (0, 0);
            return Step::None;
        };
        self.looked = number;
        self.n_looked += 1;
        match age(number, row) {
            Age::Over => {
                self.held.remove(&number).map_or(Step::None, |row| Step::Over(number, row))
            }
            Age::Held | Age::Young => Step::Held,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_order_and_those_that_have_to_stay_are_found_until_they_may_go() {
        let mut rows = Rows::new();
        assert_eq!(["a", "b", "c"].map(|row| rows.push(row)), [1, 2, 3]);
        let stays = |number: i64, _: &&str| match number {
            1 => Age::Over,
            2 => Age::Held,
            _ => Age::Young,
        };
        assert_eq!(rows.prune(stays), Step::Over(1, "a"));
        assert_eq!(rows.prune(stays), Step::Held);
        assert_eq!(rows.prune(stays), Step::Held, "it is looked at once in a turn");
        assert_eq!(rows.prune(stays), Step::None);
        assert_eq!(
            [0, 1, 2, 3, 4].map(|number| rows.get(number).copied()),
            [None, None, Some("b"), Some("c"), None]
        );
        *rows.get_mut(2).unwrap() = "B";
        assert_eq!([2, 3].map(|number| rows.get(number).copied()), [Some("B"), Some("c")]);
        assert_eq!(rows.push("d"), 4);
        let over = |number: i64, _: &&str| if number < 4 { Age::Over } else { Age::Young };
        let gone: Vec<_> = std::iter::repeat_with(|| rows.prune(over)).take(3).collect();
        assert_eq!(gone, [Step::Over(3, "c"), Step::Over(2, "B"), Step::None]);
        assert_eq!(rows.next(), 5);
    }

    #[test]
    fn a_turn_looks_at_a_few_of_those_that_have_to_stay_and_the_next_one_at_others() {
        let mut rows = Rows::new();
        let n = i64::try_from(HELD_A_TURN).unwrap() + 3;
        (1..=n).for_each(|number| assert_eq!(rows.push(()), number));
        (1..=n).for_each(|_| assert_eq!(rows.prune(|_, ()| Age::Held), Step::Held));
        let mut turn = || {
            let looked = std::cell::RefCell::new(Vec::new());
            let held = |number: i64, _: &()| {
                looked.borrow_mut().push(number);
                Age::Held
            };
            while rows.prune(held) != Step::None {}
            looked.into_inner()
        };
        assert_eq!(turn(), (1..=n - 3).collect::<Vec<_>>());
        assert_eq!(turn(), [n - 2, n - 1, n]);
        assert_eq!(turn(), (1..=n - 3).collect::<Vec<_>>());
    }
}
