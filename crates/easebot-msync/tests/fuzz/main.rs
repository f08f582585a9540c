//! The fuzz targets of `fuzz/`, run for a moment by a mutator with a fixed seed over bytes that are right. It finds what is
//! near at hand and needs no tool; `fuzz/README.md` says how to look longer.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "test code"
)]

mod mutate;
mod targets;

use std::collections::BTreeMap;

use easebot_msync::{
    lz4::Compressor,
    schema::{CommNotice, CommSyncDl, Jid, MSync, Meta, Status},
};
use prost::Message as _;

use self::mutate::Mutator;

/// How many inputs each target gets.
const N_INPUTS: usize = 6_000;

macro_rules! fixtures {
    ($($name:literal),* $(,)?) => {
        &[$(include_str!(concat!("../fixtures/", $name, ".hex"))),*]
    };
}

const METAS: &[&str] = fixtures![
    "metas/cmd-typing",
    "metas/combine-user",
    "metas/edit-text",
    "metas/read-user",
    "metas/text-group-directed",
    "metas/text-group-receipts",
    "metas/text-room-high",
    "metas/text-thread",
    "metas/text-user",
];

const FILES: &[&str] = fixtures!["combine/one-text", "combine/reordered"];

const JSON: &[&str] = &[
    r#"{"type":"presence","data":{"values":[{"uid":"bob","last_time":"1","expiry":2,"ext":"e","status":{"web":"1"}}]}}"#,
    r#"{"type":"reaction","data":[{"channel_type":"chat","from":"bob","to":"alice","messageId":"7","ts":1,"reactions":[{"reaction":"+1","count":2,"state":true,"userList":["bob"]}]}]}"#,
    r#"{"type":"thread","data":{"operation":"update_msg","id":"t1","name":"n","muc_parent_id":"g1","msg_parent_id":7,"timestamp":1,"from":"bob","message_count":3,"last_message":{"id":"8","payload":{}}}}"#,
    r#"{"type":"roaming_delete","data":{"resource":"web","to":"bob","chatType":"singleChat"}}"#,
    r#"{"type":"conv","data":{"op":"mark","res":"web","from":"alice","id":"bob","type":"chat","ts":1,"ext":"mark_3"}}"#,
    r#"{"type":"user_notification_mute","values":[{"operator_resource":"web","group":"g1","data":{"type":"NONE"}}]}"#,
    r#"{"is_online":1,"callback_replace":true,"reaction":[],"translations":[{"code":"en","text":"x"}],"edit_msg":{"count":1,"operator":"bob","edit_time":2,"sender":"bob","send_time":1,"chat_type":"chat:user"}}"#,
    r#"{"thread":{"msg_parent_id":1,"muc_parent_id":"g1","thread_name":"n"},"thread_overview":{"id":"t","muc_parent_id":"g1","name":"n","message_count":1}}"#,
    r#"[[[[[[[[1.5e300]]]]]]],{"a":{"b":null}},18446744073709551615]"#,
];

fn bytes(hex: &&str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// Frames one after another, each behind its length.
fn joined(frames: &[Vec<u8>]) -> Vec<u8> {
    let with_length = |frame: &Vec<u8>| {
        let mut bytes = u16::try_from(frame.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(frame);
        bytes
    };
    frames.iter().flat_map(with_length).collect()
}

fn compressed(frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut compressor = Compressor::default();
    frames.iter().map(|frame| compressor.compress(frame).unwrap().to_vec()).collect()
}

/// A NOTICE and a page of the queue that it names.
fn frames() -> Vec<Vec<u8>> {
    let queue = || Some(Jid { name: Some("alice".to_owned()), ..Jid::default() });
    let frame = |command, payload: Vec<u8>| {
        let payload = Some(payload.into());
        MSync { command: Some(command), payload, ..MSync::default() }.encode_to_vec()
    };
    let metas = METAS.iter().map(|hex| Meta::decode(&bytes(hex)[..]).unwrap()).collect();
    let (status, next_key) = (Some(Status::default()), Some(5));
    let page = CommSyncDl { status, queue: queue(), metas, next_key, ..CommSyncDl::default() };
    let notice = CommNotice { queue: queue() };
    vec![frame(2, notice.encode_to_vec()), frame(0, page.encode_to_vec())]
}

/// Runs `target` over mutations of `seeds`; each seed itself is read.
fn run(seeds: &[Vec<u8>], target: fn(&[u8]) -> bool) {
    for seed in seeds {
        assert!(target(seed), "a seed was not read: {seed:02x?}");
    }
    let mut mutator = Mutator::new(0x5eed);
    let mut outcomes = BTreeMap::from([(true, 0), (false, 0)]);
    for _ in 0..N_INPUTS {
        let input = mutator.mutate(seeds);
        *outcomes.entry(target(&input)).or_default() += 1;
    }
    assert!(
        outcomes.values().all(|n| *n > N_INPUTS / 100),
        "one side was not reached: {outcomes:?}"
    );
}

#[test]
fn hostile_frames_never_panic() {
    let plain = frames();
    let seeds =
        [(0, joined(&plain)), (1, joined(&compressed(&plain))), (2, joined(&compressed(&plain)))];
    run(&seeds.map(|(direction, frames)| [vec![direction], frames].concat()), targets::frame);
}

#[test]
fn hostile_bodies_never_panic() {
    run(&METAS.iter().map(bytes).collect::<Vec<_>>(), targets::body);
}

#[test]
fn hostile_combine_files_never_panic() {
    run(&FILES.iter().map(bytes).collect::<Vec<_>>(), targets::combined);
}

#[test]
fn hostile_compressed_frames_never_panic() {
    let mut conversation = frames();
    conversation.extend(frames());
    run(&[joined(&compressed(&conversation)), joined(&compressed(&frames()))], targets::lz4);
}

#[test]
fn hostile_json_never_panics() {
    let (told, silent) = JSON.split_at(6);
    run(
        &told.iter().map(|json| json.as_bytes().to_vec()).collect::<Vec<_>>(),
        targets::history_json,
    );
    for json in silent {
        assert!(
            !targets::history_json(json.as_bytes()),
            "only notifications mean something by themselves"
        );
    }
    for depth in [100, 10_000] {
        let nested = format!("{}{}", r#"{"a":["#.repeat(depth), "]}".repeat(depth));
        assert!(!targets::history_json(nested.as_bytes()));
    }
}
