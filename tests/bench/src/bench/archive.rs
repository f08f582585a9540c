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
/// Messages that are kept in a round, one after the other.
const KEPT: usize = 4_000;
/// Messages that are kept in a round, many at a time, and how many.
const KEPT_AT_ONCE: usize = 20_000;
const AT_ONCE: usize = 64;

const ONE_BY_ONE: &str = "keeping, one by one";
const TOGETHER: &str = "keeping, many at a time";
const SEARCHING: &str = "searching";

/// # Errors
/// If a side fails.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let n_messages = if setup.quick { QUICK } else { FULL };
    let large = setup.folder()?;
    let large = large.path().to_str().context("the folder's name is no text")?;
    let fill = [&*n_messages.to_string(), &*AT_ONCE.to_string(), large];
    Process::start("keeper", &mut setup.side("keeper", &fill), MEASURED)?.word("found")?;
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
        let words = [&*n_messages.to_string(), large];
        let figures = ["median_us", "slowest_us", "recall", "precision", "hits", "scan_us"];
        solo::run(setup, "searcher", &words, &figures)
    })?;
    let [one, together, search] = [0, 1, 2].map(|place| {
        let series = all.get(place);
        move |figure: &str| series.map(|it| it.of(figure)).unwrap_or_default()
    });
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let recall = search("recall").median() * 100.0;
    Ok(Section {
        method: format!(
            "Chinese messages of 6 to 40 characters go through the plugin `archive` (`messages = \"all\"`): one after the other, each \
             committed before the next one comes, and {AT_ONCE} at a time, as the rounds of a busy bot bring them, of which the \
             handler of each is answered once its message is committed. The target is that of the latter, because who has a \
             message now and then does not wait for anything. The clocks stop when all messages are in the index of the full \
             text and the file is closed; CPU time is that of the process. An archive of \
             {n_messages} such messages is then searched for {} words of two characters that stand in them, the latest 20 each, and \
             held against a scan of all texts, which says what there is to find.",
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
                what: format!("CPU µs to keep a message, {AT_ONCE} at a time"),
                bound: Bound::AtMost(20.0),
                measured: together("cpu_us").median(),
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
