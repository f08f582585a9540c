//! What people do: they come, meet and speak.

use std::{io, sync::PoisonError, time::Duration};

use easebot_model::{Act, AppKey, Conversation, Draft, MessageId, Outgoing, UserId};
use easebot_plugin::BotInfo;
use thiserror::Error;
use tokio::time::sleep;

use crate::{
    StartError, Testbed,
    parts::{JoinError, SayError, hold, patiently},
};

/// Why somebody cannot do something.
#[derive(Debug, Error)]
pub(crate) enum ActError {
    /// Nobody would be there.
    #[error("{place} needs somebody to be in it")]
    Empty { place: Conversation },
    /// The bots cannot start again as they were.
    #[error("nobody knows how to make the bots again: `Setup::start_with` says it")]
    NoMaker,
    /// There is no bot of this name.
    #[error("there is no bot `{bot}`")]
    NoBot { bot: String },
    /// The bots do not stop.
    #[error("the bots do not come to their end in an hour")]
    NoEnd,
    /// There is nothing that could be cut.
    #[error("the bot `{bot}` has no link")]
    NoLink { bot: String },
    /// The bots take no requests.
    #[error("the bots take no requests: `Setup::pages` lets them")]
    NoPages,
    /// A request does not get through.
    #[error("the request is not answered")]
    Post { source: io::Error },
    /// A hook does not take what is posted.
    #[error("it is answered with {status} {text}")]
    Refused { status: u16, text: String },
    /// The bots do not start.
    #[error("the bots do not start again")]
    StartAgain { source: Box<StartError> },
    /// Somebody is not let in.
    #[error("{who} cannot enter {place}")]
    Enter { who: String, place: Conversation, source: SayError },
    /// A person has the name of a bot.
    #[error("{user} is a bot, and cannot be a person, too")]
    IsBot { user: UserId },
    /// Somebody cannot log in.
    #[error("{user} cannot come")]
    Join { user: UserId, source: JoinError },
    /// The bots do not come to an end.
    #[error("the bots are not done with it in an hour")]
    Late,
    /// The server does not take what somebody says.
    #[error("{user} cannot say it")]
    Say { user: UserId, source: SayError },
    /// A place is made twice.
    #[error("{place} is there already")]
    Taken { place: Conversation },
}

impl Testbed {
    /// Lets `user` come, who may be there.
    pub(crate) async fn come(&self, user: &UserId) -> Result<(), ActError> {
        let app = self.app();
        if self.infos().iter().any(|bot| bot.user == *user && bot.app_key == app) {
            return Err(ActError::IsBot { user: user.clone() });
        }
        if !self.0.crowd.has(&app, user) {
            // One that was registered by the test itself logs in with the same password or not at all.
            let _is_new = self.0.ground.register(&app, user);
            let account = self.0.ground.account(app, user.clone());
            let joined = self.0.crowd.join(account).await;
            joined.map_err(|source| ActError::Join { user: user.clone(), source })?;
        }
        Ok(())
    }

    /// Makes `place` with `people` and the bots in it.
    pub(crate) async fn gather(
        &self,
        place: Conversation,
        people: &[UserId],
    ) -> Result<(), ActError> {
        let Some((owner, _)) = people.split_first() else { return Err(ActError::Empty { place }) };
        for user in people {
            self.come(user).await?;
        }
        let (app, control) = (self.app(), self.control());
        let bots: Vec<_> = self.infos().into_iter().filter(|bot| bot.app_key == app).collect();
        let is_new = match &place {
            Conversation::Group(id) => {
                let all = people.iter().chain(bots.iter().map(|bot| &bot.user));
                let others: Vec<_> = all.filter(|user| *user != owner).cloned().collect();
                control.make_group(id, owner, &[], &others)
            }
            Conversation::Room(id) => control.make_room(id, owner),
            Conversation::User(_) => false,
        };
        if !is_new {
            return Err(ActError::Taken { place });
        }
        if matches!(place, Conversation::Room(_)) {
            self.enter(&place, people, &bots).await?;
        }
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        self.rest().await
    }

    /// Lets all of them into a room.
    async fn enter(
        &self,
        place: &Conversation,
        people: &[UserId],
        bots: &[BotInfo],
    ) -> Result<(), ActError> {
        let order = || Outgoing {
            to: place.clone(),
            act: Act::JoinRoom { ext: String::new(), leave_others: false },
        };
        let cannot =
            |who: String| move |source| ActError::Enter { who, place: place.clone(), source };
        for user in people {
            let entered = self.0.crowd.say(&self.app(), user, order()).await;
            entered.map_err(cannot(user.to_string()))?;
        }
        let handle = self.handle();
        for BotInfo { name, .. } in bots {
            let entered = async {
                let ticket = handle.send(name, None, order()).await?;
                patiently(ticket.receipt()).await.ok_or(SayError::NoAnswer)??;
                Ok(())
            };
            entered.await.map_err(cannot(format!("the bot `{name}`")))?;
        }
        Ok(())
    }

    /// Lets `user` of `app`, who has come, say `draft`.
    pub(crate) async fn say(
        &self,
        app: &AppKey,
        user: &UserId,
        to: Conversation,
        draft: Draft,
    ) -> Result<MessageId, ActError> {
        let said = self.0.crowd.say(app, user, Outgoing::message(to, draft)).await;
        Ok(said.map_err(|source| ActError::Say { user: user.clone(), source })?.message)
    }

    /// Waits until nobody has anything to do.
    pub(crate) async fn rest(&self) -> Result<(), ActError> {
        patiently(self.settling()).await.ok_or(ActError::Late)
    }

    /// Lets `time` pass, and whoever has something to do then do it.
    pub(crate) async fn pass(&self, time: Duration) -> Result<(), ActError> {
        self.rest().await?;
        sleep(time).await;
        // What has its time now is not yet at work.
        hold().await;
        self.rest().await
    }
}
