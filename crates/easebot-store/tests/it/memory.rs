//! What the store in memory keeps.

use easebot_model::MessageId;
use easebot_store::{
    Answer, Arrived, ArrivedOutcome, Delivery, DeliveryOutcome, Effects, MemoryStore,
    OutgoingState, SendName, Store,
};

use crate::given::{NOW, account, answer, commit, event, key};

#[tokio::test]
async fn what_was_sent_takes_no_memory_unless_somebody_follows_it() {
    let store = MemoryStore::new();
    let said = |n, is_followed| Arrived {
        event: event(key(n)),
        outcome: ArrivedOutcome::Done(Effects {
            answers: vec![Answer { is_followed, ..answer(0, "text") }],
            state: Vec::new(),
        }),
        claim: None,
    };
    let mut events = commit();
    events.arrived = vec![said(1, false), said(2, true), said(3, false), said(4, false)];
    store.commit(events).await.unwrap();
    let unsent = store.unsent(&account("bot"), None, 9).await.unwrap();
    let rows: Vec<_> = unsent.iter().map(|stored| stored.row).collect();

    let outcome = DeliveryOutcome::Sent { message: MessageId(7), at: NOW };
    let mut sent = commit();
    sent.deliveries =
        rows[..3].iter().map(|row| Delivery { outgoing: *row, outcome: outcome.clone() }).collect();
    store.commit(sent).await.unwrap();
    let mut states = Vec::new();
    for row in rows {
        let fates = store.fates(&account("bot"), SendName::Row(row)).await.unwrap();
        states.push(fates.first().map(|fate| fate.state));
    }
    let followed = OutgoingState::Sent { message: MessageId(7) };
    // The third may stay behind the second, which is kept.
    assert_eq!(states[..2], [None, Some(followed)]);
    assert_eq!(states[3], Some(OutgoingState::Waiting));
}
