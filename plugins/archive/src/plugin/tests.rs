use std::{fs, path::Path};

use easebot_model::{
    Attachment, Body, Combine, Conversation, EditInfo, Event, Image, MessageId, OnlineState,
    Secret, Timestamp,
};
use easebot_plugin::{
    BotInfo, Plugin, PluginTable,
    testing::{Bench, Served},
};
use tempfile::TempDir;

use super::*;
use crate::{Entry, FILE_NAME, FileState, Filter, Reader};

/// An archive at work, with a file server that serves what a test puts there.
struct Desk {
    bench: Bench,
    plugin: Archive,
    folder: TempDir,
}

fn build(text: &str) -> (Option<Archive>, Vec<Problem>) {
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("archive", "concierge", "concierge".into(), app_key, ".");
    let mut problems = Problems::new();
    let plugin =
        PluginTable::parse(text, &mut problems).and_then(|table| table.build(&env, &mut problems));
    (plugin, problems.into_iter().collect())
}

impl Desk {
    async fn set(keys: &str) -> Self {
        let (plugin, problems) = build(keys);
        assert_eq!(problems, []);
        let (bench, folder) = (Bench::new(), tempfile::tempdir().unwrap());
        bench.set_folder(folder.path());
        bench.set_now(Timestamp(1_000_000));
        let plugin = plugin.unwrap();
        plugin.start(&bench.env(&plugin).unwrap()).await.unwrap();
        Self { bench, plugin, folder }
    }

    async fn hear(&self, message: &Message) -> Vec<String> {
        self.event(Event::Message(Box::new(message.clone()))).await
    }

    async fn event(&self, event: Event) -> Vec<String> {
        let answer = self.bench.event(&self.plugin, &event).await.unwrap();
        answer.texts().iter().map(|text| (*text).to_owned()).collect()
    }

    /// The bot said something.
    async fn say(&self, event: Event) {
        let answer = self.bench.event_said(&self.plugin, &event).await.unwrap();
        assert_eq!(answer.sent, []);
    }

    /// Fetches what is due. Gives the wait until something else is.
    async fn work(&self) -> Option<Duration> {
        let env = self.bench.env(&self.plugin).unwrap();
        self.plugin.fetcher.work_off(&self.plugin, &env).await.unwrap()
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("archive")
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.path().join(FILE_NAME)).unwrap()
    }

    fn show(&self, id: u64) -> Entry {
        self.reader().show(MessageId(id)).unwrap().unwrap()
    }

    /// The texts of all messages that contain `words`.
    fn found(&self, words: &str) -> Vec<String> {
        let hits = self.reader().search(words, &Filter::default(), 100).unwrap().unwrap();
        hits.into_iter().map(|hit| hit.text).collect()
    }

    fn n_messages(&self) -> usize {
        self.reader().list(&Filter::default(), 1_000).unwrap().len()
    }

    fn media(&self) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for folder in fs::read_dir(self.path().join("media")).unwrap() {
            found.extend(
                fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().path()),
            );
        }
        found
    }
}

fn at(url: &str) -> Attachment {
    Attachment {
        url: url.to_owned(),
        secret: Some(Secret::new("hush")),
        name: Some(format!("{url}.png")),
        length_bytes: None,
    }
}

fn message(id: u64, body: impl Into<Body>) -> Message {
    let (conversation, time) = (Conversation::user("bob"), Timestamp(id * 1_000));
    Message::new(MessageId(id), conversation, "bob".into(), time, body.into())
}

fn image(url: &str) -> Body {
    Body::Image(Box::new(Image { attachment: at(url), ..Image::default() }))
}

fn combine(url: &str, title: &str) -> Body {
    Body::Combine(Box::new(Combine {
        attachment: at(url),
        title: title.to_owned(),
        ..Combine::default()
    }))
}

/// The texts of a tree, those inside in brackets.
fn shape(entry: &Entry) -> String {
    let inside: Vec<String> = entry.messages.iter().map(shape).collect();
    if inside.is_empty() {
        entry.text.clone()
    } else {
        format!("{}[{}]", entry.text, inside.join(" "))
    }
}

