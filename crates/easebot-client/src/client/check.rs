//! Whether something can be sent, without sending it.

use easebot_model::{Act, AppKey, Attach, ClientMessageId, Outgoing, Resource, UserId};
use easebot_msync::{EncodeError, Me, combine};
use thiserror::Error;

/// Why something can never be sent as it is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Its messages cannot be combined.
    #[error(transparent)]
    Combine(#[from] combine::BuildCombineError),
    /// It breaks a limit of messages.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Its text is too long even for several messages.
    #[error("the text fills {n_parts} messages, the limit is {limit}")]
    TooManyParts {
        /// [`MAX_PARTS`](crate::MAX_PARTS).
        limit: usize,
        /// How many it would be.
        n_parts: usize,
    },
}

/// Whether `outgoing` can be sent by `user` of `app_key`, as far as that is known without asking the server and without
/// bringing up what it takes along.
///
/// # Errors
/// The limit that it breaks and by how much.
pub fn check(outgoing: &Outgoing, user: &UserId, app_key: &AppKey) -> Result<(), CheckError> {
    /// As long as the address of an upload can be expected to be.
    const PLACE: &str = "https://a1-region.example.com/organization/application/chatfiles/00000000-0000-0000-0000-000000000000";

    let me = Me { user: user.clone(), resource: Resource::default() };
    let encode = |outgoing: &Outgoing| {
        easebot_msync::encode_outgoing(outgoing, ClientMessageId(1), &me, app_key).map(drop)
    };
    let Act::Message(draft) = &outgoing.act else { return Ok(encode(outgoing)?) };
    let Some(attach) = &draft.attach else { return Ok(encode(outgoing)?) };
    if let Attach::Messages(messages) = attach {
        combine::level(messages)?;
    }
    let mut placed = outgoing.clone();
    if let Act::Message(draft) = &mut placed.act {
        draft.attach = None;
        if let Some(attachment) = draft.body.attachment_mut() {
            PLACE.clone_into(&mut attachment.url);
        }
    }
    encode(&placed)?;
    if let Some(instead) = outgoing.fallback() {
        encode(&instead)?;
    }
    Ok(())
}
