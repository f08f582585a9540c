//! A command as the parameter of a handler.

use std::time::Duration;

use easebot_command::format_duration;
use easebot_model::Event;
use easebot_plugin::{Context, Interest};

use super::{CommandSet, Commands, Mistake};
use crate::{FromEvent, Needs, Skip, States};

/// A text that was read as a command. A text that should be one and is not, and one that asks for help, is answered by
/// itself, and the handler is not asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Command<C>(
    /// The command.
    pub C,
);

impl<C: Commands> FromEvent for Command<C> {
    fn interest() -> Interest {
        Interest::texts()
    }

    fn needs(needs: &mut Needs) {
        needs.made(CommandSet::<C>::new);
    }

    fn from_event(event: &Event, cx: &Context, states: &States) -> Result<Self, Skip> {
        let message = event.as_message().ok_or(Skip::NotThere)?;
        let set = states.get::<CommandSet<C>>().ok_or(Skip::NotThere)?;
        let me = &cx.bot().user;
        let (command, declared) =
            match set.read(message.text(), &message.from, me).ok_or(Skip::NotThere)? {
                Ok(read) => read,
                Err(mistake) => return Err(answer(&mistake)),
            };
        let this = (declared.name, message.from.clone(), message.conversation.clone());
        let now = cx.time_of(message);
        set.cooldowns.take(&[(this, declared.cooldown)], message.id, now).map_err(|wait| {
            let left = format_duration(Duration::from_secs(wait.left_secs()));
            answer(&Mistake::TooSoon(format!("that can be used again in {left}")))
        })?;
        if declared.shows_typing {
            cx.show_typing();
        }
        Ok(Self(command))
    }
}

fn answer(mistake: &Mistake) -> Skip {
    Skip::Answer(Box::new(mistake.text().into()))
}
