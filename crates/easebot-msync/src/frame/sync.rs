//! What goes to and fro about a queue, in one pass over the bytes: the server's notice that there is something in it, our pull,
//! and the page that answers it or acknowledges what we said.

use bytes::Bytes;

use super::Frame;
use crate::{
    schema::{CommNotice, CommSyncEnvelope, Jid, Status, m_sync::Command},
    wire::{Fields, Value, Writer, field_len, number_len, once},
};

/// The NOTICE or SYNC in `frame`; none if it is something else, or has anything unusual about it.
pub(super) fn decode(frame: &Bytes) -> Option<Frame> {
    let (mut command, mut payload) = (None, None);
    for field in Fields::of(frame) {
        match field? {
            (8, Value::Number(number)) => once(&mut command, number)?,
            (9, Value::Bytes(bytes)) => once(&mut payload, bytes)?,
            _ => return None,
        }
    }
    match command? {
        NOTICE => notice(payload?).map(Frame::Notice),
        SYNC => sync(frame, payload?).map(Frame::Sync),
        _ => None,
    }
}

fn notice(payload: &[u8]) -> Option<CommNotice> {
    let mut notice = CommNotice::default();
    for field in Fields::of(payload) {
        match field? {
            (1, Value::Bytes(bytes)) => once(&mut notice.queue, jid(bytes)?)?,
            _ => return None,
        }
    }
    Some(notice)
}

fn sync(frame: &Bytes, payload: &[u8]) -> Option<Box<CommSyncEnvelope>> {
    let mut sync = Box::<CommSyncEnvelope>::default();
    for field in Fields::of(payload) {
        match field? {
            (1, Value::Bytes(bytes)) => once(&mut sync.status, status(bytes)?)?,
            (2, Value::Number(number)) => once(&mut sync.meta_id, number)?,
            (3, Value::Number(number)) => once(&mut sync.server_id, number)?,
            (4, Value::Bytes(bytes)) => sync.metas.push(frame.slice_ref(bytes)),
            (5, Value::Number(number)) => once(&mut sync.next_key, number)?,
            (6, Value::Bytes(bytes)) => once(&mut sync.queue, jid(bytes)?)?,
            (7, Value::Number(number)) => once(&mut sync.is_last, number != 0)?,
            (8, Value::Number(number)) => once(&mut sync.timestamp, number)?,
            (9, Value::Number(number)) => once(&mut sync.is_roam, number != 0)?,
            _ => return None,
        }
    }
    Some(sync)
}

fn jid(bytes: &[u8]) -> Option<Jid> {
    let mut jid = Jid::default();
    for field in Fields::of(bytes) {
        let (field, Value::Bytes(bytes)) = field? else { return None };
        let place = match field {
            1 => &mut jid.app_key,
            2 => &mut jid.name,
            3 => &mut jid.domain,
            4 => &mut jid.client_resource,
            _ => return None,
        };
        once(place, str::from_utf8(bytes).ok()?.to_owned())?;
    }
    Some(jid)
}

/// The SYNC frame that pulls `queue`, and acknowledges it up to `key`.
pub(crate) fn pull(key: Option<u64>, queue: &Jid, trace_id: u64) -> Bytes {
    let Jid { app_key, name, domain, client_resource } = queue;
    let names = [app_key, name, domain, client_resource];
    let names = || (1..).zip(names).filter_map(|(field, name)| Some((field, name.as_deref()?)));
    let queue_len = names().map(|(_, name)| field_len(name.len())).sum();
    let payload_len = key.map_or(0, |key| 1 + number_len(key)) + field_len(queue_len);
    let frame_len = 2 + field_len(payload_len) + 2 + 2 + number_len(trace_id);

    let mut frame = Writer::with_capacity(frame_len);
    // MSync
    frame.number(8, SYNC);
    frame.head(9, payload_len);
    // CommSyncUL
    if let Some(key) = key {
        frame.number(2, key);
    }
    frame.head(3, queue_len);
    for (field, name) in names() {
        frame.text(field, name);
    }
    // No encryption.
    frame.number(11, 0);
    frame.high_number(20, trace_id);
    frame.into_bytes().into()
}

