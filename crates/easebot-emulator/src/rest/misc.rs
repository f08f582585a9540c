//! Small services: translation, reports, mutes of a user throughout the app.

use easebot_model::{ConversationKind, UserId};
use serde_json::{Value, json};

use super::{call::Call, reply::Reply, unknown};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx},
};

/// Largest number of characters times languages in one request. Source: Easemob's REST documentation, "translation".
const MAX_TRANSLATED: usize = 10_000;
/// The languages that there are.
const LANGUAGES: [(&str, &str, &str); 7] = [
    ("de", "German", "Deutsch"),
    ("en", "English", "English"),
    ("es", "Spanish", "Español"),
    ("fr", "French", "Français"),
    ("ja", "Japanese", "日本語"),
    ("ko", "Korean", "한국어"),
    ("zh-Hans", "Chinese Simplified", "中文 (简体)"),
];

pub(super) fn route(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    match (method, path) {
        (_, ["translate", rest @ ..]) => {
            call.require_admin(app, cx)?;
            translation(method, rest, call)
        }
        (_, ["users", me, "translate", rest @ ..]) => {
            call.require(app, cx, &UserId::new(me))?;
            translation(method, rest, call)
        }
        ("POST", ["user" | "users", me, "moderation", "report", "message", message]) => {
            call.require(app, cx, &UserId::new(me))?;
            let id = message.parse::<u64>().ok().filter(|id| app.history.find(*id).is_some());
            match id {
                Some(_) => Ok(Reply::data(json!({ "result": "ok", "msgId": message }))),
                None => Err(HttpRefusal::bad("report failed, get message by id failed")),
            }
        }
        (_, ["mutes", rest @ ..]) => mutes(method, rest, call, app, cx),
        _ => Err(unknown(call)),
    }
}

/// A translation that is the text with the name of the language before it: what is needed to see that it came through.
fn translation(method: &str, path: &[&str], call: &Call) -> Result<Reply, HttpRefusal> {
    match (method, path) {
        ("POST", []) => {
            let text = call.required("text")?;
            let to = call.texts("to");
            if to.is_empty() {
                return Err(HttpRefusal::bad("The target language is not valid."));
            }
            if text.chars().count().saturating_mul(to.len()) > MAX_TRANSLATED {
                return Err(HttpRefusal::bad("The input text is too long."));
            }
            let translations: Vec<Value> = to
                .iter()
                .map(|language| json!({ "text": format!("[{language}] {text}"), "to": language }))
                .collect();
            let detected = json!({ "language": detected(text), "score": 1.0 });
            let one = json!({ "translations": translations, "detectedLanguage": detected });
            // Clients differ in where they look.
            Ok(Reply::data(vec![one])
                .with("translations", translations)
                .with("detectedLanguage", detected))
        }
        ("POST", ["detect"]) => {
            let language = detected(call.required("text")?);
            Ok(Reply::data(vec![json!({ "language": language, "score": 1.0 })]))
        }
        ("GET", ["support", "language"]) => {
            let shown = LANGUAGES.map(
                |(code, name, native)| json!({ "code": code, "name": name, "nativeName": native }),
            );
            Ok(Reply::data(shown.to_vec()))
        }
        _ => Err(unknown(call)),
    }
}

/// Chinese if there is a Chinese character in it, else English.
fn detected(text: &str) -> &'static str {
    if text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter)) {
        "zh-Hans"
    } else {
        "en"
    }
}

fn mutes(
    method: &str,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &Cx<'_>,
) -> Result<Reply, HttpRefusal> {
    call.require_admin(app, cx)?;
    let now = cx.now;
    let key = app.key.clone();
    match (method, path) {
        ("POST", []) => {
            let name = UserId::new(call.required("username")?);
            let user = app.user_mut(&name).ok_or_else(|| HttpRefusal::no_user(name.as_str()))?;
            let kinds = [
                ("chat", ConversationKind::User),
                ("groupchat", ConversationKind::Group),
                ("chatroom", ConversationKind::Room),
            ];
            for (word, kind) in kinds {
                if let Some(secs) = call.signed(word) {
                    user.mutes.set(now, kind, secs);
                }
            }
            Ok(Reply::data(json!({ "result": "ok" })))
        }
        ("GET", [name]) => {
            let name = UserId::new(name);
            let user = app.user(&name).ok_or_else(|| HttpRefusal::no_user(name.as_str()))?;
            let mut data = user.mutes.shown(now);
            if let Some(fields) = data.as_object_mut() {
                fields.insert("userid".to_owned(), json!(format!("{key}_{name}")));
                fields.insert("unixtime".to_owned(), json!(now / 1000));
            }
            Ok(Reply::data(data))
        }
        ("GET", []) => {
            let muted = app.users().filter(|(_, user)| user.mutes.is_any(now));
            let all: Vec<Value> = muted
                .map(|(name, user)| {
                    let mut entry = user.mutes.shown(now);
                    if let Some(fields) = entry.as_object_mut() {
                        fields.insert("username".to_owned(), json!(name));
                    }
                    entry
                })
                .collect();
            let (page, _) = call.page(all);
            Ok(Reply::data(json!({ "data": page, "unixtime": now / 1000 })))
        }
        _ => Err(unknown(call)),
    }
}
