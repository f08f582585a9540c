use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Mutex, atomic::AtomicUsize},
    time::Duration,
};

use tokio::sync::Notify;

use super::*;

const PART: usize = 64 * 1024;
const BASE: &str = "/org/app/sdk/chatfiles/part-upload";

/// What the service says when an upload in parts begins.
fn begun() -> Said {
    Said::ok(
        json!({ "entities": [{ "uuid": "p1", "file_upper_limit": 1_048_576, "part_lower_limit": PART }] }),
    )
}

/// A server that takes parts.
fn takes_parts(asked: &Asked) -> Said {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", BASE) => begun(),
        ("PUT", _) => Said::ok(json!({})),
        ("POST", _) => taken("whole"),
        _ => Said::ok(json!({})),
    }
}

fn content(n_bytes: usize) -> Vec<u8> {
    (0..n_bytes).map(|at| u8::try_from(at / 1000 % 251).unwrap()).collect()
}

/// Files that know already how long a part is, and let it be.
fn files_in_parts(rest: &Url) -> Files {
    let mut files = files_at(rest);
    Arc::get_mut(&mut files.shared).unwrap().short_part = Duration::ZERO;
    files.shared.part_bytes.store(PART as u64, Ordering::SeqCst);
    files
}

/// The same, and every part is one that went up fast.
fn files_in_fast_parts(rest: &Url) -> Files {
    let mut files = files_in_parts(rest);
    Arc::get_mut(&mut files.shared).unwrap().short_part = Duration::MAX;
    files
}

async fn upload(files: &Files, source: Source) -> Result<Uploaded, UploadError> {
    files.upload(source, &to_amy(), &UploadOptions::default()).await
}

/// The parts that a server got, in order of their numbers, put together.
fn put_together(fake: &Fake) -> Vec<u8> {
    let mut parts = BTreeMap::new();
    for asked in fake.asked().iter().filter(|asked| asked.method == "PUT") {
        assert_eq!(asked.path, format!("{BASE}/p1"));
        assert_eq!(asked.header("restrict-access"), Some("true"));
        let text = String::from_utf8_lossy(&asked.body).into_owned();
        let number = text.split("name=\"part_number\"\r\n\r\n").nth(1).unwrap();
        let number: u32 = number.split("\r\n").next().unwrap().parse().unwrap();
        assert!(text.contains("name=\"part_file\""));
        parts.insert(number, file_in(asked));
    }
    assert!(parts.keys().copied().eq(1..=u32::try_from(parts.len()).unwrap()));
    parts.into_values().flatten().collect()
}

#[tokio::test]
async fn a_large_file_goes_up_in_parts() {
    let fake = Fake::of(|asked, _| takes_parts(asked)).await;
    let bytes = content(5 * PART + 17);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    std::fs::write(&path, &bytes).unwrap();
    let options = UploadOptions { thumbnail: Some((10, 20)), ..UploadOptions::default() };
    let source = Source::path(&path).await.unwrap();
    let uploaded = files_in_parts(&fake.url()).upload(source, &to_amy(), &options).await.unwrap();
    assert_eq!(uploaded.url, format!("{}org/app/chatfiles/whole", fake.url()));
    assert_eq!(uploaded.length_bytes, bytes.len() as u64);
    assert!(put_together(&fake) == bytes);
    let last = fake.asked().pop().unwrap();
    assert_eq!(last.line(), format!("POST {BASE}/p1"));
    let expected = [
        ("restrict-access", "true"),
        ("chat-type", "CHAT"),
        ("chat-target", "amy"),
        ("thumbnail-width", "10"),
        ("thumbnail-height", "20"),
    ];
    let query: Vec<_> = last.query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(query, expected);
    assert!(last.body.is_empty());
}

