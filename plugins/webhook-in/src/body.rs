//! What the body of a request says, whichever way it is written.

use base64::{Engine, engine::general_purpose::STANDARD};
use easebot_plugin::HookRequest;
use futures_util::stream;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::refusal::Refusal;

/// A body, and the files that came with it.
#[derive(Debug, PartialEq)]
pub(crate) struct Body {
    pub(crate) value: Value,
    pub(crate) files: Vec<Attached>,
}

/// A file that goes along with a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Attached {
    /// It came with the request.
    Bytes { name: Option<String>, bytes: Vec<u8> },
    /// It is somewhere else.
    Url { name: Option<String>, url: String },
}

/// How many fields and files a form may have.
const MAX_FIELDS: usize = 1000;

/// Reads the body by its content type.
pub(crate) async fn read(request: &HookRequest) -> Result<Body, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = kind.ends_with("/json") || kind.ends_with("+json");
    let value = match kind.as_str() {
        "multipart/form-data" => return multipart(content_type, request).await,
        "application/x-www-form-urlencoded" => match serde_json::from_slice(&request.body) {
            // What `curl -d '{…}'` says of itself, and `curl -d 'backup is done'`.
            Ok(value @ Value::Object(_)) => value,
            _ if request.body.contains(&b'=') => form(&request.body)?,
            _ => plain(&request.body)?.into(),
        },
        _ if is_json => json(&request.body)?,
        _ => {
            let text = plain(&request.body)?;
            match serde_json::from_str(text) {
                Ok(value @ Value::Object(_)) => value,
                _ => text.into(),
            }
        }
    };
    Ok(Body { value, files: Vec::new() })
}

fn plain(bytes: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(bytes).map_err(|error| Refusal::unreadable("the body is no UTF-8", &error))
}

/// Reads JSON; what is wrong is told by line and column.
pub(crate) fn json(bytes: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(bytes)
        .map_err(|error| Refusal::unreadable("the body is no JSON", &error))
}

/// The fields of a form. One that is `payload` stands for the whole: JSON, as Slack and GitHub send it.
fn form(bytes: &[u8]) -> Result<Value, Refusal> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        if fields.len() == MAX_FIELDS {
            return Err(too_many());
        }
        fields.insert(name.into_owned(), value.into_owned().into());
    }
    whole(fields)
}

fn too_many() -> Refusal {
    let reason = format!("at most {MAX_FIELDS} fields and files are read");
    Refusal::unreadable("the form is too long", &reason)
}

fn whole(fields: Map<String, Value>) -> Result<Value, Refusal> {
    match fields.get("payload").and_then(Value::as_str) {
        Some(payload) => json(payload.as_bytes()),
        None => Ok(Value::Object(fields)),
    }
}

async fn multipart(content_type: &str, request: &HookRequest) -> Result<Body, Refusal> {
    let unreadable = |error: multer::Error| Refusal::unreadable("the form is not readable", &error);
    let boundary = multer::parse_boundary(content_type).map_err(unreadable)?;
    let whole_body = stream::iter([Ok::<_, std::convert::Infallible>(request.body.clone())]);
    let mut parts = multer::Multipart::new(whole_body, boundary);
    let (mut fields, mut files) = (Map::new(), Vec::new());
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        if fields.len() + files.len() == MAX_FIELDS {
            return Err(too_many());
        }
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file_name) => {
                let bytes = part.bytes().await.map_err(unreadable)?.to_vec();
                let name = Some(file_name).filter(|name| !name.is_empty());
                // An empty choice in a browser's form is no file.
                if name.is_some() || !bytes.is_empty() {
                    files.push(Attached::Bytes { name, bytes });
                }
            }
            None => {
                let bytes = part.bytes().await.map_err(unreadable)?;
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|error| Refusal::unreadable("a field is no UTF-8", &error))?;
                fields.insert(name, text.into());
            }
        }
    }
    Ok(Body { value: whole(fields)?, files })
}

/// The files that `attachments` of a JSON body names: addresses, or objects with `url` or `base64`, and a name.
pub(crate) fn attachments(body: &Value) -> Result<Vec<Attached>, Refusal> {
    let Some(Value::Array(listed)) = body.get("attachments") else { return Ok(Vec::new()) };
    let one = |value: &Value| {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = text("filename").or_else(|| text("name"));
        if let Some(url) = value.as_str().map(str::to_owned).or_else(|| text("url")) {
            return Some(Ok(Attached::Url { name, url }));
        }
        let bytes = STANDARD.decode(text("base64")?);
        Some(match bytes {
            Ok(bytes) => Ok(Attached::Bytes { name, bytes }),
            Err(error) => Err(Refusal::unreadable("an attachment is no base64", &error)),
        })
    };
    listed.iter().filter_map(one).collect()
}

/// The query of a request as a JSON object; of a repeated name the last one.
pub(crate) fn query(request: &HookRequest) -> Value {
    let query = request.query.as_deref().unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes()).take(MAX_FIELDS);
    Value::Object(pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect())
}

