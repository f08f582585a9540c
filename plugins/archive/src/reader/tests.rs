use easebot_model::{Body, Message};
use easebot_plugin::BotInfo;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    record::Record,
    segment::fold,
    writer::{Limits, Writer},
};

/// An archive of these texts, in this order, with ids from 1 on and a message a second. The first half of them is in the index.
fn archive_of(texts: &[String]) -> (TempDir, Writer, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let writer = runtime.block_on(async {
        let writer = open(&folder).await;
        let (first, rest) = texts.split_at(texts.len() / 2);
        keep(&writer, 1, first).await;
        writer.close().await;
        let writer = open(&folder).await;
        keep(&writer, 1 + first.len() as u64, rest).await;
        writer
    });
    let reader = Reader::open(&folder.path().join(FILE_NAME)).unwrap();
    (folder, writer, reader)
}

async fn open(folder: &TempDir) -> Writer {
    let limits = Limits { media_bytes: 1, n_messages: 1, keep: None };
    let bot = BotInfo {
        name: "concierge".to_owned(),
        user: "concierge".into(),
        app_key: "easebot#demo".parse().unwrap(),
    };
    Writer::open(folder.path().to_path_buf(), limits, &bot, "archive").await.unwrap()
}

async fn keep(writer: &Writer, first_id: u64, texts: &[String]) {
    for (id, text) in (first_id..).zip(texts) {
        let place = if id % 2 == 0 { Conversation::group("7") } else { Conversation::user("bob") };
        let body = Body::text(text.clone());
        let message = Message::new(MessageId(id), place, "bob".into(), Timestamp(id * 1_000), body);
        writer.keep(Record::of(&message).unwrap(), 9).await.unwrap();
    }
}

fn ids(found: Option<Vec<Hit>>) -> Vec<u64> {
    found.unwrap().into_iter().map(|hit| hit.id.0).collect()
}

/// What a search has to find, latest first, by looking at each text.
fn naive(texts: &[String], words: &str) -> Vec<u64> {
    let words: Vec<String> = words.split_whitespace().map(fold).collect();
    let is_found = |text: &String| words.iter().all(|word| fold(text).contains(word));
    let found = (1..).zip(texts).filter(|(_, text)| is_found(text)).map(|(id, _)| id);
    let mut found: Vec<u64> = found.collect();
    found.reverse();
    found
}

/// Few characters, so that texts share parts: scripts with and without blanks, signs, emoji, both widths and both cases.
fn letters(least: usize, most: usize) -> impl Strategy<Value = String> {
    let letters = "[图片你好abcAB１ａ!+.,\"'😀éЖжς한 \n]";
    prop::string::string_regex(&format!("{letters}{{{least},{most}}}")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_search_finds_what_contains_finds(
        texts in prop::collection::vec(letters(0, 16), 1..24),
        strange in letters(1, 4),
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..5_usize), 8),
    ) {
        let (_folder, _writer, reader) = archive_of(&texts);
        // Parts of the texts themselves, of one to four characters, and something that need not be there.
        let parts = picks.iter().map(|(text, start, n_chars)| {
            let chars: Vec<char> = text.get(&texts).chars().collect();
            let start = start.index(chars.len() + 1);
            chars.iter().skip(start).take(*n_chars).collect::<String>()
        });
        for words in parts.chain([strange.clone(), format!("图 {strange}")]) {
            match reader.search(&words, &Filter::default(), 100).unwrap() {
                None => prop_assert!(words.trim().is_empty(), "{words:?}"),
                found => prop_assert_eq!(ids(found), naive(&texts, &words), "{:?} in {:?}", words, texts),
            }
        }
    }
}

#[test]
fn lists_and_searches_keep_to_conversation_time_and_limit() {
    let texts: Vec<String> = (1..=6).map(|n| format!("text {n}")).collect();
    let (_folder, _writer, reader) = archive_of(&texts);
    let listed = |filter: &Filter, limit| {
        let listed = reader.list(filter, limit).unwrap();
        listed.into_iter().map(|one| one.id.0).collect::<Vec<_>>()
    };
    let all = Filter::default();
    assert_eq!(listed(&all, 4), [6, 5, 4, 3], "newest first");
    let group = Filter { conversation: Some(Conversation::group("7")), ..Filter::default() };
    assert_eq!(listed(&group, 9), [6, 4, 2]);
    let between = Filter {
        since: Some(Timestamp(2_000)),
        until: Some(Timestamp(5_000)),
        ..Filter::default()
    };
    assert_eq!(listed(&between, 9), [4, 3, 2], "the end is left out");
    assert_eq!(ids(reader.search("text", &group, 2).unwrap()), [6, 4]);
    assert_eq!(ids(reader.search("EXT", &between, 9).unwrap()), [4, 3, 2]);
    let mut seen = Vec::new();
    let each = reader.each(&between, |entry| {
        seen.push(entry.id.0);
        Ok::<_, ReadError>(())
    });
    assert_eq!((each.unwrap(), seen), ((), vec![2, 3, 4]), "oldest first");
    assert!(reader.search("  ", &all, 9).unwrap().is_none());
    assert!(reader.show(MessageId(7)).unwrap().is_none());
}

#[test]
fn a_reader_sees_what_a_writer_adds_meanwhile_and_writes_nothing() {
    let (folder, _writer, reader) = archive_of(&["one".to_owned()]);
    let writer = schema::open(&folder.path().join(FILE_NAME)).unwrap();
    writer.execute("UPDATE message SET text = 'two'", []).unwrap();
    assert_eq!(reader.list(&Filter::default(), 9).unwrap()[0].text, "two");
    assert!(reader.connection.execute("DELETE FROM message", []).is_err());
}
