//! What people write: the same in every run.
//!
//! Of 20 messages 6 are commands, 2 meet a rule and 1 comes twice; half are Chinese. Their metas have 150 to 400 bytes.

use bytes::Bytes;
use easebot_msync::schema::{
    CommSyncDl, Jid, KeyValue, MSync, MessageBody, Meta, Status,
    key_value::ValueType,
    m_sync::Command,
    message_body::{self, Content},
    meta::NameSpace,
};
use prost::Message as _;

use super::{MAX_MESSAGES, PAGE};
use crate::{
    corpus::{Corpus, Language},
    random::Random,
};

/// The user that the bot is.
pub(super) const BOT: &str = "concierge";
pub(super) const APP: &str = "easebot#demo";
const SEED: u64 = 0x0ea5_eb07;

/// How many commands the bot knows.
pub(super) const N_COMMANDS: usize = 50;

/// The messages that go through a bot.
pub(super) struct Pages {
    /// How many people write.
    pub(super) n_people: usize,
    pub(super) n_rules: usize,
    /// In the order in which they come: pages of the people in turn.
    pub(super) metas: Vec<Bytes>,
    /// The frames that bring them, a page each.
    pub(super) frames: Vec<Bytes>,
}

impl Pages {
    pub(super) fn new(n_people: usize, n_rules: usize) -> Self {
        let (mut corpus, mut random) = (Corpus::new(SEED), Random::new(SEED));
        let (mut metas, mut frames) = (Vec::new(), Vec::new());
        for page in 0..MAX_MESSAGES / PAGE {
            let person = page % n_people;
            let mut of_page = Vec::<Meta>::with_capacity(PAGE);
            for place in 0..PAGE {
                let n = page * PAGE + place;
                let meta = match (place, of_page.last()) {
                    // The server repeats what it does not know to be safe.
                    (19, Some(last)) => last.clone(),
                    _ => {
                        let text = text(&mut corpus, &mut random, n, n_rules);
                        meta(&person_name(person), n, &text, &mut random)
                    }
                };
                metas.push(Bytes::from(meta.encode_to_vec()));
                of_page.push(meta);
            }
            let batch = CommSyncDl {
                status: Some(ok()),
                metas: of_page,
                next_key: Some(cursor(page)),
                queue: Some(queue(person)),
                ..CommSyncDl::default()
            };
            frames.push(frame(Command::Sync, &batch));
        }
        Self { n_people, n_rules, metas, frames }
    }

    /// How many different messages are among the first `n`.
    pub(super) const fn n_different(n: usize) -> usize {
        n - n / PAGE
    }
}

/// The key that releases page number `page`.
fn cursor(page: usize) -> u64 {
    1_000_000_000_000 + page as u64
}

/// Always 6 characters.
pub(super) fn person_name(person: usize) -> String {
    format!("u{person:05}")
}

pub(super) fn queue(person: usize) -> Jid {
    Jid {
        name: Some(person_name(person)),
        domain: Some("easemob.com".to_owned()),
        ..Jid::default()
    }
}

pub(super) fn ok() -> Status {
    Status { error_code: Some(0), ..Status::default() }
}

/// A frame of the server.
pub(super) fn frame(command: Command, payload: &impl prost::Message) -> Bytes {
    let payload = Some(payload.encode_to_vec().into());
    let frame = MSync { command: Some(command.into()), payload, ..MSync::default() };
    frame.encode_to_vec().into()
}

/// What rule number `rule` asks for.
pub(super) fn rule_word(rule: usize) -> String {
    const SUBJECTS: [&str; 10] = [
        "退款", "发票", "订单", "物流", "会员", "refund", "invoice", "order", "delivery",
        "warranty",
    ];
    let subject = SUBJECTS.get(rule % SUBJECTS.len()).copied().unwrap_or_default();
    format!("{subject}{rule:03}")
}

/// The name of command number `command`.
pub(super) fn command_name(command: usize) -> String {
    const VERBS: [&str; 5] = ["weather", "ticket", "status", "remind", "translate"];
    let verb = VERBS.get(command % VERBS.len()).copied().unwrap_or_default();
    format!("{verb}{command}")
}

fn text(corpus: &mut Corpus, random: &mut Random, n: usize, n_rules: usize) -> String {
    let language = if n.is_multiple_of(2) { Language::Chinese } else { Language::English };
    let mut talk = |n_bytes| corpus.text(language, n_bytes);
    match n % 10 {
        0..3 => format!("/{} {}", command_name(random.below(N_COMMANDS)), talk(8..=30)),
        3 if n_rules > 0 => {
            let word = rule_word(random.below(n_rules));
            format!("{} {word} {}", talk(10..=40), talk(10..=30))
        }
        _ => talk(20..=140),
    }
}

fn meta(from: &str, n: usize, text: &str, random: &mut Random) -> Meta {
    let content = Content {
        r#type: Some(message_body::content::Type::Text.into()),
        text: Some(text.to_owned()),
        ..Content::default()
    };
    let bare = |name: &str| Jid { name: Some(name.to_owned()), ..Jid::default() };
    let pair = |key: &str, value: String| KeyValue {
        key: Some(key.to_owned()),
        r#type: Some(ValueType::String.into()),
        string_value: Some(value),
        ..KeyValue::default()
    };
    // Half of all messages carry something for the apps.
    let ext = match n % 4 {
        0 => vec![pair("client", "ios-4.2.1".to_owned())],
        1 => vec![
            pair("client", "web".to_owned()),
            pair("nickname", format!("user {}", 10_000 + random.below(90_000))),
        ],
        _ => Vec::new(),
    };
    let body = MessageBody {
        r#type: Some(message_body::Type::Chat.into()),
        from: Some(bare(from)),
        to: Some(bare(BOT)),
        contents: vec![content],
        ext,
        ..MessageBody::default()
    };
    let jid = |name: &str, device: Option<&str>| Jid {
        app_key: Some(APP.to_owned()),
        name: Some(name.to_owned()),
        domain: Some("easemob.com".to_owned()),
        client_resource: device.map(str::to_owned),
    };
    let n = n as u64;
    Meta {
        id: Some(1_234_567_890_123_456_789 + n * 4_096),
        from: Some(jid(from, Some("webim_4f0c2d1a-77aa"))),
        to: Some(jid(BOT, None)),
        timestamp: Some(1_795_000_000_000 + n),
        ns: Some(NameSpace::Chat.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    }
}