#[tokio::test]
async fn one_and_a_half_parts_are_the_border() {
    let fake = Fake::of(|asked, _| match asked.path.as_str() {
        "/org/app/chatfiles" => taken("single"),
        _ => takes_parts(asked),
    })
    .await;
    let files = files_in_parts(&fake.url());
    upload(&files, Source::bytes(content(PART * 3 / 2))).await.unwrap();
    assert_eq!(fake.lines(), ["POST /org/app/chatfiles"]);
    upload(&files, Source::bytes(content(PART * 3 / 2 + 1))).await.unwrap();
    assert_eq!(fake.asked().len(), 1 + 4);
}

#[tokio::test]
async fn the_border_is_seven_and_a_half_mebibytes_at_first() {
    let files = files_at(&Url::parse("http://127.0.0.1:1").unwrap());
    assert!(!files.shared.is_for_parts(7_864_320));
    assert!(files.shared.is_for_parts(7_864_321));
}

#[tokio::test]
async fn a_reader_goes_up_part_by_part_and_is_remembered() {
    let fake = Fake::of(|asked, _| takes_parts(asked)).await;
    let bytes = content(20 * PART - 1);
    let files = files_in_parts(&fake.url());
    let reader = std::io::Cursor::new(bytes.clone());
    let error =
        upload(&files, Source::reader(reader.clone(), bytes.len() as u64)).await.unwrap_err();
    assert!(
        matches!(error, UploadError::TooLarge { limit_bytes: Some(1_048_576), .. }),
        "{error:?}"
    );

    let bytes = &bytes[..16 * PART];
    let shorter = Source::reader(std::io::Cursor::new(bytes.to_vec()), bytes.len() as u64);
    upload(&files, shorter).await.unwrap();
    assert!(put_together(&fake) == bytes);
    let again = upload(&files, Source::bytes(bytes.to_vec())).await.unwrap();
    assert!(again.is_reused);
}

#[tokio::test]
async fn four_parts_are_on_their_way_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let fake = Fake::counting(
        {
            let now = Arc::clone(&now);
            move |asked, _| {
                if asked.method == "PUT" {
                    now.fetch_sub(1, Ordering::SeqCst);
                }
                takes_parts(asked)
            }
        },
        |_| (),
    )
    .await;
    let files = files_in_parts(&fake.url());
    let seen = Arc::clone(&most);
    let options = UploadOptions {
        // A part is read at once here, so this is called when one begins.
        on_progress: OnProgress::new(move |_| {
            let n = now.fetch_add(1, Ordering::SeqCst) + 1;
            seen.fetch_max(n, Ordering::SeqCst);
        }),
        reuses: false,
        ..UploadOptions::default()
    };
    files.upload(Source::bytes(content(12 * PART)), &to_amy(), &options).await.unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_server_that_begins_no_parts_gets_the_file_at_once() {
    let answers = [
        Said::json(404, json!({ "error": "service_resource_not_found" })),
        Said::ok(json!({ "entities": [] })),
        Said::ok(json!({ "entities": [{ "uuid": "../x", "file_upper_limit": 1_048_576 }] })),
        Said::Bytes(200, String::new(), "<html>".into()),
    ];
    for answer in answers {
        let fake = Fake::of(move |asked, _| match asked.path.as_str() {
            BASE => answer.clone(),
            _ => taken("single"),
        })
        .await;
        let bytes = content(2 * PART);
        upload(&files_in_parts(&fake.url()), Source::bytes(bytes.clone())).await.unwrap();
        assert_eq!(fake.lines(), [format!("POST {BASE}"), "POST /org/app/chatfiles".to_owned()]);
        assert!(file_in(&fake.asked()[1]) == bytes);
    }
}

#[tokio::test]
async fn a_part_is_sent_again_after_trouble() {
    let n_parts = AtomicUsize::new(0);
    let fake = Fake::of(move |asked, _| {
        if asked.method == "PUT" && n_parts.fetch_add(1, Ordering::SeqCst) == 1 {
            return Said::json(502, json!({}));
        }
        takes_parts(asked)
    })
    .await;
    let bytes = content(4 * PART);
    upload(&files_in_parts(&fake.url()), Source::bytes(bytes.clone())).await.unwrap();
    assert!(put_together(&fake) == bytes);
    assert_eq!(fake.asked().len(), 1 + 5 + 1);
}

