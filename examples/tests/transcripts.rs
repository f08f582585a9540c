//! Each example holds the conversation of its file in `transcripts`.

#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(dead_code, reason = "the main functions are for people")]

use std::{collections::BTreeSet, fs, path::Path};

use easebot::{http::stay_inside, testkit::Testbed};
use easebot_examples::bed;

#[path = "../auto_responder.rs"]
mod auto_responder;
#[path = "../axum_service.rs"]
mod axum_service;
#[path = "../bridge.rs"]
mod bridge;
#[path = "../combine_archiver.rs"]
mod combine_archiver;
#[path = "../commands.rs"]
mod commands;
#[path = "../echo.rs"]
mod echo;
#[path = "../fault_drill.rs"]
mod fault_drill;
#[path = "../many_accounts.rs"]
mod many_accounts;
#[path = "../order_form.rs"]
mod order_form;
#[path = "../schedule.rs"]
mod schedule;
#[path = "../thumbnail.rs"]
mod thumbnail;
#[path = "../webhook_relay.rs"]
mod webhook_relay;

#[tokio::test]
async fn auto_responder_goes_as_written() {
    bed(auto_responder::answering).await.replay_file("transcripts/auto_responder.txt").await;
}

#[tokio::test]
async fn bridge_goes_as_written() {
    bed(bridge::bridge).await.replay_file("transcripts/bridge.txt").await;
}

#[tokio::test]
async fn combine_archiver_goes_as_written() {
    bed(combine_archiver::archiving).await.replay_file("transcripts/combine_archiver.txt").await;
}

#[tokio::test]
async fn commands_goes_as_written() {
    bed(commands::desk).await.replay_file("transcripts/commands.txt").await;
}

#[tokio::test]
async fn axum_service_goes_as_written() {
    bed(axum_service::bakery).await.replay_file("transcripts/axum_service.txt").await;
}

#[tokio::test]
async fn echo_goes_as_written() {
    bed(echo::echo).await.replay_file("transcripts/echo.txt").await;
}

#[tokio::test]
async fn fault_drill_goes_as_written() {
    bed(fault_drill::drill).await.replay_file("transcripts/fault_drill.txt").await;
}

#[tokio::test]
async fn many_accounts_goes_as_written() {
    let bed = Testbed::of(many_accounts::desks(many_accounts::accounts()).unwrap()).await;
    bed.replay_file("transcripts/many_accounts.txt").await;
}

#[tokio::test]
async fn order_form_goes_as_written() {
    bed(order_form::pizzeria).await.replay_file("transcripts/order_form.txt").await;
}

#[tokio::test]
async fn schedule_goes_as_written() {
    bed(schedule::clock).await.replay_file("transcripts/schedule.txt").await;
}

#[tokio::test]
async fn thumbnail_goes_as_written() {
    bed(thumbnail::shrinking).await.replay_file("transcripts/thumbnail.txt").await;
}

#[tokio::test]
async fn webhook_relay_goes_as_written() {
    stay_inside(webhook_relay::server);
    bed(webhook_relay::relay).await.replay_file("transcripts/webhook_relay.txt").await;
}

/// The files of `folder` that end in `.EXTENSION`, by their stems.
fn names(folder: &str, extension: &str) -> BTreeSet<String> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let found = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    found.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_example_has_a_transcript_that_is_replayed_and_a_line_in_the_readme() {
    let examples = names(".", "rs");
    assert_eq!(names("transcripts", "txt"), examples);
    let (tests, readme) = (include_str!("transcripts.rs"), include_str!("../README.md"));
    for name in examples {
        let (test, line) =
            (format!("async fn {name}_goes_as_written()"), format!("[`{name}`]({name}.rs)"));
        assert!(
            tests.contains(&test) && tests.contains(&format!("transcripts/{name}.txt")),
            "{name}"
        );
        assert!(readme.contains(&line), "README.md has no line for {name}");
    }
}
