//! What goes wrong on purpose.

use std::panic::Location;

use easebot_emulator::{Whose, Wish};
use easebot_runtime::{BotStatus, Handle};

use crate::{
    Testbed,
    fail::{OrFail, fail},
    parts::patiently,
    people::ActError,
    transcript::Fault,
};

/// With what the server refuses: a code of `Status.ErrorCode` and a reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The code.
    pub code: i32,
    /// The reason.
    pub reason: &'static str,
}

/// "Too fast", which the official SDK numbers 509: bots try again.
pub const REFUSED_FOR_NOW: Refusal = Refusal { code: 7, reason: "traffic limit" };

impl Testbed {
    /// Cuts the link of the bot named `bot` without a word, as a broken network does, and waits until the bot has noticed. It
    /// comes back by itself, a moment later.
    ///
    /// # Panics
    /// When there is no such bot, or it has no link.
    #[track_caller]
    pub fn cut(&self, bot: &str) -> impl Future<Output = ()> {
        let (at, bot) = (Location::caller(), bot.to_owned());
        async move { self.cut_link(&bot).await.or_fail_there(at) }
    }

    async fn cut_link(&self, bot: &str) -> Result<(), ActError> {
        let found = self.infos().into_iter().find(|known| known.name == bot);
        let user = found.ok_or_else(|| ActError::NoBot { bot: bot.to_owned() })?.user;
        let status = Handle::watch(&self.handle(), bot);
        if self.control().drop_links(&Whose::User(user)) == 0 {
            return Err(ActError::NoLink { bot: bot.to_owned() });
        }
        if let Some(mut status) = status {
            let is_down = |status: &BotStatus| !status.is_online();
            // An error means that the bot is gone.
            drop(patiently(status.wait_for(is_down)).await);
        }
        Ok(())
    }

    /// Lets the first bot, or all, meet with a fault.
    pub(crate) async fn break_with(&self, fault: Fault) -> Result<(), ActError> {
        let first = self.bot(Location::caller(), None);
        match fault {
            Fault::Crash => self.start_again(self.made()?, false).await,
            Fault::Cut => self.cut_link(&first.name).await,
            Fault::Refuse(n) => {
                let Refusal { code, reason } = REFUSED_FOR_NOW;
                self.control().refuse(Wish::Send, Some(first.user), n, code, reason);
                Ok(())
            }
            Fault::Restart => self.start_again(self.made()?, true).await,
        }
    }

    /// Refuses the next `n` sends of the bot named `bot`, such as with [`REFUSED_FOR_NOW`].
    ///
    /// # Panics
    /// When there is no such bot.
    #[track_caller]
    pub fn refuse_sends(&self, bot: &str, n: usize, refusal: Refusal) {
        let user = self.bot(Location::caller(), Some(bot)).user;
        self.control().refuse(Wish::Send, Some(user), n, refusal.code, refusal.reason);
    }

    /// Ends the tokens of the bot named `bot` now. Its link stays open; what it asks for next is refused, until it has a new one.
    ///
    /// # Panics
    /// When there is no such bot, or it has no token.
    #[track_caller]
    pub fn expire_token(&self, bot: &str) {
        let at = Location::caller();
        let user = self.bot(at, Some(bot)).user;
        if self.control().expire_tokens(Some(&user)) == 0 {
            fail(at, &format!("the bot `{bot}` has no token"));
        }
    }

    /// What bots gave up, in lines, for who wonders why nothing comes.
    pub(crate) async fn given_up(&self) -> String {
        let dead = self.0.store.dead(None, MAX_SHOWN).await.unwrap_or_default();
        dead.iter().map(|letter| format!("    given up by a bot: {}\n", letter.reason)).collect()
    }
}

/// How much of what was given up is shown.
const MAX_SHOWN: usize = 10;
