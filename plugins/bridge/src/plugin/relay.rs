//! From an event to what is said on the other sides.

use easebot_model::{
    Act, Body, Combine, Draft, Edited, Ext, ExtValue, Message, MessageId, Outgoing, Quote,
    Recalled, Timestamp, Typing,
};
use easebot_plugin::{BotInfo, Context, Env, Language, PluginError, SendError};
use tracing::warn;

use super::{Bridge, MARK, Side, is_of_bots, map::Way};
use crate::{
    content::{draft, portable, words},
    media::{self, Fetched},
    place::{Original, Place, keys},
    quote,
    record::{Copy, Edit, Job, Lesson, Record, Work},
};

/// What is said of a message.
struct Content {
    /// For the template.
    words: String,
    /// What follows it.
    more: Option<More>,
    /// Name of a file that stays until all copies are sent.
    file: Option<String>,
}

/// The copy of a message in one place.
struct Saying<'a> {
    place: &'a Place,
    /// What stands in front of it as a line of text.
    quoted: Option<String>,
    /// With the keys.
    said: Vec<(String, Outgoing)>,
}

/// What follows the words for a message.
enum More {
    /// The same everywhere.
    Draft(Box<Draft>),
    /// Forwarded messages, whose files only users of one app can open.
    Combined { combine: Combine, messages: Vec<Message>, language: Language },
}

impl Saying<'_> {
    fn copy(&self) -> Copy {
        let keys = self.said.iter().map(|(key, _)| key.clone()).collect();
        Copy { place: self.place.clone(), keys, quoted: self.quoted.clone() }
    }
}

impl Content {
    fn of_words(words: String) -> Self {
        Self { words, more: None, file: None }
    }

    /// What follows the words in an app, the one of the message or another one.
    fn more(&self, is_same_app: bool) -> Option<Draft> {
        Some(match self.more.as_ref()? {
            More::Draft(draft) => Draft::clone(draft),
            More::Combined { combine, messages, language } => {
                let messages = messages.clone();
                let messages = if is_same_app { messages } else { portable(messages, *language) };
                let Combine { title, summary, compatible_text, .. } = combine.clone();
                Draft::combine(messages, title, summary, compatible_text)
            }
        })
    }
}

impl Bridge {
    pub(super) async fn relay(&self, message: &Message, cx: &Context) -> Result<(), PluginError> {
        let Some(source) = self.source(&message.conversation) else { return Ok(()) };
        let env = cx.env();
        let bots = env.bots();
        if is_of_bots(&message.from, &message.ext, cx.bot(), &bots)
            || self.refuses(message).is_some()
        {
            return Ok(());
        }
        let content = self.content(message, &env).await?;
        let line = self.line(message, &content.words, source, cx, &env).await?;
        self.late.look(&env).await?;
        let (mut ready, mut late) = (Vec::new(), Vec::new());
        for target in self.targets(source, &bots) {
            let way = Way { source, target, bots: &bots, env: &env };
            let (quoted, quote) = self.quoted(message, way).await;
            let text = behind(quoted.as_deref(), &line);
            let mut ext: Ext = [(MARK, message.id.to_string())].into_iter().collect();
            if let Some(quote) = quote {
                ext.insert(Quote::KEY, quote);
            }
            let text = Some(text).filter(|_| !line.trim().is_empty()).map(Draft::new);
            let is_same_app = is_same_app(target, cx.bot(), &bots);
            let drafts = [text, content.more(is_same_app)];
            let keys = keys(&message.conversation, message.id, &target.place);
            let said = keys.into_iter().zip(drafts).filter_map(|(key, draft)| {
                let draft = Draft { ext: ext.clone(), ..draft? };
                Some((key, Outgoing::message(target.place.conversation.clone(), draft)))
            });
            let saying = Saying { place: &target.place, quoted, said: said.collect() };
            if saying.said.is_empty() {
                continue;
            }
            if self.late.has(saying.place) { &mut late } else { &mut ready }.push(saying);
        }
        if ready.is_empty() && late.is_empty() {
            return Ok(());
        }
        let original = original(message, source);
        self.say(&original, ready, late, content.file, &env).await
    }

