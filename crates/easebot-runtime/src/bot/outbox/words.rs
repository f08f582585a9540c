//! What is said, shared by the outbox and the store.

use std::{ops::Deref, sync::Arc};

use easebot_model::{Act, Body, Draft, Outgoing, Priority, Text};
use easebot_store::{Encode, Payload};

/// Something to say, as the outbox sends it and the store saves it.
#[derive(Debug)]
pub(crate) struct Words(Outgoing);

/// What stands around the name and the text in a text as it is saved: `{"to":"user:NAME", …}`.
const AROUND_BYTES: usize =
    r#"{"to":"group:","act":{"act":"message","body":{"type":"text","text":""}}}"#.len();

impl Words {
    pub(crate) fn new(outgoing: Outgoing) -> Arc<Self> {
        Arc::new(Self(outgoing))
    }

    /// As it is saved, and about how many bytes it takes. A text with nothing besides, which nearly all is, is written when the
    /// store needs it; whether anything else can be written shows here. None: it cannot.
    pub(crate) fn payload(self: &Arc<Self>) -> Option<Payload> {
        if self.plain_text().is_some() {
            return Some(Payload::later(Arc::<Self>::clone(self)));
        }
        serde_json::to_vec(&self.0).ok().map(Payload::from)
    }

    /// The text, if there is nothing besides.
    fn plain_text(&self) -> Option<&str> {
        let Act::Message(draft) = &self.0.act else { return None };
        let Draft {
            body: Body::Text(Text { text, translations }),
            attach: None,
            fallback: None,
            ext,
            receivers,
            online_only: false,
            priority: Priority::Normal,
            wants_group_receipts: false,
            is_thread: false,
        } = &**draft
        else {
            return None;
        };
        (translations.is_empty() && ext.is_empty() && receivers.is_empty()).then_some(text)
    }
}

impl Deref for Words {
    type Target = Outgoing;

    fn deref(&self) -> &Outgoing {
        &self.0
    }
}

impl Encode for Words {
    fn n_bytes(&self) -> usize {
        let text = self.plain_text().unwrap_or_default();
        AROUND_BYTES + self.to.name().len() + text.len()
    }

    fn encode(&self) -> Vec<u8> {
        let text = self.plain_text().unwrap_or_default();
        let (kind, name) = (self.to.kind().as_str(), self.to.name());
        if needs_no_escape(name) && needs_no_escape(text) {
            let (to, said) =
                (r#"{"to":""#, r#"","act":{"act":"message","body":{"type":"text","text":""#);
            return [to, kind, ":", name, said, text, r#""}}}"#].concat().into_bytes();
        }
        // A text can always be written: what cannot are paths that are no UTF-8.
        serde_json::to_vec(&self.0).unwrap_or_default()
    }
}

/// Whether `text` stands in a string of JSON as it is. Looks at all of it, because that is done many bytes at a time.
fn needs_no_escape(text: &str) -> bool {
    text.bytes().fold(true, |is_plain, byte| is_plain & !matches!(byte, ..b' ' | b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use easebot_model::Conversation;

    use super::*;

    fn payload(draft: impl Into<Draft>) -> Option<Payload> {
        Words::new(Outgoing::message(Conversation::user("alice"), draft)).payload()
    }

    #[test]
    fn what_is_saved_is_the_same_whenever_it_is_written() {
        let mention = || Draft::new("@bob").mentioning(["bob"]);
        for draft in
            [Draft::new("你好"), Draft::new("quiet").online_only(), mention(), Draft::cmd("x")]
        {
            let outgoing = Outgoing::message(Conversation::group("77"), draft);
            let saved = Words::new(outgoing.clone()).payload().unwrap();
            let (counted, bytes) = (saved.n_bytes(), saved.into_bytes());
            assert_eq!(serde_json::from_slice::<Outgoing>(&bytes).unwrap(), outgoing);
            assert!(counted.abs_diff(bytes.len()) < 4, "{counted} for {}", bytes.len());
        }
    }

    #[test]
    fn a_text_is_saved_as_serde_writes_it() {
        let ascii: Vec<_> = (0_u8..=127).map(|byte| char::from(byte).to_string()).collect();
        let others =
            ["", "你好，世界", "a \"quoted\" \\ word", "two\nlines", "\u{7f}\u{80}\u{2028}😀"];
        for text in ascii.iter().map(String::as_str).chain(others) {
            for to in [Conversation::user(format!("a{text}b")), Conversation::room("77")] {
                let outgoing = Outgoing::text(to, text);
                let saved = Words::new(outgoing.clone()).payload().unwrap().into_bytes();
                let json = serde_json::to_vec(&outgoing).unwrap();
                assert_eq!(saved, json, "{text:?}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_no_json_can_hold_is_seen_before_it_is_saved() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

        let path = PathBuf::from(OsStr::from_bytes(b"/tmp/\xff"));
        assert!(payload(Draft::file(path)).is_none());
        assert!(payload(Draft::file("/tmp/report.txt")).is_some());
    }
}
