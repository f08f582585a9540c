use std::{sync::Arc, time::Duration};

use easebot_model::{Act, Conversation, Timestamp};
use easebot_plugin::{BuildEnv, PluginTable, Problems, testing::Bench};
use tokio::{task::JoinSet, time::sleep};

use super::*;
use crate::ScheduleKeys;

/// 2026-01-05T00:59:00Z, a Monday; a minute before nine in Shanghai.
const BEFORE_NINE: u64 = 1_767_574_740_000;

fn build(text: &str) -> (Option<Timetable>, Problems) {
    let app_key = "easebot#demo".parse().unwrap();
    let mut env = BuildEnv::new("clock", "concierge", "concierge".into(), app_key, ".");
    env.now = Timestamp(BEFORE_NINE);
    let mut problems = Problems::new();
    let plugin =
        PluginTable::parse(text, &mut problems).and_then(|table| table.build(&env, &mut problems));
    (plugin, problems)
}

#[track_caller]
fn plugin(text: &str) -> Arc<Timetable> {
    let (plugin, problems) = build(text);
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(plugin.unwrap())
}

/// What `plugin` says from `begin` on within some seconds, and where.
async fn said(
    bench: &Bench,
    plugin: &Arc<Timetable>,
    begin: u64,
    secs: u64,
) -> Vec<(Conversation, String)> {
    let env = bench.env(&**plugin).unwrap();
    bench.set_now(Timestamp(begin));
    plugin.start(&env).await.unwrap();
    let mut work = JoinSet::new();
    let running = Arc::clone(plugin);
    work.spawn(async move { running.run(&env).await });
    sleep(Duration::from_millis(1)).await;
    for second in 1..=secs {
        bench.set_now(Timestamp(begin + second * 1000));
        sleep(Duration::from_secs(1)).await;
    }
    sleep(Duration::from_millis(1)).await;
    assert!(work.try_join_next().is_none(), "it works until it is dropped");
    let said = bench.said().into_iter().map(|said| match said.outgoing.act {
        Act::Message(draft) => (said.outgoing.to, draft.body.as_text().unwrap().to_owned()),
        act => panic!("{act:?}"),
    });
    said.collect()
}

const MORNING: &str = "
time_zone = 'Asia/Shanghai'
[[entry]]
name = 'morning'
cron = '0 9 * * MON-FRI'
to = { group = 'team' }
reply = '{{ entry }} of {{ bot }}: {{ planned.weekday }} {{ planned.iso }}, {{ now.time }}'
";

