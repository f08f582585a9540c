use super::*;

async fn upload(files: &Files, source: Source) -> Result<Uploaded, UploadError> {
    files.upload(source, &to_amy(), &UploadOptions::default()).await
}

#[tokio::test]
async fn an_upload_is_the_request_of_the_official_sdk() {
    let fake = Fake::of(|_, _| taken("u-1")).await;
    let options = UploadOptions {
        name: Some("猫 \"1\".png".to_owned()),
        thumbnail: Some((100, 80)),
        ..UploadOptions::default()
    };
    let files = files_at(&fake.url());
    let to = Conversation::group("77");
    let uploaded = files.upload(Source::bytes("picture"), &to, &options).await.unwrap();
    assert_eq!(uploaded.url, format!("{}org/app/chatfiles/u-1", fake.url()));
    assert_eq!(uploaded.secret.as_ref().unwrap().reveal(), "s3");
    assert_eq!((uploaded.length_bytes, uploaded.is_reused), (7, false));

    let asked = fake.asked().remove(0);
    assert_eq!(asked.line(), "POST /org/app/chatfiles");
    assert_eq!((asked.param("chat-type"), asked.param("chat-target")), (Some("GROUP"), Some("77")));
    assert_eq!(asked.header("restrict-access"), Some("true"));
    assert_eq!(asked.header("authorization"), Some("Bearer t0"));
    assert_eq!(asked.header("content-length"), Some(asked.body.len().to_string().as_str()));
    assert_eq!(asked.header("transfer-encoding"), None);
    let body = String::from_utf8(asked.body.to_vec()).unwrap();
    assert!(body.contains("name=\"thumbnail-width\"\r\n\r\n100\r\n"), "{body}");
    assert!(body.contains("name=\"thumbnail-height\"\r\n\r\n80\r\n"), "{body}");
    assert!(
        body.contains("name=\"file\"; filename=\"猫 %221%22.png\"\r\nContent-Type: image/png"),
        "{body}"
    );
    assert_eq!(file_in(&asked), b"picture");

    let attachment = uploaded.into_attachment(Some("cat.png".to_owned()));
    assert_eq!((attachment.length_bytes, attachment.name.as_deref()), (Some(7), Some("cat.png")));
}

#[tokio::test]
async fn a_file_a_reader_and_bytes_go_up_alike() {
    let fake = Fake::of(|_, n| taken(&format!("u{n}"))).await;
    let files = files_at(&fake.url());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "one").unwrap();
    upload(&files, Source::path(&path).await.unwrap()).await.unwrap();
    upload(&files, Source::reader(std::io::Cursor::new("two and more"), 3)).await.unwrap();
    upload(&files, Source::bytes("three")).await.unwrap();
    let contents: Vec<_> = fake.asked().iter().map(file_in).collect();
    assert_eq!(contents, [&b"one"[..], b"two", b"three"]);
    let body = fake.asked()[0].body.clone();
    assert!(
        String::from_utf8_lossy(&body).contains("filename=\"a.txt\"\r\nContent-Type: text/plain")
    );
}

#[tokio::test]
async fn the_same_content_goes_up_once() {
    let fake = Fake::of(|_, n| taken(&format!("u{n}"))).await;
    let files = files_at(&fake.url());
    let first = upload(&files, Source::bytes("same")).await.unwrap();
    let again = upload(&files, Source::reader(std::io::Cursor::new("same"), 4)).await.unwrap();
    assert_eq!((again.url.as_str(), again.is_reused), (first.url.as_str(), true));
    assert_eq!(fake.asked().len(), 1);

    let options = UploadOptions { reuses: false, ..UploadOptions::default() };
    files.upload(Source::bytes("same"), &to_amy(), &options).await.unwrap();
    files.forget(&again);
    assert!(!upload(&files, Source::bytes("same")).await.unwrap().is_reused);
    assert_eq!(fake.asked().len(), 3);
}

#[tokio::test]
async fn the_same_content_at_the_same_time_goes_up_once() {
    let fake = Fake::of(|_, n| taken(&format!("u{n}"))).await;
    let files = files_at(&fake.url());
    let all = (0..5).map(|_| upload(&files, Source::bytes("same")));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|one| one.as_ref().unwrap().is_reused).count(), 4);
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn known_uploads_survive_a_restart() {
    let fake = Fake::of(|_, n| taken(&format!("u{n}"))).await;
    let files = files_at(&fake.url());
    upload(&files, Source::bytes("same")).await.unwrap();
    let kept = serde_json::to_string(&files.known_uploads()).unwrap();

    let later = files_at(&fake.url());
    later.remember(serde_json::from_str::<Vec<KnownUpload>>(&kept).unwrap());
    assert!(upload(&later, Source::bytes("same")).await.unwrap().is_reused);
}