#[tokio::test]
async fn a_combined_message_is_opened_to_the_last_level_and_its_files_are_fetched() {
    let desk = Desk::set("").await;
    desk.bench.serve(
        "outer",
        Served::Messages(vec![
            message(1, "one"),
            message(2, image("cat")),
            message(3, combine("inner", "in")),
        ]),
    );
    desk.bench
        .serve("inner", Served::Messages(vec![message(0, "deep 图片"), message(0, image("cat2"))]));
    for url in ["cat", "cat2"] {
        desk.bench.serve(url, Served::File(b"\x89PNG\r\n\x1a\nmeow".to_vec()));
    }
    desk.hear(&message(9, combine("outer", "out"))).await;
    assert_eq!(desk.work().await, None, "nothing is left");
    let entry = desk.show(9);
    assert_eq!(shape(&entry), "out[one cat.png in[deep 图片 cat2.png]]");
    let [cat, cat2] = [&entry.messages[1].files[0], &entry.messages[2].messages[1].files[0]];
    assert_eq!(
        (cat.state, cat.n_bytes, cat.media_type.as_deref()),
        (FileState::Here, Some(12), Some("image/png"))
    );
    assert_eq!(cat.sha256, cat2.sha256);
    let path = desk.reader().media(cat.sha256.as_deref().unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"\x89PNG\r\n\x1a\nmeow");
    assert_eq!(desk.media(), [path], "the same content is there once");
    assert_eq!(desk.found("图片"), ["deep 图片"]);
    assert_eq!(desk.found("图"), ["deep 图片"]);
    let hits = desk.reader().search("deep", &Filter::default(), 9).unwrap().unwrap();
    assert_eq!(
        (hits[0].id, hits[0].level, hits[0].conversation.as_str()),
        (MessageId(9), 2, "user:bob")
    );
    let summary = &desk.reader().list(&Filter::default(), 9).unwrap()[0];
    assert_eq!(
        (summary.n_messages, summary.n_files, summary.n_waiting, summary.n_lost),
        (5, 2, 0, 0)
    );
    desk.plugin.stop().await;
    let closed = fs::read(desk.path().join(FILE_NAME)).unwrap();
    assert!(contains(&closed, b"deep") && !contains(&closed, b"hush"), "no secret is left");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn the_same_message_again_is_kept_once_and_fetched_once() {
    let desk = Desk::set("messages = 'all'").await;
    desk.bench.serve("cat", Served::File(b"meow".to_vec()));
    for _ in 0..2 {
        desk.hear(&message(1, image("cat"))).await;
        desk.work().await;
    }
    assert_eq!(desk.n_messages(), 1);
    // Forwarded in another message, the same address is not asked again.
    desk.hear(&message(2, image("cat"))).await;
    desk.work().await;
    assert_eq!(desk.bench.fetched(), ["cat"]);
    assert_eq!(desk.show(2).files[0].state, FileState::Here);
}

#[tokio::test]
async fn a_combined_message_that_stands_in_itself_ends() {
    let desk = Desk::set("").await;
    desk.bench.serve("a", Served::Messages(vec![message(0, combine("b", "b")), message(0, "x")]));
    desk.bench.serve("b", Served::Messages(vec![message(0, combine("a", "a"))]));
    desk.hear(&message(1, combine("a", "a"))).await;
    desk.work().await;
    let entry = desk.show(1);
    assert_eq!(shape(&entry), "a[b[a] x]");
    let again = &entry.messages[0].messages[0].files[0];
    assert_eq!(
        (again.state, again.reason.as_deref()),
        (FileState::Lost, Some("it stands in itself"))
    );
    assert_eq!(desk.bench.fetched(), ["a", "b"]);
}

#[tokio::test]
async fn ten_levels_are_opened_and_no_more() {
    let desk = Desk::set("").await;
    for level in 1..=11 {
        let next = message(0, combine(&format!("{}", level + 1), "x"));
        desk.bench.serve(level.to_string(), Served::Messages(vec![next]));
    }
    desk.hear(&message(1, combine("1", "x"))).await;
    desk.work().await;
    assert_eq!(desk.bench.fetched().len(), 10);
    let mut entry = desk.show(1);
    for _ in 0..10 {
        entry = entry.messages.remove(0);
    }
    let reason = entry.files[0].reason.as_deref();
    assert_eq!(reason, Some("it stands 10 levels deep, the most that are opened"));
}

#[tokio::test]
async fn of_too_many_messages_the_first_are_kept_and_it_says_so() {
    let desk = Desk::set("max_messages = 4").await;
    let texts = |n: u64| (0..n).map(|id| message(id, "x")).collect::<Vec<_>>();
    desk.bench
        .serve("big", Served::Messages([vec![message(0, combine("in", "y"))], texts(2)].concat()));
    desk.bench.serve("in", Served::Messages(texts(3)));
    desk.hear(&message(1, combine("big", "big"))).await;
    desk.work().await;
    let entry = desk.show(1);
    assert_eq!(shape(&entry), "big[y[x] x x]");
    let file = &entry.messages[0].files[0];
    assert_eq!(file.state, FileState::Here);
    assert!(
        file.reason.as_deref().unwrap().starts_with("1 of its 3 messages are kept: the limit is 4")
    );
}

#[tokio::test]
async fn what_does_not_come_is_tried_again_until_it_is_there() {
    let desk = Desk::set("messages = 'all'").await;
    desk.bench.serve("cat", Served::Busy);
    desk.hear(&message(1, image("cat"))).await;
    let wait = desk.work().await.unwrap();
    assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(2), "{wait:?}");
    let file = desk.show(1).files.remove(0);
    assert_eq!(
        (file.state, file.reason.as_deref()),
        (FileState::Waiting, Some("the server is busy"))
    );
    assert_eq!(desk.work().await, Some(wait), "it is not due yet");
    desk.bench.settled().await;
    desk.bench.set_now(Timestamp(1_000_000 + 2_000));
    desk.bench.serve("cat", Served::File(b"meow".to_vec()));
    assert_eq!(desk.work().await, None);
    assert_eq!(desk.show(1).files[0].state, FileState::Here);
    assert_eq!(desk.show(1).files[0].reason, None);
    assert_eq!(desk.bench.fetched(), ["cat", "cat"]);
}

