//! What was said, and what of it came back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::histogram::Histogram;

/// Where a text is said: a client, and one of the users who talk to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) client: usize,
    pub(crate) conversation: usize,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    at: Instant,
    place: Place,
    is_answered: bool,
}

/// The texts of one run. Numbers go on from run to run, so that an answer that comes too late is not taken for another.
#[derive(Debug)]
pub(crate) struct Tally {
    first: u64,
    said: Vec<Said>,
    n_answered: usize,
    /// What is in `latency`: texts that were to be said from then on, and before its end.
    window: Option<(Instant, Instant)>,
    latency: Histogram,
}

impl Tally {
    pub(crate) fn new(first: u64) -> Self {
        Self { first, said: Vec::new(), n_answered: 0, window: None, latency: Histogram::new() }
    }

    /// Says from when to when texts are to be said whose answers are timed.
    pub(crate) fn time(&mut self, from: Instant, to: Instant) {
        self.window = Some((from, to));
    }

    /// The number of the text that is said next, there and at that time.
    pub(crate) fn say(&mut self, place: Place, at: Instant) -> u64 {
        self.said.push(Said { at, place, is_answered: false });
        self.next() - 1
    }

    /// The number that comes next.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.said.len() as u64
    }

    /// An answer came to text `number`, from that place.
    ///
    /// # Errors
    /// If it was not said in this run, not there, or is answered already.
    pub(crate) fn answer(&mut self, number: u64, from: Place, now: Instant) -> anyhow::Result<()> {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let said = place.and_then(|place| self.said.get_mut(place));
        let said = said.with_context(|| format!("text {number} was not said in this run"))?;
        ensure!(said.place == from, "text {number} was said {:?}, answered {from:?}", said.place);
        if said.is_answered {
            bail!("text {number} was answered twice: the run is void");
        }
        said.is_answered = true;
        self.n_answered += 1;
        if self.window.is_some_and(|(from, to)| said.at >= from && said.at < to) {
            self.latency.add(now.saturating_duration_since(said.at));
        }
        Ok(())
    }

    pub(crate) fn n_answered(&self) -> usize {
        self.n_answered
    }

    pub(crate) fn n_waiting(&self) -> usize {
        self.said.len() - self.n_answered
    }

    pub(crate) fn latency(&self) -> &Histogram {
        &self.latency
    }

    /// # Errors
    /// If a text was not answered.
    pub(crate) fn finish(&self, patience: Duration) -> anyhow::Result<()> {
        let (lost, all) = (self.n_waiting(), self.said.len());
        ensure!(
            lost == 0,
            "{lost} of {all} texts had no answer {} s after the last: the run is void",
            patience.as_secs()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place { client: 0, conversation: 3 };

    #[test]
    fn each_text_is_answered_once_where_it_was_said() {
        let (mut tally, now) = (Tally::new(100), Instant::now());
        assert_eq!((tally.say(HERE, now), tally.say(HERE, now)), (100, 101));
        tally.answer(101, HERE, now).unwrap();
        assert!(tally.answer(101, HERE, now).unwrap_err().to_string().contains("twice"));
        let elsewhere = Place { client: 0, conversation: 4 };
        assert!(tally.answer(100, elsewhere, now).is_err());
        assert!(tally.answer(99, HERE, now).is_err(), "of the run before");
        assert!(tally.answer(102, HERE, now).is_err(), "not said yet");
        assert!(tally.finish(Duration::from_secs(1)).unwrap_err().to_string().contains("1 of 2"));
        tally.answer(100, HERE, now).unwrap();
        tally.finish(Duration::from_secs(1)).unwrap();
        assert_eq!((tally.n_answered(), tally.n_waiting(), tally.next()), (2, 0, 102));
    }

    #[test]
    fn what_was_said_outside_of_the_window_is_not_timed() {
        let (mut tally, start) = (Tally::new(0), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        tally.time(at(10), at(20));
        for said in [9, 10, 19, 20] {
            let number = tally.say(HERE, at(said));
            tally.answer(number, HERE, at(said + said)).unwrap();
        }
        let (least, most) = (tally.latency().quantile_us(0.5), tally.latency().quantile_us(1.0));
        assert!((10_000.0..10_200.0).contains(&least), "{least}");
        assert!((19_000.0..19_400.0).contains(&most), "{most}");
    }
}
