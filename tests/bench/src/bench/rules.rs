//! What rules cost a message: `plugins/auto-reply` against trying one after the other, and `regex::RegexSet`.

mod matcher;
pub(crate) mod texts;

use std::fmt;
use std::time::Duration;

use anyhow::ensure;

pub(crate) use self::matcher::side;
use super::Setup;
use crate::report::{Bound, Section, Table, Target, cell, ratio};
use crate::rounds::{self, Series};
use crate::solo;
use crate::statistics::Samples;

const SIZES: [usize; 4] = [1, 100, 1_000, 10_000];
/// Above this many rules a set takes seconds to build and longer to search than all else together.
const MAX_SET: usize = 1_000;
/// Above this many rules, a set takes longer than a quick run may.
const MAX_QUICK_SET: usize = 100;
/// Above this many rules, trying one after the other does.
const MAX_QUICK: usize = 1_000;
/// The size that the targets are about.
const USUAL: usize = 1_000;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Strategy {
    AutoReply,
    RegexSet,
    Sequential,
}

impl Strategy {
    const ALL: [Self; 3] = [Self::AutoReply, Self::Sequential, Self::RegexSet];

    const fn as_str(self) -> &'static str {
        match self {
            Self::AutoReply => "auto-reply",
            Self::RegexSet => "regex-set",
            Self::Sequential => "sequential",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Run {
    strategy: Strategy,
    n_rules: usize,
}

impl Run {
    fn is_worth_it(self, is_quick: bool) -> bool {
        match self.strategy {
            Strategy::AutoReply => true,
            Strategy::RegexSet => self.n_rules <= if is_quick { MAX_QUICK_SET } else { MAX_SET },
            Strategy::Sequential => !is_quick || self.n_rules <= MAX_QUICK,
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.strategy.as_str(), self.n_rules)
    }
}

/// # Errors
/// If a side fails, or two of them do not find the same rules.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let runs: Vec<Run> = SIZES
        .into_iter()
        .flat_map(|n_rules| Strategy::ALL.map(|strategy| Run { strategy, n_rules }))
        .filter(|run| run.is_worth_it(setup.quick))
        .collect();
    let window = setup.window(Duration::from_millis(250)).as_millis().to_string();
    let all = rounds::alternate(setup.console, setup.rounds(7), &runs, |run| {
        let words = [run.strategy.as_str(), &run.n_rules.to_string(), &window];
        solo::run(setup, "matcher", &words, &["chinese", "english", "build_ms", "pairs", "digest"])
    })?;
    let of = |strategy, n_rules, figure: &str| -> Samples {
        let place = runs.iter().position(|run| *run == Run { strategy, n_rules });
        place.and_then(|place| all.get(place)).map(|it| it.of(figure)).unwrap_or_default()
    };
    for run in &runs {
        for figure in ["pairs", "digest"] {
            let (ours, theirs) = (
                of(Strategy::AutoReply, run.n_rules, figure),
                of(run.strategy, run.n_rules, figure),
            );
            ensure!(ours == theirs, "`{run}` does not find the rules that auto-reply finds");
        }
    }
    Ok(section(&all, of))
}

fn section(all: &[Series], of: impl Fn(Strategy, usize, &str) -> Samples) -> Section {
    let languages = ["english", "chinese"];
    let costs = Table {
        title: "Nanoseconds a message".to_owned(),
        head: ["rules", "language", "auto-reply", "one after the other", "`RegexSet`", "growth"]
            .map(str::to_owned)
            .into(),
        rows: SIZES
            .into_iter()
            .flat_map(|n_rules| languages.map(|language| (n_rules, language)))
            .map(|(n_rules, language)| {
                let ours = of(Strategy::AutoReply, n_rules, language);
                vec![
                    n_rules.to_string(),
                    language.to_owned(),
                    cell(&ours),
                    cell(&of(Strategy::Sequential, n_rules, language)),
                    cell(&of(Strategy::RegexSet, n_rules, language)),
                    ratio(&ours.over(&of(Strategy::AutoReply, 1, language))),
                ]
            })
            .collect(),
    };
    let builds = Table {
        title: "Milliseconds to read the rules".to_owned(),
        head: ["rules", "auto-reply", "one after the other", "`RegexSet`"]
            .map(str::to_owned)
            .into(),
        rows: SIZES
            .into_iter()
            .map(|n_rules| {
                let build = |strategy| cell(&of(strategy, n_rules, "build_ms"));
                let mut row = vec![n_rules.to_string()];
                row.extend(Strategy::ALL.map(build));
                row
            })
            .collect(),
    };
    let micros = |language| of(Strategy::AutoReply, USUAL, language).median() / 1e3;
    let apart = |n_rules: usize| {
        let [english, chinese] =
            languages.map(|language| of(Strategy::AutoReply, n_rules, language));
        let apart = chinese.over(&english).median();
        apart.max(1.0 / apart)
    };
    let target = |what: &str, bound, measured| Target {
        what: what.to_owned(),
        bound: Bound::AtMost(bound),
        measured,
    };
    Section {
        method: "Which of N rules hold for a message of about 60 characters, one in ten of which is meant by a rule: `auto-reply` with \
                 `match = \"all\"`, each rule's `Regex::is_match`, and one `regex::RegexSet`. Rules name a word in two languages each; \
                 some have groups, Unicode `\\b`, alternatives, an anchor, or leave case open. CPU time of the thread. All sides find \
                 the same rules, or the run is void."
            .to_owned(),
        tables: vec![costs, builds],
        targets: vec![
            target("µs a Chinese message, 1,000 rules", 1.5, micros("chinese")),
            target("µs an English message, 1,000 rules", 1.5, micros("english")),
            target(
                "times between English and Chinese, 1,000 rules",
                3.0,
                apart(USUAL),
            ),
        ],
        remarks: vec![format!(
            "`RegexSet` was not measured with more than {MAX_SET} rules: it would take longer than everything else together."
        )],
        raw: solo::raw(all),
        ..Section::default()
    }
}
