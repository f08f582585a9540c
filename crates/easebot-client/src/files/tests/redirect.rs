use super::*;

fn own_file() -> Attachment {
    Attachment {
        url: "https://x/org/app/chatfiles/u-1".to_owned(),
        secret: Some(Secret::new("s3")),
        ..Attachment::default()
    }
}

fn to(location: &str) -> Said {
    Said::Bytes(302, format!("location: {location}\r\n"), "".into())
}

async fn fetch(
    files: &Files,
    attachment: &Attachment,
    other_hosts: bool,
) -> Result<Vec<u8>, DownloadError> {
    let options = DownloadOptions { other_hosts, ..DownloadOptions::default() };
    let mut written = Vec::new();
    files.download_into(attachment, &mut written, &options).await?;
    Ok(written)
}

#[tokio::test]
async fn a_redirect_gets_neither_token_nor_secret() {
    let storage = Fake::of(|_, _| Said::Bytes(200, String::new(), "bytes".into())).await;
    let fake = Fake::of({
        let url = storage.url();
        move |_, _| to(&format!("{url}bucket/u-1?signature=abc"))
    })
    .await;
    assert_eq!(fetch(&files_at(&fake.url()), &own_file(), false).await.unwrap(), b"bytes");
    let asked = storage.asked().remove(0);
    assert_eq!((asked.path.as_str(), asked.param("signature")), ("/bucket/u-1", Some("abc")));
    assert_eq!((asked.header("authorization"), asked.header("share-secret")), (None, None));
}

#[tokio::test]
async fn not_even_a_redirect_to_the_own_server_gets_them() {
    let fake = Fake::of(|_, n| match n {
        0 => to("/org/app/users/bob/disconnect"),
        _ => Said::Bytes(200, String::new(), "bytes".into()),
    })
    .await;
    fetch(&files_at(&fake.url()), &own_file(), false).await.unwrap();
    let asked = &fake.asked()[1];
    assert_eq!(asked.line(), "GET /org/app/users/bob/disconnect");
    assert_eq!((asked.header("authorization"), asked.header("share-secret")), (None, None));
}

#[tokio::test]
async fn redirects_end_after_five() {
    let fake = Fake::of(|_, _| to("/org/app/chatfiles/u-1")).await;
    let error = fetch(&files_at(&fake.url()), &own_file(), false).await.unwrap_err();
    assert!(matches!(error, DownloadError::Redirects { n_redirects: 6 }), "{error:?}");
    assert_eq!(fake.asked().len(), 6);
}

#[tokio::test]
async fn redirects_lead_to_http_only() {
    for location in ["ftp://h/x", "file:///etc/passwd", "data:,x", "http://"] {
        let fake = Fake::of(move |_, _| to(location)).await;
        let error = fetch(&files_at(&fake.url()), &own_file(), false).await.unwrap_err();
        assert!(
            matches!(error, DownloadError::Redirects { n_redirects: 1 }),
            "{location} {error:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_an_error_without_its_signature() {
    let fake = Fake::of(|_, _| to("http://127.0.0.1:1/x?signature=abc")).await;
    let error = fetch(&files_at(&fake.url()), &own_file(), false).await.unwrap_err();
    let DownloadError::Unreachable { host, .. } = &error else { panic!("{error:?}") };
    assert_eq!(host.as_str(), "http://127.0.0.1:1/");
    assert!(!format!("{error:?}").contains("signature"));
}

#[tokio::test]
async fn a_foreign_address_is_fetched_only_when_that_is_allowed_and_without_token() {
    let foreign = Fake::of(|_, _| Said::Bytes(200, String::new(), "cat".into())).await;
    let fake = Fake::of(|_, _| Said::Silence).await;
    let files = files_at(&fake.url());
    let attachment = Attachment {
        url: format!("{}cat.png?a=b", foreign.url()),
        secret: Some(Secret::new("s3")),
        ..Attachment::default()
    };
    let error = fetch(&files, &attachment, false).await.unwrap_err();
    assert_eq!(error.to_string(), "the file is at the foreign host `127.0.0.1`");
    assert_eq!(fetch(&files, &attachment, true).await.unwrap(), b"cat");
    let asked = foreign.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].path.as_str(), asked[0].param("a")), ("/cat.png", Some("b")));
    assert_eq!((asked[0].header("authorization"), asked[0].header("share-secret")), (None, None));
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn a_foreign_file_without_a_tag_is_not_put_together_from_two_answers() {
    let foreign = Fake::of(|asked, n| {
        assert_eq!(asked.header("range"), None);
        match n {
            0 => Said::Cut(200, String::new(), "0123456789".into(), 4),
            _ => Said::Bytes(200, String::new(), "9876543210".into()),
        }
    })
    .await;
    let files = files_at(&foreign.url());
    let attachment =
        Attachment { url: format!("{}cat.png", foreign.url()), ..Attachment::default() };
    let options = DownloadOptions { other_hosts: true, ..DownloadOptions::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cat.png");
    files.download(&attachment, &path, &options).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "9876543210");
    let error = fetch(&files, &attachment, true).await.map(drop);
    assert!(error.is_ok(), "a whole answer is fine for a writer: {error:?}");
}
