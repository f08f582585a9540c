//! `easebot archive`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "test code")]

use std::path::{Path, PathBuf};

use easebot_model::{
    Attachment, Body, Combine, Conversation, Event, Image, Message, MessageId, Recalled, Timestamp,
};
use easebot_plugin::{
    BuildEnv, Plugin, PluginTable, Problems,
    testing::{Bench, Served},
};
use easebot_plugin_archive::{Archive, Filter, Reader};
use tempfile::TempDir;

use crate::easebot::{SAMPLE, assert_outcome, easebot, folder};

fn message(id: u64, body: Body) -> Message {
    let time = Timestamp(1_795_321_062_000 + id * 1_000);
    Message::new(MessageId(id), Conversation::user("bob"), "bob".into(), time, body)
}

fn at(url: &str) -> Attachment {
    let name = Some(format!("{url}\u{1b}.png"));
    Attachment { url: url.to_owned(), name, ..Attachment::default() }
}

/// The sample's folder with an archive of a combined message, in which a picture is there and another one is lost, and a text
/// that was recalled.
async fn archive() -> TempDir {
    let folder = folder(SAMPLE);
    let bench = Bench::new();
    bench.set_folder(folder.path().join("data/plugins/concierge"));
    bench.set_now(Timestamp(1_795_321_100_000));
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("archive", "concierge", "concierge".into(), app_key, ".");
    let mut problems = Problems::new();
    let table = PluginTable::parse("messages = 'all'", &mut problems).unwrap();
    let plugin: Archive = table.build(&env, &mut problems).unwrap();
    let env = bench.env(&plugin).unwrap();
    plugin.start(&env).await.unwrap();
    bench.serve("cat", Served::File(b"\x89PNG\r\n\x1a\nmeow".to_vec()));
    let image = |url| Body::Image(Box::new(Image { attachment: at(url), ..Image::default() }));
    let inside = [Body::text("第一行\n发图片 now"), image("cat"), image("dog")];
    bench.serve("all", Served::Messages(inside.map(|body| message(0, body)).to_vec()));
    let (attachment, title) = (at("all"), "What was said".to_owned());
    let combine = Body::Combine(Box::new(Combine { attachment, title, ..Combine::default() }));
    for (id, body) in (1..).zip([combine, Body::text("oops")]) {
        bench.event(&plugin, &Event::Message(Box::new(message(id, body)))).await.unwrap();
    }
    let recalled = Recalled {
        conversation: Conversation::user("bob"),
        message: MessageId(2),
        from: "bob".into(),
        ext: None,
        online_state: Default::default(),
    };
    bench.event(&plugin, &Event::Recalled(recalled)).await.unwrap();
    let is_done = || {
        let paths = Reader::find(&folder.path().join("data")).unwrap();
        let reader = Reader::open(&paths[0]).unwrap();
        let list = reader.list(&Filter::default(), 9).unwrap();
        list.iter().any(|one| one.n_files == 1 && one.n_lost == 1)
    };
    let works = async {
        while !is_done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = plugin.run(&env) => {}
        () = works => {}
    }
    plugin.stop().await;
    folder
}

async fn said(folder: &Path, words: &str) -> String {
    easebot(folder, words).outcome().await
}

fn media(folder: &Path) -> PathBuf {
    let inside = |path: PathBuf| path.read_dir().unwrap().next().unwrap().unwrap().path();
    let media = inside(inside(folder.join("data/plugins/concierge/archive/media")));
    media.strip_prefix(folder).unwrap().to_path_buf()
}

