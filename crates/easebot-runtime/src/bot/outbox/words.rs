//! What is said, shared by the outbox and the store.

use std::{ops::Deref, sync::Arc};

use easebot_model::{Act, Body, Draft, Outgoing, Text};
use easebot_store::{Encode, Payload};

/// Something to say, as the outbox sends it and the store saves it.
#[derive(Debug)]
pub(crate) struct Words(Outgoing);

/// About as many bytes are around the text and the name in a text as it is saved.
const AROUND_BYTES: usize = 160;

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

    /// The text, if there is nothing besides that takes much.
    fn plain_text(&self) -> Option<&str> {
        let Act::Message(draft) = &self.0.act else { return None };
        let Draft {
            body: Body::Text(Text { text, translations }),
            attach,
            fallback,
            ext,
            receivers,
            ..
        } = &**draft
        else {
            return None;
        };
        let has_more = !(translations.is_empty() && ext.is_empty() && receivers.is_empty());
        (!has_more && attach.is_none() && fallback.is_none()).then_some(text)
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
        // A little more than it takes as a rule, so that it need not grow.
        let mut bytes = Vec::with_capacity(self.n_bytes() + self.n_bytes() / 8);
        // A text can always be written: what cannot are paths that are no UTF-8.
        match serde_json::to_writer(&mut bytes, &self.0) {
            Ok(()) => bytes,
            Err(_) => Vec::new(),
        }
    }
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
            assert!(counted.abs_diff(bytes.len()) < 32, "{counted} for {}", bytes.len());
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
