use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const BODY: &str = "0123456789";

/// A folder, and a place in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("cat.png");
    (folder, to)
}

fn attachment() -> Attachment {
    Attachment {
        url: "https://elsewhere.example.org/org/app/chatfiles/u-1?em-redirect=true".to_owned(),
        secret: Some(Secret::new("s3")),
        ..Attachment::default()
    }
}

async fn download(fake: &Fake, to: &std::path::Path) -> Result<Downloaded, DownloadError> {
    files_at(&fake.url()).download(&attachment(), to, &DownloadOptions::default()).await
}

/// The answer of a server that knows ranges and calls the content `tag`.
fn ranged(asked: &Asked, tag: &str, cut: usize) -> Said {
    let from = asked.header("range").map(|range| {
        range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse::<usize>().unwrap()
    });
    let is_same = asked.header("if-range").is_none_or(|known| known == tag);
    match from.filter(|_| is_same) {
        Some(from) => {
            let headers = format!("etag: {tag}\r\ncontent-range: bytes {from}-9/10\r\n");
            Said::Bytes(206, headers, BODY.as_bytes()[from..].into())
        }
        None => Said::Cut(200, format!("etag: {tag}\r\n"), BODY.into(), cut),
    }
}

/// What lies in a folder, with contents.
fn listing(folder: &TempDir) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    let mut all: Vec<_> = entries
        .map(|entry| {
            let content = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), content)
        })
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn a_file_comes_from_the_own_server_with_secret_and_token() {
    let fake =
        Fake::of(|_, _| Said::Bytes(200, "content-type: image/png\r\n".to_owned(), BODY.into()))
            .await;
    let (folder, to) = place();
    std::fs::write(&to, "old").unwrap();
    let downloaded = download(&fake, &to).await.unwrap();
    assert_eq!(downloaded.length_bytes, 10);
    assert_eq!(downloaded.content_type.as_deref(), Some("image/png"));
    assert_eq!(listing(&folder), [("cat.png".to_owned(), BODY.to_owned())]);
    let asked = fake.asked().remove(0);
    assert_eq!(asked.line(), "GET /org/app/chatfiles/u-1");
    assert_eq!(asked.query, [("em-redirect".to_owned(), "true".to_owned())]);
    assert_eq!(asked.header("share-secret"), Some("s3"));
    assert_eq!(asked.header("authorization"), Some("Bearer t0"));
}

