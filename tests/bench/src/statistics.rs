//! Medians, their spread, and ratios of what was measured in the same round.

use std::collections::BTreeMap;

/// What one run of a side gave: a name and a number each.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// The values of one figure of one side, a value for each round.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle value, or the mean of the two in the middle; NaN if there is none.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = sorted.len() / 2;
        let lower = (sorted.len().max(1) - 1) / 2;
        match (sorted.get(lower), sorted.get(upper)) {
            (Some(lower), Some(upper)) => f64::midpoint(*lower, *upper),
            _ => f64::NAN,
        }
    }

    /// The median distance from the median, as a part of the median: 0.05 says that half of the rounds are within 5 %.
    pub(crate) fn spread(&self) -> f64 {
        let median = self.median();
        let distances = Self(self.0.iter().map(|value| (value - median).abs()).collect());
        distances.median() / median.abs()
    }

    /// Each round's value over `other`'s of the same round, which leaves out what the machine did to both.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(mine, theirs)| mine / theirs).collect())
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        values.iter().copied().collect()
    }

    #[test]
    fn the_median_is_in_the_middle_wherever_the_values_stand() {
        assert_eq!(samples(&[9.0, 1.0, 5.0]).median(), 5.0);
        assert_eq!(samples(&[9.0, 1.0, 5.0, 7.0]).median(), 6.0);
        assert!(samples(&[]).median().is_nan());
    }

    #[test]
    fn one_bad_round_does_not_widen_the_spread() {
        assert_eq!(samples(&[10.0, 10.0, 10.0, 90.0]).spread(), 0.0);
        assert_eq!(samples(&[8.0, 10.0, 12.0]).spread(), 0.2);
    }

    #[test]
    fn a_ratio_is_made_round_by_round() {
        let (mine, theirs) = (samples(&[1.0, 20.0, 3.0]), samples(&[2.0, 40.0, 6.0]));
        assert_eq!(mine.over(&theirs).values(), [0.5, 0.5, 0.5]);
    }
}
