//! The plugin itself: what it asks, and what it says about its keys.

use easebot::{
    http::{StandIn, stay_inside},
    plugin::{BuildEnv, PluginTable, Problems},
    testkit::{Setup, bot},
};
use own_plugin::OrderStatus;

/// The plugin with these keys, or what is wrong with them.
fn build(keys: &str) -> Result<OrderStatus, Vec<String>> {
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("order-status", "shop", "shop".into(), app_key, ".");
    let mut problems = Problems::new();
    let plugin = PluginTable::parse(keys, &mut problems)
        .and_then(|table| table.build::<OrderStatus>(&env, &mut problems));
    plugin.ok_or_else(|| problems.into_iter().map(|problem| problem.message).collect())
}

#[tokio::test]
async fn the_service_is_asked_with_the_token() {
    stay_inside(|request| {
        let may_ask = request.headers.get("authorization")? == "Bearer hunter2";
        let body = r#"{"state": "packed"}"#.to_owned();
        Some(StandIn { status: if may_ask { 200 } else { 401 }, headers: Vec::new(), body })
    });
    let keys = "url = 'https://shop.example/{{ number }}'\ntoken = { env = 'SHOP_TOKEN' }\nreply = '{{ order.state }}!'";
    let setup = Setup::new().variables(|name| (name == "SHOP_TOKEN").then(|| "hunter2".to_owned()));
    let bed = setup.start([bot(build(keys).unwrap())]).await.unwrap();
    bed.replay("> order 7\n< packed!\n> order seven\n").await;
}

#[test]
fn wrong_keys_are_told_all_at_once() {
    let keys =
        "word = 'my order'\nurl = 'shop.example'\ntoken = 'hunter2'\nreply = '{{ ordre.state }}'";
    assert_eq!(
        build(keys).unwrap_err(),
        [
            "must be one word",
            "must be an address",
            "a secret does not belong into this file",
            "there is no variable `ordre.state` here",
        ]
    );
    assert_eq!(build("urll = ''").unwrap_err().len(), 1);
}