#[tokio::test]
async fn what_cannot_be_had_is_lost_with_its_reason() {
    let desk = Desk::set("messages = 'all'\nmax_file_bytes = 3\ngive_up_hours = 1").await;
    desk.bench.serve("long", Served::File(b"four".to_vec()));
    desk.bench.serve("busy", Served::Busy);
    for (id, url) in (1..).zip(["gone", "long", "busy", ""]) {
        desk.hear(&message(id, image(url))).await;
    }
    desk.work().await;
    // What a download that broke off has left: of the third file, and of one that is another's.
    let part = |name: &str| desk.path().join("part").join(name);
    fs::write(part("3.a1b2.part"), "bu").unwrap();
    fs::write(part("33.a1b2.part"), "bu").unwrap();
    desk.bench.set_now(Timestamp(1_000_000 + 3_600_001));
    desk.work().await;
    for (id, reason) in (1..).zip([
        "there is no such file",
        "the file has 4 bytes or more",
        "the server is busy",
        "the message does not say where it is",
    ]) {
        let file = desk.show(id).files.remove(0);
        assert_eq!((file.state, file.reason.as_deref()), (FileState::Lost, Some(reason)));
    }
    assert_eq!(desk.reader().list(&Filter::default(), 9).unwrap()[0].n_lost, 1);
    assert!(!part("3.a1b2.part").exists() && part("33.a1b2.part").exists());
}

#[tokio::test]
async fn files_are_left_alone_where_only_messages_are_wanted() {
    let desk = Desk::set("media = false").await;
    desk.bench.serve("a", Served::Messages(vec![message(0, image("cat"))]));
    desk.hear(&message(1, combine("a", "a"))).await;
    desk.work().await;
    assert_eq!(desk.bench.fetched(), ["a"]);
    assert_eq!(desk.show(1).messages[0].files[0].state, FileState::Lost);
}

#[tokio::test]
async fn an_edit_keeps_what_was_there_and_is_found_by_what_is() {
    let desk = Desk::set("messages = 'all'").await;
    desk.hear(&message(1, "before")).await;
    let edited = |text: &str, time| {
        let edit = EditInfo { time: Timestamp(time), operator: "amy".into(), count: 1 };
        let message = Message { edited: Some(Box::new(edit)), ..message(1, text) };
        Event::Edited(Box::new(Edited { message, replaces_ext: false }))
    };
    for _ in 0..2 {
        desk.event(edited("after", 5_000)).await;
    }
    desk.event(edited("at last", 6_000)).await;
    desk.event(edited("after", 5_000)).await;
    let entry = desk.show(1);
    assert_eq!(entry.text, "at last");
    let versions: Vec<_> =
        entry.versions.iter().map(|v| (v.text.as_str(), v.until_ms.0, v.by.as_str())).collect();
    assert_eq!(versions, [("before", 5_000, "amy"), ("after", 6_000, "amy")]);
    assert_eq!((desk.found("before").len(), desk.found("at last").len()), (0, 1));
    // The edit of one that was not heard is all that is known of it.
    let unheard = Message { id: MessageId(2), ..message(2, "late") };
    desk.event(Event::Edited(Box::new(Edited { message: unheard, replaces_ext: false }))).await;
    assert_eq!(desk.show(2).text, "late");
}