/// Numbers of [`Command`] as they are on the wire.
const NOTICE: u64 = Command::Notice as u64;
const SYNC: u64 = Command::Sync as u64;

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
    use prost::Message;

    use super::*;
    use crate::schema::{CommSyncUl, MSync};

    /// The same by the general decoder.
    fn decode_any(frame: &Bytes) -> Option<Frame> {
        let frame = MSync::decode(frame.clone()).ok()?;
        let payload = frame.payload.unwrap_or_default();
        match Command::try_from(frame.command?).ok()? {
            Command::Notice => CommNotice::decode(payload).ok().map(Frame::Notice),
            Command::Sync => {
                CommSyncEnvelope::decode(payload).ok().map(|sync| Frame::Sync(Box::new(sync)))
            }
            _ => None,
        }
    }

    fn encode(command: Command, payload: &impl Message) -> Bytes {
        let payload = Some(payload.encode_to_vec().into());
        let command = Some(command.into());
        MSync { command, payload, ..MSync::default() }.encode_to_vec().into()
    }

    fn queues() -> impl Strategy<Value = Jid> {
        let names = any::<(Option<String>, Option<String>, Option<String>, Option<String>)>();
        names.prop_map(|(app_key, name, domain, client_resource)| Jid {
            app_key,
            name,
            domain,
            client_resource,
        })
    }

    fn syncs() -> impl Strategy<Value = CommSyncEnvelope> {
        let status = (any::<Option<i32>>(), any::<Option<String>>())
            .prop_map(|(error_code, reason)| Status { error_code, reason, ..Status::default() });
        let metas = prop::collection::vec(any::<Vec<u8>>().prop_map(Bytes::from), 0..4);
        let numbers = any::<(Option<u64>, Option<u64>, Option<u64>, Option<u64>)>();
        let flags = any::<(Option<bool>, Option<bool>)>();
        (option::of(status), option::of(queues()), metas, numbers, flags).prop_map(
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

    /// What is read of `usual` with one of its bits changed is what the general decoder reads of it.
    fn check_flipped(usual: &Bytes, flipped: usize) -> Result<(), TestCaseError> {
        let mut other = usual.to_vec();
        let bit = flipped % (other.len() * 8);
        other[bit / 8] ^= 1 << (bit % 8);
        let other = other.into();
        if let Some(read) = decode(&other) {
            prop_assert_eq!(Some(read), decode_any(&other));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn what_is_usual_is_read_as_by_the_general_decoder(sync in syncs(), flipped in any::<usize>()) {
            let usual = encode(Command::Sync, &sync);
            let is_usual = [sync.meta_id, sync.server_id, sync.next_key, sync.timestamp]
                .into_iter()
                .flatten()
                .all(|number| number >> 63 == 0)
                && sync.status.as_ref().and_then(|status| status.error_code).unwrap_or(0) >= 0;
            prop_assert_eq!(decode(&usual), is_usual.then_some(Frame::Sync(Box::new(sync))));
            check_flipped(&usual, flipped)?;
        }

        #[test]
        fn a_notice_is_read_as_by_the_general_decoder(
            queue in option::of(queues()),
            flipped in any::<usize>(),
        ) {
            let notice = CommNotice { queue };
            let usual = encode(Command::Notice, &notice);
            prop_assert_eq!(decode(&usual), Some(Frame::Notice(notice)));
            check_flipped(&usual, flipped)?;
        }

        #[test]
        fn a_pull_has_the_bytes_of_the_general_encoder(
            key in any::<Option<u64>>(),
            queue in queues(),
            trace_id in any::<u64>(),
        ) {
            let sync = CommSyncUl { key, queue: Some(queue.clone()), ..CommSyncUl::default() };
            let general = super::super::sync_up(&sync, trace_id);
            prop_assert_eq!(pull(key, &queue, trace_id), general);
        }
    }
}
