//! Typed REST calls of one account ([`Api`]), without I/O: each builds a [`Call`], which is data, has it made by whatever
//! implements [`CallApi`], and reads the answer.
//!
//! Answers are read with tolerance: numbers may be text, fields may be absent.

mod api;
mod call;
mod changes;
mod contacts;
mod conversations;
mod error;
mod fields;
mod groups;
mod history;
mod meaning;
mod members;
mod pages;
mod pins;
mod places;
mod presence;
mod reactions;
mod retry;
mod room_attributes;
mod rooms;
mod silent;
pub mod testing;
#[cfg(test)]
mod tests;
mod threads;
mod translate;
mod users;

pub use api::{Answer, Answering, Api, CallApi};
pub use call::{Call, Class, Method, Payload};
pub use changes::{GroupChange, RoomChange};
pub use contacts::RosterEntry;
pub use conversations::{ConversationMark, ConversationSummary};
pub use error::{ApiError, Cause};
pub use fields::Fields;
pub use groups::{GroupProfile, NewGroup};
pub use history::{Direction, History, HistoryQuery};
pub use meaning::Meaning;
pub use members::{Member, MemberOutcome, Role};
pub use pages::Pages;
pub use pins::PinnedMessage;
pub use places::{MutedMember, Place};
pub use presence::PresenceSubscription;
pub use reactions::MessageReactions;
pub use retry::Retry;
pub use room_attributes::{AttributeOutcome, Keep, Reach};
pub use rooms::{NewRoom, RoomProfile};
pub use silent::{PushWish, Silence, SilentMode};
pub use threads::{NewThread, ThreadProfile};
pub use translate::{Translated, TranslationLanguage};
pub use users::{Attributes, UserProfile};
