//! Single steps of the way, each by itself.

use std::{hint::black_box, time::Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use easebot_model::{
    ClientMessageId, Conversation, Event, Message, Outgoing, Resource, Secret, Timestamp, UserId,
};
use easebot_msync::{
    Device, Me, Now, Session, SessionConfig, SessionEvent, combine, decode_meta,
    lz4::{Compressor, Decompressor},
    schema::{Provision, m_sync::Command},
};
use easebot_plugin::{At, BotInfo, Problems, Templates, Values};

use super::{
    MAX_MESSAGES, PAGE,
    bot::Answerer,
    pages::{APP, BOT, Pages, frame, ok},
};

/// Pages to events, with the pulls that ask for the next ones.
///
/// # Errors
/// If an event is missing.
pub(super) fn decode(pages: &Pages, n: usize) -> anyhow::Result<()> {
    let mut session = online()?;
    let mut n_events = 0;
    for page in pages.frames.iter().take(n / PAGE) {
        session.handle_frame(page.clone(), now())?;
        while let Some(event) = session.poll_event() {
            if let SessionEvent::Batch(batch) = black_box(event) {
                n_events += batch.arrivals.len();
                if let Some(cursor) = batch.cursor {
                    session.release(&cursor, now());
                }
            }
        }
        while let Some(pull) = session.poll_transmit() {
            drop(black_box(pull));
        }
    }
    ensure!(n_events == Pages::n_different(n), "{n_events} events came of {n} messages");
    Ok(())
}

/// Answers to frames.
///
/// # Errors
/// If one cannot be said.
pub(super) fn encode(pages: &Pages, n: usize) -> anyhow::Result<()> {
    let answers = answers(pages)?;
    let mut session = online()?;
    for answer in answers.iter().cycle().take(n) {
        session.send(answer.0, &answer.1, now())?;
        drop(black_box(session.poll_transmit()));
    }
    Ok(())
}

/// Messages to what answers them.
///
/// # Errors
/// If the rules cannot be made.
pub(super) fn route(pages: &Pages, n: usize) -> anyhow::Result<()> {
    let (answerer, bot) = (Answerer::new(pages.n_rules, true)?, bot()?);
    for message in messages(pages)?.iter().take(n) {
        drop(black_box(answerer.answer(message, &bot)));
    }
    Ok(())
}

/// Templates to texts.
///
/// # Errors
/// If one cannot be filled in.
pub(super) fn render(pages: &Pages, n: usize) -> anyhow::Result<()> {
    const NAME: &str = "rule#1";
    const TEMPLATE: &str = "{{ message.from }}: {{ message.text | upper }} ({{ bot.name }})";

    let bot = bot()?;
    let (mut templates, mut problems) = (Templates::new(), Problems::new());
    let source = At::nowhere(TEMPLATE.to_owned());
    let is_right = templates.add(NAME, &source, &Values::sample(&bot), &mut problems);
    ensure!(is_right, "the template is wrong: {problems:?}");
    for message in messages(pages)?.iter().take(n) {
        drop(black_box(templates.render(NAME, &Values::of(message, &bot))?));
    }
    Ok(())
}

/// Messages into files of 100 and out of them.
///
/// # Errors
/// If a file cannot be made or read.
pub(super) fn combine(pages: &Pages, n: usize) -> anyhow::Result<()> {
    let (me, app_key) = (me(), APP.parse()?);
    let messages = messages(pages)?;
    for some in messages.get(..n).unwrap_or_default().chunks(100) {
        let file = combine::build(some, &me, &app_key)?;
        let opened = combine::parse(&file, &me, &combine::CombineLimits::default())?;
        ensure!(opened.len() == some.len(), "messages were lost");
        drop(black_box(opened));
    }
    Ok(())
}

/// Frames compressed and restored.
///
/// # Errors
/// If what comes out is not what went in.
pub(super) fn lz4(pages: &Pages, n: usize) -> anyhow::Result<()> {
    let (mut up, mut down) = (Compressor::default(), Decompressor::default());
    for meta in pages.metas.iter().take(n) {
        let restored = down.decompress(&up.compress(meta)?)?;
        ensure!(restored.len() == meta.len(), "bytes were lost");
        drop(black_box(restored));
    }
    Ok(())
}

/// What a bot writes to answer `pages`, frame by frame.
///
/// # Errors
/// If one cannot be said.
pub(super) fn answer_frames(pages: &Pages) -> anyhow::Result<Vec<Bytes>> {
    let mut session = online()?;
    let mut frames = Vec::new();
    for (id, answer) in answers(pages)? {
        session.send(id, &answer, now())?;
        frames.push(session.poll_transmit().context("nothing was said")?);
    }
    Ok(frames)
}

/// An answer to each message of `pages` that is not repeated.
fn answers(pages: &Pages) -> anyhow::Result<Vec<(ClientMessageId, Outgoing)>> {
    let (answerer, bot) = (Answerer::new(pages.n_rules, true)?, bot()?);
    let messages = messages(pages)?;
    let different = messages.chunks(PAGE).flat_map(|page| page.get(..PAGE - 1).unwrap_or(page));
    let said = different.zip(1_u64 << 51..).map(|(message, id)| {
        let to = Conversation::User(message.from.clone());
        (ClientMessageId(id), Outgoing::text(to, answerer.answer(message, &bot)))
    });
    Ok(said.collect())
}

fn messages(pages: &Pages) -> anyhow::Result<Vec<Message>> {
    let me = me();
    let messages: Vec<_> = pages
        .metas
        .iter()
        .flat_map(|meta| decode_meta(meta, &me).into_events())
        .filter_map(|(_, event)| match event {
            Event::Message(message) => Some(*message),
            _ => None,
        })
        .collect();
    ensure!(messages.len() == MAX_MESSAGES, "a meta is no message");
    Ok(messages)
}

fn me() -> Me {
    Me { user: BOT.into(), resource: Resource::new("easebot_1") }
}

fn bot() -> anyhow::Result<BotInfo> {
    Ok(BotInfo { name: BOT.to_owned(), user: UserId::new(BOT), app_key: APP.parse()? })
}

/// A session whose login was accepted.
fn online() -> anyhow::Result<Session> {
    let device = Device {
        resource: Resource::new("easebot_1"),
        uuid: "0".to_owned(),
        name: "easebot".to_owned(),
    };
    let mut session = Session::new(SessionConfig::new(APP.parse()?, BOT.into(), device));
    session.handle_open(Secret::new("TOKEN"), now());
    let accepted = Provision { status: Some(ok()), ..Provision::default() };
    session.handle_frame(frame(Command::Provision, &accepted), now())?;
    ensure!(session.is_online(), "the login was not accepted");
    while session.poll_transmit().is_some() || session.poll_event().is_some() {}
    Ok(session)
}

/// A time that stands still, so that no clock is counted.
fn now() -> Now {
    thread_local! {
        static BEGUN: Instant = Instant::now();
    }
    Now { at: BEGUN.with(|begun| *begun), unix: Timestamp(1_795_000_000_000) }
}
