//! Sides whose bot has ended, or is started again.

use easebot_plugin::{SendError, testing::Served};

use super::*;
use crate::record::{JOBS, MAP, Record};

/// A bench whose bot `porter` takes nothing.
fn ended() -> Bench {
    let bench = bench();
    bench.refuse_as("porter", Some(SendError::Closed));
    bench
}

async fn shelf(bench: &Bench, bridge: &Bridge, prefix: &str) -> usize {
    let env = bench.env(bridge).unwrap();
    env.shelf::<Record>().list(prefix, None, 99).await.unwrap().len()
}

async fn hears_all(
    bench: &Bench,
    bridge: &Bridge,
    ids: impl IntoIterator<Item = u64>,
) -> Vec<String> {
    let mut all = Vec::new();
    for id in ids {
        all.extend(hears(bench, bridge, message(id, "group:1001", "bob", id.to_string())).await);
    }
    words(&all)
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_the_bot_of_a_side_has_ended_is_said_there_later_in_order() {
    let (bench, bridge) = (ended(), bridge(SIDES));
    let ann = |id: u64| format!("concierge user:ann: [bob] {id}");
    let lodge = |id: u64| format!("porter group:2002: [bob] {id}");
    assert_eq!(hears_all(&bench, &bridge, 1..=2).await, [ann(1), ann(2)], "the others get it");
    assert_eq!(words(&works(&bench, &bridge).await), [""; 0]);
    bench.refuse_as("porter", None);
    assert_eq!(hears_all(&bench, &bridge, 3..=3).await, [ann(3)], "it waits behind the others");
    assert_eq!(words(&works(&bench, &bridge).await), [lodge(1), lodge(2), lodge(3)]);
    assert_eq!(hears_all(&bench, &bridge, 4..=4).await, [ann(4), lodge(4)]);
    works(&bench, &bridge).await;
    assert_eq!(shelf(&bench, &bridge, JOBS).await, 0);
    assert_eq!(shelf(&bench, &bridge, MAP).await, 16, "two values for each of eight copies");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_could_not_say_comes_first() {
    let bench = ended();
    hears_all(&bench, &bridge(SIDES), 1..=1).await;
    bench.refuse_as("porter", None);
    let later = bridge(SIDES);
    assert_eq!(hears_all(&bench, &later, 2..=2).await, ["concierge user:ann: [bob] 2"]);
    let said = works(&bench, &later).await;
    assert_eq!(words(&said), ["porter group:2002: [bob] 1", "porter group:2002: [bob] 2"]);
}

#[tokio::test(start_paused = true)]
async fn more_than_the_bridge_holds_in_memory_waits_in_order_too() {
    let (bench, bridge) = (ended(), bridge(SIDES));
    let ids = 1_000..1_700;
    hears_all(&bench, &bridge, ids.clone()).await;
    works(&bench, &bridge).await;
    bench.refuse_as("porter", None);
    let said = works(&bench, &bridge).await;
    let lodge: Vec<_> = ids.map(|id| format!("porter group:2002: [bob] {id}")).collect();
    assert_eq!(words(&said), lodge);
}

#[tokio::test(start_paused = true)]
async fn a_side_whose_bot_never_comes_back_keeps_nothing_from_one_whose_bot_does() {
    let bench = ended();
    let app_key = "other#app".parse().unwrap();
    bench.add_bot(BotInfo { name: "clerk".to_owned(), user: "desk".into(), app_key });
    let third = "[[side]]\nbot = 'clerk'\ngroup = '3003'\n";
    let bridge = bridge(&format!("{SIDES}{third}"));
    hears_all(&bench, &bridge, 1_000..1_700).await;
    works(&bench, &bridge).await;
    bench.refuse_as("clerk", Some(SendError::Closed));
    hears_all(&bench, &bridge, 1_700..1_710).await;
    works(&bench, &bridge).await;
    bench.refuse_as("clerk", None);
    let said = works(&bench, &bridge).await;
    let clerk: Vec<_> = (1_700..1_710).map(|id| format!("clerk group:3003: [bob] {id}")).collect();
    assert_eq!(words(&said), clerk);
}

#[tokio::test(start_paused = true)]
async fn edits_and_recalls_of_what_waits_come_after_it() {
    let (bench, bridge) = (ended(), bridge(SIDES));
    let said = hears(&bench, &bridge, message(1, "group:1001", "bob", "hi")).await;
    hears_all(&bench, &bridge, 2..=2).await;
    let changed = edited(message(1, "group:1001", "bob", "hi!"), 1);
    bench.event(&bridge, &changed).await.unwrap();
    bench.event(&bridge, &recalled(2, "bob")).await.unwrap();
    let ann = format!("concierge user:ann: {} is [bob] hi!", said[0].message);
    assert_eq!(words(&works(&bench, &bridge).await), [ann]);
    bench.refuse_as("porter", None);
    let said = works(&bench, &bridge).await;
    let copy = said[0].message;
    let lodge = [
        "porter group:2002: [bob] hi".to_owned(),
        format!("porter group:2002: {copy} is [bob] hi!"),
    ];
    assert_eq!(words(&said), lodge, "and what was recalled is gone");
    assert_eq!(shelf(&bench, &bridge, JOBS).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_stays_until_the_last_side_has_it() {
    let (bench, bridge, folder) = (ended(), bridge(SIDES), tempfile::tempdir().unwrap());
    bench.set_folder(folder.path());
    bench.serve("u", Served::File(b"words".to_vec()));
    let n_files = || std::fs::read_dir(folder.path().join("bridge")).unwrap().count();
    assert_eq!(hears(&bench, &bridge, file(7)).await.len(), 2);
    works(&bench, &bridge).await;
    assert_eq!(n_files(), 1);
    bench.refuse_as("porter", None);
    let said = works(&bench, &bridge).await;
    assert_eq!(words(&said)[1], "porter group:2002: file");
    works(&bench, &bridge).await;
    assert_eq!(n_files(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_has_waited_for_too_long_is_given_up_and_its_file_goes() {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let day = |n: u64| Timestamp(u64::try_from(now).unwrap() + n * 24 * 60 * 60 * 1_000);
    let (bench, folder) = (ended(), tempfile::tempdir().unwrap());
    bench.set_now(day(4));
    bench.set_folder(folder.path());
    bench.serve("u", Served::File(b"words".to_vec()));
    let n_files = || std::fs::read_dir(folder.path().join("bridge")).unwrap().count();
    hears(&bench, &bridge(SIDES), file(7)).await;
    // The file is older than it may be, but somebody waits for it.
    bench.set_now(day(10));
    works(&bench, &bridge(SIDES)).await;
    assert_eq!(n_files(), 1);
    bench.set_now(day(12));
    let last = bridge(SIDES);
    works(&bench, &last).await;
    assert_eq!((n_files(), shelf(&bench, &last, JOBS).await), (0, 0));
    bench.refuse_as("porter", None);
    let said = hears(&bench, &last, message(8, "group:1001", "bob", "hi")).await;
    assert_eq!(said.len(), 2, "nothing waits in front of it");
}
