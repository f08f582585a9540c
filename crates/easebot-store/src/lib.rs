//! What must outlive the process: the inbox, the outbox, plugin state and a few small values, behind [`Store`].
//!
//! [`Database`] keeps them in one SQLite file for many accounts, [`MemoryStore`] keeps them until the process ends. Neither
//! knows the protocol: an event is a key and bytes, what is sent is a conversation and bytes.
//!
//! # The way of an event
//!
//! 1. The runtime hands over a batch as one [`Commit`]: every event either [pending](ArrivedOutcome::Pending) or
//!    [done](ArrivedOutcome::Done) with its [`Effects`]. [`Committed`] says which were [new](Arrival::New); for a
//!    [duplicate](Arrival::Duplicate) nothing is written. Only then may the server be told that the batch arrived.
//! 2. A pending event ends in a later commit as [`Finished`]: done, dead, or still pending after one more attempt.
//! 3. What an event made the bot say is an [`Answer`] under the key (event, plugin, ordinal). Said again after a crash, it is
//!    [known](Queued::Known), under the client id of the first time. Once its event is done and the server has it, it is
//!    forgotten, unless somebody [follows](Answer::is_followed) it.
//! 4. After a restart [`Store::pending`] and [`Store::unsent`] give back what was not finished, in order.
//!
//! 5. What was given up waits for an operator, who may look at it and change it from [another process](Desk).
//!
//! # Cost
//!
//! One thread owns one connection. All jobs that wait go into one transaction (group commit), and are answered after it. If one
//! fails, it is rolled back and done again with each job in a savepoint of its own, so that the others do not fail with it. Rows
//! of a commit that belong into one table are written sixteen at a time, and neighbours go together.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("easebot.sqlite");
//! use easebot_model::{EventKey, Timestamp};
//! use easebot_store::{
//!     AccountKey, Arrival, Arrived, ArrivedOutcome, Commit, Database, Durability, NewEvent, Store,
//! };
//!
//! let store = Database::open(&path)?;
//! let account = AccountKey::new(&"easebot#demo".parse()?, &"concierge".into());
//! let mut commit = Commit::new(account.clone(), Durability::Process, Timestamp(1_700_000_000_000));
//! commit.arrived.push(Arrived {
//!     event: NewEvent {
//!         key: EventKey { ns: 1, id: 42, seq: 0 },
//!         conversation: None,
//!         received: Timestamp(1_700_000_000_000),
//!         raw: "frame".into(),
//!     },
//!     outcome: ArrivedOutcome::Pending,
//!     claim: None,
//! });
//! let again = commit.clone();
//! assert!(matches!(store.commit(commit).await?.arrived[..], [Arrival::New { .. }]));
//! assert!(matches!(store.commit(again).await?.arrived[..], [Arrival::Duplicate]));
//! assert_eq!(store.pending(&account, None, 10).await?.len(), 1);
//! store.close().await?;
//! # Ok(())
//! # }
//! ```

mod account;
mod commit;
mod desk;
mod error;
mod future;
mod item;
mod memory;
mod payload;
mod retention;
mod sqlite;
mod store;
mod stored;

pub use account::AccountKey;
pub use commit::{
    Answer, Arrived, ArrivedOutcome, Claim, Commit, Delivery, DeliveryOutcome, Durability, Effects,
    Extra, Finished, FinishedOutcome, Mark, NewEvent, NewOutgoing, Priority, StateWrite,
};
pub use desk::Desk;
pub use error::{OpenError, Retry, StoreError, SubmitError, SubmitFault};
pub use future::StoreFuture;
pub use item::{Depth, Item, ItemId, ItemState, Listing, OpenItem, Shelf, Touched, Which};
pub use memory::MemoryStore;
pub use payload::{Encode, Payload};
pub use retention::Retention;
pub use sqlite::{Database, Options, SetAside, Stats, WhenDamaged};
pub use store::Store;
pub use stored::{
    Arrival, Committed, DeadLetter, EventRow, Fate, Finish, Origin, OutgoingKey, OutgoingRow,
    OutgoingState, Portion, Queued, Revived, SendName, StoredEvent, StoredOutgoing,
};
