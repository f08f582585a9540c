use base64::{Engine, prelude::BASE64_STANDARD};
use easebot_model::{Conversation, MessageId};

use super::*;
use crate::HistoryQuery;

/// An encoded `Meta` with the text "hi" from bob to alice, id 1000000000000000001.
const META: &str = "08818090bbbad6adf00d1a1d0a076f7267236170701205616c6963651a0b656173656d6f622e636f6d20fbd0\
                    95ffbc312801321a080112051203626f621a071205616c6963652206080012026869 3800";

fn meta() -> String {
    let digits: Vec<_> = META.chars().filter_map(|c| c.to_digit(16)).collect();
    let bytes = digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap());
    BASE64_STANDARD.encode(bytes.collect::<Vec<_>>())
}

#[tokio::test]
async fn history_is_decoded_and_what_is_no_message_is_left_out() {
    let fake = Fake::of(|_, _| {
        Said::ok(json!({ "data": {
            "msgs": [{ "msg": meta() }, { "msg": "!" }, {}, { "msg": "AAAA" }], "is_last": true,
        } }))
    })
    .await;
    let alice = Conversation::user("alice");
    let mut history = api_at(&fake.url()).history(&alice, HistoryQuery::default());
    let page = history.next().await.unwrap().unwrap();
    assert_eq!(
        (page.len(), page[0].text(), page[0].id),
        (1, "hi", MessageId(1_000_000_000_000_000_001))
    );
    assert!(history.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_long_history_fits() {
    let text = "x".repeat(2 * 1024 * 1024);
    let fake =
        Fake::of(move |_, _| Said::ok(json!({ "data": { "msgs": [{ "msg": text }] } }))).await;
    let alice = Conversation::user("alice");
    let mut history = api_at(&fake.url()).history(&alice, HistoryQuery::default());
    assert!(history.next().await.unwrap().unwrap().is_empty());
}
