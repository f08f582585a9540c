//! What is counted while a bot works.

use std::collections::BTreeMap;

use easebot_client::testing::{ErrorCode, refusal};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use super::*;
use crate::{Metric, MetricKind};

/// What was counted, under `name{label="value",…}`; of a distribution the number of values.
fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let series = snapshotter.snapshot().into_vec().into_iter();
    series
        .map(|(key, _, help, value)| {
            let key = key.key();
            let metric = Metric::ALL.iter().find(|metric| metric.name == key.name());
            let metric = metric.unwrap_or_else(|| panic!("{} is not in the list", key.name()));
            assert_eq!(help.as_deref(), Some(metric.help));
            let labels: Vec<_> = key.labels().map(::metrics::Label::key).collect();
            assert_eq!(labels, metric.labels, "{}", metric.name);
            let labels: Vec<_> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let (kind, value) = match value {
                DebugValue::Counter(n) => (MetricKind::Counter, n),
                DebugValue::Gauge(n) => (MetricKind::Gauge, format!("{n}").parse().unwrap()),
                DebugValue::Histogram(values) => {
                    (MetricKind::Histogram, u64::try_from(values.len()).unwrap())
                }
            };
            assert_eq!(kind, metric.kind, "{}", metric.name);
            (format!("{}{{{}}}", metric.name, labels.join(",")), value)
        })
        .filter(|(_, value)| *value > 0)
        .collect()
}

