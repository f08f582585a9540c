//! Combined messages of every level.

use anyhow::{Context as _, ensure};
use bytes::{Buf as _, Bytes};
use easebot_model::{Attachment, Body, Combine, Message, Resource, Secret};
use easebot_msync::Me;
use easebot_msync::combine::{self, CombineLimits};
use easebot_msync::schema::{MessageBody, Meta};
use prost::Message as _;

use crate::bot;
use crate::corpus::Corpus;

/// Messages in a file: the most that the protocol allows.
pub(crate) const N_MESSAGES: usize = combine::MAX_MESSAGES;
/// How deep the tree goes: as deep as the protocol allows.
pub(crate) const N_LEVELS: u32 = combine::MAX_LEVEL;

/// # Errors
/// None: the bot has a name.
pub(crate) fn me() -> anyhow::Result<Me> {
    Ok(Me { user: bot::bot()?.user, resource: Resource::new("desktop_1") })
}

/// What is combined.
pub(crate) fn messages() -> Vec<Message> {
    let mut corpus = Corpus::new(300);
    (1..).take(N_MESSAGES).map(|id| bot::message(id, corpus.chat())).collect()
}

/// # Errors
/// If the messages cannot be combined.
pub(crate) fn build(messages: &[Message], me: &Me) -> anyhow::Result<Bytes> {
    Ok(combine::build(messages, me, &bot::bot()?.app_key)?)
}

/// # Errors
/// If `file` is not what it was built as.
pub(crate) fn open(file: &Bytes, me: &Me) -> anyhow::Result<Vec<Message>> {
    Ok(combine::parse(file, me, &CombineLimits::default())?)
}

/// The least that opening takes: each record by the code that is generated for it, and nothing made of it.
///
/// # Errors
/// If a record cannot be decoded.
pub(crate) fn decode(file: &Bytes) -> anyhow::Result<Vec<MessageBody>> {
    let mut rest = file.slice(2..file.len() - 1);
    let mut bodies = Vec::new();
    while rest.has_remaining() {
        let n_bytes = usize::try_from(rest.get_u32())?;
        let meta = Meta::decode(rest.split_to(n_bytes))?;
        bodies.push(MessageBody::decode(meta.payload.context("a record without a payload")?)?);
    }
    Ok(bodies)
}

/// A file for each level, the innermost first: the last message of each but that one is the file before it. `messages` are as they
/// were afterwards.
///
/// # Errors
/// If the messages cannot be combined.
pub(crate) fn build_tree(messages: &mut [Message], me: &Me) -> anyhow::Result<Vec<Bytes>> {
    let innermost = messages.last().context("there are no messages")?.body.clone();
    let mut files = Vec::new();
    for level in 1..=N_LEVELS {
        files.push(build(messages, me)?);
        let last = messages.last_mut().context("there are no messages")?;
        last.body = Body::Combine(Box::new(Combine {
            attachment: Attachment {
                url: format!("https://a1.easemob.com/easebot/demo/chatfiles/{level}"),
                secret: Some(Secret::new("share")),
                name: Some("combine".to_owned()),
                length_bytes: None,
            },
            title: "聊天记录".to_owned(),
            summary: "bob: 你好".to_owned(),
            compatible_text: "[聊天记录]".to_owned(),
            level,
        }));
    }
    if let Some(last) = messages.last_mut() {
        last.body = innermost;
    }
    Ok(files)
}

/// All messages of all levels.
///
/// # Errors
/// If a file does not hold the one below it.
pub(crate) fn open_tree(files: &[Bytes], me: &Me) -> anyhow::Result<Vec<Vec<Message>>> {
    let mut levels: Vec<Vec<Message>> = Vec::new();
    for (place, file) in files.iter().enumerate().rev() {
        let messages = open(file, me)?;
        let inner = messages.last().map(|message| &message.body);
        let is_inner = match inner {
            Some(Body::Combine(inner)) => usize::try_from(inner.level)? == place,
            _ => place == 0,
        };
        ensure!(is_inner, "level {place} is not in the one above it");
        levels.push(messages);
    }
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_combined_comes_out_again_in_every_level() {
        let (me, mut messages) = (me().unwrap(), messages());
        let texts = |messages: &[Message]| {
            messages.iter().map(|it| it.text().to_owned()).collect::<Vec<_>>()
        };
        let file = build(&messages, &me).unwrap();
        assert_eq!(texts(&open(&file, &me).unwrap()), texts(&messages));
        let bodies = decode(&file).unwrap();
        assert_eq!(bodies.len(), N_MESSAGES);
        assert_eq!(bodies[7].contents[0].text(), messages[7].text());
        let files = build_tree(&mut messages, &me).unwrap();
        assert_eq!((files.len(), &files[0]), (10, &file));
        assert_eq!(build_tree(&mut messages, &me).unwrap(), files);
        let levels = open_tree(&files, &me).unwrap();
        assert_eq!(levels.iter().map(Vec::len).sum::<usize>(), 3_000);
        assert!(open_tree(&[files[1].clone(), files[0].clone()], &me).is_err());
    }
}
