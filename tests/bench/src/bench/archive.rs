//! What it costs to keep messages so that they can be searched, and to search them in Chinese.

mod keeper;
mod searcher;

use anyhow::Context as _;
use tempfile::TempDir;

pub(crate) use self::{keeper::side as keeper, searcher::side as searcher};
use super::Setup;
use crate::corpus::{Corpus, Language};
use crate::process::{MEASURED, Process};
use crate::report::{Bound, Section, Table, Target, cell, number};
use crate::rounds;
use crate::solo;
use crate::statistics::{Figures, Samples};

/// Messages of the archive that is searched, and of it in a quick run.
const FULL: usize = 100_000;
const QUICK: usize = 5_000;
/// Messages of an archive that is searched in one round, because filling it takes half a minute. A quick run goes without.
const HUGE: usize = 1_000_000;
/// As many as an archive writes in one transaction.
const MOST_AT_ONCE: usize = 256;
/// Messages that are kept in a round, one after the other.
const KEPT: usize = 4_000;
/// Messages that are kept in a round, many at a time, and how many.
const KEPT_AT_ONCE: usize = 20_000;
const AT_ONCE: usize = 64;

const ONE_BY_ONE: &str = "keeping, one by one";
const TOGETHER: &str = "keeping, many at a time";
const SEARCHING: &str = "searching";
const SEARCHING_HUGE: &str = "searching many";

/// # Errors
/// If a side fails.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let n_messages = if setup.quick { QUICK } else { FULL };
    let large = Filled::new(setup, n_messages, AT_ONCE)?;
    let sides = [ONE_BY_ONE, TOGETHER, SEARCHING];
    let all = rounds::alternate(setup.console, setup.rounds(7), &sides, |side| {
        let kept = match *side {
            ONE_BY_ONE => Some((KEPT, 1)),
            TOGETHER => Some((KEPT_AT_ONCE, AT_ONCE)),
            _ => None,
        };
        if let Some((n_kept, at_once)) = kept {
            let folder = setup.folder()?;
            let folder = folder.path().to_str().context("the folder's name is no text")?;
            let words = [&*n_kept.to_string(), &*at_once.to_string(), folder];
            return solo::run(setup, "keeper", &words, &["per_second", "cpu_us", "written"]);
        }
        large.search(setup)
    })?;
    drop(large);
    let n_rounds = if setup.quick { 0 } else { 1 };
    let huge = rounds::alternate(setup.console, n_rounds, &[SEARCHING_HUGE], |_| {
        Filled::new(setup, HUGE, MOST_AT_ONCE)?.search(setup)
    })?;
    let [one, together, search] = [0, 1, 2].map(|place| {
        let series = all.get(place);
        move |figure: &str| series.map(|it| it.of(figure)).unwrap_or_default()
    });
    let of_huge = |figure: &str| huge.first().map(|it| it.of(figure)).unwrap_or_default();
    let recall = search("recall").median() * 100.0;
    let mut searching = Table {
        title: "Searching".to_owned(),
        head: vec![
            "a word of two characters".to_owned(),
            format!("among {n_messages} messages"),
            format!("among {HUGE}"),
        ],
        rows: [
            ("µs, median of the words", "median_us", false),
            ("µs, the slowest word", "slowest_us", false),
            ("µs to scan all texts in memory instead", "scan_us", false),
            ("messages that hold it, median", "hits", false),
            ("found of those that hold it, %", "recall", true),
            ("right of those that were found, %", "precision", true),
        ]
        .map(|(what, figure, is_part)| {
            let value = |all: &Samples| match is_part {
                true => number(all.median() * 100.0),
                false => cell(all),
            };
            vec![what.to_owned(), value(&search(figure)), value(&of_huge(figure))]
        })
        .into(),
    };
    let mut targets = vec![
        Target {
            what: format!("CPU µs to keep a message, {AT_ONCE} at a time"),
            bound: Bound::AtMost(20.0),
            measured: together("cpu_us").median(),
        },
        Target {
            what: format!("ms to search {n_messages} messages for two characters, slowest word"),
            bound: Bound::AtMost(1.0),
            measured: search("slowest_us").median() / 1e3,
        },
        Target {
            what: "% found of what is there".to_owned(),
            bound: Bound::AtLeast(100.0),
            measured: recall,
        },
    ];
    if setup.quick {
        searching.head.pop();
        searching.rows.iter_mut().for_each(|row| drop(row.pop()));
    } else {
        targets.push(Target {
            what: format!("ms to search {HUGE} messages for two characters, slowest word"),
            bound: Bound::AtMost(5.0),
            measured: of_huge("slowest_us").median() / 1e3,
        });
        targets.push(Target {
            what: format!("% found of what is there among {HUGE}"),
            bound: Bound::AtLeast(100.0),
            measured: of_huge("recall").median() * 100.0,
        });
    }
    Ok(Section {
        method: format!(
            "Chinese messages of 6 to 40 characters go through the plugin `archive` (`messages = \"all\"`): one after the other, each \
             committed before the next one comes, and {AT_ONCE} at a time, as the rounds of a busy bot bring them, of which the \
             handler of each is answered once its message is committed. The target is that of the latter, because who has a \
             message now and then does not wait for anything. The clocks stop when all messages are in the index of the full \
             text and the file is closed; CPU time is that of the process. An archive of \
             {n_messages} such messages is then searched for {} words of two characters that stand in them, the latest 20 each, and \
             held against a scan of all texts, which says what there is to find; one of {HUGE} is so once.",
            searcher::N_WORDS
        ),
        tables: vec![
            Table {
                title: "Keeping".to_owned(),
                head: vec![
                    "a message".to_owned(),
                    "one after the other".to_owned(),
                    format!("{AT_ONCE} at a time"),
                ],
                rows: [
                    ("messages a second", "per_second"),
                    ("CPU µs", "cpu_us"),
                    ("bytes written", "written"),
                ]
                .map(|(what, figure)| {
                    vec![what.to_owned(), cell(&one(figure)), cell(&together(figure))]
                })
                .into(),
            },
            searching,
        ],
        targets,
        raw: solo::raw(&all.into_iter().chain(huge).collect::<Vec<_>>()),
        ..Section::default()
    })
}

/// An archive with many messages.
struct Filled {
    folder: TempDir,
    n_messages: usize,
}

impl Filled {
    fn new(setup: &Setup, n_messages: usize, at_once: usize) -> anyhow::Result<Self> {
        let filled = Self { folder: setup.folder()?, n_messages };
        let words = [&*n_messages.to_string(), &*at_once.to_string(), filled.folder()?];
        Process::start("keeper", &mut setup.side("keeper", &words), MEASURED)?.word("found")?;
        Ok(filled)
    }

    fn search(&self, setup: &Setup) -> anyhow::Result<Figures> {
        let words = [&*self.n_messages.to_string(), self.folder()?];
        let figures = ["median_us", "slowest_us", "recall", "precision", "hits", "scan_us"];
        solo::run(setup, "searcher", &words, &figures)
    }

    fn folder(&self) -> anyhow::Result<&str> {
        self.folder.path().to_str().context("the folder's name is no text")
    }
}

/// What is archived, the same each time.
fn texts(n_messages: usize) -> impl Iterator<Item = String> {
    let mut corpus = Corpus::new(2);
    (0..n_messages).map(move |n| corpus.letters(Language::Chinese, 6 + n * 7 % 35))
}