    /// Says copies of `original`: those that are `ready` now, those that are `late` once their bot takes them.
    async fn say(
        &self,
        original: &Original,
        ready: Vec<Saying<'_>>,
        mut late: Vec<Saying<'_>>,
        file: Option<String>,
        env: &Env,
    ) -> Result<(), PluginError> {
        let now = env.now();
        // Before anything is said, so that nothing is said of which nobody knows later.
        let mut jobs = jobs(original, &ready, &late, &file, now);
        self.save_all(&jobs, &[], env).await?;
        let (mut refused, mut failed, mut said) = (None, None, Vec::new());
        let n_late = late.len();
        for saying in ready {
            match self.say_now(&saying, env).await {
                Ok(error) => {
                    refused = refused.or(error);
                    said.push(saying);
                }
                // The other sides get it all the same, and no second time when this one is tried again.
                Err(SendError::Closed) if saying.place.bot != env.bot().name => late.push(saying),
                Err(error) => {
                    failed = Some(error);
                    said.push(saying);
                }
            }
        }
        if late.len() > n_late {
            let before =
                std::mem::replace(&mut jobs, self::jobs(original, &said, &late, &file, now));
            self.save_all(&jobs, &before, env).await?;
        }
        jobs.into_iter().for_each(|(key, job)| self.hand_over(key, job));
        match (failed, refused) {
            (Some(error), _) => Err(error.into()),
            (None, Some(error)) => Err(PluginError::from(error).into_permanent()),
            (None, None) => Ok(()),
        }
    }

    /// Gives why a part of it can never be said, if so.
    async fn say_now(
        &self,
        Saying { place, said, .. }: &Saying<'_>,
        env: &Env,
    ) -> Result<Option<SendError>, SendError> {
        let mut refused = None;
        for (key, outgoing) in said {
            match env.send_as(&place.bot, key, outgoing.clone()).await {
                Ok(_) => {}
                Err(error @ (SendError::Closed | SendError::NotSaved)) => return Err(error),
                Err(error) => {
                    warn!(bot = %env.bot().name, plugin = %self.name, to = %place, %error, "a message is not relayed");
                    refused.get_or_insert(error);
                }
            }
        }
        Ok(refused)
    }

    /// Saves `jobs` in the place of those `before`. What is late counts as late before anybody can find it saved, and say it.
    async fn save_all(
        &self,
        jobs: &[(String, Job)],
        before: &[(String, Job)],
        env: &Env,
    ) -> Result<(), PluginError> {
        let is_gone = |key: &String| jobs.iter().all(|(other, _)| other != key);
        let gone = before.iter().map(|(key, _)| key).filter(|key| is_gone(key));
        let saved = jobs.iter().map(|(key, job)| (key.clone(), Some(Record::Job(job.clone()))));
        let changes = gone.map(|key| (key.clone(), None)).chain(saved);
        let late = || {
            jobs.iter().filter_map(|(key, job)| match &job.work {
                Work::Say { place, .. } => Some((place, key)),
                _ => None,
            })
        };
        for (place, key) in late() {
            if self.late.add(place, key) {
                warn!(bot = %env.bot().name, plugin = %self.name, to = %place, "messages wait until the bot of this side runs again");
            }
        }
        let change = env.shelf::<Record>().change(changes).await;
        change.inspect_err(|_| late().for_each(|(place, key)| self.late.remove(place, key)))?;
        Ok(())
    }

