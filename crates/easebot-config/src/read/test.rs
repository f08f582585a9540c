//! One `[[test]]` after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use easebot_model::{BodyKind, Conversation, ConversationKind, Timestamp, UserId};
use easebot_plugin::{At, Problem, Problems, Span, nearest};
use regex::RegexBuilder;
use toml::{
    de::DeTable,
    value::{Datetime, Offset},
};
use url::Url;

use super::{bot::elements, read_keys, table};
use crate::{
    config::BotConfig,
    keys::{GroupKeys, ReplyKeys, ServerKeys, StepKeys, TestKeys},
    report::Source,
    test::{Expected, Post, TestConfig, TestGroup, TestServer, TestStep, Writing},
};

/// What the tests of a file may speak of.
struct Reader<'a> {
    bots: &'a [BotConfig],
    folder: &'a Path,
    source: &'a Source,
}

/// Takes the tests out of `root`. None if one of them cannot be used: `problems` says why, or the walk over the file has said
/// it already.
pub(super) fn read(
    root: &mut DeTable<'_>,
    folder: &Path,
    bots: &[BotConfig],
    source: &Source,
    problems: &mut Problems,
) -> Option<Vec<TestConfig>> {
    let reader = Reader { bots, folder, source };
    let mut names: Vec<At<String>> = Vec::new();
    let mut tests = Vec::new();
    let mut is_whole = true;
    for value in elements(root, "test") {
        let span = Span::from(value.span());
        let keys = table(value).and_then(|keys| read_keys::<TestKeys>(keys, problems));
        let name = keys.as_ref().and_then(|keys| keys.name.clone());
        let test = keys.and_then(|keys| reader.test(keys, span, problems));
        is_whole &= test.is_some();
        tests.extend(test);
        let Some(name) = name else { continue };
        if let Some(first) = names.iter().find(|first| first.as_str() == name.as_str()) {
            is_whole = false;
            problems.push(
                Problem::error(name.span(), "another test has this name already")
                    .related(first.span(), "first used"),
            );
        }
        names.push(name);
    }
    is_whole.then_some(tests)
}