#[tokio::test]
async fn what_is_no_file_for_us_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none"), file.join("below")] {
        let error = Source::path(&path).await.unwrap_err();
        assert_eq!(error.retry(), crate::Retry::Never, "{}", path.display());
    }
    // Whoever runs the tests may be allowed to read everything.
    let source = std::io::ErrorKind::PermissionDenied.into();
    assert_eq!(UploadError::Read { source }.retry(), crate::Retry::Never);
    let source = std::io::ErrorKind::TimedOut.into();
    assert_eq!(UploadError::Read { source }.retry(), crate::Retry::LATER);
}

#[tokio::test]
async fn refusals_of_a_file_have_their_names() {
    let table: [(u16, Value, &str); 5] = [
        (400, json!({ "error": "content improper" }), "moderation refuses the content of the file"),
        (
            413,
            json!({ "error": "file exceeding maximum limit" }),
            "the file has 5 bytes, more than the server takes",
        ),
        (
            400,
            json!({ "error": "illegal_argument", "error_description": "file must be provided." }),
            "the server found no file in the request",
        ),
        (403, json!({ "error": "forbidden_op" }), "the server did not take the file"),
        (200, json!({ "entities": [] }), "the server did not take the file"),
    ];
    for (status, body, expected) in table {
        let fake = Fake::of(move |_, _| Said::json(status, body.clone())).await;
        let error = upload(&files_at(&fake.url()), Source::bytes("bytes")).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.retry(), crate::Retry::Never, "{expected}");
        assert_eq!(fake.asked().len(), 1);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_without_the_server() {
    let fake = Fake::of(|_, _| taken("u")).await;
    let files = files_at(&fake.url());
    let error = upload(&files, Source::bytes("")).await.unwrap_err();
    assert_eq!(error.to_string(), "the file is empty");
    let options = UploadOptions { limit_bytes: Some(4), ..UploadOptions::default() };
    let error = files.upload(Source::bytes("bytes"), &to_amy(), &options).await.unwrap_err();
    assert_eq!(error.to_string(), "the file has 5 bytes, the limit is 4");
    let error = upload(&files, Source::reader(tokio::io::empty(), 3)).await.unwrap_err();
    assert_eq!(error.to_string(), "the content ends after 0 bytes instead of 3");
    let folder = tempfile::tempdir().unwrap();
    let error = Source::path(folder.path()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read the file");
    let error = Source::path(folder.path().join("none")).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read the file");
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn a_file_that_shrinks_meanwhile_is_named() {
    let fake = Fake::of(|_, _| taken("u")).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "twelve bytes").unwrap();
    let source = Source::path(&path).await.unwrap();
    std::fs::write(&path, "six by").unwrap();
    let error = upload(&files_at(&fake.url()), source).await.unwrap_err();
    assert_eq!(error.to_string(), "the content ends after 6 bytes instead of 12");
    assert_eq!(error.retry(), crate::Retry::LATER);
}

#[tokio::test]
async fn an_answer_that_would_lead_elsewhere_is_refused() {
    for (uuid, secret) in [
        (json!(".."), json!("s")),
        (json!("a/b"), json!("s")),
        (json!(""), json!("s")),
        (json!("x".repeat(257)), json!("s")),
        (json!(null), json!("s")),
        (json!("u"), json!("a\r\nHost: evil")),
        (json!("u"), json!("x".repeat(257))),
    ] {
        let body = json!({ "entities": [{ "uuid": uuid, "share-secret": secret }] });
        let fake = Fake::of(move |_, _| Said::ok(body.clone())).await;
        let error = upload(&files_at(&fake.url()), Source::bytes("x")).await.unwrap_err();
        let UploadError::Call { source: ApiError::MissingField { field } } = error else {
            panic!("{error:?}")
        };
        assert!(field.starts_with("entities[0]."), "{field}");
    }
}

#[tokio::test]
async fn an_upload_is_repeated_after_trouble_and_with_a_new_token() {
    let n_tokens = AtomicU64::new(0);
    let fake = Fake::of(move |asked, n| match asked.path.as_str() {
        "/org/app/token" => {
            let n = n_tokens.fetch_add(1, Ordering::SeqCst) + 1;
            Said::ok(json!({ "access_token": format!("t{n}"), "expires_in": 3600 }))
        }
        _ if n == 1 => Said::json(503, json!({})),
        _ if asked.header("authorization") == Some("Bearer t1") => Said::json(401, json!({})),
        _ => taken("u"),
    })
    .await;
    let caller = caller_with(&fake.url(), Credentials::Password(Secret::new("p")));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    let options = UploadOptions {
        on_progress: OnProgress::new(move |progress| heard.lock().unwrap().push(progress.n_bytes)),
        ..UploadOptions::default()
    };
    Files::new(&caller).upload(Source::bytes("bytes"), &to_amy(), &options).await.unwrap();
    assert_eq!(file_in(&fake.asked()[4]), b"bytes");
    assert_eq!(fake.asked().len(), 5, "token, trouble, refusal, token, success");
    assert_eq!(*seen.lock().unwrap(), [5, 5, 5], "counted anew each time");
}