    pub(super) async fn relay_edit(
        &self,
        edited: &Edited,
        cx: &Context,
    ) -> Result<(), PluginError> {
        let message = &edited.message;
        let Some(source) = self.source(&message.conversation) else { return Ok(()) };
        let env = cx.env();
        let bots = env.bots();
        if is_of_bots(&message.from, &message.ext, cx.bot(), &bots)
            || self.refuses(message).is_some()
        {
            return Ok(());
        }
        let line = match &message.body {
            Body::Text(text) => Some(self.line(message, &text.text, source, cx, &env).await?),
            Body::Custom(_) => None,
            // Of the others only `ext` can have changed.
            _ => return Ok(()),
        };
        let says_quote = Quote::of(&message.ext).is_some();
        let n = message.edited.as_ref().map_or(message.time.0, |edit| u64::from(edit.count));
        let mut edits = Vec::new();
        for target in self.targets(source, &bots) {
            let [text_key, more_key] = keys(&message.conversation, message.id, &target.place);
            let (key, body) = match &line {
                None => (more_key, message.body.clone()),
                Some(line) => {
                    // The quote of the copy stays what it is.
                    let way = Way { source, target, bots: &bots, env: &env };
                    let quoted = self.quoted(message, way).await.0;
                    (text_key, Body::text(behind(quoted.as_deref(), line)))
                }
            };
            let edit_key = format!("{key} edit {n}");
            let place = target.place.clone();
            edits.push(Edit { place, key, body, edit_key, says_quote });
        }
        let work = Work::Edit { edits };
        let (key, job) = self.save(original(message, source), work, &env).await?;
        self.hand_over(key, job);
        Ok(())
    }

    pub(super) async fn relay_recall(
        &self,
        recalled: &Recalled,
        cx: &Context,
    ) -> Result<(), PluginError> {
        let Some(source) = self.source(&recalled.conversation) else { return Ok(()) };
        let env = cx.env();
        let copies = self.targets(source, &env.bots()).into_iter().map(|target| Copy {
            place: target.place.clone(),
            keys: keys(&recalled.conversation, recalled.message, &target.place).into(),
            quoted: None,
        });
        let original = Original {
            place: source.place.clone(),
            message: recalled.message,
            from: recalled.from.clone(),
        };
        let work = Work::Recall { copies: copies.collect() };
        let (key, job) = self.save(original, work, &env).await?;
        self.hand_over(key, job);
        Ok(())
    }

    pub(super) fn relay_typing(&self, typing: &Typing, cx: &Context) {
        use easebot_model::ConversationKind::Room;
        let Some(source) = self.source(&typing.conversation).filter(|_| typing.is_typing) else {
            return;
        };
        let env = cx.env();
        let bots = env.bots();
        if is_of_bots(&typing.from, &Ext::new(), cx.bot(), &bots) {
            return;
        }
        for target in self.targets(source, &bots) {
            if target.place.conversation.kind() != Room {
                env.show_typing_as(&target.place.bot, &target.place.conversation);
            }
        }
    }

    async fn line(
        &self,
        message: &Message,
        words: &str,
        source: &Side,
        cx: &Context,
        env: &Env,
    ) -> Result<String, PluginError> {
        let name = match &self.names {
            Some(names) => names.of(&message.from, env).await,
            None => message.from.to_string(),
        };
        let line = self.render(message, &name, words, source, cx.bot());
        line.map_err(|error| PluginError::from(error).into_permanent())
    }

    /// What `message` quotes at the end of the way: as a line of text if it is not known there, else as a quote.
    async fn quoted(&self, message: &Message, way: Way<'_>) -> (Option<String>, Option<ExtValue>) {
        let Some(quote) = Quote::of(&message.ext) else { return (None, None) };
        match self.counterpart(&quote, way).await {
            Some((id, sender)) => {
                let copy = Quote { message: id, sender: sender.to_string(), ..quote };
                (None, Some(copy.to_value()))
            }
            None => (Some(quote::line(&quote)), None),
        }
    }

    async fn save(
        &self,
        original: Original,
        work: Work,
        env: &Env,
    ) -> Result<(String, Job), PluginError> {
        let job = Job { original, work };
        let key = job.key(env.now());
        env.shelf::<Record>().save(&key, &Record::Job(job.clone())).await?;
        Ok((key, job))
    }

