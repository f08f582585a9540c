//! What of the model a parameter can be.

use easebot_model::{
    Audio, Body, BodyKind, Combine, Contact, ConversationRead, Custom, Delivered, Edited, Event,
    EventKind, File, Gap, Image, Location, Message, MultiDevice, PinChange, ReactionChange, Read,
    Recalled, StreamChunk, Text, Thread, Typing, UserId, Video,
};
use easebot_plugin::{Context, Interest};

use super::{FromEvent, Sender, States};

impl FromEvent for Event {
    fn interest() -> Interest {
        Interest::all()
    }

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Option<Self> {
        Some(event.clone())
    }
}

impl FromEvent for Message {
    fn interest() -> Interest {
        Interest::messages()
    }

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Option<Self> {
        event.as_message().cloned()
    }
}

/// Bodies of messages.
macro_rules! bodies {
    ($($body:ident),* $(,)?) => {$(
        impl FromEvent for $body {
            fn interest() -> Interest {
                Interest::messages().bodies([BodyKind::$body])
            }

            fn from_event(event: &Event, _cx: &Context, _states: &States) -> Option<Self> {
                match &event.as_message()?.body {
                    Body::$body(body) => Some(body.clone()),
                    _ => None,
                }
            }
        }
    )*};
}

bodies!(Audio, Combine, Custom, File, Image, Location, Text, Video);

/// What other events hold.
macro_rules! events {
    ($($kind:ident($held:ident)),* $(,)?) => {$(
        impl FromEvent for $held {
            fn interest() -> Interest {
                Interest::none().and(EventKind::$kind)
            }

            fn from_event(event: &Event, _cx: &Context, _states: &States) -> Option<Self> {
                match event {
                    Event::$kind(held) => Some(Self::clone(held)),
                    _ => None,
                }
            }
        }
    )*};
}

events! {
    Contact(Contact),
    ConversationRead(ConversationRead),
    Delivered(Delivered),
    Edited(Edited),
    Gap(Gap),
    MultiDevice(MultiDevice),
    Pin(PinChange),
    Reaction(ReactionChange),
    Read(Read),
    Recalled(Recalled),
    Stream(StreamChunk),
    Thread(Thread),
    Typing(Typing),
}

impl FromEvent for easebot_model::Muc {
    fn interest() -> Interest {
        Interest::none().and(EventKind::Group).and(EventKind::Room)
    }

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Option<Self> {
        match event {
            Event::Group(change) | Event::Room(change) => Some(change.clone()),
            _ => None,
        }
    }
}

impl FromEvent for Sender {
    fn interest() -> Interest {
        [
            EventKind::Contact,
            EventKind::ConversationRead,
            EventKind::Delivered,
            EventKind::Edited,
            EventKind::Group,
            EventKind::Reaction,
            EventKind::Read,
            EventKind::Recalled,
            EventKind::Room,
            EventKind::Stream,
            EventKind::Typing,
        ]
        .into_iter()
        .fold(Interest::messages(), Interest::and)
    }

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Option<Self> {
        sender(event).cloned().map(Self)
    }
}

fn sender(event: &Event) -> Option<&UserId> {
    Some(match event {
        Event::Contact(contact) => &contact.peer,
        Event::ConversationRead(read) => &read.from,
        Event::Delivered(delivered) => &delivered.from,
        Event::Edited(edited) => match &edited.message.edited {
            Some(edit) => &edit.operator,
            None => &edited.message.from,
        },
        Event::Group(change) | Event::Room(change) => &change.operator,
        Event::Message(message) => &message.from,
        Event::Reaction(change) => &change.operations.first()?.operator,
        Event::Read(read) => &read.from,
        Event::Recalled(recalled) => &recalled.from,
        Event::Stream(chunk) => &chunk.from,
        Event::Typing(typing) => &typing.from,
        _ => return None,
    })
}