#[tokio::test]
async fn messages_are_listed_and_searched() {
    let folder = archive().await;
    assert_outcome(
        &said(folder.path(), "archive list").await,
        "
exit 0
--- stdout
ID  TIME                 BOT        CONVERSATION  FROM  KIND     INSIDE  FILES      TEXT
2   2026-11-22 04:17:44  concierge  user:bob      bob   text     0       0          (recalled) oops
1   2026-11-22 04:17:43  concierge  user:bob      bob   combine  3       1, 1 lost  What was said
",
    );
    assert_outcome(
        &said(folder.path(), "archive search 图片 NOW --data data").await,
        "
exit 0
--- stdout
ID  TIME                 BOT        CONVERSATION  FROM  TEXT
1   2026-11-22 04:17:42  concierge  user:bob      bob   发图片 now
",
    );
    assert_outcome(
        &said(folder.path(), "archive search s --limit 1 --json").await,
        r#"
exit 0
--- stdout
{"bot":"concierge","id":"2","conversation":"user:bob","level":0,"from":"bob","time_ms":1795321064000,"kind":"text","text":"oops","line":"oops"}
--- stderr
there are more: ask for more with `--limit`, or for others with `--since` and `--until`
"#,
    );
    for words in [
        "archive list --until 2026-11-22",
        "archive search 图像",
        "archive list --conversation group:7",
    ] {
        assert_outcome(&said(folder.path(), words).await, "exit 0\n--- stderr\nnothing\n");
    }
}

#[tokio::test]
async fn a_message_is_shown_with_everything_in_it() {
    let folder = archive().await;
    assert_outcome(
        &said(folder.path(), "archive show 1 --data data --bot concierge").await,
        &format!(
            "
exit 0
--- stdout
1 in user:bob, archived by concierge
2026-11-22 04:17:43 bob: [combine] What was said
  2026-11-22 04:17:42 bob: 第一行
    发图片 now
  2026-11-22 04:17:42 bob: [image] cat?.png
    (12 bytes: {})
  2026-11-22 04:17:42 bob: [image] dog?.png
    (lost: there is no such file)
",
            media(folder.path()).display()
        ),
    );
    assert_outcome(
        &said(folder.path(), "archive show 3").await,
        "
exit 1
--- stderr
error: there is no message 3 in the archive
  = hint: `list` and `search` show ids
",
    );
}

#[tokio::test]
async fn an_export_goes_to_stdout_or_into_a_folder() {
    let folder = archive().await;
    let outcome = said(folder.path(), "archive export --format html").await;
    assert!(outcome.starts_with("exit 0\n--- stdout\n<!doctype html>"), "{outcome}");
    assert!(outcome.contains("src=\"data:image/png;base64,"), "{outcome}");
    assert!(outcome.ends_with("--- stderr\n2 messages, 1 file, 1 file not there\n"), "{outcome}");
    assert_outcome(
        &said(
            folder.path(),
            "archive export --format markdown --out out --until 2026-11-22T04:17:44",
        )
        .await,
        "exit 0\n--- stderr\n1 message, 1 file, 1 file not there in out/archive.md\n",
    );
    let text = std::fs::read_to_string(folder.path().join("out/archive.md")).unwrap();
    assert!(text.contains("> 第一行\\\n> 发图片 now\n"), "{text}");
    assert_eq!(folder.path().join("out/media").read_dir().unwrap().count(), 1);
}

#[tokio::test]
async fn what_cannot_be_done_is_said_with_the_way_out() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &said(sample.path(), "archive list --data data").await,
        "
exit 2
--- stderr
error: there is no archive below `data`
  = hint: a bot with a plugin of the kind `archive` makes one when it starts
",
    );
    let folder = archive().await;
    assert_outcome(
        &said(folder.path(), "archive list --bot other").await,
        "exit 2\n--- stderr\nerror: there is no archive of a bot `other`\n",
    );
    let outcome = said(folder.path(), "archive list --since yesterday").await;
    assert!(
        outcome.contains("a time is written 2026-11-22 or 2026-11-22T04:17 (UTC)"),
        "{outcome}"
    );
}

#[tokio::test]
async fn the_example_of_archive_is_right_and_its_tests_hold() {
    let folder = folder(include_str!("../../../../examples/config/archive/bots.toml"));
    let outcome = said(folder.path(), "check").await;
    assert!(outcome.starts_with("exit 0\n"), "{outcome}");
    let outcome = said(folder.path(), "test").await;
    assert!(outcome.starts_with("exit 0\n"), "{outcome}");
}
