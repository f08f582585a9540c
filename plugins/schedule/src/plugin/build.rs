//! From the keys to the plugin, or to every problem in them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use easebot_model::{Conversation, Timestamp};
use easebot_plugin::{
    At, BotInfo, BuildEnv, Configured, Problem, Problems, Span, Templates, Values, nearest,
};
use easebot_schedule::{Job, Run, Schedule, When, WhenError};
use jiff::tz::TimeZone;

use super::Timetable;
use crate::{
    clock,
    keys::{EntryKeys, Missed, ScheduleKeys},
};

/// An entry that is right.
struct Entry {
    name: String,
    when: When,
    zone: TimeZone,
    to: Conversation,
    missed: easebot_schedule::Missed,
    missed_within: Option<Duration>,
}

/// How many entries there may be.
const MAX_ENTRIES: usize = 1000;

impl Configured for Timetable {
    const KIND: &'static str = "schedule";
    const ABOUT: &'static str = "Says things by the clock: once, every so often, or by cron.";
    type Config = ScheduleKeys;

    fn build(keys: ScheduleKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        let n_entries = keys.entry.len();
        if n_entries == 0 {
            let problem = Problem::error(None, "there are no entries");
            problems.push(problem.hint("add a `[[bot.plugin.entry]]`"));
        }
        if n_entries > MAX_ENTRIES {
            let message = format!("there are {n_entries} entries, and {MAX_ENTRIES} are the most");
            problems.push(Problem::error(None, message));
        }
        let usual = time_zone(&keys.time_zone, problems);
        let bot =
            BotInfo { name: env.bot.clone(), user: env.user.clone(), app_key: env.app_key.clone() };
        let mut templates = Templates::new();
        let (mut entries, mut names) = (Vec::new(), HashMap::new());
        for entry in keys.entry {
            let sample = values(&bot, &entry.name, [Timestamp(0); 2], &TimeZone::UTC);
            templates.add(&entry.name, &entry.reply, &sample, problems);
            if let Some(first) = names.insert(entry.name.to_string(), entry.name.span()) {
                let problem = Problem::error(entry.name.span(), "there is an entry of this name");
                problems.push(problem.related(first, "first used"));
            }
            entries.extend(check(
                entry,
                usual.as_ref().map(|zone| (&keys.time_zone, zone)),
                env.now,
                problems,
            ));
        }
        let templates = Arc::new(templates);
        let jobs = entries.into_iter().map(|entry| job(entry, &templates));
        // What is left was said above: the number, and names.
        let schedule = Schedule::of(jobs.collect::<Vec<_>>());
        let schedule = schedule.map_err(|error| {
            if !problems.has_errors() {
                problems.push(Problem::error(None, error.to_string()));
            }
        });
        Some(Self { name: env.plugin.clone(), schedule: schedule.ok()? })
    }
}

/// What is wrong is among `problems`.
fn check(
    entry: At<EntryKeys>,
    usual: Option<(&At<String>, &TimeZone)>,
    now: Timestamp,
    problems: &mut Problems,
) -> Option<Entry> {
    let span = entry.span();
    let keys = entry.into_inner();
    let n_before = problems.len();
    let n_chars = keys.name.chars().count();
    if !(1..=64).contains(&n_chars) || keys.name.contains(char::is_control) {
        let message = "a name has 1 to 64 characters, all of them to be seen";
        problems.push(Problem::error(keys.name.span(), message));
    }
    if keys.to.name().is_empty() {
        problems.push(Problem::error(keys.to.name().span(), "the conversation has no name"));
    }
    if let Some(within) = keys.missed_within_secs.as_ref().filter(|within| ***within > 604_800) {
        problems
            .push(Problem::error(within.span(), "must be 0 to 604800 seconds, which is a week"));
    }
    let zone = match &keys.time_zone {
        Some(name) => time_zone(name, problems).map(|zone| (name.to_string(), zone)),
        None => usual.map(|(name, zone)| (name.to_string(), zone.clone())),
    };
    // Without a zone all that can be known is whether the rest is right.
    let name = zone.as_ref().map_or("UTC", |(name, _)| name);
    let when = when(&keys, name, span, problems);
    if problems.len() > n_before {
        return None;
    }
    if let (Some(when), Some(at)) = (&when, &keys.at) {
        tell_of_past(when, at, &keys, now, problems);
    }
    Some(Entry {
        when: when?,
        zone: zone?.1,
        to: Conversation::from(&keys.to),
        missed: keys.missed.into(),
        missed_within: keys.missed_within_secs.map(|secs| Duration::from_secs((*secs).into())),
        name: keys.name.into_inner(),
    })
}