#[tokio::test]
async fn a_recalled_message_is_marked_and_stays() {
    let desk = Desk::set("messages = 'all'").await;
    desk.hear(&message(1, "oops")).await;
    for (id, from) in [(1, "bob"), (1, "admin"), (7, "bob")] {
        let (conversation, message) = (Conversation::user("bob"), MessageId(id));
        let online_state = OnlineState::default();
        let recalled =
            Recalled { conversation, message, from: from.into(), ext: None, online_state };
        desk.event(Event::Recalled(recalled)).await;
    }
    let recall = desk.show(1).recalled.unwrap();
    assert_eq!((recall.by.as_str(), recall.time_ms), ("bob", Timestamp(1_000_000)));
    assert_eq!((desk.show(1).text.as_str(), desk.n_messages()), ("oops", 1));
}

/// What the bot says to bob.
fn answer(id: u64, body: impl Into<Body>) -> Message {
    Message { from: "concierge".into(), ..message(id, body) }
}

#[tokio::test]
async fn what_the_bot_says_is_kept_with_its_files_edits_and_recalls() {
    let desk = Desk::set("messages = 'all'").await;
    desk.bench.serve("cat", Served::File(b"meow".to_vec()));
    desk.hear(&message(1, "a cat, please")).await;
    desk.say(Event::Message(Box::new(answer(2, "here is a dog")))).await;
    desk.say(Event::Message(Box::new(answer(3, image("cat"))))).await;
    desk.work().await;
    let edit = EditInfo { time: Timestamp(5_000), operator: "concierge".into(), count: 1 };
    let message = Message { edited: Some(Box::new(edit)), ..answer(2, "here is a cat") };
    desk.say(Event::Edited(Box::new(Edited { message, replaces_ext: false }))).await;
    let (conversation, online_state) = (Conversation::user("bob"), OnlineState::default());
    let (message, from) = (MessageId(3), "concierge".into());
    desk.say(Event::Recalled(Recalled { conversation, message, from, ext: None, online_state }))
        .await;
    let entry = desk.show(2);
    assert_eq!((entry.text.as_str(), entry.from.as_str()), ("here is a cat", "concierge"));
    assert_eq!(entry.versions[0].text, "here is a dog");
    let entry = desk.show(3);
    assert_eq!(entry.files[0].state, FileState::Here);
    assert_eq!(entry.recalled.unwrap().by, "concierge");
    assert_eq!(desk.n_messages(), 3);
}

#[tokio::test]
async fn what_the_bot_says_switches_nothing() {
    let switch = "[switch]\non = '/keep'\noff = '/forget'";
    let desk = Desk::set(&format!("messages = 'all'\n{switch}")).await;
    desk.say(Event::Message(Box::new(answer(1, "/forget")))).await;
    desk.hear(&message(2, "heard")).await;
    assert_eq!(desk.n_messages(), 2);
    let desk = Desk::set(switch).await;
    desk.say(Event::Message(Box::new(answer(1, combine("a", "a"))))).await;
    assert_eq!(desk.n_messages(), 0, "combined messages are what people forward to it");
}

#[tokio::test]
async fn only_what_the_keys_name_is_archived() {
    let text = "messages = 'all'\nconversations = ['groups', 'user:amy']\nexcept = ['group:2']";
    let desk = Desk::set(text).await;
    for (id, place) in (1..).zip(["group:1", "group:2", "user:amy", "user:bob", "room:1"]) {
        desk.hear(&Message { conversation: place.parse().unwrap(), ..message(id, "x") }).await;
    }
    let cmd = Body::Cmd { action: "x".to_owned() };
    desk.hear(&Message { conversation: Conversation::group("1"), ..message(9, cmd) }).await;
    let mut kept: Vec<_> = desk
        .reader()
        .list(&Filter::default(), 9)
        .unwrap()
        .into_iter()
        .map(|one| one.conversation)
        .collect();
    kept.sort();
    assert_eq!(kept, ["group:1", "user:amy"]);
    let desk = Desk::set("").await;
    desk.hear(&message(1, "a text")).await;
    assert_eq!(desk.n_messages(), 0, "combined messages alone by default");
}