#[tokio::test]
async fn parts_become_longer_while_they_go_up_fast() {
    let fake = Fake::of(|asked, _| takes_parts(asked)).await;
    let bytes = content(10 * PART);
    let files = files_in_fast_parts(&fake.url());
    upload(&files, Source::bytes(bytes.clone())).await.unwrap();
    assert!(put_together(&fake) == bytes);
    let asked = fake.asked();
    let longest =
        asked.iter().filter(|asked| asked.method == "PUT").map(|asked| file_in(asked).len());
    assert_eq!(longest.max(), Some(6 * PART / 4), "a quarter of what is left after four");
}

#[tokio::test]
async fn a_server_that_takes_parts_of_its_own_length_only_gets_those() {
    let fake = Fake::of(|asked, _| match asked.method.as_str() {
        "PUT" if asked.body.len() > PART + 1024 => {
            Said::json(413, json!({ "error": "file exceeding maximum limit" }))
        }
        _ => takes_parts(asked),
    })
    .await;
    let files = files_in_fast_parts(&fake.url());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    let options = UploadOptions {
        on_progress: OnProgress::new(move |progress| heard.lock().unwrap().push(progress.n_bytes)),
        reuses: false,
        ..UploadOptions::default()
    };
    let bytes = content(16 * PART);
    let source = Source::bytes(bytes.clone());
    files.upload(source, &to_amy(), &options).await.unwrap();
    let lines = fake.lines();
    let begun = |line: &String| *line == format!("POST {BASE}");
    let aborted = lines.iter().position(|line| *line == format!("DELETE {BASE}/p1")).unwrap();
    assert!(begun(&lines[aborted + 1]), "{lines:?}");
    let again: Vec<_> = fake.asked().split_off(aborted + 2);
    let lengths: Vec<_> = again.iter().filter(|one| one.method == "PUT").map(file_in).collect();
    assert!(lengths.len() == 16 && lengths.iter().all(|part| part.len() == PART));
    assert_eq!(seen.lock().unwrap().last(), Some(&(bytes.len() as u64)), "counted anew");

    let n_before = fake.asked().len();
    files.upload(Source::bytes(bytes), &to_amy(), &options).await.unwrap();
    assert_eq!(fake.asked().len(), n_before + 18, "it is not tried with longer ones again");
}

#[tokio::test]
async fn a_server_that_puts_longer_parts_together_wrongly_gets_its_own_length() {
    let n_taken = Mutex::new(Vec::new());
    let fake = Fake::of(move |asked, _| {
        let mut n_taken = n_taken.lock().unwrap();
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", BASE) => n_taken.clear(),
            ("PUT", _) => n_taken.push(file_in(asked).len()),
            // Each part counts as one of its own length.
            ("POST", _) => {
                let n_stored: usize = n_taken.iter().map(|n_bytes| PART.min(*n_bytes)).sum();
                let facts = json!({ "content-length": n_stored });
                return Said::ok(
                    json!({ "entities": [{ "uuid": "whole", "file-metadata": facts }] }),
                );
            }
            _ => {}
        }
        takes_parts(asked)
    })
    .await;
    let uploaded =
        upload(&files_in_fast_parts(&fake.url()), Source::bytes(content(16 * PART))).await.unwrap();
    assert_eq!(uploaded.length_bytes, 16 * PART as u64);
    let asked = fake.asked();
    let begun: Vec<_> =
        (0..asked.len()).filter(|at| fake.lines()[*at] == format!("POST {BASE}")).collect();
    assert_eq!(begun.len(), 2, "{:?}", fake.lines());
    let again = asked[begun[1]..].iter().filter(|one| one.method == "PUT").map(file_in);
    assert!(again.map(|part| part.len()).eq([PART; 16]));
}

