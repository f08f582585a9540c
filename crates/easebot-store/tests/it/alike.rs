//! Both stores take the same, and are asked the same, at random.

use std::collections::BTreeMap;

use easebot_model::{ClientMessageId, MessageId};
use easebot_store::{
    Answer, Arrival, Arrived, ArrivedOutcome, Commit, Committed, Delivery, DeliveryOutcome,
    Effects, MemoryStore, OutgoingRow, Queued, Retention, Store,
};

use crate::{
    disk::kill,
    given::{NOW, account, answer, commit, database, event, key},
};

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u16) -> u16 {
        // By Knuth, whose lower bits repeat soon.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u16::try_from((self.0 >> 33) % u64::from(end)).unwrap()
    }
}

/// The rows of a store by the client ids that went into them.
type Rows = BTreeMap<ClientMessageId, OutgoingRow>;

/// Writes `said`, of which nothing was there, and notes the rows that it got.
async fn say(store: &dyn Store, said: Commit, rows: &mut Rows) {
    let ids: Vec<_> = said
        .arrived
        .iter()
        .flat_map(|arrived| match &arrived.outcome {
            ArrivedOutcome::Done(effects) => {
                effects.answers.iter().map(|answer| answer.outgoing.client_id)
            }
            outcome => panic!("{outcome:?}"),
        })
        .collect();
    let Committed { arrived, .. } = store.commit(said).await.unwrap();
    let answers = arrived.iter().flat_map(|arrival| match arrival {
        Arrival::New { answers, .. } => answers,
        arrival => panic!("{arrival:?}"),
    });
    rows.extend(ids.into_iter().zip(answers).map(|(id, queued)| match queued {
        Queued::New { row } => (id, *row),
        queued => panic!("{queued:?}"),
    }));
}

/// What waits, as whoever reads it sees it.
async fn waiting(store: &dyn Store) -> Vec<(ClientMessageId, u32, bool, Vec<u8>)> {
    let unsent = store.unsent(&account("bot"), None, usize::MAX).await.unwrap();
    unsent
        .into_iter()
        .map(|row| (row.client_id, row.attempts, row.was_tried, row.payload))
        .collect()
}

#[tokio::test]
async fn what_waits_in_a_database_waits_in_memory_whatever_was_said_sent_and_asked() {
    for seed in 0..20 {
        let mut numbers = Numbers(seed);
        let mut folder = tempfile::tempdir().unwrap();
        let memory = MemoryStore::new();
        let mut disk = database(folder.path(), Retention::default());
        let (mut in_memory, mut on_disk) = (Rows::new(), Rows::new());
        let mut next = 1;
        for _ in 0..80 {
            match numbers.below(10) {
                0..4 => {
                    let mut said = commit();
                    for _ in 0..numbers.below(4) {
                        let answers = (0..numbers.below(30))
                            .map(|ordinal| {
                                next += 1;
                                let text = "x".repeat(usize::from(numbers.below(9)));
                                let mut answer = Answer {
                                    is_followed: numbers.below(20) == 0,
                                    ..answer(u32::from(ordinal), &text)
                                };
                                answer.outgoing.client_id = ClientMessageId(next);
                                answer
                            })
                            .collect();
                        next += 1;
                        let outcome = ArrivedOutcome::Done(Effects { answers, state: Vec::new() });
                        said.arrived.push(Arrived {
                            event: event(key(next)),
                            outcome,
                            claim: None,
                        });
                    }
                    say(&memory, said.clone(), &mut in_memory).await;
                    say(&disk, said, &mut on_disk).await;
                }
                4..8 => {
                    let (mut to_memory, mut to_disk) = (commit(), commit());
                    let one_in = 1 + numbers.below(4);
                    for (id, row) in &in_memory {
                        if numbers.below(one_in) != 0 {
                            continue;
                        }
                        let outcome = match numbers.below(200) {
                            0 => DeliveryOutcome::Retry,
                            1 => DeliveryOutcome::Trying,
                            2 => DeliveryOutcome::Dead { reason: "refused".to_owned() },
                            _ => DeliveryOutcome::Sent { message: MessageId(id.0), at: NOW },
                        };
                        to_memory
                            .deliveries
                            .push(Delivery { outgoing: *row, outcome: outcome.clone() });
                        to_disk.deliveries.push(Delivery { outgoing: on_disk[id], outcome });
                    }
                    memory.commit(to_memory).await.unwrap();
                    disk.commit(to_disk).await.unwrap();
                }
                8 => assert_eq!(waiting(&disk).await, waiting(&memory).await, "seed {seed}"),
                _ => {
                    let killed = kill(folder.path());
                    disk.close().await.unwrap();
                    if numbers.below(2) == 0 {
                        folder = killed;
                    }
                    disk = database(folder.path(), Retention::default());
                }
            }
        }
        assert_eq!(waiting(&disk).await, waiting(&memory).await, "seed {seed}");
    }
}
