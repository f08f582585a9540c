//! What it costs to keep messages so that they can be searched, and to search them in Chinese.

mod keeper;
mod searcher;

use anyhow::Context as _;

pub(crate) use self::{keeper::side as keeper, searcher::side as searcher};
use super::Setup;
use crate::corpus::{Corpus, Language};
use crate::process::{MEASURED, Process};
use crate::report::{Bound, Section, Table, Target, cell, number};
use crate::rounds;
use crate::solo;

/// Messages of the archive that is searched, and of it in a quick run.
const FULL: usize = 100_000;
const QUICK: usize = 5_000;
/// Messages that are kept in a round.
const KEPT: usize = 4_000;

const KEEPING: &str = "keeping";
const SEARCHING: &str = "searching";

/// # Errors
/// If a side fails.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let n_messages = if setup.quick { QUICK } else { FULL };
    let large = setup.folder()?;
    let large = large.path().to_str().context("the folder's name is no text")?;
    let fill = [&*n_messages.to_string(), large];
    Process::start("keeper", &mut setup.side("keeper", &fill), MEASURED)?.word("found")?;
    let all = rounds::alternate(setup.console, setup.rounds(7), &[KEEPING, SEARCHING], |side| {
        if *side == KEEPING {
            let folder = setup.folder()?;
            let folder = folder.path().to_str().context("the folder's name is no text")?;
            let words = [&*KEPT.to_string(), folder];
            return solo::run(setup, "keeper", &words, &["per_second", "cpu_us", "written"]);
        }
        let words = [&*n_messages.to_string(), large];
        let figures = ["median_us", "slowest_us", "recall", "precision", "hits", "scan_us"];
        solo::run(setup, "searcher", &words, &figures)
    })?;
    let [keep, search] = [0, 1].map(|place| {
        let series = all.get(place);
        move |figure: &str| series.map(|it| it.of(figure)).unwrap_or_default()
    });
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let recall = search("recall").median() * 100.0;
    Ok(Section {
        method: format!(
            "Chinese messages of 6 to 40 characters go one after the other through the plugin `archive` (`messages = \"all\"`), each \
             committed with its index of the full text before the next one comes; CPU time is that of the process. An archive of \
             {n_messages} such messages is then searched for {} words of two characters that stand in them, the latest 20 each, and \
             held against a scan of all texts, which says what there is to find.",
            searcher::N_WORDS
        ),
        tables: vec![
            Table {
                title: "Keeping".to_owned(),
                head: ["a message", ""].map(str::to_owned).into(),
                rows: vec![
                    row("messages a second", cell(&keep("per_second"))),
                    row("CPU µs", cell(&keep("cpu_us"))),
                    row("bytes written", cell(&keep("written"))),
                ],
            },
            Table {
                title: format!("Searching {n_messages} messages"),
                head: ["a word of two characters", ""].map(str::to_owned).into(),
                rows: vec![
                    row("µs, median of the words", cell(&search("median_us"))),
                    row("µs, the slowest word", cell(&search("slowest_us"))),
                    row("µs to scan all texts in memory instead", cell(&search("scan_us"))),
                    row("messages that hold it, median", cell(&search("hits"))),
                    row("found of those that hold it, %", number(recall)),
                    row(
                        "right of those that were found, %",
                        number(search("precision").median() * 100.0),
                    ),
                ],
            },
        ],
        targets: vec![
            Target {
                what: "CPU µs to keep a message".to_owned(),
                bound: Bound::AtMost(20.0),
                measured: keep("cpu_us").median(),
            },
            Target {
                what: format!(
                    "ms to search {n_messages} messages for two characters, slowest word"
                ),
                bound: Bound::AtMost(1.0),
                measured: search("slowest_us").median() / 1e3,
            },
            Target {
                what: "% found of what is there".to_owned(),
                bound: Bound::AtLeast(100.0),
                measured: recall,
            },
        ],
        raw: solo::raw(&all),
        ..Section::default()
    })
}

/// What is archived, the same each time.
fn texts(n_messages: usize) -> impl Iterator<Item = String> {
    let mut corpus = Corpus::new(2);
    (0..n_messages).map(move |n| corpus.letters(Language::Chinese, 6 + n * 7 % 35))
}
