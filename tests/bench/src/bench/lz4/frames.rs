//! Frames as they come and go on a connection, before they are compressed.

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use easebot_model::{AppKey, ClientMessageId, Conversation, Event, Outgoing};
use easebot_msync::schema::m_sync::Command;
use easebot_msync::schema::{CommSyncEnvelope, CommSyncUl, Jid, MSync, Meta, meta::NameSpace};
use easebot_msync::schema::{MessageBody, message_body};
use easebot_msync::{Me, decode_meta, encode_outgoing};
use prost::Message as _;

use crate::bot;
use crate::corpus::Corpus;

/// How many messages the frames that come have, in turn.
const N_METAS: [usize; 3] = [1, 5, 20];

/// A frame that came, and how many messages are in it.
#[derive(Clone, Debug)]
pub(crate) struct Down {
    pub(crate) bytes: Bytes,
    pub(crate) n_messages: usize,
}

/// Frames with messages of bob and others to the bot.
pub(crate) fn down(n_frames: usize) -> Vec<Down> {
    let (mut corpus, mut ids) = (Corpus::new(4), 1_u64 << 60..);
    let mut metas = |n: usize| {
        let meta = |id| meta(id, corpus.chat());
        ids.by_ref().take(n).map(meta).map(|meta| meta.encode_to_vec().into()).collect()
    };
    let frames = N_METAS.into_iter().cycle().take(n_frames).zip(1_u64..);
    let frames = frames.map(|(n_messages, key)| {
        let sync = CommSyncEnvelope {
            metas: metas(n_messages),
            next_key: Some(key),
            queue: Some(user("bob")),
            is_last: Some(true),
            timestamp: Some(bot::NOW.0),
            ..CommSyncEnvelope::default()
        };
        Down { bytes: frame(sync.encode_to_vec(), key), n_messages }
    });
    frames.collect()
}

/// A message of bob to the bot, as the server passes it on.
pub(crate) fn meta(id: u64, text: String) -> Meta {
    let content = message_body::Content {
        r#type: Some(message_body::content::Type::Text.into()),
        text: Some(text),
        ..message_body::Content::default()
    };
    let body = MessageBody {
        r#type: Some(message_body::Type::Chat.into()),
        from: Some(Jid { name: Some("bob".to_owned()), ..Jid::default() }),
        to: Some(Jid { name: Some("concierge".to_owned()), ..Jid::default() }),
        contents: vec![content],
        ..MessageBody::default()
    };
    Meta {
        id: Some(id),
        from: Some(Jid { client_resource: Some("web_7".to_owned()), ..user("bob") }),
        to: Some(user("concierge")),
        timestamp: Some(bot::NOW.0),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    }
}

fn user(name: &str) -> Jid {
    Jid {
        app_key: Some("easebot#demo".to_owned()),
        name: Some(name.to_owned()),
        domain: Some("easemob.com".to_owned()),
        client_resource: None,
    }
}

fn frame(payload: Vec<u8>, trace_id: u64) -> Bytes {
    let frame = MSync {
        command: Some(Command::Sync.into()),
        payload: Some(payload.into()),
        encrypt_type: vec![0],
        trace_id: Some(trace_id),
        ..MSync::default()
    };
    frame.encode_to_vec().into()
}

/// The events of a frame that came.
///
/// # Errors
/// If it is none.
pub(crate) fn read(frame: Bytes, me: &Me) -> anyhow::Result<Vec<Event>> {
    let payload = MSync::decode(frame)?.payload.context("a frame without a payload")?;
    let sync = CommSyncEnvelope::decode(payload)?;
    let events = sync.metas.iter().flat_map(|raw| decode_meta(raw, me).into_events());
    Ok(events.map(|(_, event)| event).collect())
}

/// What the bot says.
pub(crate) fn said(n: usize) -> Vec<Outgoing> {
    let mut corpus = Corpus::new(5);
    (0..n).map(|_| Outgoing::text(Conversation::user("bob"), corpus.chat())).collect()
}

/// The frame that says it.
///
/// # Errors
/// If it cannot be said.
pub(crate) fn write(said: &Outgoing, id: u64, me: &Me, app_key: &AppKey) -> anyhow::Result<Bytes> {
    let meta = encode_outgoing(said, ClientMessageId(id), me, app_key)?;
    let sync = CommSyncUl { meta: Some(meta), ..CommSyncUl::default() };
    Ok(frame(sync.encode_to_vec(), id))
}

/// # Errors
/// If `events` are not `n_messages` texts.
pub(crate) fn check(events: &[Event], n_messages: usize) -> anyhow::Result<()> {
    let is_text = |event: &&Event| matches!(event, Event::Message(it) if !it.text().is_empty());
    let n_texts = events.iter().filter(is_text).count();
    ensure!(n_texts == n_messages, "{n_texts} of {n_messages} messages came out of a frame");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::combine::files;

    #[test]
    fn frames_hold_the_messages_that_were_put_in() {
        let me = files::me().unwrap();
        for frame in down(6) {
            let events = read(frame.bytes, &me).unwrap();
            check(&events, frame.n_messages).unwrap();
            assert!(check(&events, frame.n_messages + 1).is_err());
        }
    }

    #[test]
    fn what_is_said_is_in_its_frame() {
        let (me, bot) = (files::me().unwrap(), bot::bot().unwrap());
        let said = said(2);
        let frame = write(&said[0], 7, &me, &bot.app_key).unwrap();
        let sync = CommSyncUl::decode(MSync::decode(frame).unwrap().payload.unwrap()).unwrap();
        assert_eq!(sync.meta.unwrap().id, Some(7));
        assert_ne!(said[0], said[1]);
    }
}
