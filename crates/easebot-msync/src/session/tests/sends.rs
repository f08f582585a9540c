//! What is said and how it is settled.

use super::*;

#[test]
fn a_send_is_settled_by_its_acknowledgement() {
    let mut pair = Pair::online();
    pair.send(7);
    assert_eq!(pair.sent(), [Up::Message { id: 7, to: "bob".to_owned() }]);
    pair.ack(8, Some(ok()));
    assert!(pair.events().is_empty(), "an answer to somebody else's question");
    pair.ack(7, Some(ok()));
    let events = pair.events();
    let [SessionEvent::Settled { id, result: Ok(receipt) }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(*id, ClientMessageId(7));
    assert_eq!((receipt.message.0, receipt.time.0), (1_000_000_000_000_000_001, 1_700_000_000_123));
    pair.ack(7, Some(ok()));
    assert!(pair.events().is_empty(), "settled once");
}

#[test]
fn a_refused_send_is_a_typed_error_and_one_without_status_is_in_doubt() {
    let mut pair = Pair::online();
    pair.send(1);
    pair.ack(1, Some(refusal(ErrorCode::PermissionDenied, "traffic limit")));
    pair.send(2);
    pair.ack(2, None);
    let events = pair.events();
    let [
        SessionEvent::Settled { result: Err(limited), .. },
        SessionEvent::Settled { result: Err(unknown), .. },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert!(matches!(limited.retry(), crate::Retry::Later { .. }), "{limited}");
    assert_eq!(limited.sdk_type(), 509);
    assert_eq!(unknown, &SendError::NoStatus);
}

#[test]
fn a_send_that_is_repeated_has_the_whole_time_again() {
    let mut pair = Pair::online();
    pair.send(1);
    pair.send(2);
    pair.ack(2, Some(refusal(ErrorCode::PermissionDenied, "traffic limit")));
    pair.advance(SECOND * 10);
    pair.send(2);
    pair.ack(1, Some(ok()));
    pair.events();
    pair.advance(SECOND * 10);
    assert!(pair.events().is_empty(), "the second time was 10 s ago");
    pair.advance(SECOND * 5);
    let events = pair.events();
    let [
        SessionEvent::Settled { id: ClientMessageId(2), .. },
        SessionEvent::Dead(DeadLink::NoAck { .. }),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
}

#[test]
fn what_is_sent_again_is_settled_once_when_the_link_ends() {
    let mut pair = Pair::online();
    pair.send(1);
    pair.send(2);
    pair.ack(2, Some(refusal(ErrorCode::PermissionDenied, "traffic limit")));
    pair.send(2);
    pair.events();
    pair.session.handle_close();
    let settled = |event| match event {
        SessionEvent::Settled { id, .. } => id.0,
        other => panic!("{other:?}"),
    };
    assert_eq!(pair.events().into_iter().map(settled).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_send_without_acknowledgement_times_out_and_the_connection_counts_as_dead() {
    let mut pair = Pair::online();
    pair.send(1);
    pair.advance(SECOND * 5);
    pair.send(2);
    pair.advance(SECOND * 10);
    let events = pair.events();
    let [
        SessionEvent::Settled { id: ClientMessageId(1), result: Err(error) },
        SessionEvent::Dead(DeadLink::NoAck { .. }),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(error.retry(), crate::Retry::InDoubt);
    pair.session.handle_close();
    let events = pair.events();
    let [SessionEvent::Settled { id: ClientMessageId(2), result: Err(SendError::LinkLost) }] =
        &events[..]
    else {
        panic!("{events:?}")
    };
}

#[test]
fn nothing_is_sent_while_the_account_is_not_online() {
    let mut pair = Pair::opened();
    let hello = Outgoing::text(Conversation::user("bob"), "hello");
    assert_eq!(pair.session.send(ClientMessageId(1), &hello, pair.now), Err(SendError::NotOnline));
}
