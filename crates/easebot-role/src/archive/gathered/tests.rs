//! Combined messages that are gathered and handed over.

use std::sync::{Mutex as Held, PoisonError};

use easebot_model::{Attachment, Body, Combine, Conversation, Event, Image, MessageId};
use easebot_plugin::{
    Context, Plugin,
    testing::{Bench, Served},
};
use tempfile::TempDir;

use super::*;
use crate::archive::{CombineArchiver, Content, Fetching};

/// Writes down what it is handed, and takes it unless it is told not to.
#[derive(Debug, Default)]
struct Clerk {
    fetcher: Fetcher,
    limits: Limits,
    written: Held<Vec<String>>,
    refusals: Held<Vec<PluginError>>,
}

#[async_trait]
impl CombineArchiver for Clerk {
    type Backlog = Gathered;

    fn name(&self) -> &str {
        "clerk"
    }

    fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    fn backlog(&self, env: &Env) -> Result<Gathered, PluginError> {
        Ok(Gathered::of(env)?.within(self.limits))
    }

    async fn on_message(&self, message: &Message, cx: &Context) -> Result<(), PluginError> {
        self.backlog(&cx.env())?.keep(message, &self.fetcher).await
    }

    async fn whole(&self, combined: &Node, _: &Env) -> Result<(), PluginError> {
        if let Some(error) = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Err(error);
        }
        let lines: Vec<String> = combined.walk().map(line).collect();
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(lines.join("\n"));
        Ok(())
    }
}

crate::plugin!(Clerk: CombineArchiver);

fn line(node: &Node) -> String {
    let what = match &node.content {
        Content::File { path, weighed } => {
            let held = fs::read(path).unwrap();
            assert_eq!(u64::try_from(held.len()).unwrap(), weighed.n_bytes);
            format!("({} {})", weighed.media_type, String::from_utf8_lossy(&held))
        }
        Content::Lost { reason } => format!("(lost: {reason})"),
        Content::Messages { messages, n_left_out } => {
            format!("({} and {n_left_out} more)", messages.len())
        }
        Content::Nothing => node.message.text().to_owned(),
    };
    format!("{}{}{what}", "  ".repeat(node.level), node.message.id.0)
}

struct Desk {
    bench: Bench,
    clerk: Clerk,
    folder: TempDir,
}

impl Desk {
    fn set(clerk: Clerk) -> Self {
        let (bench, folder) = (Bench::new(), tempfile::tempdir().unwrap());
        bench.set_folder(folder.path());
        bench.set_now(Timestamp(1_000_000));
        Self { bench, clerk, folder }
    }

    async fn hear(&self, message: Message) {
        let event = Event::Message(Box::new(message));
        self.bench.event(&self.clerk, &event).await.unwrap();
    }

    async fn work(&self) -> Option<std::time::Duration> {
        let env = self.bench.env(&self.clerk).unwrap();
        self.clerk.fetcher.work_off(&self.clerk, &env).await.unwrap()
    }

    fn written(&self) -> Vec<String> {
        std::mem::take(&mut *self.clerk.written.lock().unwrap())
    }

    /// Keys of what is saved, and files in the folder.
    async fn left(&self) -> (Vec<String>, usize) {
        let env = self.bench.env(&self.clerk).unwrap();
        let saved = env.shelf::<serde_json::Value>().list("", None, 1_000).await.unwrap();
        let files = walk(self.folder.path());
        (saved.into_iter().map(|(key, _)| key).collect(), files)
    }
}

fn walk(folder: &std::path::Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}

fn message(id: u64, body: impl Into<Body>) -> Message {
    let place = Conversation::user("bob");
    Message::new(MessageId(id), place, "bob".into(), Timestamp(1), body.into())
}

fn at(url: &str) -> Attachment {
    Attachment { url: url.to_owned(), ..Attachment::default() }
}

fn combine(id: u64, url: &str) -> Message {
    message(id, Body::Combine(Box::new(Combine { attachment: at(url), ..Combine::default() })))
}

fn image(id: u64, url: &str) -> Message {
    message(id, Body::Image(Box::new(Image { attachment: at(url), ..Image::default() })))
}

#[tokio::test]
async fn a_combined_message_is_handed_over_when_all_of_it_is_there_and_nothing_is_left() {
    let desk = Desk::set(Clerk::default());
    desk.bench.serve("a", Served::Messages(vec![message(2, "hi"), combine(3, "b"), image(6, "p")]));
    desk.bench.serve("b", Served::Messages(vec![image(4, "q"), message(5, "bye")]));
    desk.bench.serve("p", Served::File(b"\xff\xd8\xffabc".to_vec()));
    desk.bench.serve("q", Served::Busy);
    desk.hear(combine(1, "a")).await;
    let wait = desk.work().await.unwrap();
    assert!(wait.as_millis() <= 2_000, "{wait:?}");
    assert_eq!(desk.written(), [""; 0], "something is not there yet");
    desk.bench.serve("q", Served::File(b"plain".to_vec()));
    desk.bench.set_now(Timestamp(1_002_000));
    assert_eq!(desk.work().await, None);
    let expected = "1(3 and 0 more)\n  2hi\n  3(2 and 0 more)\n    4(application/octet-stream plain)\n    \
                    5bye\n  6(image/jpeg \u{fffd}\u{fffd}\u{fffd}abc)";
    assert_eq!(desk.written(), [expected]);
    assert_eq!(desk.left().await, (vec![], 0));
}