#[tokio::test(start_paused = true)]
async fn entries_say_their_templates_at_their_times() {
    let keys = format!(
        "{MORNING}
        [[entry]]
        name = 'once'
        at = '2026-01-05T01:59:30'
        time_zone = 'Europe/Berlin'
        to = {{ user = 'bob' }}
        reply = 'at {{{{ planned.time }}}}'
        [[entry]]
        name = 'often'
        every_secs = 40
        to = {{ room = 'lobby' }}
        reply = '{{% if planned.secs % 3 == 0 %}}tick{{% endif %}}'"
    );
    let plugin = plugin(&keys);
    let mut said = said(&Bench::new(), &plugin, BEFORE_NINE, 90).await;
    said.sort();
    let morning = "morning of concierge: Monday 2026-01-05T09:00:00+08:00, 09:00:00";
    assert_eq!(
        said,
        [
            (Conversation::group("team"), morning.to_owned()),
            (Conversation::room("lobby"), "tick".to_owned()),
            (Conversation::user("bob"), "at 01:59:30".to_owned()),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_as_the_entry_has_it() {
    for (missed, hours, expected) in [
        ("", 1, 1),
        ("", 2, 0),
        ("missed_within_secs = 7200", 2, 1),
        ("missed = 'skip'", 1, 0),
        ("missed = 'all'\nmissed_within_secs = 604800", 50, 3),
    ] {
        let plugin = plugin(&format!("{MORNING}{missed}"));
        let bench = Bench::new();
        assert_eq!(said(&bench, &plugin, BEFORE_NINE, 1).await, []);
        // As in another process.
        let plugin = self::plugin(&format!("{MORNING}{missed}"));
        let begin = BEFORE_NINE + 60_000 + hours * 3_600_000;
        let said = said(&bench, &plugin, begin, 1).await;
        assert_eq!(said.len(), expected, "{missed} after {hours} h");
    }
}

#[test]
fn a_time_that_is_past_is_told_once_it_is_not_made_up_for_any_more() {
    let told = |at: &str, keys: &str| {
        let entry = "[[entry]]\nname = 'a'\nto = { user = 'b' }\nreply = 'c'";
        let text = format!("{entry}\nat = '{at}'\n{keys}");
        let (plugin, problems) = build(&text);
        assert!(plugin.is_some());
        problems.iter().for_each(|problem| {
            assert_eq!(problem.message, "this time is past: nothing will be said");
            let span = problem.span.unwrap();
            assert_eq!(text.get(span.start + 1..span.end - 1), Some(at));
        });
        problems.len() == 1
    };
    for (at, keys, is_told) in [
        ("2026-01-05T01:00", "", false),
        ("2026-01-04T01:00", "", false),
        ("2026-01-04T00:58", "", true),
        ("2026-01-05T00:58:30", "missed = 'skip'", false),
        ("2026-01-05T00:57", "missed = 'skip'", true),
        ("2026-01-05T00:57", "missed_within_secs = 0", true),
        ("2026-01-02T00:00", "missed_within_secs = 604800", false),
    ] {
        assert_eq!(told(at, keys), is_told, "{at} {keys}");
    }
}

#[track_caller]
fn refused(keys: &str, expected: &[(&str, &str)]) {
    let (plugin, problems) = build(keys);
    assert!(plugin.is_none(), "{keys}");
    let found: Vec<_> = problems
        .iter()
        .map(|problem| {
            let span = problem.span.unwrap();
            let part = keys.get(span.start..span.end).unwrap();
            // Behind the opening quote.
            let inside = problem.inside.clone().map(|at| at.start + 1..at.end + 1);
            (inside.map_or(part, |at| part.get(at).unwrap()), problem.message.as_str())
        })
        .collect();
    assert_eq!(found, expected, "{keys}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let entry =
        |keys: &str| format!("[[entry]]\nname = 'a'\nto = {{ user = 'b' }}\nreply = 'c'\n{keys}\n");
    refused(&entry("cron = '0 9 * * MON-FRY'"), &[("FRY", "`FRY` is no day of the week")]);
    refused(
        &entry("every_secs = 0"),
        &[("0", "a period is from 1 second to 366 days, and this one is 0ns")],
    );
    refused(
        &entry("at = '2026-12-24'"),
        &[("'2026-12-24'", "`2026-12-24` is no date and time, such as `2026-12-24T18:00`")],
    );
    refused(
        &entry("at = '2026-03-29T02:30'\ntime_zone = 'Europe/Berlin'"),
        &[(
            "'2026-03-29T02:30'",
            "clocks in Europe/Berlin never show 2026-03-29T02:30: they go on at 2026-03-29T03:00:00",
        )],
    );
    refused(
        &entry("cron = '@daily'\ntime_zone = 'Asia/Shangai'"),
        &[("'Asia/Shangai'", "there is no time zone `Asia/Shangai`")],
    );
    refused(&entry(""), &[("[[entry]]", "it does not say when")]);
    refused(
        &entry("cron = '@daily'\nevery_secs = 5"),
        &[("[[entry]]", "it says more than once when")],
    );
    refused(
        &entry("cron = '@daily'\nmissed_within_secs = 604801"),
        &[("604801", "must be 0 to 604800 seconds, which is a week")],
    );
    let twice = entry("every_secs = 5").repeat(2);
    refused(&twice, &[("'a'", "there is an entry of this name")]);
    refused("entry = []", &[("", "there are no entries")]);
    refused(
        "[[entry]]\nname = ''\nto = { group = '' }\nevery_secs = 5\nreply = '{{ planed.time }}'",
        &[
            ("planed.time", "there is no variable `planed.time` here"),
            ("''", "a name has 1 to 64 characters, all of them to be seen"),
            ("''", "the conversation has no name"),
        ],
    );
}

#[test]
fn the_readme_names_every_key_of_every_table() {
    let mut generator = schemars::SchemaGenerator::default();
    let own = <ScheduleKeys as schemars::JsonSchema>::json_schema(&mut generator).to_value();
    let tables = generator.definitions().values().chain([&own]);
    let keys: Vec<&String> = tables
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|keys| keys.keys())
        .collect();
    assert!(keys.len() > 10, "{keys:?}");
    let readme = include_str!("../../README.md");
    for key in keys {
        let named = [format!("| `{key}` |"), format!("`[[bot.plugin.{key}]]`")];
        assert!(named.iter().any(|named| readme.contains(named)), "{key}");
    }
}
