//! Attachments.

use std::{sync::Arc, time::Duration};

use easebot_emulator::{Endpoint, HttpFault, ManualClock, Options};
use serde_json::json;

use super::{APP, Answer, Town, token_of};

impl Town {
    /// Sends a form with the caller's token.
    async fn form(&self, method: &str, path: &str, headers: &[&str], form: &[u8]) -> Answer {
        let bearer = self.bearer();
        let kind = "Content-Type: multipart/form-data; boundary=----boundary";
        let headers = [headers, &[kind, &bearer]].concat();
        self.request(method, path, &headers, form).await
    }

    async fn upload(&self, headers: &[&str], content: &[u8]) -> Answer {
        let form = form(&[("file", content)]);
        self.form("POST", "/easebot/demo/chatfiles", headers, &form).await
    }

    /// Uploads and returns the path of the file, and its secret.
    async fn uploaded(&self, headers: &[&str], content: &[u8]) -> (String, String) {
        let answer = self.upload(headers, content).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        path_and_secret(&answer)
    }
}

fn path_and_secret(answer: &Answer) -> (String, String) {
    let json = answer.json();
    let entity = &json["entities"][0];
    let path = format!("{APP}/chatfiles/{}", entity["uuid"].as_str().unwrap());
    (path, entity["share-secret"].as_str().unwrap().to_owned())
}

/// A form; a part called `file` or `part_file` is a picture.
fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, content) in parts {
        let kind = match *name {
            "file" | "part_file" => "; filename=\"a.png\"\r\nContent-Type: image/png",
            _ => "",
        };
        let head = format!(
            "------boundary\r\nContent-Disposition: form-data; name=\"{name}\"{kind}\r\n\r\n"
        );
        form.extend_from_slice(head.as_bytes());
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n");
    }
    form.extend_from_slice(b"------boundary--\r\n");
    form
}