#[tokio::test]
async fn people_switch_it_on_and_off_where_they_are() {
    let keys = "messages = 'all'\nconversations = []\n[switch]\non = '/keep'\noff = '/forget'\nby = ['bob']\noff_reply = ''";
    let desk = Desk::set(keys).await;
    assert!(desk.hear(&message(1, "unheard")).await.is_empty());
    let other = Message { from: "amy".into(), ..message(2, "/keep") };
    assert!(desk.hear(&other).await.is_empty(), "she may not");
    assert_eq!(
        desk.hear(&message(3, " /KEEP ")).await,
        ["This conversation is archived from now on."]
    );
    desk.hear(&message(4, "heard")).await;
    assert!(desk.hear(&message(5, "/forget")).await.is_empty());
    desk.hear(&message(6, "gone")).await;
    assert_eq!(desk.found("h"), ["heard"]);
    assert_eq!(desk.n_messages(), 1);
}

#[tokio::test]
async fn a_switch_that_another_bot_answers_is_obeyed_in_silence() {
    let keys = "messages = 'all'\nconversations = []\n[switch]\non = '/keep'\noff = '/forget'";
    let desk = Desk::set(keys).await;
    let switch = Event::Message(Box::new(message(1, "/keep")));
    let answer = desk.bench.event_of_another(&desk.plugin, &switch).await.unwrap();
    assert!(answer.sent.is_empty());
    let said = Event::Message(Box::new(message(2, "heard")));
    desk.bench.event_of_another(&desk.plugin, &said).await.unwrap();
    assert_eq!(desk.found("heard"), ["heard"]);
}

#[test]
fn it_says_what_it_would_keep_and_why() {
    let bot = BotInfo {
        name: "concierge".to_owned(),
        user: "concierge".into(),
        app_key: "easebot#demo".parse().unwrap(),
    };
    let explained = |keys: &str, message: Message| {
        let plugin = build(keys).0.unwrap();
        plugin.explain(&Event::Message(Box::new(message)), &bot)
    };
    let group = |body: Body| Message { conversation: Conversation::group("7"), ..message(1, body) };
    let switch = "switch = { on = '+', off = '-' }";
    for (keys, message, reason) in [
        ("", message(1, combine("a", "a")), "it keeps the messages of this conversation"),
        ("", message(1, "x"), "it does not want text messages"),
        ("", group(combine("a", "a")), "this conversation is not archived"),
        (switch, message(1, "x"), "it keeps combined messages only"),
        (switch, group("+".into()), "it switches the archive on here"),
        (switch, group("-".into()), "it switches the archive off here"),
    ] {
        assert_eq!(explained(keys, message).reason, reason, "{keys}");
    }
    assert_eq!(explained(switch, group(combine("a", "a"))).depends_on.len(), 1);
    assert_eq!(
        explained(switch, group("+".into())).says,
        ["This conversation is archived from now on."]
    );
}

#[tokio::test]
async fn messages_and_files_go_when_their_time_is_over() {
    let desk = Desk::set("messages = 'all'\nkeep_days = 1").await;
    for url in ["both", "old"] {
        desk.bench.serve(url, Served::File(url.as_bytes().to_vec()));
    }
    desk.bench.serve("a", Served::Messages(vec![message(0, image("old")), message(0, "old text")]));
    desk.hear(&message(1, combine("a", "a"))).await;
    desk.hear(&message(2, image("both"))).await;
    desk.work().await;
    desk.bench.serve("busy", Served::Busy);
    desk.hear(&message(4, image("busy"))).await;
    desk.work().await;
    // What a download has that broke off.
    let part = desk.path().join("part").join("4.a1b2.part");
    fs::write(&part, "bu").unwrap();
    let day = 24 * 60 * 60 * 1_000;
    desk.bench.set_now(Timestamp(1_000_000 + day));
    desk.hear(&message(3, image("both"))).await;
    let writer = desk.plugin.writer().unwrap();
    let now = 1_000_000 + i64::try_from(day).unwrap();
    writer.clear(now).await.unwrap();
    assert!(part.exists());
    assert_eq!(desk.n_messages(), 4, "a day is not over");
    writer.clear(now + 1).await.unwrap();
    assert_eq!((desk.n_messages(), desk.found("old").len()), (1, 0));
    assert!(!part.exists());
    let hash = desk.show(3).files[0].sha256.clone().unwrap();
    assert_eq!(desk.media(), [desk.reader().media(&hash)], "what another message has stays");
}