#[tokio::test]
async fn a_thumbnail_is_asked_for() {
    let fake = Fake::of(|_, _| Said::Bytes(200, String::new(), BODY.into())).await;
    let (_folder, to) = place();
    let options = DownloadOptions { variant: Variant::Thumbnail, ..DownloadOptions::default() };
    files_at(&fake.url()).download(&attachment(), &to, &options).await.unwrap();
    assert_eq!(fake.asked()[0].param("thumbnail"), Some("true"));
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let fake = Fake::of(|asked, _| ranged(asked, "\"v1\"", 4)).await;
    let (folder, to) = place();
    download(&fake, &to).await.unwrap();
    assert_eq!(listing(&folder), [("cat.png".to_owned(), BODY.to_owned())]);
    let again = &fake.asked()[1];
    assert_eq!(
        (again.header("range"), again.header("if-range")),
        (Some("bytes=4-"), Some("\"v1\""))
    );
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn a_later_download_goes_on_with_what_is_left() {
    let fake = Fake::of(|asked, n| match n {
        0 => ranged(asked, "\"v1\"", 4),
        1..=4 => Said::json(503, json!({})),
        _ => ranged(asked, "\"v1\"", 10),
    })
    .await;
    let (folder, to) = place();
    let error = download(&fake, &to).await.unwrap_err();
    assert_eq!(error.retry(), crate::Retry::LATER);
    let left = listing(&folder);
    assert_eq!((left.len(), left[0].1.as_str()), (1, "0123"));
    assert!(left[0].0.starts_with("cat.png.") && left[0].0.ends_with(".part"), "{left:?}");

    let downloaded = download(&fake, &to).await.unwrap();
    assert_eq!((downloaded.length_bytes, downloaded.resumed_bytes), (10, 4));
    assert_eq!(listing(&folder), [("cat.png".to_owned(), BODY.to_owned())]);
}

#[tokio::test]
async fn what_is_left_of_another_file_is_not_used() {
    let fake =
        Fake::of(
            |asked, n| if n == 0 { ranged(asked, "\"v1\"", 4) } else { Said::json(403, json!({})) },
        )
        .await;
    let (folder, to) = place();
    // The second try is refused, so only the first file's rest is gone as well.
    download(&fake, &to).await.unwrap_err();
    assert!(listing(&folder).is_empty());

    let fake = Fake::of(|asked, _| ranged(asked, "\"v1\"", 10)).await;
    std::fs::write(folder.path().join("cat.png.0000000000000000.part"), "other").unwrap();
    let downloaded = download(&fake, &to).await.unwrap();
    assert_eq!(downloaded.resumed_bytes, 0);
    assert_eq!(fake.asked()[0].header("range"), None);
}

#[tokio::test]
async fn a_content_that_changed_is_fetched_from_the_start() {
    let fake = Fake::of(|asked, n| match n {
        0 => ranged(asked, "\"v1\"", 4),
        _ => ranged(asked, "\"v2\"", 10),
    })
    .await;
    let (folder, to) = place();
    download(&fake, &to).await.unwrap();
    assert_eq!(listing(&folder), [("cat.png".to_owned(), BODY.to_owned())]);
}

#[tokio::test]
async fn answers_to_another_range_lead_to_the_start() {
    for (status, headers) in [
        (206, "content-range: bytes 0-9/10\r\n"),
        (206, "content-range: bytes 4-9/11\r\n"),
        (206, ""),
        (416, "content-range: bytes */3\r\n"),
    ] {
        let fake = Fake::of(move |asked, n| match n {
            1 => Said::Bytes(status, headers.to_owned(), "evil".into()),
            0 => ranged(asked, "\"v1\"", 4),
            _ => Said::Bytes(200, String::new(), BODY.into()),
        })
        .await;
        let (folder, to) = place();
        download(&fake, &to).await.unwrap();
        assert_eq!(
            listing(&folder),
            [("cat.png".to_owned(), BODY.to_owned())],
            "{status} {headers}"
        );
        assert_eq!(fake.asked()[2].header("range"), None);
    }
}

/// All bytes come, and the connection breaks before the promised end.
fn cut_at_the_end() -> Said {
    Said::Cut(200, String::new(), "0123456789X".into(), 10)
}

fn nothing_more() -> Said {
    Said::Bytes(416, "content-range: bytes */10\r\n".to_owned(), "".into())
}

#[tokio::test]
async fn what_an_earlier_download_left_complete_is_taken() {
    let fake = Fake::of(|_, n| match n {
        0 => cut_at_the_end(),
        1..=4 => Said::json(503, json!({})),
        _ => nothing_more(),
    })
    .await;
    let (folder, to) = place();
    download(&fake, &to).await.unwrap_err();
    let downloaded = download(&fake, &to).await.unwrap();
    assert_eq!((downloaded.length_bytes, downloaded.resumed_bytes), (10, 10));
    assert_eq!(listing(&folder), [("cat.png".to_owned(), BODY.to_owned())]);
    assert_eq!(fake.asked()[5].header("range"), Some("bytes=10-"));
}

#[tokio::test]
async fn less_than_was_promised_is_an_error() {
    let fake = Fake::of(|_, n| if n == 0 { cut_at_the_end() } else { nothing_more() }).await;
    let (folder, to) = place();
    let error = download(&fake, &to).await.unwrap_err();
    let is_short =
        matches!(error, DownloadError::LengthMismatch { expected_bytes: 11, got_bytes: 10 });
    assert!(is_short, "{error:?}");
    assert!(listing(&folder).is_empty());
}

#[tokio::test]
async fn a_server_may_give_the_rest_in_pieces() {
    let fake = Fake::of(|asked, _| {
        let from = asked.header("range").map_or(0, |range| {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap()
        });
        let end = (from + 4).min(10);
        match from {
            0 => Said::Cut(200, String::new(), BODY.into(), 4),
            _ => {
                let headers = format!("content-range: bytes {from}-{}/10\r\n", end - 1);
                Said::Bytes(206, headers, BODY.as_bytes()[from..end].into())
            }
        }
    })
    .await;
    let (folder, to) = place();
    download(&fake, &to).await.unwrap();
    assert_eq!(listing(&folder), [("cat.png".to_owned(), BODY.to_owned())]);
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test]
async fn a_server_that_never_comes_to_an_end_is_left() {
    let crumbs = Fake::of(|asked, n| match asked.header("range") {
        None => Said::Cut(200, String::new(), vec![0; 100].into(), 1),
        Some(_) => {
            Said::Bytes(206, format!("content-range: bytes {n}-{n}/100\r\n"), vec![0].into())
        }
    })
    .await;
    let (_folder, to) = place();
    let error = download(&crumbs, &to).await.unwrap_err();
    assert!(matches!(error, DownloadError::LengthMismatch { got_bytes: 4, .. }), "{error:?}");
    assert_eq!(crumbs.asked().len(), 4);

    let turncoat = Fake::of(|_, n| match n % 2 {
        0 => Said::Cut(200, String::new(), vec![0; 100].into(), 1),
        _ => Said::Bytes(416, String::new(), "".into()),
    })
    .await;
    let error = download(&turncoat, &to).await.unwrap_err();
    assert!(matches!(error, DownloadError::Changed), "{error:?}");
    assert_eq!(turncoat.asked().len(), 4);
}

#[tokio::test]
async fn refusals_of_a_file_have_their_names() {
    let expired = json!({ "error": "file_expired", "error_description": "file u is expired" });
    let forbidden = json!({ "error": "x", "error_description": "chatfile no permission" });
    let table: [(u16, Value, &str); 5] = [
        (404, expired, "the server no longer keeps the file"),
        (404, json!({ "error": "entity_not_found" }), "there is no such file"),
        (403, forbidden, "the server refuses the file"),
        (401, json!({ "error": "unauthorized" }), "the server could not be asked for the file"),
        (418, json!({}), "the server answered with status 418 instead of the file"),
    ];
    for (status, body, expected) in table {
        let fake = Fake::of(move |_, _| Said::json(status, body.clone())).await;
        let (folder, to) = place();
        let error = download(&fake, &to).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.retry(), crate::Retry::Never, "{expected}");
        assert!(listing(&folder).is_empty());
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_before_it_comes() {
    let fake = Fake::of(|_, _| Said::Cut(200, String::new(), vec![0; 5000].into(), 0)).await;
    let (folder, to) = place();
    let options = DownloadOptions { limit_bytes: 4999, ..DownloadOptions::default() };
    let error = files_at(&fake.url()).download(&attachment(), &to, &options).await.unwrap_err();
    assert_eq!(error.to_string(), "the file has 5000 bytes or more, the limit is 4999");
    assert!(listing(&folder).is_empty());
}

#[tokio::test]
async fn a_file_that_claims_four_gibibytes_is_refused_by_its_claim() {
    use crate::rest::testing::{Reply, Script};
    // No byte of it ever comes.
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 4294967296\r\n\r\n";
    let server = Script::of(vec![Reply::Raw(head)]).await;
    let (folder, to) = place();
    let options = DownloadOptions::default();
    let error = files_at(&server.url()).download(&attachment(), &to, &options).await.unwrap_err();
    assert_eq!(error.to_string(), "the file has 4294967296 bytes or more, the limit is 2147483648");
    assert!(listing(&folder).is_empty());
    let mut memory = Vec::new();
    let server = Script::of(vec![Reply::Raw(head)]).await;
    let files = files_at(&server.url());
    let error = files.download_into(&attachment(), &mut memory, &options).await.unwrap_err();
    assert!(matches!(error, DownloadError::TooLarge { .. }), "{error:?}");
    assert_eq!(memory.capacity(), 0, "nothing is set aside for what is only claimed");
}

#[tokio::test]
async fn a_file_of_unknown_length_is_cut_at_the_limit() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n";
    let server =
        crate::rest::testing::Script::of(vec![crate::rest::testing::Reply::Raw(chunked)]).await;
    let (_folder, to) = place();
    let options = DownloadOptions { limit_bytes: 19, ..DownloadOptions::default() };
    let error = files_at(&server.url()).download(&attachment(), &to, &options).await.unwrap_err();
    assert!(matches!(error, DownloadError::TooLarge { limit_bytes: 19, .. }), "{error:?}");
}

#[tokio::test]
async fn the_length_in_a_message_is_worth_what_the_caller_says() {
    use ClaimedLength::{Exact, Ignored, Limit};
    let table = [
        (Ignored, 3, true),
        (Limit, 10, true),
        (Limit, 11, true),
        (Limit, 9, false),
        (Exact, 10, true),
        (Exact, 11, false),
        (Exact, 9, false),
    ];
    let fake = Fake::of(|_, _| Said::Bytes(200, String::new(), BODY.into())).await;
    for (claimed, length_bytes, is_fine) in table {
        let attachment = Attachment { length_bytes: Some(length_bytes), ..attachment() };
        let options = DownloadOptions { claimed, ..DownloadOptions::default() };
        let (_folder, to) = place();
        let result = files_at(&fake.url()).download(&attachment, &to, &options).await;
        assert_eq!(result.is_ok(), is_fine, "{claimed:?} {length_bytes} {result:?}");
    }
}

#[tokio::test]
async fn two_downloads_to_one_place_do_not_mix() {
    let fake = Fake::of(|_, _| Said::Silence).await;
    let files = files_at(&fake.url());
    let (_folder, to) = place();
    let _open =
        part_file::PartFile::open(&to, &format!("{}#Original", attachment().url)).await.unwrap();
    let error = files.download(&attachment(), &to, &DownloadOptions::default()).await.unwrap_err();
    assert!(matches!(error, DownloadError::InUse { .. }), "{error:?}");
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn a_writer_gets_each_byte_once() {
    let fake = Fake::of(|asked, n| match n {
        0 => Said::Cut(200, String::new(), BODY.into(), 4),
        // Ranges are not known here: the beginning comes again and is skipped.
        _ => {
            assert_eq!(asked.header("range"), Some("bytes=4-"));
            Said::Bytes(200, String::new(), BODY.into())
        }
    })
    .await;
    let mut written = Vec::new();
    let files = files_at(&fake.url());
    let options = DownloadOptions::default();
    let downloaded = files.download_into(&attachment(), &mut written, &options).await.unwrap();
    assert_eq!((written.as_slice(), downloaded.length_bytes), (BODY.as_bytes(), 10));
}

#[tokio::test]
async fn a_writer_does_not_get_two_contents() {
    let fake =
        Fake::of(|asked, n| ranged(asked, if n == 0 { "\"v1\"" } else { "\"v2\"" }, 4)).await;
    let mut written = Vec::new();
    let files = files_at(&fake.url());
    let options = DownloadOptions::default();
    let error = files.download_into(&attachment(), &mut written, &options).await.unwrap_err();
    assert!(matches!(error, DownloadError::Changed), "{error:?}");
    assert_eq!(written, b"0123");
}

#[tokio::test]
async fn progress_is_heard() {
    let fake = Fake::of(|_, _| Said::Bytes(200, String::new(), BODY.into())).await;
    let last = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&last);
    let options = DownloadOptions {
        on_progress: OnProgress::new(move |progress| *heard.lock().unwrap() = Some(progress)),
        ..DownloadOptions::default()
    };
    let (_folder, to) = place();
    files_at(&fake.url()).download(&attachment(), &to, &options).await.unwrap();
    assert_eq!(*last.lock().unwrap(), Some(Progress { n_bytes: 10, total_bytes: Some(10) }));
}

#[tokio::test]
async fn a_place_that_is_none_is_an_error() {
    let fake = Fake::of(|_, _| Said::Silence).await;
    for to in ["/", "", "/nowhere/cat.png"] {
        let error = download(&fake, to.as_ref()).await.unwrap_err();
        assert!(matches!(error, DownloadError::Write { .. }), "{to:?} {error:?}");
    }
}
