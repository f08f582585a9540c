//! Lines in, lines out.

use std::{
    io::{BufReader, Cursor, pipe},
    sync::{Arc, Mutex},
};

use easebot_handler::{Handlers, filter};
use easebot_model::{Message, Outgoing};
use easebot_plugin::{Context, Flow, PluginError};
use tokio::sync::watch;

use super::*;

/// Says what it hears, fails for good at `fail`, and says nothing to a picture of its own.
fn plugin() -> impl easebot_plugin::Plugin {
    let echo = |message: Message, cx: Context| async move {
        match message.text() {
            "fail" => return Err(PluginError::permanent("it broke")),
            "" => cx.reply(shown(&message.body)).await?,
            text => cx.reply(text).await?,
        };
        Ok(Flow::Stop)
    };
    Handlers::new("echo").on(filter::messages(), echo).build().unwrap()
}

/// What is written, and when.
#[derive(Clone, Debug, Default)]
struct Paper(Arc<(Mutex<Vec<u8>>, watch::Sender<()>)>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().clone()).unwrap()
    }

    async fn has(&self, part: &str) {
        let mut news = self.0.1.subscribe();
        while !self.text().contains(part) {
            news.changed().await.unwrap();
        }
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.lock().unwrap().extend_from_slice(bytes);
        self.0.1.send_replace(());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn piped(typed: &str) -> String {
    let bed = Testbed::start(plugin()).await;
    let paper = Paper::default();
    let input = Box::new(Cursor::new(typed.to_owned()));
    Talk::new(&bed, false, paper.clone()).from(input).await.unwrap();
    paper.text()
}

#[tokio::test]
async fn a_transcript_that_holds_comes_out_as_it_went_in() {
    let transcript = "> two\n\
                      | lines\n\
                      < two\n\
                      | lines\n\
                      bob> hi\n\
                      < hi\n\
                      group ops/bob> all of you\n\
                      < all of you\n\
                      room lobby/alice> here, too\n\
                      < here, too\n\
                      > <custom: wave>\n\
                      < <custom: wave>\n";
    assert_eq!(piped(transcript).await, transcript);
}

#[tokio::test]
async fn a_line_without_a_mark_is_said_and_comments_are_left_out() {
    assert_eq!(
        piped("hi\r\n\n# a comment\nwait for me").await,
        "> hi\n< hi\n> wait for me\n< wait for me\n"
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_the_talk_goes_on() {
    let text = piped("> <image: no-such-file.png>\nbot> I am it\ngroup ops> hi\nfail\nhi\n").await;
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].starts_with("# alice cannot say it: "), "{text}");
    assert_eq!(lines[3], "# bot is a bot, and cannot be a person, too");
    assert!(lines[4].starts_with("# this line does not say who speaks there"), "{text}");
    assert!(lines[6].starts_with("# given up by a bot: "), "{text}");
    assert_eq!(lines[7..], ["> hi", "< hi"], "what was given up is said once");
}

#[tokio::test]
async fn at_a_terminal_what_bots_say_by_themselves_is_shown_while_a_line_is_awaited() {
    let bed = Testbed::start(plugin()).await;
    let paper = Paper::default();
    let (typed, mut keyboard) = pipe().unwrap();
    let talk = Talk::new(&bed, true, paper.clone()).from(Box::new(BufReader::new(typed)));
    let person = async {
        keyboard.write_all(b"1 < 2\n").unwrap();
        paper.has("< 1 < 2\n> ").await;
        let news = Outgoing::text(Conversation::user("alice"), "news");
        drop(bed.handle().send("bot", None, news).await.unwrap());
        paper.has("< news\n> ").await;
        keyboard.write_all(b"wait 1h\nhi\n").unwrap();
        paper.has("< hi\n> ").await;
        drop(keyboard);
    };
    let (talked, ()) = tokio::join!(talk, person);
    talked.unwrap();
    assert_eq!(paper.text(), format!("{HINT}\n> < 1 < 2\n> \r\x1b[K< news\n> > < hi\n> \n"),);
}