#[tokio::test]
async fn files_make_room_in_the_order_in_which_they_came() {
    let desk = Desk::set("messages = 'all'\nmax_file_bytes = 4\nmax_media_bytes = 9").await;
    for (id, url) in (1..).zip(["aaaa", "bbbb", "cccc"]) {
        desk.bench.serve(url, Served::File(url.as_bytes().to_vec()));
        desk.bench.set_now(Timestamp(1_000_000 + id));
        desk.hear(&message(id, image(url))).await;
        desk.work().await;
    }
    let states: Vec<_> = (1..4).map(|id| desk.show(id).files[0].state).collect();
    assert_eq!(states, [FileState::Lost, FileState::Here, FileState::Here]);
    let reason = desk.show(1).files[0].reason.clone();
    assert_eq!(reason.as_deref(), Some("it made room: the files had more than 9 bytes"));
    assert_eq!(desk.media().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_it_waits_is_fetched_at_once() {
    let desk = Desk::set("messages = 'all'").await;
    desk.bench.serve("cat", Served::File(b"meow".to_vec()));
    let env = desk.bench.env(&desk.plugin).unwrap();
    let arrives = async {
        desk.hear(&message(1, image("cat"))).await;
        desk.bench.settled().await;
        assert_eq!(desk.show(1).files[0].state, FileState::Here);
    };
    tokio::select! {
        ended = desk.plugin.run(&env) => panic!("{ended:?}"),
        () = arrives => {}
    }
}

#[tokio::test]
async fn a_reader_needs_no_more_than_the_file_and_sees_whose_it_is() {
    let desk = Desk::set("messages = 'all'").await;
    desk.hear(&message(1, "hi")).await;
    let found = |data: &Path| Reader::find(data).unwrap();
    let data = tempfile::tempdir().unwrap();
    assert!(found(data.path()).is_empty());
    let place = data.path().join("plugins/concierge/archive");
    fs::create_dir_all(&place).unwrap();
    desk.plugin.stop().await;
    fs::copy(desk.path().join(FILE_NAME), place.join(FILE_NAME)).unwrap();
    let reader = Reader::open(&found(data.path())[0]).unwrap();
    let about = reader.about();
    assert_eq!((about.bot.as_str(), about.app_key.as_str()), ("concierge", "easebot#demo"));
    assert_eq!(reader.show(MessageId(1)).unwrap().unwrap().text, "hi");
}

#[tokio::test]
async fn without_a_folder_it_does_not_start() {
    let (plugin, _) = build("");
    let (plugin, bench) = (plugin.unwrap(), Bench::new());
    let error = plugin.start(&bench.env(&plugin).unwrap()).await.unwrap_err();
    assert!(error.to_string().starts_with("an archive needs a folder"), "{error}");
}

#[test]
fn keys_that_cannot_be_meant_are_refused_where_they_stand() {
    for (text, part, message) in [
        ("conversations = ['bob']", "'bob'", "this names no conversation"),
        ("conversations = []", "", "nothing is archived: `conversations` is empty"),
        ("max_messages = 0", "0", "must be 1 to 100000"),
        ("keep_days = 0", "0", "must be 1 to 36500"),
        (
            "max_media_bytes = 10",
            "10",
            "one file (`max_file_bytes`) may take more than all (`max_media_bytes`)",
        ),
        ("switch = { on = 'x', off = ['y', 'X'] }", "'X'", "this switches the archive on already"),
    ] {
        let (plugin, problems) = build(text);
        assert!(plugin.is_none(), "{text}");
        let [problem] = &problems[..] else { panic!("{text}: {problems:?}") };
        assert_eq!(problem.message, message);
        if let Some(span) = problem.span.filter(|_| !part.is_empty()) {
            assert_eq!(text.get(span.start..span.end), Some(part));
        }
    }
}

#[test]
fn the_readme_names_every_key_of_every_table() {
    let mut generator = schemars::SchemaGenerator::default();
    let own = <ArchiveKeys as schemars::JsonSchema>::json_schema(&mut generator).to_value();
    let tables = generator.definitions().values().chain([&own]);
    let keys: Vec<&String> = tables
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|keys| keys.keys())
        .collect();
    assert!(keys.len() > 12, "{keys:?}");
    let readme = include_str!("../../README.md");
    for key in keys {
        assert!(readme.contains(&format!("| `{key}` |")), "{key}");
    }
}