fn series(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(name, value)| (format!("easebot_{name}"), *value)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_bot_does_is_counted_by_bot_plugin_kind_and_outcome() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = ::metrics::set_default_local_recorder(&recorder);
    let picky = on_text("picky", async |message, _| match message.text() {
        "bad" => Err(PluginError::new("not this")),
        "slow" => {
            sleep(2 * SECOND).await;
            Ok(Flow::Continue)
        }
        "mine" => Ok(Flow::Stop),
        "panic" => panic!("on purpose"),
        _ => Ok(Flow::Continue),
    });
    let (mut stage, mut peer) = Stage::online(vec![picky, echo()]).await;
    peer.text("bob", 1, "hi").await;
    assert_eq!(peer.said_and_acked().await.what, "hi");
    for (id, text) in [(2, "bad"), (3, "slow"), (4, "panic")] {
        peer.text("bob", id, text).await;
        assert_eq!(peer.said_and_acked().await.what, text, "the plugin behind it");
    }
    peer.text("bob", 5, "mine").await;
    peer.until_released("bob", 5).await;

    stage.send(None, "ann", "again").await;
    let said = peer.said().await;
    peer.refuse(said.id, refusal(ErrorCode::PermissionDenied, "traffic limit")).await;
    assert_eq!(peer.said_and_acked().await.id, said.id);
    stage.send(None, "ann", "never").await;
    let said = peer.said().await;
    peer.refuse(said.id, refusal(ErrorCode::Fail, "blocked")).await;
    soon(stage.handle.settled()).await;
    stage.send(None, "ann", "on its way").await;
    peer.said().await;

    let counted_now = counted(&snapshotter);
    let commits = counted_now["easebot_commit_seconds{bot=concierge}"];
    assert!((8..30).contains(&commits), "{commits}");
    assert_eq!(
        counted_now,
        series(&[
            ("commit_seconds{bot=concierge}", commits),
            ("event_handling_seconds{bot=concierge}", 5),
            ("events_dead_total{bot=concierge}", 2),
            ("events_handled_total{bot=concierge,plugin=echo,outcome=continue}", 4),
            ("events_handled_total{bot=concierge,plugin=picky,outcome=continue}", 2),
            ("events_handled_total{bot=concierge,plugin=picky,outcome=error}", 1),
            ("events_handled_total{bot=concierge,plugin=picky,outcome=panic}", 1),
            ("events_handled_total{bot=concierge,plugin=picky,outcome=stop}", 1),
            ("events_retried_total{bot=concierge,plugin=picky}", 4),
            ("events_received_total{bot=concierge,kind=message}", 5),
            ("message_sending_seconds{bot=concierge}", 5),
            ("messages_dead_total{bot=concierge}", 1),
            ("messages_retried_total{bot=concierge}", 1),
            ("messages_sent_total{bot=concierge}", 5),
            ("messages_unsent{bot=concierge}", 1),
            ("online{bot=concierge}", 1),
            ("plugin_seconds{bot=concierge,plugin=echo}", 4),
            ("plugin_seconds{bot=concierge,plugin=picky}", 9),
        ])
    );

    peer.close().await;
    stage.status(|status| !status.is_online()).await;
    assert_eq!(counted(&snapshotter).get("easebot_online{bot=concierge}"), None);
    stage.server.log_in().await;
    stage.status(BotStatus::is_online).await;
    assert_eq!(counted(&snapshotter)["easebot_reconnects_total{bot=concierge}"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_paused_plugin_is_shown_with_how_it_failed_until_it_works_or_is_replaced() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = ::metrics::set_default_local_recorder(&recorder);
    let moody = || {
        let plugin = on_text("moody", async |message, _| match message.text() {
            "bad" => Err(PluginError::new("not this")),
            "panic" => panic!("on purpose"),
            _ => Ok(Flow::Continue),
        });
        let options = PluginOptions { n_retries: 0, n_failures_to_pause: 2, ..Default::default() };
        vec![PluginSpec::new(plugin).with(options), answering("last", "seen").into()]
    };
    let (stage, mut peer) = Stage::online_with(moody()).await;
    let mut id = 0;
    let mut say = async |peer: &mut Peer, from: &str, text: &str| {
        id += 1;
        peer.text(from, id, text).await;
        assert_eq!(peer.said_and_acked().await.what, "seen");
    };
    let paused = || {
        let mut all = counted(&snapshotter);
        all.retain(|name, _| name.starts_with("easebot_plugin_paused"));
        all
    };
    let because = |reason: &str| {
        let name = format!("plugin_paused{{bot=concierge,plugin=moody,reason={reason}}}");
        series(&[(&name, 1)])
    };
    say(&mut peer, "bob", "bad").await;
    assert_eq!(paused(), BTreeMap::new());
    say(&mut peer, "ann", "bad").await;
    assert_eq!(paused(), because("error"));
    say(&mut peer, "ann", "fine").await;
    let given_up = "easebot_events_handled_total{bot=concierge,plugin=moody,outcome=paused}";
    assert_eq!(counted(&snapshotter)[given_up], 1);

    // A trial that fails in another way shows that one; a trial that does not ends the pause.
    peer.silence(30 * SECOND).await;
    say(&mut peer, "bob", "panic").await;
    assert_eq!(paused(), because("panic"));
    peer.silence(60 * SECOND).await;
    say(&mut peer, "bob", "fine").await;
    assert_eq!(paused(), BTreeMap::new());

    say(&mut peer, "bob", "bad").await;
    say(&mut peer, "ann", "bad").await;
    assert_eq!(paused(), because("error"));
    stage.handle.replace("concierge", moody(), options()).await.unwrap();
    assert_eq!(paused(), BTreeMap::new());
    say(&mut peer, "bob", "bad").await;
    say(&mut peer, "ann", "bad").await;
    assert_eq!(paused(), because("error"));
    let goodbye = async { drop(peer.closed().await) };
    let (left, ()) = tokio::join!(stage.handle.remove("concierge", SECOND), goodbye);
    left.unwrap();
    assert_eq!(paused(), BTreeMap::new(), "nothing is left of it");
}

/// The rows of the manual, as the list has them.
#[test]
fn the_manual_lists_every_metric_as_it_is() {
    let manual = include_str!("../../../../../docs/operations.md");
    let rows: Vec<_> = manual.lines().filter(|line| line.starts_with("| `easebot_")).collect();
    let expected: Vec<_> = Metric::ALL
        .iter()
        .map(|metric| {
            let kind = match metric.kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
                MetricKind::Histogram => "histogram, s",
            };
            let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
            format!("| `{}` | {kind} | {labels} | {} |", metric.name, metric.help)
        })
        .collect();
    assert_eq!(rows, expected);
}
