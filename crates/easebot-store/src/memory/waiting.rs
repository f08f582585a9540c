//! What is to be sent.

use std::collections::VecDeque;

use super::tables::Account;
use crate::OutgoingRow;

/// The rows of each account that are to be sent, in the order of their numbers. Nearly all are put behind the others and taken
/// from near the front, which is no search through a tree.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<VecDeque<OutgoingRow>>);

impl Waiting {
    pub(super) fn insert(&mut self, account: Account, row: OutgoingRow) {
        if self.0.len() <= account {
            self.0.resize_with(account + 1, VecDeque::new);
        }
        let Some(rows) = self.0.get_mut(account) else { return };
        if rows.back().is_none_or(|last| *last < row) {
            rows.push_back(row);
        } else if let Err(place) = rows.binary_search(&row) {
            rows.insert(place, row);
        }
    }

    pub(super) fn remove(&mut self, account: Account, row: OutgoingRow) {
        if let Some(rows) = self.0.get_mut(account)
            && let Ok(place) = rows.binary_search(&row)
        {
            rows.remove(place);
        }
    }

    /// Those of `account` behind `after`, or all of them.
    pub(super) fn of(
        &self,
        account: Account,
        after: Option<OutgoingRow>,
    ) -> impl Iterator<Item = OutgoingRow> {
        self.0.get(account).into_iter().flat_map(move |rows| {
            let place = after.map_or(0, |after| rows.partition_point(|row| *row <= after));
            rows.range(place..).copied()
        })
    }

    /// Those of all accounts.
    pub(super) fn all(&self) -> impl Iterator<Item = (Account, OutgoingRow)> {
        let of_each = self.0.iter().enumerate();
        of_each.flat_map(|(account, rows)| rows.iter().map(move |row| (account, *row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_stay_in_order_whichever_comes_or_goes_first() {
        let mut waiting = Waiting::default();
        let of = |waiting: &Waiting, account, after: Option<i64>| -> Vec<_> {
            waiting.of(account, after.map(OutgoingRow)).map(|OutgoingRow(row)| row).collect()
        };
        [3, 5, 9, 4, 1, 5].into_iter().for_each(|row| waiting.insert(1, OutgoingRow(row)));
        assert_eq!(of(&waiting, 1, None), [1, 3, 4, 5, 9]);
        [4, 9, 2].into_iter().for_each(|row| waiting.remove(1, OutgoingRow(row)));
        assert_eq!(of(&waiting, 1, None), [1, 3, 5]);
        assert_eq!([3, 4, 7].map(|after| of(&waiting, 1, Some(after)).len()), [1, 1, 0]);

        waiting.insert(0, OutgoingRow(2));
        waiting.remove(0, OutgoingRow(3));
        waiting.remove(7, OutgoingRow(3));
        assert_eq!(of(&waiting, 7, None), [0_i64; 0]);
        let all = waiting.all().map(|(account, OutgoingRow(row))| (account, row));
        assert_eq!(all.collect::<Vec<_>>(), [(0, 2), (1, 1), (1, 3), (1, 5)]);
    }
}
