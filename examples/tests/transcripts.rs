//! Each example holds the conversation of its file in `transcripts`.

#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(dead_code, reason = "the main functions are for people")]

use std::{collections::BTreeSet, fs, path::Path};

use easebot::testkit::Testbed;
use easebot_examples::bed;

#[path = "../axum_service.rs"]
mod axum_service;
#[path = "../echo.rs"]
mod echo;
#[path = "../many_accounts.rs"]
mod many_accounts;
#[path = "../order_form.rs"]
mod order_form;

#[tokio::test]
async fn axum_service_goes_as_written() {
    bed(axum_service::bakery).await.replay_file("transcripts/axum_service.txt").await;
}

#[tokio::test]
async fn echo_goes_as_written() {
    bed(echo::echo).await.replay_file("transcripts/echo.txt").await;
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
