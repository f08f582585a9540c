//! What is counted is what is meant.

use std::collections::BTreeMap;

use easebot_msync::schema::{CommSyncUl, MSync, MessageBody};
use easebot_store::Durability;
use prost::Message as _;

use super::{
    MAX_MESSAGES, PAGE,
    bot::{self, Heard},
    far_end,
    pages::Pages,
    steps,
};

/// The texts that are said in `frames`, by whom they are said to.
fn said<'f>(frames: impl Iterator<Item = &'f [u8]>) -> BTreeMap<String, Vec<String>> {
    let mut said = BTreeMap::<_, Vec<_>>::new();
    for frame in frames {
        let frame = MSync::decode(frame).unwrap();
        let sync = CommSyncUl::decode(frame.payload.unwrap_or_default()).unwrap_or_default();
        let Some(meta) = sync.meta else { continue };
        let body = MessageBody::decode(meta.payload.unwrap()).unwrap();
        let to = meta.to.unwrap().name().to_owned();
        said.entry(to).or_default().push(body.contents[0].text().to_owned());
    }
    said
}

#[test]
fn each_message_is_answered_once_and_in_order() {
    let pages = Pages::new(7, 100);
    let expected = steps::answer_frames(&pages).unwrap();
    let expected = said(expected.iter().take(Pages::n_different(500)).map(|frame| &**frame));
    for durability in [Durability::Memory, Durability::Process] {
        let heard = Heard::default();
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let talk = bot::talk(&pages, 500, true, durability, Some(Heard::clone(&heard)));
        tokio.block_on(talk).unwrap();
        let heard = heard.lock().unwrap();
        assert_eq!(said(heard.iter().map(Vec::as_slice)), expected, "{durability:?}");
    }
}

#[test]
fn what_nobody_wants_is_taken_and_not_answered() {
    let pages = Pages::new(7, 100);
    let heard = Heard::default();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let talk = bot::talk(&pages, 200, false, Durability::Memory, Some(Heard::clone(&heard)));
    tokio.block_on(talk).unwrap();
    let heard = heard.lock().unwrap();
    assert!(said(heard.iter().map(Vec::as_slice)).is_empty());
    let keys = heard.iter().filter_map(|frame| {
        let payload = MSync::decode(frame.as_slice()).unwrap().payload?;
        CommSyncUl::decode(payload).ok()?.key
    });
    assert_eq!(keys.count(), 200 / PAGE, "each page is released");
}

#[test]
fn what_people_write_is_as_it_is_told() {
    let pages = Pages::new(25, 100);
    assert_eq!((pages.metas.len(), pages.frames.len()), (MAX_MESSAGES, MAX_MESSAGES / PAGE));
    assert!(pages.metas.iter().all(|meta| (150..=400).contains(&meta.len())));
    let texts = said(steps::answer_frames(&pages).unwrap().iter().map(|frame| &**frame));
    let texts: Vec<_> = texts.into_values().flatten().collect();
    let n_commands = texts.iter().filter(|text| text.contains("all is well: ")).count();
    let n_rules = texts.iter().filter(|text| text.starts_with("rule ")).count();
    assert_eq!((n_commands, n_rules, texts.len()), (600, 200, 1_900));
    let again = Pages::new(25, 100);
    assert_eq!(pages.frames, again.frames);
}

#[test]
fn each_step_can_be_done() {
    let pages = Pages::new(25, 100);
    for step in [
        far_end::run_alone,
        steps::decode,
        steps::encode,
        steps::route,
        steps::render,
        steps::combine,
        steps::lz4,
    ] {
        step(&pages, 500).unwrap();
    }
}