/// Something that comes once may be over.
fn tell_of_past(
    when: &When,
    at: &At<String>,
    keys: &EntryKeys,
    now: Timestamp,
    problems: &mut Problems,
) {
    let late_secs = match (keys.missed, &keys.missed_within_secs) {
        (Missed::Skip, _) => 60,
        (_, Some(within)) => u64::from(**within).max(60),
        (_, None) => 86_400,
    };
    let made_up_for = Timestamp(now.0.saturating_sub(late_secs * 1000));
    if when.next_after(made_up_for).is_none() {
        let message = "this time is past: nothing will be said";
        let hint = "write a later time, or take the entry out";
        problems.push(Problem::notice(at.span(), message).hint(hint));
    }
}

fn when(keys: &EntryKeys, zone: &str, span: Option<Span>, problems: &mut Problems) -> Option<When> {
    let (when, at) = match (&keys.at, &keys.every_secs, &keys.cron) {
        (Some(text), None, None) => (When::local(text, zone), text.span()),
        (None, Some(secs), None) => {
            (When::every(Duration::from_secs((**secs).into())), secs.span())
        }
        (None, None, Some(line)) => (When::cron(line, zone), line.span()),
        (None, None, None) => {
            let problem = Problem::error(span, "it does not say when");
            problems.push(problem.hint("add one of `at`, `every_secs` and `cron`"));
            return None;
        }
        _ => {
            let message = "it says more than once when";
            problems.push(Problem::error(span, message).hint("make two entries of it"));
            return None;
        }
    };
    let error = match when {
        Ok(when) => return Some(when),
        Err(error) => error,
    };
    problems.push(match &error {
        WhenError::Cron(cause) => {
            let problem = Problem::error(at, cause.to_string());
            cause.at().map_or(problem.clone(), |at| problem.inside(at))
        }
        error => Problem::error(at, error.to_string()),
    });
    None
}

fn time_zone(name: &At<String>, problems: &mut Problems) -> Option<TimeZone> {
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        let message = format!("there is no time zone `{}`", name.as_str());
        let known: Vec<String> =
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let problem = Problem::error(name.span(), message);
        problems.push(problem.hint(match nearest(name, known.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "write its IANA name, such as `Asia/Shanghai` or `UTC`".to_owned(),
        }));
    }
    zone
}

fn job(entry: Entry, templates: &Arc<Templates>) -> Job {
    let Entry { name, when, zone, to, missed, missed_within } = entry;
    let templates = Arc::clone(templates);
    let job = Job::new(name, when, move |run: Run| {
        let times = [run.planned(), run.env().now()];
        let text = templates.render(run.name(), &values(run.env().bot(), run.name(), times, &zone));
        let to = to.clone();
        async move {
            let text = text?;
            if !text.trim().is_empty() {
                run.say(to, text).await?;
            }
            Ok(())
        }
    });
    let job = job.missed(missed);
    match missed_within {
        Some(within) => job.missed_within(within),
        None => job,
    }
}

/// What a template can use.
fn values(bot: &BotInfo, entry: &str, [planned, now]: [Timestamp; 2], zone: &TimeZone) -> Values {
    Values::of_bot(bot)
        .text("entry", entry)
        .parts("planned", clock::parts(planned, zone))
        .parts("now", clock::parts(now, zone))
}
