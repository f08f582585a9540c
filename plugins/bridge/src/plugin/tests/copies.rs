//! What happens to copies later: quotes, edits, recalls.

use std::time::SystemTime;

use easebot_model::{Custom, ExtValue};
use easebot_plugin::testing::{FIRST_SAID, Served};
use serde_json::json;

use super::*;
use crate::record::{JOBS, MAP, Record};

fn quoting(id: u64, to: &str, from: &str, quoted: u64) -> Message {
    let quote = json!({ "msgID": quoted.to_string(), "msgPreview": "hi", "msgSender": "x", "msgType": "txt" });
    let ext = [("msgQuote", ExtValue::Json(quote))].into_iter().collect();
    Message { ext, ..message(id, to, from, "yes") }
}

/// Which message is quoted, and whose.
fn quoted(said: &Said) -> Option<(String, String)> {
    let Some(ExtValue::Json(quote)) = ext(said).get("msgQuote") else { return None };
    let text = |key: &str| quote.get(key)?.as_str().map(str::to_owned);
    Some((text("msgID")?, text("msgSender")?))
}

fn whose(id: u64, user: &str) -> Option<(String, String)> {
    Some((id.to_string(), user.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_quote_names_the_message_that_stands_where_it_is_said() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    let said = hears(&bench, &bridge, message(7, "group:1001", "bob", "hi")).await;
    let (in_ann, in_lodge) = (said[0].message.0, said[1].message.0);
    assert_eq!(in_ann, FIRST_SAID.0);
    works(&bench, &bridge).await;
    // In the group the original is quoted.
    let said = hears(&bench, &bridge, quoting(8, "group:1001", "carl", 7)).await;
    assert_eq!(quoted(&said[0]), whose(in_ann, "concierge"));
    assert_eq!(quoted(&said[1]), whose(in_lodge, "gate"));
    assert_eq!(words(&said)[0], "concierge user:ann: [carl] yes");
    // Ann quotes her copy.
    let said = hears(&bench, &bridge, quoting(9, "user:ann", "ann", in_ann)).await;
    assert_eq!(quoted(&said[0]), whose(7, "bob"), "in the group stands the original");
    assert_eq!(quoted(&said[1]), whose(in_lodge, "gate"), "in the lodge the other copy");
}

#[tokio::test(start_paused = true)]
async fn a_quote_of_what_is_not_known_is_shown_as_text() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    let said = hears(&bench, &bridge, quoting(9, "user:ann", "ann", 4)).await;
    assert_eq!(words(&said)[0], "concierge group:1001: > x: hi\n[ann] yes");
    assert_eq!(quoted(&said[0]), None);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_has_left_is_learnt_by_the_next_one() {
    let bench = bench();
    let said = hears(&bench, &bridge(SIDES), message(7, "group:1001", "bob", "hi")).await;
    let later = bridge(SIDES);
    let shelf = async |prefix: &str| {
        let env = bench.env(&later).unwrap();
        env.shelf::<Record>().list(prefix, None, 99).await.unwrap().len()
    };
    assert_eq!((shelf(JOBS).await, shelf(MAP).await), (1, 0));
    works(&bench, &later).await;
    assert_eq!((shelf(JOBS).await, shelf(MAP).await), (0, 4), "two values for each copy");
    let said_later = hears(&bench, &later, quoting(9, "user:ann", "ann", said[0].message.0)).await;
    assert_eq!(quoted(&said_later[0]), whose(7, "bob"));
}

#[tokio::test(start_paused = true)]
async fn a_file_stays_until_its_copies_are_sent_and_an_old_one_goes() {
    let (bench, bridge, folder) = (bench(), bridge(SIDES), tempfile::tempdir().unwrap());
    bench.set_folder(folder.path());
    bench.serve("u", Served::File(b"words".to_vec()));
    let said = hears(&bench, &bridge, file(7)).await;
    let own = folder.path().join("bridge");
    let files = || std::fs::read_dir(&own).unwrap().count();
    assert_eq!(files(), 1);
    works(&bench, &bridge).await;
    assert_eq!(files(), 0);
    // The picture is what others quote, not the words for it.
    let said = hears(&bench, &bridge, quoting(8, "group:1001", "carl", 7))
        .await
        .iter()
        .map(quoted)
        .zip([&said[1], &said[3]].map(|said| said.message.0))
        .collect::<Vec<_>>();
    for (quoted, copy) in said {
        assert_eq!(quoted.unwrap().0, copy.to_string());
    }
    std::fs::write(own.join("left"), "x").unwrap();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let days = |n: u64| Timestamp(u64::try_from(now).unwrap() + n * 24 * 60 * 60 * 1_000);
    bench.set_now(days(6));
    works(&bench, &bridge).await;
    assert_eq!(files(), 1);
    bench.set_now(days(8));
    works(&bench, &bridge).await;
    assert_eq!(files(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_old_or_too_much_is_forgotten() {
    let few = format!("keep_messages = 100\nkeep_days = 2\n{SIDES}");
    let (bench, bridge) = (bench(), bridge(&few));
    for id in 1..=60 {
        bench.set_now(Timestamp(id));
        hears(&bench, &bridge, message(id, "group:1001", "bob", "hi")).await;
        if id % 20 == 0 {
            works(&bench, &bridge).await;
        }
    }
    let env = bench.env(&bridge).unwrap();
    let known = async || env.shelf::<Record>().list(MAP, None, 999).await.unwrap().len();
    assert_eq!(known().await, 240, "120 copies");
    works(&bench, &bridge).await;
    assert_eq!(known().await, 200);
    let day = 24 * 60 * 60 * 1_000;
    bench.set_now(Timestamp(2 * day + 10));
    works(&bench, &bridge).await;
    assert_eq!(known().await, 200, "they were saved 20 ms after the first message or later");
    bench.set_now(Timestamp(2 * day + 100));
    works(&bench, &bridge).await;
    assert_eq!(known().await, 0);
}

#[tokio::test(start_paused = true)]
async fn edits_reach_the_copies_in_order_each_once() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    let said = hears(&bench, &bridge, message(7, "group:1001", "bob", "hi")).await;
    let ids: Vec<_> = said.iter().map(|said| said.message).collect();
    for (count, text) in [(1, "hi!"), (2, "hi!!"), (2, "hi!!")] {
        let event = edited(message(7, "group:1001", "bob", text), count);
        bench.event(&bridge, &event).await.unwrap();
    }
    let said = works(&bench, &bridge).await;
    let expected: Vec<_> = ["hi!", "hi!!"]
        .into_iter()
        .flat_map(|text| {
            [
                format!("concierge user:ann: {} is [bob] {text}", ids[0]),
                format!("porter group:2002: {} is [bob] {text}", ids[1]),
            ]
        })
        .collect();
    assert_eq!(words(&said), expected);
}

#[tokio::test(start_paused = true)]
async fn an_edit_leaves_what_the_copy_quotes_as_text() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    hears(&bench, &bridge, quoting(9, "user:ann", "ann", 4)).await;
    works(&bench, &bridge).await;
    let own = message(9, "user:ann", "ann", "no");
    let quoting = Message { body: Body::text("never"), ..quoting(9, "user:ann", "ann", 4) };
    for (count, edit) in [(1, own), (2, quoting)] {
        bench.event(&bridge, &edited(edit, count)).await.unwrap();
    }
    let said = words(&works(&bench, &bridge).await);
    assert!(said[0].ends_with(" is > x: hi\n[ann] no"), "{said:?}");
    assert!(said[2].ends_with(" is > x: hi\n[ann] never"), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_what_was_never_relayed_says_nothing() {
    let (bench, bridge) = (bench(), bridge(&format!("[[only]]\ncontains = 'ship'\n{SIDES}")));
    assert!(hears(&bench, &bridge, message(7, "group:1001", "bob", "hi")).await.is_empty());
    let event = edited(message(7, "group:1001", "bob", "ship"), 1);
    bench.event(&bridge, &event).await.unwrap();
    assert!(works(&bench, &bridge).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_said_once_more_in_a_chat_room_where_nothing_can_be_edited() {
    let sides = "[[side]]\ngroup = '1001'\n[[side]]\nroom = '5'\n";
    let (bench, bridge) = (bench(), bridge(sides));
    hears(&bench, &bridge, message(7, "group:1001", "bob", "hi")).await;
    let event = edited(message(7, "group:1001", "bob", "hi!"), 1);
    bench.event(&bridge, &event).await.unwrap();
    assert_eq!(words(&works(&bench, &bridge).await), ["concierge room:5: [bob] hi!"]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_to_what_is_not_relayed_leaves_the_copies_as_they_are() {
    let (bench, bridge) = (bench(), bridge(&format!("[[except]]\ncontains = 'price'\n{SIDES}")));
    assert_eq!(hears(&bench, &bridge, message(7, "group:1001", "bob", "hi")).await.len(), 2);
    let event = edited(message(7, "group:1001", "bob", "the price is 3"), 1);
    bench.event(&bridge, &event).await.unwrap();
    assert!(works(&bench, &bridge).await.is_empty());
    let explained = bridge.explain(&event, bench.env(&bridge).unwrap().bot());
    assert_eq!(explained, Explanation::leaves("an `except` holds for it"));
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_message_of_the_app_is_one_of_what_followed_the_words() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    let order = |state: &str| {
        let exts = [("state", state)].into_iter().collect();
        Body::Custom(Custom { event: "order".to_owned(), exts })
    };
    let said = hears(&bench, &bridge, message(7, "group:1001", "bob", order("new"))).await;
    let event = edited(message(7, "group:1001", "bob", order("paid")), 1);
    bench.event(&bridge, &event).await.unwrap();
    let edits = works(&bench, &bridge).await;
    let Act::Edit { message, body, .. } = &edits[0].outgoing.act else { panic!("{edits:?}") };
    assert_eq!((*message, &**body), (said[1].message, &order("paid")));
}

#[tokio::test(start_paused = true)]
async fn a_recall_takes_back_all_copies_and_what_goes_along() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    let place = Body::Location(easebot_model::Location::default());
    for message in [message(7, "group:1001", "bob", place), message(8, "group:1001", "bob", "hi")] {
        bench.event(&bridge, &event(message)).await.unwrap();
    }
    bench.event(&bridge, &recalled(7, "admin")).await.unwrap();
    bench.event(&bridge, &recalled(9, "bob")).await.unwrap();
    let said = works(&bench, &bridge).await;
    assert_eq!(
        words(&said),
        ["concierge user:ann: [bob] hi", "porter group:2002: [bob] hi"],
        "of the other message and of one that was never relayed nothing is left"
    );
    let env = bench.env(&bridge).unwrap();
    assert!(env.shelf::<Record>().list(JOBS, None, 9).await.unwrap().is_empty());
}
