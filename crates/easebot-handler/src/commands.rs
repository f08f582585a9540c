//! A command as the parameter of a handler.

use std::marker::PhantomData;

use async_trait::async_trait;
use easebot_model::{Event, Message};
use easebot_plugin::{Context, Interest, PluginError};
use easebot_role::command::{CommandSet, Commands, Heard, Standing};

use crate::{FromEvent, Needs, Skip, States, load::Load};

/// A text that was read as a command. A text that should be one and is not, and one that asks for help, is answered by
/// itself, and the handler is not asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Command<C>(
    /// The command.
    pub C,
);

/// What was found out of who wrote the message, for the commands of the type `C`.
struct Found<C>(Standing, PhantomData<fn() -> C>);

/// Finds it out.
struct Find<C>(PhantomData<fn() -> C>);

#[async_trait]
impl<C: Commands> Load for Find<C> {
    async fn load(
        &self,
        message: &Message,
        cx: &Context,
        states: &mut States,
    ) -> Result<(), PluginError> {
        if states.get::<Found<C>>().is_some() {
            return Ok(());
        }
        let Some(set) = states.get::<CommandSet<C>>() else { return Ok(()) };
        let standing = match set.call(message, cx.bot()) {
            Some(call) => set.standing(&call, message, cx).await,
            None => Standing::default(),
        };
        states.load(Found::<C>(standing, PhantomData).into());
        Ok(())
    }
}

impl<C: Commands> FromEvent for Command<C> {
    fn interest() -> Interest {
        Interest::texts()
    }

    fn needs(needs: &mut Needs) {
        needs.made(CommandSet::<C>::new);
        needs.loaded(Find::<C>(PhantomData));
    }

    fn from_event(event: &Event, cx: &Context, states: &States) -> Result<Self, Skip> {
        let message = event.as_message().ok_or(Skip::NotThere)?;
        let set = states.get::<CommandSet<C>>().ok_or(Skip::NotThere)?;
        let found = states.get::<Found<C>>().ok_or(Skip::NotThere)?;
        let call = set.call(message, cx.bot()).ok_or(Skip::NotThere)?;
        match set.hear(&call, message, &found.0, cx.time_of(message)) {
            Heard::Command(taken) => {
                if taken.declared.shows_typing {
                    cx.show_typing();
                }
                Ok(Self(taken.command))
            }
            Heard::Told(told) => Err(Skip::Answer(Box::new(told.text(&call, message).into()))),
            _ => Err(Skip::NotThere),
        }
    }
}
