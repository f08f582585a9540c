//! What is forwarded to a bot is kept with everything in it.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::{fs, path::Path, sync::Arc, time::Duration};

use easebot_it::{Bots, Echo, Person, Stage, configured, within};
use easebot_model::{Draft, Message, Outgoing};
use easebot_plugin::Plugin;
use easebot_plugin_archive::{
    Archive, Entry, ExportFormat, FileState, Filter, Reader, Summary, export, export_into,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nthe smallest that looks like one";

async fn says(bots: &Bots, to: &str, draft: impl Into<Draft>) {
    let outgoing = Outgoing::message(to.parse().unwrap(), draft);
    let ticket = bots.handle().send("bob", None, outgoing).await.unwrap();
    within("the server to take it", ticket.receipt()).await.unwrap();
}

/// What alice hears next, as it can be forwarded.
async fn heard(alice: &mut Person) -> Message {
    alice.hears().await
}

/// The archive, once `is_it` holds of its list.
async fn archived(data: &Path, is_it: impl Fn(&[Summary]) -> bool) -> Reader {
    within("the archive", async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        loop {
            look.tick().await;
            let paths = Reader::find(data).unwrap();
            let reader = Reader::open(paths.first().unwrap()).unwrap();
            if is_it(&reader.list(&Filter::default(), 10).unwrap()) {
                return reader;
            }
        }
    })
    .await
}

fn shape(entry: &Entry) -> String {
    let inside: Vec<String> = entry.messages.iter().map(shape).collect();
    let what = if entry.text.is_empty() { &entry.kind } else { &entry.text };
    if inside.is_empty() { what.clone() } else { format!("{what}[{}]", inside.join(" ")) }
}

#[tokio::test]
async fn nested_messages_with_a_picture_are_archived_and_exported() {
    let stage = Stage::set().await;
    let nobody: [Arc<dyn Plugin>; 0] = [];
    let bots =
        stage.run([stage.bot([configured::<Archive>("")]), stage.bot_named("bob", nobody)]).await;
    let mut alice = stage.person("alice").await;
    says(&bots, "user:alice", "会议记录 <b>").await;
    says(&bots, "user:alice", Draft::image(PNG.to_vec()).named("../photo.png")).await;
    let inner = vec![heard(&mut alice).await, heard(&mut alice).await];
    says(&bots, "user:alice", Draft::combine(inner, "inner", "", "")).await;
    says(&bots, "user:alice", "and more").await;
    let outer = vec![heard(&mut alice).await, heard(&mut alice).await];
    says(&bots, "user:bot", Draft::combine(outer, "outer", "", "")).await;

    let is_done = |list: &[Summary]| list.first().is_some_and(|one| one.n_files == 1);
    let reader = archived(stage.data(), is_done).await;
    let hits = reader.search("记录", &Filter::default(), 10).unwrap().unwrap();
    assert_eq!((hits[0].level, hits[0].conversation.as_str()), (2, "user:bob"));
    let entry = reader.show(hits[0].id).unwrap().unwrap();
    assert_eq!(shape(&entry), "outer[inner[会议记录 <b> ../photo.png] and more]");
    let photo = &entry.messages[0].messages[1].files[0];
    assert_eq!(photo.state, FileState::Here);
    assert_eq!(fs::read(reader.media(photo.sha256.as_deref().unwrap())).unwrap(), PNG);

    let readers = [reader];
    let mut page = Vec::new();
    export(&readers, &Filter::default(), ExportFormat::Html, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(
        page.contains("会议记录 &lt;b&gt;") && page.contains("src=\"data:image/png;base64,iVBOR")
    );
    let out = stage.data().join("out");
    let exported = export_into(&readers, &Filter::default(), ExportFormat::Markdown, &out).unwrap();
    assert_eq!((exported.n_messages, exported.n_files, exported.n_missing), (1, 1, 0));
    let text = fs::read_to_string(out.join("archive.md")).unwrap();
    assert!(text.contains("> > ![../photo.png](media/"), "{text}");
    bots.stop().await;
}

#[tokio::test]
async fn a_conversation_is_archived_with_what_the_bot_says_wherever_its_process_ends() {
    let stage = Stage::set().await;
    let keeper =
        || -> [Arc<dyn Plugin>; 2] { [configured::<Archive>("messages = 'all'"), Arc::new(Echo)] };
    let mut alice = stage.person("alice").await;
    for text in ["吃饭了吗", "吃了", "再见"] {
        let bots = stage.run([stage.bot(keeper())]).await;
        alice.say("user:bot", text).await;
        assert_eq!(alice.hears_text().await, text);
        // It may or may not know that the server has the answer.
        bots.kill().await;
    }
    let bots = stage.run([stage.bot(keeper())]).await;
    let reader = archived(stage.data(), |list| list.len() >= 6).await;
    bots.settled().await;
    let list = reader.list(&Filter::default(), 10).unwrap();
    let who: Vec<_> = list.iter().map(|one| one.from.as_str()).collect();
    assert_eq!(who, ["bot", "alice", "bot", "alice", "bot", "alice"], "the newest first");
    assert_eq!(reader.search("吃饭", &Filter::default(), 10).unwrap().unwrap().len(), 2);
    bots.stop().await;
}

#[tokio::test]
async fn a_file_that_the_server_no_longer_has_is_lost_and_the_rest_is_kept() {
    let stage = Stage::set().await;
    let nobody: [Arc<dyn Plugin>; 0] = [];
    let archive = configured::<Archive>("messages = 'all'");
    let bots = stage.run([stage.bot([archive]), stage.bot_named("bob", nobody)]).await;
    let mut alice = stage.person("alice").await;
    says(&bots, "user:alice", Draft::file(b"gone".to_vec())).await;
    let mut file = heard(&mut alice).await.body;
    if let Some(attachment) = file.attachment_mut() {
        attachment.url.push('0');
    }
    says(&bots, "user:bot", file).await;
    says(&bots, "user:bot", "still here").await;
    let reader =
        archived(stage.data(), |list| list.len() == 2 && list.iter().any(|one| one.n_lost == 1))
            .await;
    let hits = reader.search("still", &Filter::default(), 10).unwrap().unwrap();
    assert_eq!(hits.len(), 1);
    bots.stop().await;
}
