//! What is counted.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use super::*;

/// The figures by name, which all are of one plugin.
fn counted(snapshotter: &Snapshotter) -> BTreeMap<String, u64> {
    let series = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
        assert_eq!(labels, ["concierge", "errands"]);
        let value = match value {
            DebugValue::Counter(n) => n,
            DebugValue::Gauge(n) => format!("{n}").parse().unwrap(),
            DebugValue::Histogram(_) => panic!("{key:?}"),
        };
        (key.key().name().trim_start_matches("easebot_webhooks_").to_owned(), value)
    });
    series.collect()
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_shown_and_how_it_ends_is_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let posting = Posting { retries: secs(&[300]), ..Posting::default() };
    let say: Say = |got, _| (if got.text() == "good" { 204 } else { 500 }, "");
    let mut stage = Stage::open(posting, say).await;
    for (from, text) in [("ann", "bad"), ("bob", "good"), ("carol", "good")] {
        stage.text(from, text).await.unwrap();
    }
    stage.server.got(3).await;
    stage.until_saved(1, 0).await;
    // Nothing more happens for five minutes.
    tokio::time::sleep(secs(&[1])[0]).await;
    let now = |figures: [(&str, u64); 4]| {
        figures.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    };
    let expected = [("waiting", 1), ("posted_total", 2), ("retried_total", 1), ("dead_total", 0)];
    assert_eq!(counted(&snapshotter), now(expected));
    stage.until_saved(0, 1).await;
    tokio::time::sleep(secs(&[1])[0]).await;
    let ended = counted(&snapshotter);
    assert_eq!((ended["waiting"], ended["dead_total"]), (0, 1), "{ended:?}");
}
