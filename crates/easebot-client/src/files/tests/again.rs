//! Contents that are long enough to go up before their hash is known.

use std::{
    fs::File,
    path::Path,
    time::{Duration, SystemTime},
};

use super::*;

const LONG: usize = 9 * 1024 * 1024;

fn content(first: u8) -> Vec<u8> {
    let mut bytes = vec![7; LONG];
    bytes[0] = first;
    bytes
}

/// A server that takes no parts, and calls each file after the number of requests before.
async fn server() -> Fake {
    Fake::of(answer).await
}

fn answer(asked: &Asked, n: usize) -> Said {
    match asked.path.as_str() {
        "/org/app/chatfiles" => taken(&format!("u{n}")),
        _ => Said::json(404, json!({})),
    }
}

/// How many files went up.
fn n_files(fake: &Fake) -> usize {
    fake.lines().iter().filter(|line| *line == "POST /org/app/chatfiles").count()
}

async fn upload(files: &Files, source: Source) -> Result<Uploaded, UploadError> {
    files.upload(source, &to_amy(), &UploadOptions::default()).await
}

/// A file that nobody has written to for an hour.
fn old_file(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
}

#[tokio::test]
async fn a_long_content_is_known_again_from_a_file_and_from_memory() {
    let fake = server().await;
    let files = files_at(&fake.url());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film");
    old_file(&path, &content(1));
    let first = upload(&files, Source::path(&path).await.unwrap()).await.unwrap();
    let again = upload(&files, Source::bytes(content(1))).await.unwrap();
    assert_eq!((again.url, again.is_reused), (first.url, true));
    let other = upload(&files, Source::bytes(content(2))).await.unwrap();
    assert!(!other.is_reused, "it has the same length and nothing else");
    assert!(upload(&files, Source::bytes(content(2))).await.unwrap().is_reused);
    assert_eq!(n_files(&fake), 2);
}

#[tokio::test]
async fn the_same_long_content_at_the_same_time_goes_up_once() {
    let fake = server().await;
    let files = files_at(&fake.url());
    let all = (0..5).map(|n| upload(&files, Source::bytes(content(n / 3))));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|one| one.as_ref().unwrap().is_reused).count(), 3);
    assert_eq!(n_files(&fake), 2, "there are two contents of one length");
}

#[tokio::test]
async fn a_long_content_is_kept_over_a_restart_once_all_have_settled() {
    let fake = server().await;
    let files = files_at(&fake.url());
    upload(&files, Source::bytes(content(1))).await.unwrap();
    files.settled().await;
    let later = files_at(&fake.url());
    later.remember(files.known_uploads());
    assert!(upload(&later, Source::bytes(content(1))).await.unwrap().is_reused);
    assert_eq!(n_files(&fake), 1);
}

#[tokio::test]
async fn who_waits_for_an_upload_that_fails_goes_up_itself() {
    let fake = Fake::of(|asked, n| match n {
        0 | 1 if asked.path == "/org/app/chatfiles" => {
            Said::json(403, json!({ "error": "forbidden_op" }))
        }
        _ => answer(asked, n),
    })
    .await;
    let files = files_at(&fake.url());
    let both = (0..2).map(|_| upload(&files, Source::bytes(content(1))));
    let both = futures_util::future::join_all(both).await;
    assert!(both[0].is_err() && !both[1].as_ref().unwrap().is_reused, "{both:?}");
    files.settled().await;
}

#[tokio::test]
async fn a_file_that_is_changed_while_it_goes_up_is_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film");
    old_file(&path, &content(1));
    let changed = path.clone();
    let fake = Fake::of(move |asked, n| {
        if asked.path == "/org/app/chatfiles" {
            std::fs::write(&changed, content(2)).unwrap();
        }
        answer(asked, n)
    })
    .await;
    let files = files_at(&fake.url());
    upload(&files, Source::path(&path).await.unwrap()).await.unwrap();
    files.settled().await;
    assert!(files.known_uploads().is_empty());
    let other = upload(&files, Source::bytes(content(2))).await.unwrap();
    assert!(!other.is_reused, "it would be the content from before");
}

#[tokio::test]
async fn a_file_that_was_just_written_is_hashed_before_it_goes_up() {
    let fake = server().await;
    let files = files_at(&fake.url());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film");
    std::fs::write(&path, content(1)).unwrap();
    let soon = SystemTime::now() + Duration::from_secs(60);
    File::options().write(true).open(&path).unwrap().set_modified(soon).unwrap();
    upload(&files, Source::path(&path).await.unwrap()).await.unwrap();
    assert_eq!(files.known_uploads().len(), 1, "at once: its clock may not tell a later change");
}
