//! Numbers in order.

use std::collections::VecDeque;

/// Rows in the order of their numbers. Nearly all are put behind the others and taken from near the front, which is no search
/// through a tree.
#[derive(Debug)]
pub(super) struct Line<T>(VecDeque<T>);

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Copy + Ord> Line<T> {
    pub(super) fn insert(&mut self, row: T) {
        if self.0.back().is_none_or(|last| *last < row) {
            self.0.push_back(row);
        } else if let Err(place) = self.0.binary_search(&row) {
            self.0.insert(place, row);
        }
    }

    pub(super) fn remove(&mut self, row: T) {
        if let Ok(place) = self.0.binary_search(&row) {
            self.0.remove(place);
        }
    }

    /// Those behind `after`, or all.
    pub(super) fn behind(&self, after: Option<T>) -> impl Iterator<Item = T> {
        let place = after.map_or(0, |after| self.0.partition_point(|row| *row <= after));
        self.0.range(place..).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_stay_in_order_whichever_comes_or_goes_first() {
        let mut line = Line::default();
        [3, 5, 9, 4, 1, 5].into_iter().for_each(|row| line.insert(row));
        assert_eq!(line.behind(None).collect::<Vec<_>>(), [1, 3, 4, 5, 9]);
        [4, 9, 2].into_iter().for_each(|row| line.remove(row));
        assert_eq!(line.behind(None).collect::<Vec<_>>(), [1, 3, 5]);
        assert_eq!(line.behind(Some(3)).collect::<Vec<_>>(), [5]);
        assert_eq!(line.behind(Some(4)).collect::<Vec<_>>(), [5]);
        assert_eq!(line.behind(Some(7)).count(), 0);
    }
}
