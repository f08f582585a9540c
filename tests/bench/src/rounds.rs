//! The sides of a comparison take turns, so that what the machine does besides falls on all of them.

use std::collections::BTreeMap;

use crate::console::Console;
use crate::statistics::{Figures, Samples};

/// What the rounds gave one side.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) side: String,
    figures: BTreeMap<&'static str, Samples>,
}

impl Series {
    /// The values of a figure; empty if the side does not have it.
    pub(crate) fn of(&self, figure: &str) -> Samples {
        self.figures.get(figure).cloned().unwrap_or_default()
    }

    /// All that was measured, for the raw results.
    pub(crate) fn raw(&self) -> serde_json::Value {
        let figures = self.figures.iter().map(|(name, samples)| {
            ((*name).to_owned(), serde_json::Value::from(samples.values().to_vec()))
        });
        serde_json::Value::Object(figures.collect())
    }
}

/// Runs each side once a round; each round begins with another side. The answers are in the order of `sides`.
///
/// # Errors
/// The first of a side: a round with a hole in it cannot be compared.
pub(crate) fn alternate<S: ToString>(
    console: Console,
    rounds: usize,
    sides: &[S],
    mut run: impl FnMut(&S) -> anyhow::Result<Figures>,
) -> anyhow::Result<Vec<Series>> {
    let mut all: Vec<Series> = sides
        .iter()
        .map(|side| Series { side: side.to_string(), figures: BTreeMap::new() })
        .collect();
    for round in 0..rounds {
        for place in order(round, sides.len()) {
            let (Some(side), Some(series)) = (sides.get(place), all.get_mut(place)) else {
                continue;
            };
            console.progress(&format!("round {} of {rounds}: {}", round + 1, series.side));
            for (figure, value) in run(side)? {
                series.figures.entry(figure).or_default().push(value);
            }
        }
    }
    Ok(all)
}

/// The sides of a round: all, from another one on each time.
fn order(round: usize, sides: usize) -> impl Iterator<Item = usize> {
    (0..sides).map(move |place| (place + round) % sides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_runs_once_a_round_and_none_is_always_first() {
        let rounds: Vec<Vec<usize>> = (0..3).map(|round| order(round, 3).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }

    #[test]
    fn values_of_the_same_round_stand_at_the_same_place() {
        let mut clock = 0.0;
        let series = alternate(Console, 3, &["a", "b"], |_| {
            clock += 1.0;
            Ok(Figures::from([("time", clock)]))
        })
        .unwrap();
        assert_eq!(series[0].of("time").values(), [1.0, 4.0, 5.0]);
        assert_eq!(series[1].of("time").values(), [2.0, 3.0, 6.0]);
        assert!(series[1].of("nothing").values().is_empty());
    }
}
