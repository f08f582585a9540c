//! The side `searcher`: words of two characters in a large archive.

use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use easebot_plugin_archive::{Filter, Reader};

use super::{keeper, texts};
use crate::clock::thread_cpu;
use crate::console::Console;
use crate::random::Random;
use crate::solo::{self, Words};
use crate::statistics::Samples;

/// How many words are searched.
pub(super) const N_WORDS: usize = 60;
/// How often each; the median counts.
const N_TIMES: usize = 7;
/// How many messages are shown.
const SHOWN: usize = 20;

/// # Errors
/// If the words are wrong, or there is no such archive.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let (n_messages, folder) = (words.number("n_messages")?, words.text("folder")?);
    let (_, _, env) = keeper::archive(Path::new(folder))?;
    let reader = Reader::open(&keeper::file(&env)?)?;
    let found = search(&reader, &texts(n_messages).collect::<Vec<_>>())?;
    solo::tell(Console, &found)
}

fn search(reader: &Reader, texts: &[String]) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let (mut times, mut scans, mut hits) =
        (Samples::default(), Samples::default(), Samples::default());
    let (mut n_there, mut n_found, mut n_right) = (0_usize, 0_usize, 0_usize);
    for word in words_of(texts) {
        let latest = median(|| {
            let shown = reader.search(black_box(&word), &Filter::default(), SHOWN)?;
            ensure!(shown.is_some_and(|shown| !shown.is_empty()), "nothing is found");
            Ok(())
        })?;
        times.push(latest);
        let before = thread_cpu()?;
        let there: HashSet<u64> =
            (1..).zip(texts).filter_map(|(id, text)| text.contains(&*word).then_some(id)).collect();
        scans.push(thread_cpu()?.saturating_sub(before).as_secs_f64() * 1e6);
        let found = reader.search(&word, &Filter::default(), usize::MAX)?.unwrap_or_default();
        let found: HashSet<u64> = found.into_iter().map(|hit| hit.id.0).collect();
        hits.push(there.len() as f64);
        n_there += there.len();
        n_found += found.len();
        n_right += found.intersection(&there).count();
    }
    let slowest = times.values().iter().copied().fold(f64::NAN, f64::max);
    Ok(vec![
        ("median_us", times.median()),
        ("slowest_us", slowest),
        ("scan_us", scans.median()),
        ("hits", hits.median()),
        ("recall", n_right as f64 / n_there as f64),
        ("precision", n_right as f64 / n_found as f64),
    ])
}

/// CPU time in microseconds, once the word's pages are in memory.
fn median(mut search: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    search()?;
    let mut times = Samples::default();
    for _ in 0..N_TIMES {
        let before = thread_cpu()?;
        search()?;
        let took: Duration = thread_cpu()?.saturating_sub(before);
        times.push(took.as_secs_f64() * 1e6);
    }
    Ok(times.median())
}

/// Pairs of Chinese characters that stand side by side in `texts`, also where one word ends and the next begins.
fn words_of(texts: &[String]) -> Vec<String> {
    let mut random = Random::new(60);
    let mut words = HashSet::new();
    let mut in_order = Vec::new();
    while in_order.len() < N_WORDS.min(texts.len()) {
        let Some(text) = texts.get(random.below(texts.len())) else { break };
        let letters: Vec<char> = text.chars().collect();
        let at = random.below(letters.len().saturating_sub(1));
        let word: String = letters.iter().skip(at).take(2).collect();
        let is_chinese = word.chars().all(|it| ('\u{4e00}'..='\u{9fff}').contains(&it));
        if is_chinese && words.insert(word.clone()) {
            in_order.push(word);
        }
    }
    in_order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_archive_finds_all_that_a_scan_finds() {
        let folder = tempfile::tempdir().unwrap();
        keeper::keep(120, 64, folder.path()).await.unwrap();
        let (_, _, env) = keeper::archive(folder.path()).unwrap();
        let reader = Reader::open(&keeper::file(&env).unwrap()).unwrap();
        let found = search(&reader, &texts(120).collect::<Vec<_>>()).unwrap();
        let of = |name| found.iter().find(|(figure, _)| *figure == name).unwrap().1;
        assert_eq!((of("recall"), of("precision")), (1.0, 1.0));
        assert!(of("hits") >= 1.0);
    }

    #[test]
    fn words_are_chinese_and_stand_in_the_texts() {
        let texts: Vec<String> = texts(200).collect();
        let words = words_of(&texts);
        assert_eq!(words.len(), N_WORDS);
        for word in words {
            assert_eq!(word.chars().count(), 2);
            assert!(texts.iter().any(|text| text.contains(&word)));
        }
    }
}