#[tokio::test]
async fn what_cannot_be_had_does_not_keep_the_rest_back() {
    let limits = Limits { n_messages: 5, n_levels: 2, ..Limits::default() };
    let desk = Desk::set(Clerk { limits, ..Clerk::default() });
    desk.bench.serve("a", Served::Messages(vec![combine(2, "a?x"), combine(3, "b"), image(4, "")]));
    desk.bench
        .serve("b", Served::Messages(vec![combine(5, "c"), message(6, "x"), message(7, "y")]));
    desk.hear(combine(1, "a")).await;
    assert_eq!(desk.work().await, None);
    let expected = "1(3 and 0 more)\n  2(lost: it stands in itself)\n  3(2 and 1 more)\n    \
                    5(lost: it stands 2 levels deep, the most that are opened)\n    6x\n  \
                    4(lost: it is not known any more where it is)";
    assert_eq!(desk.written(), [expected]);
    assert_eq!(desk.left().await, (vec![], 0));
}

#[tokio::test]
async fn of_a_file_that_is_lost_nothing_is_left() {
    let desk = Desk::set(Clerk::default());
    desk.bench.serve("a", Served::Messages(vec![image(2, "busy")]));
    desk.bench.serve("busy", Served::Busy);
    desk.hear(combine(1, "a")).await;
    assert!(desk.work().await.is_some());
    let env = desk.bench.env(&desk.clerk).unwrap();
    let backlog = desk.clerk.backlog(&env).unwrap();
    let due = backlog.due(Timestamp(1_000_000_000), 1, Vec::new()).await.unwrap().due.remove(0);
    // What a download has that broke off.
    let part = backlog.part(&due).display().to_string();
    fs::write(format!("{part}.a1b2.part"), "bu").unwrap();
    desk.bench.set_now(Timestamp(1_000_000 + 8 * 24 * 60 * 60 * 1_000));
    assert_eq!(desk.work().await, None);
    assert_eq!(desk.written(), ["1(1 and 0 more)\n  2(lost: the server is busy)"]);
    assert_eq!(desk.left().await, (vec![], 0));
}

#[tokio::test]
async fn who_cannot_take_it_gets_it_again_until_the_error_is_final() {
    let desk = Desk::set(Clerk::default());
    desk.bench.serve("a", Served::Messages(vec![message(2, "hi")]));
    desk.clerk.refusals.lock().unwrap().push(PluginError::new("the disk is full"));
    desk.hear(combine(1, "a")).await;
    desk.hear(combine(1, "a")).await;
    assert!(desk.work().await.is_some());
    assert_eq!(desk.written(), [""; 0]);
    desk.bench.set_now(Timestamp(1_002_000));
    assert_eq!(desk.work().await, None);
    assert_eq!(desk.written(), ["1(1 and 0 more)\n  2hi"], "once, though it was heard twice");
    desk.clerk.refusals.lock().unwrap().push(PluginError::permanent("it is of no use"));
    desk.hear(combine(3, "a")).await;
    assert_eq!(desk.work().await, None);
    assert_eq!((desk.written(), desk.left().await), (vec![], (vec![], 0)));
}

#[tokio::test]
async fn what_cannot_be_read_keeps_no_other_from_being_fetched() {
    let desk = Desk::set(Clerk::default());
    desk.bench.serve("a", Served::Messages(vec![message(2, "hi")]));
    let env = desk.bench.env(&desk.clerk).unwrap();
    env.shelf()
        .save("combine/wait/00000000000000000000/7/top", &String::from("of another version"))
        .await
        .unwrap();
    desk.hear(combine(1, "a")).await;
    assert_eq!(desk.work().await, None);
    assert_eq!(desk.written(), ["1(1 and 0 more)\n  2hi"]);
    assert_eq!(desk.left().await, (vec![], 0));
}

#[tokio::test]
async fn files_are_left_where_it_is_so_configured() {
    let fetching = Fetching { leaves_files: Some("files are not wanted"), ..Fetching::default() };
    let desk = Desk::set(Clerk { fetcher: Fetcher::new(fetching), ..Clerk::default() });
    desk.bench.serve("a", Served::Messages(vec![image(2, "p")]));
    desk.hear(combine(1, "a")).await;
    desk.work().await;
    assert_eq!(desk.written(), ["1(1 and 0 more)\n  2(lost: files are not wanted)"]);
    assert_eq!(desk.bench.fetched(), ["a"]);
}

#[tokio::test]
async fn without_a_folder_it_is_said_what_is_missing() {
    let (bench, clerk) = (Bench::new(), Clerk::default());
    let error = bench.event(&clerk, &Event::Message(Box::new(combine(1, "a")))).await.unwrap_err();
    assert!(error.chain().starts_with("files of messages need a folder"), "{error}");
    let interest = Plugin::interest(&clerk);
    assert!(interest.is_observer() && !interest.is_answering());
}