/// The headers of a request as a JSON object, without those that hold what a caller proves itself with.
pub(crate) fn headers(request: &HookRequest) -> Value {
    const SECRET: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-gitlab-token"];
    let shown = request.headers.keys().filter(|name| !SECRET.contains(&name.as_str()));
    let pair = |name: &http::HeaderName| {
        Some((name.as_str().to_owned(), request.header(name.as_str())?.into()))
    };
    Value::Object(shown.filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(content_type: &str, body: &str) -> Result<Value, Refusal> {
        let request = HookRequest::post("/h", body.to_owned());
        read(&request.with_header("content-type", content_type)).await.map(|body| body.value)
    }

    #[tokio::test]
    async fn json_forms_and_text_are_read() {
        let hi = json!({ "text": "hi 你" });
        for content_type in
            ["application/json", "application/json; charset=utf-8", "application/x+json", ""]
        {
            assert_eq!(of(content_type, r#"{"text":"hi 你"}"#).await.unwrap(), hi);
        }
        let form = "application/x-www-form-urlencoded";
        assert_eq!(of(form, "text=hi+%E4%BD%A0").await.unwrap(), hi);
        assert_eq!(of(form, r#"{"text":"hi 你"}"#).await.unwrap(), hi);
        assert_eq!(of(form, "payload=%7B%22text%22%3A%22hi+%E4%BD%A0%22%7D").await.unwrap(), hi);
        assert_eq!(of(form, "hi 你").await.unwrap(), json!("hi 你"), "as `curl -d` sends it");
        assert_eq!(of("text/plain", "hi 你").await.unwrap(), json!("hi 你"));
        assert_eq!(of("text/plain", "5").await.unwrap(), json!("5"), "a number is a text, too");
    }

    #[tokio::test]
    async fn what_is_not_readable_says_where() {
        let error = of("application/json", "{\"text\": }").await.unwrap_err();
        assert_eq!(error.to_string(), "the body is no JSON: expected value at line 1 column 10");
        assert_eq!(of("application/json", "").await.unwrap_err().status(), 400);
        assert_eq!(of("multipart/form-data", "x").await.unwrap_err().status(), 400);
        assert_eq!(
            of("multipart/form-data; boundary=b", "--b\r\nx").await.unwrap_err().status(),
            400
        );
        assert_eq!(
            of("application/x-www-form-urlencoded", "payload=x").await.unwrap_err().status(),
            400
        );
        let long: Vec<String> = (0..1_001).map(|n| format!("f{n}=x")).collect();
        let error = of("application/x-www-form-urlencoded", &long.join("&")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the form is too long: at most 1000 fields and files are read"
        );
        let deep = "[".repeat(100_000);
        assert_eq!(of("application/json", &deep).await.unwrap_err().status(), 400);
        let request = HookRequest::post("/h", vec![0xff, 0xfe]);
        assert_eq!(read(&request).await.unwrap_err().status(), 400);
    }

    #[tokio::test]
    async fn a_form_with_files_gives_both() {
        // As curl 8 writes `-F text=hi -F file=@a.png`.
        let body = "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhi\r\n\
                    --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
                    Content-Type: image/png\r\n\r\n\u{1}\u{2}\r\n--b--\r\n";
        let request = HookRequest::post("/h", body)
            .with_header("content-type", "multipart/form-data; boundary=b");
        let body = read(&request).await.unwrap();
        assert_eq!(body.value, json!({ "text": "hi" }));
        let name = Some("a.png".to_owned());
        assert_eq!(body.files, [Attached::Bytes { name, bytes: vec![1, 2] }]);
    }

    #[test]
    fn attachments_are_addresses_or_base64() {
        let body = json!({ "attachments": [
            "https://a.b/c.png",
            { "url": "https://a.b/d", "name": "d.txt" },
            { "filename": "e.txt", "base64": "aGk=", "mimetype": "text/plain" },
            { "unknown": 1 },
        ] });
        let (name, url) = (|name: &str| Some(name.to_owned()), |url: &str| url.to_owned());
        assert_eq!(
            attachments(&body).unwrap(),
            [
                Attached::Url { name: None, url: url("https://a.b/c.png") },
                Attached::Url { name: name("d.txt"), url: url("https://a.b/d") },
                Attached::Bytes { name: name("e.txt"), bytes: b"hi".to_vec() },
            ]
        );
        assert!(attachments(&json!({ "attachments": [{ "base64": "?" }] })).is_err());
    }

    #[test]
    fn secrets_are_no_values_of_templates() {
        let request = HookRequest::post("/h", "")
            .with_header("Authorization", "Bearer s")
            .with_header("X-Gitlab-Token", "s")
            .with_header("X-Kind", "push");
        assert_eq!(headers(&request), json!({ "x-kind": "push" }));
    }
}
