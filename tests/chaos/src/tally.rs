//! What was asked, what was heard, and what is wrong with it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    ops::AddAssign,
};

/// Questions and answers of many conversations, each seen by one listener. Every answer is expected once, in the order in
/// which the server took the questions.
#[derive(Debug, Default)]
pub struct Ledger {
    conversations: BTreeMap<String, Conversation>,
    n_questions: u64,
    n_missing: usize,
    /// The first things that are wrong, in words.
    complaints: Vec<String>,
}

/// How many complaints are kept.
const MAX_COMPLAINTS: usize = 10;

#[derive(Debug, Default)]
struct Conversation {
    /// Where each expected answer belongs.
    expected: HashMap<String, usize>,
    /// Those that were heard.
    answered: HashSet<usize>,
    tally: Tally,
    /// The place of the furthest answer that was heard.
    furthest: Option<usize>,
}

/// The result of a scenario.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Questions that the server took.
    pub n_sent: u64,
    /// Answers that came, repeated ones too.
    pub n_received: u64,
    /// Expected answers that came.
    pub n_answered: u64,
    /// Expected answers that did not come.
    pub n_lost: u64,
    /// Answers that came again, or that nobody had asked for.
    pub n_doubled: u64,
    /// Answers that came behind the answer to a later question.
    pub n_out_of_order: u64,
}

impl Ledger {
    /// The server took a question to which each listener of `listeners` shall hear `answers`, in this order.
    pub fn asked<'a>(&mut self, listeners: impl IntoIterator<Item = &'a str>, answers: &[String]) {
        self.n_questions += 1;
        for listener in listeners {
            let conversation = self.conversations.entry(listener.to_owned()).or_default();
            for answer in answers {
                let place = conversation.expected.len();
                self.n_missing += 1;
                conversation.expected.insert(answer.clone(), place);
            }
        }
    }

    /// `listener` heard `answer`. Whether it was expected, and for the first time.
    pub fn heard(&mut self, listener: &str, answer: &str) -> bool {
        let conversation = self.conversations.entry(listener.to_owned()).or_default();
        let mut complain = |what| {
            if self.complaints.len() < MAX_COMPLAINTS {
                self.complaints.push(format!("{listener} hears {answer} {what}"));
            }
        };
        let tally = &mut conversation.tally;
        tally.n_received += 1;
        let Some(place) = conversation.expected.get(answer).copied() else {
            tally.n_doubled += 1;
            complain("without a question");
            return false;
        };
        if !conversation.answered.insert(place) {
            tally.n_doubled += 1;
            complain("again");
            return false;
        }
        tally.n_answered += 1;
        self.n_missing -= 1;
        if conversation.furthest.is_some_and(|furthest| place < furthest) {
            tally.n_out_of_order += 1;
            complain("behind a later one");
        }
        conversation.furthest = conversation.furthest.max(Some(place));
        true
    }

    /// Whether every expected answer was heard.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.n_missing == 0
    }

    /// How many expected answers were not heard yet.
    #[must_use]
    pub const fn n_missing(&self) -> usize {
        self.n_missing
    }

    /// What is wrong: the first complaints, and who did not hear how many answers.
    #[must_use]
    pub fn complaints(&self) -> String {
        let each = self.conversations.iter().map(|(listener, conversation)| {
            (listener.as_str(), conversation.expected.len() - conversation.answered.len())
        });
        let missing: Vec<_> = each.filter(|(_, n_missing)| *n_missing > 0).collect();
        format!("{:?}, missing {missing:?}", self.complaints)
    }

    /// The result so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut sum = Tally { n_sent: self.n_questions, ..Tally::default() };
        for conversation in self.conversations.values() {
            let n_lost = conversation.expected.len() - conversation.answered.len();
            sum += Tally { n_lost: n_lost as u64, ..conversation.tally };
        }
        sum
    }
}

impl Tally {
    /// Whether nothing was lost, doubled or out of order, and there was something at all.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.n_answered > 0 && self.n_lost == 0 && self.n_doubled == 0 && self.n_out_of_order == 0
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.n_sent += other.n_sent;
        self.n_received += other.n_received;
        self.n_answered += other.n_answered;
        self.n_lost += other.n_lost;
        self.n_doubled += other.n_doubled;
        self.n_out_of_order += other.n_out_of_order;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_sent, n_received, n_answered, n_lost, n_doubled, n_out_of_order } = self;
        write!(
            f,
            "{n_sent} sent, {n_received} received, {n_answered} answered, {n_lost} lost, {n_doubled} doubled, \
             {n_out_of_order} out of order"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(answers: &[&str]) -> String {
        let mut ledger = Ledger::default();
        for n in 1..=3 {
            ledger.asked(["alice"], &[n.to_string()]);
        }
        for answer in answers {
            ledger.heard("alice", answer);
        }
        assert_eq!(ledger.is_complete(), ledger.tally().n_lost == 0);
        let verdict = if ledger.tally().is_clean() { "clean" } else { "bad" };
        format!("{verdict}: {}", ledger.tally())
    }

    #[test]
    fn each_answer_once_and_in_order_is_clean() {
        assert_eq!(
            heard(&["1", "2", "3"]),
            "clean: 3 sent, 3 received, 3 answered, 0 lost, 0 doubled, 0 out of order"
        );
    }

    #[test]
    fn whatever_else_is_not() {
        for (answers, expected) in [
            (&["1", "3"][..], "3 sent, 2 received, 2 answered, 1 lost, 0 doubled, 0 out of order"),
            (
                &["1", "2", "1", "3"],
                "3 sent, 4 received, 3 answered, 0 lost, 1 doubled, 0 out of order",
            ),
            (&["1", "3", "2"], "3 sent, 3 received, 3 answered, 0 lost, 0 doubled, 1 out of order"),
            (
                &["1", "2", "3", "4"],
                "3 sent, 4 received, 3 answered, 0 lost, 1 doubled, 0 out of order",
            ),
            (&[], "3 sent, 0 received, 0 answered, 3 lost, 0 doubled, 0 out of order"),
        ] {
            assert_eq!(heard(answers), format!("bad: {expected}"));
        }
    }

    #[test]
    fn a_run_in_which_nothing_was_asked_is_not_clean() {
        assert!(!Tally::default().is_clean());
    }

    #[test]
    fn every_listener_counts() {
        let mut ledger = Ledger::default();
        ledger.asked(["alice", "bob"], &["1".to_owned()]);
        ledger.heard("alice", "1");
        assert_eq!(ledger.tally().n_lost, 1);
    }
}