    async fn content(&self, message: &Message, env: &Env) -> Result<Content, PluginError> {
        let language = self.language;
        let words = words(&message.body, language);
        match &message.body {
            Body::Location(_) | Body::Custom(_) => {
                let more = Some(More::Draft(Box::new(Draft::new(message.body.clone()))));
                Ok(Content { words, more, file: None })
            }
            Body::Combine(combine) => match env.open_combine(combine).await {
                Ok(messages) => {
                    let combine = combine.clone();
                    let more = Some(More::Combined { combine: *combine, messages, language });
                    Ok(Content { words, more, file: None })
                }
                Err(error) if error.is_permanent => {
                    let left = media::Left::NotFetched.words(language);
                    Ok(Content::of_words(words + &left))
                }
                Err(error) => Err(error.into()),
            },
            body => {
                let Some(attachment) = body.attachment() else {
                    return Ok(Content::of_words(words));
                };
                let fetched = media::fetch(
                    env,
                    &message.conversation,
                    message.id,
                    attachment,
                    self.file_bytes,
                )
                .await;
                match fetched {
                    Ok(Fetched { source, file }) => {
                        let more = draft(body, source).map(|draft| More::Draft(Box::new(draft)));
                        Ok(Content { words, more, file })
                    }
                    Err(left) => Ok(Content::of_words(words + &left.words(language))),
                }
            }
        }
    }
}

/// `line` behind what it quotes.
pub(super) fn behind(quoted: Option<&str>, line: &str) -> String {
    quoted.map_or_else(|| line.to_owned(), |quoted| format!("{quoted}\n{line}"))
}

/// What is to be done about copies, with the key of each job: learn of those that are said, say those that are late.
fn jobs(
    original: &Original,
    said: &[Saying<'_>],
    late: &[Saying<'_>],
    file: &Option<String>,
    now: Timestamp,
) -> Vec<(String, Job)> {
    let lesson = |copies: Vec<Copy>, is_shared| Lesson { copies, file: file.clone(), is_shared };
    let all = || said.iter().map(Saying::copy);
    let learn = (!said.is_empty()).then(|| Work::Learn(lesson(all().collect(), !late.is_empty())));
    let says = late.iter().map(|saying| {
        let copy = saying.copy();
        // Of one that is late alone it is known when the file is needed no more: with the others it is sent by everybody.
        let then = match late {
            [_] => lesson(all().chain([copy]).collect(), false),
            _ => lesson(vec![copy], true),
        };
        Work::Say { place: saying.place.clone(), said: saying.said.clone(), then }
    });
    let works = learn.into_iter().chain(says);
    works
        .map(|work| Job { original: original.clone(), work })
        .map(|job| (job.key(now), job))
        .collect()
}

fn original(message: &Message, source: &Side) -> Original {
    let (place, from) = (source.place.clone(), message.from.clone());
    Original { place, message: message.id, from }
}

fn is_same_app(target: &Side, me: &BotInfo, bots: &[BotInfo]) -> bool {
    bots.iter().any(|bot| bot.name == target.place.bot && bot.app_key == me.app_key)
}

/// What says anew what cannot be edited.
pub(super) fn anew(original: &Original, edit: &Edit) -> Outgoing {
    let ext: Ext = [(MARK, original.message.to_string())].into_iter().collect();
    let draft = Draft { ext, ..Draft::new(edit.body.clone()) };
    Outgoing::message(edit.place.conversation.clone(), draft)
}

/// What gives the copy `message` its new content.
pub(super) fn edit(message: MessageId, edit: &Edit) -> Outgoing {
    let body = Box::new(edit.body.clone());
    let act = Act::Edit { message, body, ext: None, is_thread: false };
    Outgoing { to: edit.place.conversation.clone(), act }
}
