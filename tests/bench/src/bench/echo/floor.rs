//! The bot that somebody writes by hand: one loop, nothing saved, nothing but the echo.
//!
//! Once with generated protobuf code, as most would, and once with fields read where they stand, which is about what the
//! machine allows.

use easebot_msync::schema::{
    CommNotice, CommSyncDl, CommSyncUl, Jid, MSync, MessageBody, Meta, Provision, m_sync::Command,
    message_body,
};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use prost::Message as _;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::{bare, crowd};
use crate::load::easemob::{APP_KEY, account};
use crate::wire::msync::{self, DOMAIN, Frame};
use crate::wire::protobuf::{Fields, Value};

/// What a bot says to a frame of the server.
type Answer = fn(&mut Bot, &Bytes, &mut Vec<Bytes>) -> anyhow::Result<()>;

struct Bot {
    name: String,
    n_said: u64,
}

/// Reads and writes protobuf by hand.
///
/// # Errors
/// If a connection breaks, or the server says what cannot be read.
pub(in crate::bench) fn by_hand(words: &[String]) -> anyhow::Result<()> {
    crowd::run(words, async |port, number| chat(port, number, Bot::by_hand).await)
}

/// Reads and writes protobuf with the types that prost makes of the schema.
///
/// # Errors
/// As [`by_hand`].
pub(in crate::bench) fn generated(words: &[String]) -> anyhow::Result<()> {
    crowd::run(words, async |port, number| chat(port, number, Bot::generated).await)
}

async fn chat(port: u16, number: usize, answer: Answer) -> anyhow::Result<()> {
    let mut socket = bare::open(port).await?;
    let mut bot = Bot { name: account(number), n_said: 0 };
    socket.send(Message::Binary(bot.login())).await?;
    let mut answers = Vec::new();
    while let Some(message) = socket.next().await {
        let mut message = Some(message);
        while let Some(frame) = message {
            if let Some(bytes) = bare::binary(frame?) {
                answer(&mut bot, &bytes, &mut answers)?;
            }
            message = socket.next().now_or_never().flatten();
        }
        for bytes in answers.drain(..) {
            socket.feed(Message::Binary(bytes)).await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

impl Bot {
    fn login(&self) -> Bytes {
        let provision = Provision { resource: Some("bench".to_owned()), ..Provision::default() };
        let guid = Jid {
            app_key: Some(APP_KEY.to_owned()),
            name: Some(self.name.clone()),
            ..Jid::default()
        };
        frame(Command::Provision, Some(guid), &provision)
    }

    /// An id for what is said next: milliseconds would do, and a counter does.
    fn id(&mut self) -> u64 {
        self.n_said += 1;
        self.n_said
    }

    fn by_hand(&mut self, bytes: &Bytes, answers: &mut Vec<Bytes>) -> anyhow::Result<()> {
        let frame = Frame::read(bytes)?;
        if frame.is_provision() {
            answers.push(unread());
        } else if frame.is_notice() {
            for field in Fields(frame.payload) {
                if let (1, Value::Bytes(queue)) = field? {
                    answers.push(msync::pull(queue, None).into());
                }
            }
        } else if frame.is_sync() {
            let (mut queue, mut key) = (None, None);
            for field in Fields(frame.payload) {
                match field? {
                    (4, Value::Bytes(meta)) => {
                        let meta = msync::Meta::read(meta)?;
                        let Some(text) = meta.text else { continue };
                        let (id, name) = (self.id(), self.name.as_bytes());
                        let said = msync::say(id, APP_KEY.as_bytes(), name, meta.from, text);
                        answers.push(said.into());
                    }
                    (5, Value::Varint(next)) => key = Some(next),
                    (6, Value::Bytes(jid)) => queue = Some(jid),
                    _ => {}
                }
            }
            if let (Some(queue), Some(_)) = (queue, key) {
                answers.push(msync::pull(queue, key).into());
            }
        }
        Ok(())
    }

    fn generated(&mut self, bytes: &Bytes, answers: &mut Vec<Bytes>) -> anyhow::Result<()> {
        let frame = MSync::decode(bytes.clone())?;
        let command = frame.command();
        let payload = frame.payload.unwrap_or_default();
        match command {
            Command::Provision => answers.push(unread()),
            Command::Notice => {
                let queue = CommNotice::decode(payload)?.queue;
                answers.push(sync(&CommSyncUl { queue, ..CommSyncUl::default() }));
            }
            Command::Sync => {
                let batch = CommSyncDl::decode(payload)?;
                for meta in batch.metas {
                    answers.extend(self.echo(meta)?);
                }
                if let Some(key) = batch.next_key {
                    let (queue, key) = (batch.queue, Some(key));
                    answers.push(sync(&CommSyncUl { queue, key, ..CommSyncUl::default() }));
                }
            }
            Command::Unread | Command::Logout => {}
        }
        Ok(())
    }

    fn echo(&mut self, meta: Meta) -> anyhow::Result<Option<Bytes>> {
        let body = MessageBody::decode(meta.payload.unwrap_or_default())?;
        let text = body.contents.into_iter().next().and_then(|content| content.text);
        let (Some(text), Some(from)) = (text, meta.from) else { return Ok(None) };
        let name = |name: Option<String>| Some(Jid { name, ..Jid::default() });
        let content = message_body::Content {
            r#type: Some(0),
            text: Some(text),
            ..message_body::Content::default()
        };
        let body = MessageBody {
            r#type: Some(1),
            from: name(Some(self.name.clone())),
            to: name(from.name.clone()),
            contents: vec![content],
            ..MessageBody::default()
        };
        let to = Jid {
            app_key: Some(APP_KEY.to_owned()),
            name: from.name,
            domain: Some(String::from_utf8_lossy(DOMAIN).into_owned()),
            client_resource: None,
        };
        let meta = Meta {
            id: Some(self.id()),
            to: Some(to),
            ns: Some(1),
            payload: Some(body.encode_to_vec().into()),
            ..Meta::default()
        };
        Ok(Some(sync(&CommSyncUl { meta: Some(meta), ..CommSyncUl::default() })))
    }
}

fn unread() -> Bytes {
    frame(Command::Unread, None, &easebot_msync::schema::CommUnreadUl {})
}

fn sync(sync: &CommSyncUl) -> Bytes {
    frame(Command::Sync, None, sync)
}

fn frame(command: Command, guid: Option<Jid>, payload: &impl prost::Message) -> Bytes {
    let frame = MSync {
        guid,
        command: Some(command.into()),
        payload: Some(payload.encode_to_vec().into()),
        ..MSync::default()
    };
    frame.encode_to_vec().into()
}
