//! What of the model a parameter can be.

use easebot_model::{
    Audio, Body, BodyKind, Combine, Contact, ConversationRead, Custom, Delivered, Edited, Event,
    EventKind, File, Gap, Image, Location, Message, MultiDevice, PinChange, ReactionChange, Read,
    Recalled, StreamChunk, Text, Thread, Typing, UserId, Video,
};
use easebot_plugin::{Context, Interest};

use super::{FromEvent, Sender, Skip, States};

impl FromEvent for Event {
    fn interest() -> Interest {
        Interest::all()
    }

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Result<Self, Skip> {
        Ok(event.clone())
    }
}

impl FromEvent for Message {
    fn interest() -> Interest {
        Interest::messages()
    }

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Result<Self, Skip> {
        event.as_message().cloned().ok_or(Skip::NotThere)
    }
}

/// Bodies of messages.
macro_rules! bodies {
    ($($body:ident),* $(,)?) => {$(
        impl FromEvent for $body {
            fn interest() -> Interest {
                Interest::messages().bodies([BodyKind::$body])
            }

            fn from_event(event: &Event, _cx: &Context, _states: &States) -> Result<Self, Skip> {
                match event.as_message().map(|message| &message.body) {
                    Some(Body::$body(body)) => Ok($body::clone(body)),
                    _ => Err(Skip::NotThere),
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

            fn from_event(event: &Event, _cx: &Context, _states: &States) -> Result<Self, Skip> {
                match event {
                    Event::$kind(held) => Ok(Self::clone(held)),
                    _ => Err(Skip::NotThere),
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

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Result<Self, Skip> {
        match event {
            Event::Group(change) | Event::Room(change) => Ok(*change.clone()),
            _ => Err(Skip::NotThere),
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

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Result<Self, Skip> {
        sender(event).cloned().map(Self).ok_or(Skip::NotThere)
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
