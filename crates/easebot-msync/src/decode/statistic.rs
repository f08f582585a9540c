//! Name space STATISTIC: the server ends a login.
//!
//! Source: observed with the official SDK.

use bytes::Bytes;
use easebot_model::Kick;
use prost::Message;

use super::{Decoded, Unread, view::MetaView};
use crate::schema::{StatisticsBody, statistics_body::Operation};

pub(super) fn decode(meta: &MetaView, payload: &Bytes) -> Result<Decoded, Unread> {
    let body = StatisticsBody::decode(payload.clone()).map_err(|_| Unread::Broken("statistic"))?;
    let number = body.operation.unwrap_or_default();
    let kick = match Operation::try_from(number) {
        Ok(Operation::Information) => return Ok(Decoded::Nothing { key: meta.key() }),
        Ok(Operation::UserRemoved) => Kick::UserRemoved,
        Ok(Operation::UserLoginAnotherDevice) => Kick::LoggedInElsewhere,
        Ok(Operation::UserKickedByChangePassword) => Kick::PasswordChanged,
        Ok(Operation::UserKickedByOtherDevice) => Kick::KickedByOther,
        Err(_) => return Err(Unread::Number("statistic", number)),
    };
    Ok(Decoded::Kick { kick, reason: body.reason.filter(|reason| !reason.is_empty()) })
}
