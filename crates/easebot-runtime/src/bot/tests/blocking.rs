//! Plugins that keep the thread that they run on.

use std::{
    io,
    sync::{Mutex, PoisonError, mpsc as blocking},
};

use tokio::sync::mpsc;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// Sends each line that is written to it.
#[derive(Clone)]
struct Lines(mpsc::Sender<String>);

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Nobody reads the last lines of a test.
        drop(self.0.try_send(String::from_utf8_lossy(line).into_owned()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The next line with `part` in it.
async fn line_with(lines: &mut mpsc::Receiver<String>, part: &str) -> String {
    loop {
        let line = soon(lines.recv()).await.expect("the log goes on");
        if line.contains(part) {
            return line;
        }
    }
}

/// At the text `block` it keeps its thread until it is released; to everything else it answers.
fn blocker(begun: mpsc::Sender<()>, release: blocking::Receiver<()>) -> Arc<dyn Plugin> {
    let release = Arc::new(Mutex::new(release));
    on_text("blocker", move |message, cx: Context| {
        let (begun, release) = (begun.clone(), Arc::clone(&release));
        async move {
            if message.text() == "block" {
                begun.try_send(()).unwrap();
                release.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap();
            }
            cx.reply("hi").await?;
            Ok(Flow::Continue)
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plugin_that_keeps_its_thread_is_told_with_its_event_and_holds_up_no_other_bot() {
    let (sender, mut lines) = mpsc::channel(1024);
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(Lines(sender)).finish();
    let _log = tracing::subscriber::set_default(log);
    let (begun, mut has_begun) = mpsc::channel(8);
    let (release, released) = blocking::channel();
    let (mut one, mut other) = (Server::new(), Server::new());
    let bots = vec![
        spec(&one, "concierge", vec![blocker(begun, released)]),
        spec(&other, "porter", vec![echo()]),
    ];
    let limit = Duration::from_millis(20);
    let options = RuntimeOptions::new(memory()).blocking_after(limit);
    let runtime = Runtime::start(options, bots).await.unwrap();
    let (mut peer, mut porter) = (one.log_in().await, other.log_in().await);

    peer.text("bob", 7, "block").await;
    soon(has_begun.recv()).await.unwrap();
    let line = line_with(&mut lines, "a plugin keeps its thread with an event").await;
    for part in ["bot=concierge", "plugin=blocker", "conversation=user:bob", "message_id=7"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    porter.text("carol", 8, "still there?").await;
    assert_eq!(words(&porter.said_and_acked().await), ("carol", "still there?"));
    release.send(()).unwrap();
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "hi"));

    // From now on it is asked apart: what else its own bot has to do goes on.
    peer.text("bob", 9, "block").await;
    soon(has_begun.recv()).await.unwrap();
    peer.text("dave", 10, "and you?").await;
    assert_eq!(words(&peer.said_and_acked().await), ("dave", "hi"));
    release.send(()).unwrap();
    assert_eq!(words(&peer.said_and_acked().await), ("bob", "hi"));
    drop(runtime);
}