impl Reader<'_> {
    fn test(&self, keys: TestKeys, span: Span, problems: &mut Problems) -> Option<TestConfig> {
        let bot = match &keys.bot {
            Some(name) => self.bot(name, problems),
            None => self.bots.first().map(|bot| bot.name.clone()),
        };
        let at = time(&keys.at, problems);
        let n_groups = keys.group.len();
        let groups: Vec<_> =
            keys.group.into_iter().filter_map(|keys| self.group(keys, problems)).collect();
        let n_servers = keys.server.len();
        let servers: Vec<_> =
            keys.server.into_iter().filter_map(|keys| server(keys, problems)).collect();
        let n_steps = keys.step.len();
        let steps = keys.step.into_iter().filter_map(|step| {
            let place = self.place(step.span().unwrap_or(span));
            self.step(step, place, bot.as_deref(), problems)
        });
        let steps: Vec<_> = steps.collect();
        if steps.len() < n_steps
            || groups.len() < n_groups
            || servers.len() < n_servers
            || n_steps == 0
        {
            return None;
        }
        if steps.iter().all(|step| step.expects.is_none()) {
            let message = "the test expects nothing: it cannot fail";
            problems.push(
                Problem::error(Some(span), message)
                    .hint("add `expect = \"…\"` to a step; `expect = []` if nothing may be said"),
            );
            return None;
        }
        let (place, name) = (self.place(span), keys.name?.into_inner());
        let people = self.people(&groups, &steps);
        Some(TestConfig { name, place, at: at?, people, groups, servers, steps })
    }

    fn place(&self, span: Span) -> String {
        self.source.place(span.start)
    }

    fn bot(&self, name: &At<String>, problems: &mut Problems) -> Option<String> {
        let mut names = self.bots.iter().map(|bot| bot.name.as_str());
        if names.clone().any(|known| known == **name) {
            return Some(name.to_string());
        }
        let close = nearest(name, names.clone()).or_else(|| names.next());
        let problem = Problem::error(name.span(), "there is no bot of this name");
        problems.push(match close {
            Some(close) => problem.hint(format!("did you mean `{close}`?")),
            None => problem,
        });
        None
    }

    /// A person: a legal name that no bot has.
    fn person(&self, name: &At<String>, problems: &mut Problems) -> Option<UserId> {
        let user = UserId::new(name.as_str());
        if !user.is_legal() {
            let message = "a user name has 1 to 64 of `a`-`z`, `0`-`9`, `_`, `-` and `.`";
            problems.push(Problem::error(name.span(), message));
            return None;
        }
        if let Some(bot) = self.bots.iter().find(|bot| bot.user == user) {
            let message = format!("the bot `{}` is this user", bot.name);
            problems.push(Problem::error(name.span(), message).hint("people are no bots here"));
            return None;
        }
        Some(user)
    }

    fn group(&self, keys: GroupKeys, problems: &mut Problems) -> Option<TestGroup> {
        let n_admins = keys.admins.len();
        let admins: Vec<_> =
            keys.admins.iter().filter_map(|name| self.person(name, problems)).collect();
        let owner = self.person(&keys.owner, problems)?;
        let id = keys.id?.as_str().into();
        (admins.len() == n_admins).then_some(TestGroup { id, owner, admins })
    }

    fn step(
        &self,
        step: At<StepKeys>,
        place: String,
        bot: Option<&str>,
        problems: &mut Problems,
    ) -> Option<TestStep> {
        let span = step.span();
        let keys = step.into_inner();
        let bot = match &keys.bot {
            Some(name) => self.bot(name, problems),
            None => bot.map(str::to_owned),
        };
        let by = self.person(&keys.by, problems);
        let within = match &keys.within {
            Some(text) => {
                let hint = "write to a bot alone by leaving `in` out";
                let place = conversation(text, problems)?;
                if place.kind() == ConversationKind::User {
                    let message = "must be `group:ID` or `room:ID`";
                    problems.push(Problem::error(text.span(), message).hint(hint));
                    return None;
                }
                if let Conversation::Room(room) = &place
                    && !self.bots.iter().any(|bot| bot.rooms.contains(room))
                {
                    let message = format!("no bot joins the chat room `{room}`");
                    let hint = format!("a bot with `rooms = [\"{room}\"]` does");
                    problems.push(Problem::notice(text.span(), message).hint(hint));
                }
                Some(place)
            }
            None => None,
        };
        let file = |path: std::path::PathBuf| self.folder.join(path);
        let writings = [
            keys.text.map(Writing::Text),
            keys.image.map(file).map(Writing::Image),
            keys.audio.map(file).map(Writing::Audio),
            keys.video.map(file).map(Writing::Video),
            keys.file.map(file).map(Writing::File),
            keys.custom.map(Writing::Custom),
        ];
        let of = keys.of.as_ref().map(|of| of.to_string());
        let deeds = [
            keys.edit.map(|text| Writing::Edit { text, of: of.clone() }),
            keys.recall.then(|| Writing::Recall { of: of.clone() }),
            keys.react.map(|reaction| Writing::React { reaction, of: of.clone() }),
        ];
        if let Some(of) = keys.of.filter(|_| deeds.iter().all(Option::is_none)) {
            let message = "`of` says which message `edit`, `recall` or `react` is about";
            problems.push(Problem::error(of.span(), message));
            return None;
        }
        let posts = match keys.post {
            Some(path) => Some(post(path, keys.headers, keys.body, keys.status, problems)?),
            None if keys.headers.is_empty() && keys.body.is_empty() && keys.status.is_none() => {
                None
            }
            None => {
                let message = "`body`, `headers` and `status` are those of a `post`";
                problems.push(Problem::error(span, message));
                return None;
            }
        };
        let mut writings = writings.into_iter().chain(deeds).flatten();
        let says = writings.next();
        if writings.next().is_some() || (says.is_some() && posts.is_some()) {
            problems.push(
                Problem::error(span, "one step writes one message").hint("make two steps of it"),
            );
            return None;
        }
        if says.is_none() && posts.is_none() && keys.wait_secs == 0 {
            problems.push(
                Problem::error(span, "nothing happens in this step")
                    .hint("add `text = \"…\"`, or `wait_secs = …`"),
            );
            return None;
        }
        let expects = match keys.expect {
            Some(expect) => {
                let n = expect.0.len();
                let replies = expect.0.into_iter().filter_map(|reply| self.reply(reply, problems));
                let replies: Vec<_> = replies.collect();
                if replies.len() < n {
                    return None;
                }
                Some(replies)
            }
            None => None,
        };
        let wait = Duration::from_secs(keys.wait_secs.into());
        let ext = keys.ext.into_iter().collect();
        Some(TestStep { place, wait, by: by?, bot: bot?, within, says, posts, ext, expects })
    }

    fn reply(&self, keys: ReplyKeys, problems: &mut Problems) -> Option<Expected> {
        let ReplyKeys { text, contains, regex, kind, edited, recalled, within, from } = keys;
        let says = text.is_some() || contains.is_some() || regex.is_some() || kind.is_some();
        if let Some(key) = edited.as_ref().or(recalled.as_ref())
            && (says || (edited.is_some() && recalled.is_some()))
        {
            let message = "one thing is said, edited or recalled";
            problems.push(Problem::error(key.span(), message).hint("make a list of two of it"));
            return None;
        }
        if !says && edited.is_none() && recalled.is_none() {
            // The walk over the file has said so.
            return None;
        }
        let (edited, recalled) = (edited.map(At::into_inner), recalled.map(At::into_inner));
        let regex = match regex {
            // Larger than any that a person writes.
            Some(text) => match RegexBuilder::new(&text).size_limit(1 << 20).build() {
                Ok(regex) => Some(regex),
                Err(error) => {
                    let message = "this is no regular expression that can be used";
                    let line = error.to_string().lines().last().unwrap_or_default().to_owned();
                    problems.push(Problem::error(text.span(), message).hint(line));
                    return None;
                }
            },
            None => None,
        };
        let kind = match kind {
            Some(text) => {
                let known = BodyKind::ALL.into_iter().find(|kind| kind.as_str() == *text);
                if known.is_none() {
                    let names: Vec<_> = BodyKind::ALL.iter().map(|kind| kind.as_str()).collect();
                    problems.push(
                        Problem::error(text.span(), "there is no such kind of message")
                            .hint(format!("there are `{}`", names.join("`, `"))),
                    );
                    return None;
                }
                known
            }
            None => None,
        };
        let within = match within {
            Some(text) => Some(conversation(&text, problems)?),
            None => None,
        };
        let from = match from {
            Some(name) => Some(self.bot(&name, problems)?),
            None => None,
        };
        Some(Expected { text, contains, regex, kind, edited, recalled, within, from })
    }

    /// Everybody that the test speaks of, but for the bots.
    fn people(&self, groups: &[TestGroup], steps: &[TestStep]) -> Vec<UserId> {
        let mut people = BTreeSet::new();
        for group in groups {
            people.insert(group.owner.clone());
            people.extend(group.admins.iter().cloned());
        }
        for step in steps {
            people.insert(step.by.clone());
            let places = step.expects.iter().flatten().filter_map(|reply| reply.within.as_ref());
            people.extend(places.filter_map(|place| match place {
                Conversation::User(user) => Some(user.clone()),
                _ => None,
            }));
        }
        people.retain(|user| self.bots.iter().all(|bot| bot.user != *user));
        people.into_iter().collect()
    }
}

