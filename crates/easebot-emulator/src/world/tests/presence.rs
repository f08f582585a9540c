//! Presence.

use serde_json::{Value, json};

use super::*;

fn watch(town: &mut Town, user: &str, others: &[&str], secs: u64) -> Vec<Value> {
    let others: Vec<UserId> = others.iter().map(UserId::new).collect();
    town.app(|app, cx| app.subscribe_presence(cx, &user.into(), &others, secs)).unwrap()
}

#[test]
fn a_subscriber_hears_what_is_published_and_who_comes_and_goes_one_user_a_notice() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let known = watch(&mut town, "bob", &["alice", "carol"], 60);
    assert_eq!((known.len(), &known[0]["status"]), (2, &json!({})));
    let alice = town.login("alice", "phone");
    let device = Resource::new("phone");
    town.app(|app, cx| app.publish_presence(cx, &"alice".into(), &device, "101", "busy"));
    town.close(alice);
    let notices = notices(&mut town, bob);
    let shown = notices.iter().map(|notice| {
        let values = notice["data"]["values"].as_array().unwrap();
        assert_eq!(values.len(), 1, "the SDK mixes up several");
        assert_eq!(values[0]["uid"], "alice");
        (values[0]["status"]["phone"].as_str().unwrap(), values[0]["ext"].as_str().unwrap())
    });
    assert_eq!(shown.collect::<Vec<_>>(), [("1", ""), ("101", "busy"), ("0", "busy")]);
}

#[test]
fn a_subscription_ends_by_itself_or_by_wish() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    watch(&mut town, "bob", &["alice"], 60);
    assert_eq!(town.app(|app, cx| app.presence_subscriptions(cx.now, &"bob".into()).len()), 1);
    town.wait(Duration::from_secs(60));
    assert_eq!(town.app(|app, cx| app.presence_subscriptions(cx.now, &"bob".into()).len()), 0);
    town.login("alice", "phone");
    watch(&mut town, "bob", &["alice"], 60);
    town.app(|app, _| app.unsubscribe_presence(&"bob".into(), &["alice".into()]));
    town.login("alice", "desk");
    assert_eq!(notices(&mut town, bob), Vec::<Value>::new());
}

#[test]
fn a_subscription_has_a_longest_life_and_a_largest_number() {
    let mut town = Town::new();
    let many: Vec<UserId> = (0..101).map(|n| UserId::new(n.to_string())).collect();
    for (others, secs) in [(&many[..1], 0), (&many[..1], 30 * 86_400 + 1), (&many[..], 60)] {
        let refused = town.app(|app, cx| app.subscribe_presence(cx, &"bob".into(), others, secs));
        assert_eq!(refused.unwrap_err().status, 400);
    }
}