/// A picture that does not compress well, as a PNG of more than 10 KiB.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut seed = 1_u32;
    let noise = image::RgbImage::from_fn(width, height, |_, _| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, red, green, blue] = seed.to_le_bytes();
        image::Rgb([red, green, blue])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    noise.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn an_upload_is_answered_as_sdks_need_it_and_comes_back_the_same() {
    let town = Town::new(Options::default()).await;
    let content: Vec<u8> = (0..=255).cycle().take(700_000).collect();
    let answer = town.upload(&[], &content).await;
    let json = answer.json();
    let addr = town.emulator.addr();
    assert_eq!(json["uri"], format!("http://{addr}/easebot/demo/chatfiles"));
    assert_eq!(json["entities"][0]["type"], "chatfile");
    let metadata = json!({ "content-length": 700_000, "content-type": "image/png" });
    assert_eq!(json["entities"][0]["file-metadata"], metadata);
    assert_eq!((&json["action"], &json["organization"]), (&json!("post"), &json!("easebot")));

    let (path, secret) = path_and_secret(&answer);
    for (path, headers) in [
        (path.clone(), vec![]),
        (format!("{path}?em-redirect=true"), vec![]),
        (format!("{path}?em-redirect=true&share-secret={secret}"), vec![]),
        (path, vec![town.bearer()]),
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = town.get(&path, &headers).await;
        assert_eq!((answer.status, answer.body == content), (200, true), "{path}");
        assert_eq!(answer.header("content-type"), "image/png");
        assert_eq!(answer.header("content-length"), "700000");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn a_restricted_file_wants_its_secret_in_the_header_or_the_query() {
    let town = Town::new(Options::default()).await;
    let (path, secret) = town.uploaded(&["restrict-access: true"], b"secret").await;
    let header = format!("share-secret: {secret}");
    assert_eq!(town.get(&path, &[&header]).await.body, b"secret");
    let query = format!("{path}?em-redirect=true&share-secret={secret}");
    assert_eq!(town.get(&query, &[]).await.body, b"secret");
    let bearer = town.bearer();
    for headers in [&[][..], &[bearer.as_str()], &["share-secret: wrong"]] {
        let (status, _, description) = town.get(&path, headers).await.refusal();
        assert_eq!((status, description.as_str()), (403, "chatfile no permission"));
    }
    let (status, error, _) = town.get(&path, &[&header, "Authorization: Bearer x"]).await.refusal();
    assert_eq!(
        (status, error.as_str()),
        (401, "auth_bad_access_token"),
        "a bad token is worse than none"
    );
}

#[tokio::test]
async fn what_is_not_there_or_not_there_any_more_is_told_apart() {
    let clock = Arc::new(ManualClock::starting_at(1_785_000_000_000));
    let time: Arc<ManualClock> = Arc::clone(&clock);
    let town = Town::new(Options { clock: time, ..Options::default() }).await;
    let (path, _) = town.uploaded(&[], b"x").await;
    let (status, error, description) =
        town.get("/easebot/demo/chatfiles/nope", &[]).await.refusal();
    assert_eq!((status, error.as_str()), (404, "entity_not_found"));
    assert_eq!(description, "file may not exists");
    clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    let (status, error, description) = town.get(&path, &[]).await.refusal();
    assert_eq!((status, error.as_str()), (404, "file_expired"));
    let uuid = path.rsplit('/').next().unwrap();
    assert_eq!(description, format!("file {uuid} is expired"));
    town.emulator.control().sweep();
    assert_eq!(town.get(&path, &[]).await.refusal().1, "file_expired");
}

#[tokio::test]
async fn uploads_are_refused_in_the_words_of_the_documents() {
    let town = Town::new(Options { max_file_bytes: 1000, ..Options::default() }).await;
    let answer = town.upload(&[], &[7; 1001]).await;
    let words = (
        413,
        "file exceeding maximum limit".to_owned(),
        "the file size exceeds the maximum limit.".to_owned(),
    );
    assert_eq!(answer.refusal(), words);
    // More than a socket holds: the answer comes although the client is still writing.
    assert_eq!(town.upload(&[], &vec![7; 20 << 20]).await.refusal(), words);
    assert_eq!(town.upload(&[], &[7; 1000]).await.status, 200);

    let missing = (400, "illegal_argument".to_owned(), "file must be provided.".to_owned());
    let other = form(&[("picture", b"x")]);
    let path = "/easebot/demo/chatfiles";
    assert_eq!(town.form("POST", path, &[], &other).await.refusal(), missing);
    let bearer = town.bearer();
    let json = ["Content-Type: application/json", bearer.as_str()];
    assert_eq!(town.request("POST", path, &json, b"{}").await.refusal(), missing);

    let kind = "Content-Type: multipart/form-data; boundary=----boundary";
    let answer = town.request("POST", path, &[kind], &form(&[("file", b"x")])).await;
    assert_eq!((answer.status, answer.refusal().1.as_str()), (401, "unauthorized"));
}

#[tokio::test]
async fn the_store_has_a_size() {
    let town = Town::new(Options { file_store_bytes: 10, ..Options::default() }).await;
    town.uploaded(&[], b"12345678").await;
    let (status, error, _) = town.upload(&[], b"123").await.refusal();
    assert_eq!((status, error.as_str()), (507, "insufficient_storage"));
    town.uploaded(&[], b"12").await;
}

#[tokio::test]
async fn a_download_goes_on_where_it_stopped_unless_the_file_is_another() {
    let town = Town::new(Options::default()).await;
    let (path, _) = town.uploaded(&[], b"0123456789").await;
    let whole = town.get(&path, &[]).await;
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let etag = whole.header("etag").to_owned();
    let same = format!("If-Range: {etag}");
    for headers in [&["Range: bytes=4-"][..], &["Range: bytes=4-", &same]] {
        let rest = town.get(&path, headers).await;
        assert_eq!((rest.status, rest.body.as_slice()), (206, &b"456789"[..]));
        assert_eq!(rest.header("content-range"), "bytes 4-9/10");
        assert_eq!(rest.header("content-length"), "6");
        assert_eq!(rest.header("etag"), etag);
    }
    let rest = town.get(&path, &["Range: bytes=4-", "If-Range: \"other\""]).await;
    assert_eq!((rest.status, rest.body.len()), (200, 10));
    let beyond = town.get(&path, &["Range: bytes=10-"]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */10"));
}

#[tokio::test]
async fn images_have_thumbnails_and_small_ones_are_their_own() {
    let town = Town::new(Options::default()).await;
    let large = picture(200, 100);
    assert!(large.len() > 10 * 1024);
    let (path, _) = town.uploaded(&[], &large).await;
    for (path, header) in
        [(format!("{path}?em-redirect=true&thumbnail=true"), "a: b"), (path, "thumbnail: true")]
    {
        let small = town.get(&path, &[header]).await;
        assert_eq!((small.status, small.header("content-type")), (200, "image/jpeg"));
        let small = image::load_from_memory(&small.body).unwrap();
        assert_eq!((small.width(), small.height()), (170, 85));
    }
    let parts = form(&[("file", &large), ("thumbnail-width", b"50"), ("thumbnail-height", b"10")]);
    let sides = ["thumbnail-width: 50", "thumbnail-height: 10"];
    for (headers, form) in [(&[][..], parts), (&sides, form(&[("file", &large)]))] {
        let answer = town.form("POST", "/easebot/demo/chatfiles", headers, &form).await;
        let (path, _) = path_and_secret(&answer);
        let small = town.get(&format!("{path}?thumbnail=true"), &[]).await;
        let small = image::load_from_memory(&small.body).unwrap();
        assert_eq!((small.width(), small.height()), (20, 10));
    }
    for content in [picture(30, 30), vec![b'?'; 20_000]] {
        let (path, _) = town.uploaded(&[], &content).await;
        let answer = town.get(&format!("{path}?thumbnail=true"), &[]).await;
        assert!(answer.body == content, "what is small, or no image, comes as it is");
    }
}

#[tokio::test]
async fn the_first_frame_of_a_video_is_a_picture() {
    let town = Town::new(Options::default()).await;
    let (path, _) = town.uploaded(&[], b"not really a video").await;
    let frame = town.get(&format!("{path}?vframe=true"), &[]).await;
    assert_eq!((frame.status, frame.header("content-type")), (200, "image/jpeg"));
    assert!(image::load_from_memory(&frame.body).is_ok());
    let part = town.get(&format!("{path}?vframe=true"), &["Range: bytes=0-1"]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &[0xff, 0xd8][..]));
}

#[tokio::test]
async fn downloads_are_redirected_if_wanted_and_the_other_address_wants_its_ticket() {
    let town = Town::new(Options { redirect_downloads: true, ..Options::default() }).await;
    let (path, secret) = town.uploaded(&["restrict-access: true"], b"content").await;
    let path = format!("{path}?em-redirect=true&share-secret={secret}");
    let answer = town.get(&path, &[]).await;
    assert_eq!(answer.status, 302);
    let origin = town.emulator.rest_url();
    let there = answer.header("location").strip_prefix(&origin).unwrap();
    assert!(!there.contains(&secret));
    assert_eq!(town.get(there, &[]).await.body, b"content");
    let without = there.split('?').next().unwrap();
    assert_eq!(town.get(without, &[]).await.status, 403);
    let header = format!("share-secret: {secret}");
    let direct = path.split('?').next().unwrap();
    assert_eq!(town.get(direct, &[&header]).await.body, b"content", "only who asks is sent away");
}

#[tokio::test]
async fn a_large_file_comes_in_parts() {
    let options = Options { part_lower_limit_bytes: 4, max_file_bytes: 20, ..Options::default() };
    let town = Town::new(options).await;
    let base = "/easebot/demo/sdk/chatfiles/part-upload";
    let bearer = town.bearer();
    let begun = town.request("POST", base, &[&bearer], b"").await.json();
    let entity = &begun["entities"][0];
    assert_eq!(entity["file_upper_limit"], 20);
    assert_eq!(entity["part_lower_limit"], 4);
    let upload = format!("{base}/{}", entity["uuid"].as_str().unwrap());
    for (number, content) in [("2", b"world"), ("1", b"hello")] {
        let part = form(&[("part_file", content), ("part_number", number.as_bytes())]);
        assert_eq!(town.form("PUT", &upload, &[], &part).await.status, 200);
    }
    let complete = format!("{upload}?restrict-access=true&chat-type=CHAT&chat-target=bob");
    let answer = town.request("POST", &complete, &[&bearer], b"").await;
    let addr = town.emulator.addr();
    assert_eq!(answer.json()["uri"], format!("http://{addr}/easebot/demo/chatfiles"));
    let (path, secret) = path_and_secret(&answer);
    assert_eq!(town.get(&path, &[]).await.status, 403);
    let path = format!("{path}?share-secret={secret}");
    assert_eq!(town.get(&path, &[]).await.body, b"helloworld");
    let again = town.request("POST", &complete, &[&bearer], b"").await;
    assert_eq!((again.status, again.refusal().1.as_str()), (404, "entity_not_found"));
}

#[tokio::test]
async fn an_upload_in_parts_is_given_up_and_belongs_to_who_began_it() {
    let town = Town::new(Options::default()).await;
    let base = "/easebot/demo/sdk/chatfiles/part-upload";
    let bearer = town.bearer();
    let begun = town.request("POST", base, &[&bearer], b"").await.json();
    let upload = format!("{base}/{}", begun["entities"][0]["uuid"].as_str().unwrap());
    let bob = format!("Authorization: Bearer {}", token_of(&town.emulator.control(), "bob"));
    assert_eq!(town.request("DELETE", &upload, &[&bob], b"").await.status, 404);
    let part = form(&[("part_file", b"x"), ("part_number", b"0")]);
    assert_eq!(town.form("PUT", &upload, &[], &part).await.status, 400, "counted from 1");
    assert_eq!(town.request("DELETE", &upload, &[&bearer], b"").await.status, 200);
    let part = form(&[("part_file", b"x"), ("part_number", b"1")]);
    assert_eq!(town.form("PUT", &upload, &[], &part).await.status, 404);
}

#[tokio::test]
async fn parts_can_be_switched_off_and_discovery_says_so() {
    for (part_upload, status) in [(true, 200), (false, 404)] {
        let town = Town::new(Options { part_upload, ..Options::default() }).await;
        let dns = town.get("/easemob/server.json", &[]).await.json();
        assert_eq!(dns["uploadinparts_enable"], part_upload.to_string());
        let base = "/easebot/demo/sdk/chatfiles/part-upload";
        let bearer = town.bearer();
        assert_eq!(town.request("POST", base, &[&bearer], b"").await.status, status);
    }
}

#[tokio::test]
async fn uploads_and_downloads_fail_when_ordered() {
    let town = Town::new(Options::default()).await;
    let (path, _) = town.uploaded(&[], b"x").await;
    let order = json!({ "what": "upload", "status": 400, "error": "content improper" });
    let answer = town.order("fail", &order).await;
    assert_eq!(answer.json(), json!({ "n": 1 }));
    let (status, error, _) = town.upload(&[], b"x").await.refusal();
    assert_eq!((status, error.as_str()), (400, "content improper"));
    assert_eq!(town.upload(&[], b"x").await.status, 200, "once");

    let fault = HttpFault { endpoint: Endpoint::Download, n: 2, ..HttpFault::default() };
    town.emulator.control().fail(fault);
    assert_eq!(town.get(&path, &[]).await.status, 503);
    assert_eq!(town.upload(&[], b"x").await.status, 200);
    assert_eq!(town.get(&path, &[]).await.status, 503);
    assert_eq!(town.get(&path, &[]).await.status, 200);
}

#[tokio::test]
async fn rest_fails_for_a_while_and_says_when_to_come_again() {
    let town = Town::new(Options::default()).await;
    let bearer = town.bearer();
    let path = "/easebot/demo/users/alice";
    let order =
        json!({ "path": "users/", "user": "alice", "n": 2, "status": 502, "retry_after_secs": 3 });
    town.order("fail", &order).await;
    for _ in 0..2 {
        let answer = town.get(path, &[&bearer]).await;
        assert_eq!((answer.status, answer.header("retry-after")), (502, "3"));
    }
    assert_eq!(town.get(path, &[&bearer]).await.status, 200);

    let clock = Arc::new(ManualClock::starting_at(1_785_000_000_000));
    let time: Arc<ManualClock> = Arc::clone(&clock);
    let town = Town::new(Options { clock: time, ..Options::default() }).await;
    let bearer = town.bearer();
    town.order("rate-limit", &json!({ "what": "rest", "per_second": 1 })).await;
    assert_eq!(town.get(path, &[&bearer]).await.status, 200);
    let (status, error, description) = town.get(path, &[&bearer]).await.refusal();
    assert_eq!((status, error.as_str()), (429, "reach_limit"));
    assert_eq!(description, "This request has reached api limit");
    clock.advance(Duration::from_secs(1));
    assert_eq!(town.get(path, &[&bearer]).await.status, 200);
}

#[tokio::test]
async fn head_says_what_get_would_and_sends_no_body() {
    let town = Town::new(Options { redirect_downloads: true, ..Options::default() }).await;
    let (path, _) = town.uploaded(&[], b"twelve bytes").await;
    let (get, head) = (town.get(&path, &[]).await, town.request("HEAD", &path, &[], b"").await);
    assert_eq!((get.status, head.status), (200, 200));
    for name in ["content-length", "content-type", "accept-ranges", "etag"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
        assert!(!head.header(name).is_empty(), "{name}");
    }
    assert!(head.body.is_empty());
    let part = town.request("HEAD", &path, &["Range: bytes=2-4"], b"").await;
    assert_eq!((part.status, part.header("content-length")), (206, "3"));
    let moved = town.request("HEAD", &format!("{path}?em-redirect=true"), &[], b"").await;
    let moved_to = moved.header("location").split_once("/_storage").unwrap().1.to_owned();
    let stored = town.request("HEAD", &format!("/_storage{moved_to}"), &[], b"").await;
    assert_eq!((stored.status, stored.header("content-length")), (200, "12"));
    let missing = town.request("HEAD", &format!("{APP}/chatfiles/none"), &[], b"").await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn a_file_lives_as_long_as_it_is_told() {
    let clock = Arc::new(ManualClock::starting_at(1_785_000_000_000));
    let file_life = Duration::from_secs(60);
    let options = Options { clock: Arc::clone(&clock) as _, file_life, ..Options::default() };
    let town = Town::new(options).await;
    let mut uuids = Vec::new();
    for content in ["as it is", "for ever", "refreshed", "back to the default"] {
        let (path, _) = town.uploaded(&[], content.as_bytes()).await;
        uuids.push(path.rsplit('/').next().unwrap().to_owned());
    }
    let path = format!("{APP}/users/alice/chatfiles/lifetime");
    let set = async |life: &str, uuids: &[&str]| {
        let body = json!({ "lifetime": life, "chatfile_ids": uuids }).to_string();
        town.request("PUT", &path, &[&town.bearer()], body.as_bytes()).await
    };
    clock.advance(Duration::from_secs(50));
    let answer = set("forever", &[&uuids[1], &uuids[3], "none"]).await;
    assert_eq!(answer.json()["data"]["success"], json!([uuids[1], uuids[3]]));
    assert_eq!(answer.json()["data"]["failed"], json!(["none"]));
    assert_eq!(set("refresh", &[&uuids[2]]).await.status, 200);
    assert_eq!(set("default", &[&uuids[3]]).await.status, 200);
    let statuses = async || {
        let mut statuses = Vec::new();
        for uuid in &uuids {
            statuses.push(town.get(&format!("{APP}/chatfiles/{uuid}"), &[]).await.status);
        }
        statuses
    };
    assert_eq!(statuses().await, [200, 200, 200, 200]);
    clock.advance(Duration::from_secs(10));
    assert_eq!(statuses().await, [404, 200, 200, 404]);
    clock.advance(Duration::from_secs(50));
    town.emulator.control().sweep();
    assert_eq!(statuses().await, [404, 200, 404, 404]);
    assert_eq!(set("refresh", &[&uuids[2]]).await.json()["data"]["failed"], json!([uuids[2]]));

    assert_eq!(set("never", &[&uuids[1]]).await.status, 400);
    assert_eq!(set("default", &[]).await.status, 400);
    let bob = format!("Authorization: Bearer {}", token_of(&town.emulator.control(), "bob"));
    let body = json!({ "lifetime": "forever", "chatfile_ids": ["x"] }).to_string();
    assert_eq!(town.request("PUT", &path, &[&bob], body.as_bytes()).await.status, 401);
}