fn server(keys: ServerKeys, problems: &mut Problems) -> Option<TestServer> {
    let ServerKeys { url, method, when, status, headers, body } = keys;
    let text = url?;
    let url = Url::parse(&text).ok();
    let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        let message = "must be a URL that begins with `http://` or `https://`";
        problems.push(Problem::error(text.span(), message));
        return None;
    };
    Some(TestServer { url, method, when, status, headers: headers.into_iter().collect(), body })
}

fn post(
    path: At<String>,
    headers: BTreeMap<String, String>,
    body: String,
    status: Option<u16>,
    problems: &mut Problems,
) -> Option<Post> {
    let is_clean = |text: &str| !text.contains(|c: char| c.is_control());
    if !path.starts_with('/') || !is_clean(&path) || path.contains(' ') {
        let message = "must be a path that begins with `/`";
        problems.push(Problem::error(path.span(), message).hint("for example `/hooks/alerts`"));
        return None;
    }
    if let Some((name, _)) =
        headers.iter().find(|(name, value)| !is_clean(name) || !is_clean(value))
    {
        let message = format!("the header `{}` has a line break in it", name.escape_debug());
        problems.push(Problem::error(path.span(), message));
        return None;
    }
    let headers = headers.into_iter().collect();
    Some(Post { path: path.into_inner(), headers, body, status })
}

fn conversation(text: &At<String>, problems: &mut Problems) -> Option<Conversation> {
    text.parse()
        .map_err(|error: easebot_model::ParseConversationError| {
            problems.push(Problem::error(text.span(), error.to_string()));
        })
        .ok()
}

fn time(text: &At<String>, problems: &mut Problems) -> Option<Timestamp> {
    let time = timestamp(text);
    if time.is_none() {
        problems.push(
            Problem::error(text.span(), "must be a date and time with offset, from 1970 on")
                .hint("for example `2026-01-05T12:00:00+08:00`"),
        );
    }
    time
}

/// The time that a text such as `2026-01-05T12:00:00+08:00` says: date and time with offset, from 1970 on.
#[must_use]
pub fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok().and_then(unix_ms).map(Timestamp)
}

/// Milliseconds since 1970 of a date and time with offset.
fn unix_ms(time: Datetime) -> Option<u64> {
    let (date, clock) = (time.date?, time.time?);
    let offset_minutes = match time.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    // Days from a civil date: years begin in March, so that the leap day is the last one.
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(date.day) - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    let minutes = (days * 24 + i64::from(clock.hour)) * 60 + i64::from(clock.minute);
    let secs = (minutes - offset_minutes) * 60 + clock.second.map_or(0, i64::from);
    let millis = clock.nanosecond.map_or(0, |nanos| i64::from(nanos / 1_000_000));
    u64::try_from(secs * 1000 + millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_with_offset_is_a_time() {
        let of = |text: &str| text.parse().ok().and_then(unix_ms);
        assert_eq!(of("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(of("2000-03-01T00:00:00Z"), Some(951_868_800_000));
        assert_eq!(of("2024-02-29T23:59:59.5Z"), Some(1_709_251_199_500));
        assert_eq!(of("2026-01-05T20:00:00+08:00"), of("2026-01-05T12:00:00Z"));
        assert_eq!(of("2026-01-05T12:00:00Z"), Some(1_767_614_400_000));
        assert_eq!(of("2026-01-05T12:00:00"), None, "where?");
        assert_eq!(of("2026-01-05"), None);
        assert_eq!(of("1969-12-31T23:59:59Z"), None);
    }
}
