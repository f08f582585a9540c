//! Texts that are too long for one message become several.

mod cut;

use easebot_model::{Act, AppKey, Body, ClientMessageId, Draft, Ext, Outgoing, Resource, UserId};
use easebot_msync::{EncodeError, MAX_BODY_BYTES, Me};

use self::cut::pieces;
use crate::{CheckError, check};

/// Into how many messages a text is split at most.
pub const MAX_PARTS: usize = 20;

/// By how much the lengths that are written in front of a text may grow with it.
const LENGTHS_BYTES: usize = 8;

/// Splits a text that is too long for one message. None: `outgoing` can be sent as it is.
///
/// It is cut behind a paragraph, a line, a sentence, a clause or a word, the best of these that leaves no part less than half
/// full; else where a reader sees two characters, not within an address of the web. The parts together are the text, to the
/// last space. The pairs of `ext` go with the first part; receivers and the like are those of every part.
///
/// # Errors
/// As [`check`], and [`CheckError::TooManyParts`]. Only plain texts are split: one with translations is not.
pub fn split(
    outgoing: &Outgoing,
    user: &UserId,
    app_key: &AppKey,
) -> Result<Option<Vec<Outgoing>>, CheckError> {
    if is_surely_small(outgoing, user) {
        return Ok(None);
    }
    let too_large = match check(outgoing, user, app_key) {
        Ok(()) => return Ok(None),
        Err(CheckError::Encode(error @ EncodeError::TooLarge { .. })) => error,
        Err(other) => return Err(other),
    };
    let EncodeError::TooLarge { limit_bytes, .. } = too_large else { return Ok(None) };
    let (Act::Message(draft), Some(text)) = (&outgoing.act, plain_text(&outgoing.act)) else {
        return Err(too_large.into());
    };
    let shell = |ext: Ext, text: String| {
        let draft = Draft { body: Body::text(text), ext, ..Draft::clone(draft) };
        Outgoing { to: outgoing.to.clone(), act: Act::Message(Box::new(draft)) }
    };
    let room = |ext: Ext| {
        let used = size(&shell(ext, ".".to_owned()), user, app_key)? + LENGTHS_BYTES;
        Ok::<_, EncodeError>(limit_bytes.saturating_sub(used))
    };
    let (first, rest) = (room(draft.ext.clone())?, room(Ext::new())?);
    // The pairs alone fill the message, so that splitting the text is of no use.
    if first == 0 || rest == 0 {
        return Err(too_large.into());
    }
    let pieces = pieces(text, first, rest);
    let n_parts = pieces.len();
    if n_parts > MAX_PARTS {
        return Err(CheckError::TooManyParts { limit: MAX_PARTS, n_parts });
    }
    let mut ext = draft.ext.clone();
    Ok(Some(
        pieces.into_iter().map(|piece| shell(std::mem::take(&mut ext), piece.to_owned())).collect(),
    ))
}

/// Whether [`check`] finds nothing, which is known without encoding it: a short text to one conversation, and nothing besides.
fn is_surely_small(outgoing: &Outgoing, user: &UserId) -> bool {
    /// More than all tags, lengths and numbers of such a body take.
    const AROUND_BYTES: usize = 64;

    let Act::Message(draft) = &outgoing.act else { return false };
    let Some(text) = plain_text(&outgoing.act) else { return false };
    let name = outgoing.to.name();
    let n_bytes = text.len() + user.as_str().len() + name.len();
    let has_more = draft.is_thread || !draft.ext.is_empty() || !draft.receivers.is_empty();
    !has_more && !name.is_empty() && n_bytes + AROUND_BYTES <= MAX_BODY_BYTES
}

fn plain_text(act: &Act) -> Option<&str> {
    match act {
        Act::Message(draft) if draft.attach.is_none() => match &draft.body {
            Body::Text(text) if text.translations.is_empty() => Some(&text.text),
            _ => None,
        },
        _ => None,
    }
}

/// How many bytes of the limit a message takes.
fn size(outgoing: &Outgoing, user: &UserId, app_key: &AppKey) -> Result<usize, EncodeError> {
    let me = Me { user: user.clone(), resource: Resource::default() };
    match easebot_msync::encode_outgoing(outgoing, ClientMessageId(1), &me, app_key) {
        Ok(meta) => Ok(meta.payload.map_or(0, |payload| payload.len())),
        Err(EncodeError::TooLarge { n_bytes, .. }) => Ok(n_bytes),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests;
