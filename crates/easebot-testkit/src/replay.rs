//! A transcript that is held against the bots.

use std::{collections::BTreeSet, panic::Location, path::Path};

use easebot_model::{Conversation, Draft, Ext, Message, MessageId, Timestamp, UserId};

use crate::{
    Testbed, Transcript,
    fail::{OrFail, Place, fail},
    parts::{Compare, Heard, difference, shown},
    sent::{address, continued},
    transcript::{Line, Step},
};

impl Testbed {
    /// Holds the conversation that `transcript` is: says what it says, and compares what the bots say. [`Transcript`] has its
    /// form.
    ///
    /// Who is named in it and has not come yet comes; groups and rooms that are not there yet are made, with everybody who is
    /// named.
    ///
    /// # Panics
    /// When it cannot be read, or goes otherwise than it is written: with its line, and what was heard instead.
    #[track_caller]
    pub fn replay(&self, transcript: &str) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move { self.play(at, "transcript", transcript).await }
    }

    /// [`replay`](Self::replay) of a file; in a test, relative paths begin at the folder of the package.
    ///
    /// # Panics
    /// As [`replay`](Self::replay), and when it cannot be opened.
    #[track_caller]
    pub fn replay_file(&self, path: impl AsRef<Path>) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let name = path.as_ref().display().to_string();
            let text = std::fs::read_to_string(&path).or_fail(at, &format!("cannot read {name}"));
            self.play(at, &name, &text).await;
        }
    }

    async fn play(&self, at: Place, name: &str, text: &str) {
        let transcript: Transcript = text.parse().or_fail(at, name);
        self.bring(at, &transcript).await;
        let memory = self.0.crowd.memory();
        let mut lines = transcript.lines.into_iter().peekable();
        let mut home: Option<Conversation> = None;
        let mut head = format!("{name}: before anything was said");
        loop {
            let mut expected = Vec::new();
            while let Some(line) = lines.next_if(|line| matches!(line.step, Step::Hears { .. })) {
                if let Step::Hears { place, text } = line.step {
                    let Some(place) = place.or_else(|| home.clone()) else {
                        let line = line.number;
                        fail(at, &format!("{name}:{line}: nobody said anything before it"))
                    };
                    expected.push((place, text));
                }
            }
            self.settled(at).await;
            let mut heard = memory.take();
            // Bots owe an order within a conversation, and none between two of them.
            let rank = |place: &Conversation| (home.as_ref() != Some(place), place.to_string());
            expected.sort_by_cached_key(|(place, _)| rank(place));
            heard.sort_by_cached_key(|heard| rank(&heard.place));
            if let Some(how) = difference(&Home(home.clone()), &expected, &heard) {
                fail(at, &format!("{head}\n{how}{}", self.given_up().await));
            }
            let Some(Line { number, step }) = lines.next() else { return };
            match step {
                Step::Hears { .. } => {}
                Step::Says { by, within, text } => {
                    head = match &within {
                        Some(place) => format!("{name}:{number}: {}/{by}> {text}", address(place)),
                        None => format!("{name}:{number}: {by}> {text}"),
                    };
                    home = Some(within.clone().unwrap_or_else(|| Conversation::User(by.clone())));
                    let to = within.unwrap_or_else(|| Conversation::User(self.bot(at, None).user));
                    let user = self.clone().join(at, by).await;
                    let draft = draft(&user.id(), &text);
                    user.send(at, to, draft).await;
                }
                Step::Waits(time) => {
                    head = format!("{name}:{number}: after {time:?}");
                    self.pass(time).await.or_fail_there(at);
                }
                Step::Posts { path, body } => {
                    head = format!("{name}:{number}: post {path}");
                    self.post(&path, body).await.or_fail(at, &head);
                }
                Step::Breaks(fault) => {
                    head = format!("{name}:{number}: {fault:?}");
                    self.break_with(fault).await.or_fail(at, &head);
                }
            }
        }
    }

    /// Brings everybody who is named, and makes the places.
    async fn bring(&self, at: Place, transcript: &Transcript) {
        let (mut people, mut places) = (BTreeSet::<UserId>::new(), BTreeSet::new());
        for line in &transcript.lines {
            match &line.step {
                Step::Hears { place: Some(Conversation::User(user)), .. } => {
                    people.insert(user.clone());
                }
                Step::Hears { place: Some(place), .. } => {
                    places.insert(place.clone());
                }
                Step::Says { by, within, .. } => {
                    people.insert(by.clone());
                    places.extend(within.clone());
                }
                Step::Hears { place: None, .. }
                | Step::Breaks(_)
                | Step::Posts { .. }
                | Step::Waits(_) => {}
            }
        }
        for user in &people {
            self.clone().join(at, user.clone()).await;
        }
        for place in places.into_iter().filter(|place| !self.has_place(place)) {
            self.clone().meet(at, place, people.iter().cloned().collect()).await;
        }
    }
}

/// What a line of `by` says, which is a text unless it has the form of something else.
pub(crate) fn draft(by: &UserId, text: &str) -> Draft {
    let named = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    match named.and_then(|named| named.split_once(": ")) {
        Some(("combine", texts)) => {
            let said = (1..).zip(texts.split(" | ")).map(|(n, text)| {
                let to = Conversation::User(by.clone());
                Message::new(MessageId(n), to, by.clone(), Timestamp(n * 1000), text.into())
            });
            // More than can be combined is no combined message.
            Draft::history(said).unwrap_or_else(|_| Draft::new(text))
        }
        Some(("custom", event)) => Draft::custom(event, Ext::new()),
        Some(("file", path)) => Draft::file(path),
        Some(("image", path)) => Draft::image(path),
        _ => Draft::new(text),
    }
}

/// Where something was said last.
struct Home(Option<Conversation>);

impl Home {
    fn at(&self, place: &Conversation, text: &str) -> String {
        if self.0.as_ref() == Some(place) {
            text.to_owned()
        } else {
            format!("{}< {}", address(place), continued(text))
        }
    }
}

impl Compare for Home {
    type Expected = (Conversation, String);
    type Heard = Heard;

    fn fits(&self, (place, text): &(Conversation, String), heard: &Heard) -> bool {
        heard.place == *place && shown(&heard.message.body) == *text
    }

    fn wanted(&self, (place, text): &(Conversation, String)) -> String {
        self.at(place, text)
    }

    fn said(&self, heard: &Heard) -> String {
        self.at(&heard.place, &shown(&heard.message.body))
    }

    fn is_exact(&self, _expected: &(Conversation, String)) -> bool {
        true
    }
}
