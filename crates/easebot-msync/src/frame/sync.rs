//! The usual SYNC of a server, a page or an acknowledgement, in one pass over its bytes.

use bytes::Bytes;
use prost::Message as _;

use crate::{
    schema::{CommSyncEnvelope, Jid, Status, m_sync::Command},
    wire::{Fields, Value, once},
};

/// The SYNC in `frame`; none if it is something else, or has anything unusual about it.
pub(super) fn decode(frame: &Bytes) -> Option<CommSyncEnvelope> {
    let (mut command, mut payload) = (None, None);
    for field in Fields::of(frame) {
        match field? {
            (8, Value::Number(number)) => once(&mut command, number)?,
            (9, Value::Bytes(bytes)) => once(&mut payload, bytes)?,
            _ => return None,
        }
    }
    if command? != u64::from(i32::from(Command::Sync).unsigned_abs()) {
        return None;
    }
    let mut sync = CommSyncEnvelope::default();
    for field in Fields::of(payload?) {
        match field? {
            (1, Value::Bytes(bytes)) => once(&mut sync.status, status(bytes)?)?,
            (2, Value::Number(number)) => once(&mut sync.meta_id, number)?,
            (3, Value::Number(number)) => once(&mut sync.server_id, number)?,
            (4, Value::Bytes(bytes)) => sync.metas.push(frame.slice_ref(bytes)),
            (5, Value::Number(number)) => once(&mut sync.next_key, number)?,
            (6, Value::Bytes(bytes)) => once(&mut sync.queue, Jid::decode(bytes).ok()?)?,
            (7, Value::Number(number)) => once(&mut sync.is_last, number != 0)?,
            (8, Value::Number(number)) => once(&mut sync.timestamp, number)?,
            (9, Value::Number(number)) => once(&mut sync.is_roam, number != 0)?,
            _ => return None,
        }
    }
    Some(sync)
}

/// A status without a redirection.
fn status(bytes: &[u8]) -> Option<Status> {
    let mut status = Status::default();
    for field in Fields::of(bytes) {
        match field? {
            (1, Value::Number(number)) => once(&mut status.error_code, number.try_into().ok()?)?,
            (2, Value::Bytes(bytes)) => {
                once(&mut status.reason, str::from_utf8(bytes).ok()?.to_owned())?;
            }
            _ => return None,
        }
    }
    Some(status)
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;
    use crate::schema::MSync;

    /// The same by the general decoder.
    fn decode_any(frame: &Bytes) -> Option<CommSyncEnvelope> {
        let frame = MSync::decode(frame.clone()).ok()?;
        if frame.command != Some(Command::Sync.into()) {
            return None;
        }
        CommSyncEnvelope::decode(frame.payload?).ok()
    }

    fn frame(sync: &CommSyncEnvelope) -> Bytes {
        let payload = Some(sync.encode_to_vec().into());
        let command = Some(Command::Sync.into());
        MSync { command, payload, ..MSync::default() }.encode_to_vec().into()
    }

    fn syncs() -> impl Strategy<Value = CommSyncEnvelope> {
        let status = (any::<Option<i32>>(), any::<Option<String>>())
            .prop_map(|(error_code, reason)| Status { error_code, reason, ..Status::default() });
        let queue = (any::<Option<String>>(), any::<Option<String>>())
            .prop_map(|(name, domain)| Jid { name, domain, ..Jid::default() });
        let metas = prop::collection::vec(any::<Vec<u8>>().prop_map(Bytes::from), 0..4);
        let numbers = any::<(Option<u64>, Option<u64>, Option<u64>, Option<u64>)>();
        let flags = any::<(Option<bool>, Option<bool>)>();
        (option::of(status), option::of(queue), metas, numbers, flags).prop_map(
            |(status, queue, metas, (meta_id, server_id, next_key, timestamp), flags)| {
                let (is_last, is_roam) = flags;
                CommSyncEnvelope {
                    status,
                    meta_id,
                    server_id,
                    metas,
                    next_key,
                    queue,
                    is_last,
                    timestamp,
                    is_roam,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_usual_is_read_as_by_the_general_decoder(sync in syncs(), flipped in any::<usize>()) {
            let usual = frame(&sync);
            let is_usual = [sync.meta_id, sync.server_id, sync.next_key, sync.timestamp]
                .into_iter()
                .flatten()
                .all(|number| number >> 63 == 0)
                && sync.status.as_ref().and_then(|status| status.error_code).unwrap_or(0) >= 0;
            prop_assert_eq!(decode(&usual), is_usual.then_some(sync));
            let mut other = usual.to_vec();
            let bit = flipped % (other.len() * 8);
            other[bit / 8] ^= 1 << (bit % 8);
            let other = other.into();
            if let Some(read) = decode(&other) {
                prop_assert_eq!(Some(read), decode_any(&other));
            }
        }
    }
}