#[tokio::test]
async fn a_part_that_is_refused_aborts_the_upload() {
    let fake = Fake::of(|asked, _| match asked.method.as_str() {
        "PUT" => Said::json(403, json!({ "error": "forbidden_op" })),
        _ => takes_parts(asked),
    })
    .await;
    let error = upload(&files_in_parts(&fake.url()), Source::bytes(content(4 * PART))).await;
    assert!(matches!(error, Err(UploadError::Call { .. })), "{error:?}");
    assert_eq!(fake.lines().pop().unwrap(), format!("DELETE {BASE}/p1"));
    assert!(!fake.lines().contains(&format!("POST {BASE}/p1")));
}

#[tokio::test]
async fn a_file_above_the_limit_of_the_server_is_aborted_and_named() {
    let fake = Fake::of(|asked, _| takes_parts(asked)).await;
    let n_bytes = 1_048_577;
    let error =
        upload(&files_in_parts(&fake.url()), Source::bytes(content(n_bytes))).await.unwrap_err();
    assert_eq!(error.to_string(), "the file has 1048577 bytes, the limit is 1048576");
    assert_eq!(fake.lines(), [format!("POST {BASE}"), format!("DELETE {BASE}/p1")]);
}

#[tokio::test]
async fn moderation_may_refuse_at_the_end() {
    let fake = Fake::of(|asked, _| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/org/app/sdk/chatfiles/part-upload/p1") => {
            Said::json(400, json!({ "error": "content improper" }))
        }
        _ => takes_parts(asked),
    })
    .await;
    let error =
        upload(&files_in_parts(&fake.url()), Source::bytes(content(2 * PART))).await.unwrap_err();
    assert!(matches!(error, UploadError::ContentImproper), "{error:?}");
    assert_eq!(fake.lines().pop().unwrap(), format!("DELETE {BASE}/p1"));
}

#[tokio::test]
async fn an_upload_that_is_dropped_is_aborted() {
    let (part_came, aborted) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let fake = Fake::of({
        let (part_came, aborted) = (Arc::clone(&part_came), Arc::clone(&aborted));
        move |asked, _| match asked.method.as_str() {
            "PUT" => {
                part_came.notify_one();
                Said::Silence
            }
            "DELETE" => {
                aborted.notify_one();
                Said::ok(json!({}))
            }
            _ => takes_parts(asked),
        }
    })
    .await;
    let files = files_in_parts(&fake.url());
    {
        let mut upload = pin!(upload(&files, Source::bytes(content(4 * PART))));
        tokio::select! {
            result = &mut upload => panic!("{result:?}"),
            () = part_came.notified() => {}
        }
    }
    aborted.notified().await;
    assert_eq!(fake.lines().pop().unwrap(), format!("DELETE {BASE}/p1"));
}

#[tokio::test]
async fn a_server_list_may_forbid_parts() {
    let fake = Fake::of(|_, _| taken("single")).await;
    let list = Fake::of({
        let url = fake.url();
        move |_, _| {
            let host = json!({ "protocol": "http", "domain": url.host_str(), "port": url.port() });
            let hosts = json!({ "hosts": [host] });
            Said::ok(json!({ "rest": hosts, "msync-wx": hosts, "uploadinparts_enable": "false" }))
        }
    })
    .await;
    let files = Files::new(&caller_of(Endpoint::discover(list.url().as_str()).unwrap()));
    files.shared.part_bytes.store(PART as u64, Ordering::SeqCst);
    upload(&files, Source::bytes(content(4 * PART))).await.unwrap();
    assert_eq!(fake.lines(), ["POST /org/app/chatfiles"]);
}

#[tokio::test]
async fn progress_counts_the_bytes_of_all_parts() {
    let fake = Fake::of(|asked, _| takes_parts(asked)).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    let options = UploadOptions {
        on_progress: OnProgress::new(move |progress| heard.lock().unwrap().push(progress)),
        ..UploadOptions::default()
    };
    let bytes = content(4 * PART);
    files_in_parts(&fake.url()).upload(Source::bytes(bytes), &to_amy(), &options).await.unwrap();
    let seen = seen.lock().unwrap();
    let total = 4 * PART as u64;
    assert!(seen.iter().all(|progress| progress.total_bytes == Some(total)));
    assert_eq!(seen.iter().map(|progress| progress.n_bytes).max(), Some(total));
}
