use easebot_model::{Conversation, Timestamp};

use super::*;

#[tokio::test]
async fn what_is_silent_is_set_for_all_and_for_one_conversation() {
    let (fake, api) = saying(json!({ "data": {
        "type": "AT", "ignoreDuration": 1_700_000_000_000_u64, "ignoreInterval": "8:30-10:0",
    } }));
    let (amy, group) = (Conversation::user("amy"), Conversation::group("77"));
    let mode = api.set_silent(None, Silence::For(Duration::from_secs(60))).await.unwrap();
    assert_eq!(mode.wish, Some(PushWish::Mentions));
    assert_eq!(mode.until, Some(Timestamp(1_700_000_000_000)));
    assert_eq!(mode.daily.as_deref(), Some("8:30-10:0"));
    let daily = Silence::Daily { from: (8, 30), to: (10, 0) };
    api.set_silent(Some(&amy), daily).await.unwrap();
    api.set_silent(Some(&group), Silence::Wish(PushWish::None)).await.unwrap();
    api.reset_silent(&group).await.unwrap();
    api.silent_mode(Some(&group)).await.unwrap();
    assert_eq!(
        fake.lines(),
        [
            "PUT /users/bob/notification/user/bob",
            "PUT /users/bob/notification/user/amy",
            "PUT /users/bob/notification/chatgroup/77",
            "PUT /users/bob/notification/chatgroup/77",
            "GET /users/bob/notification/chatgroup/77",
        ]
    );
    let bodies: Vec<_> = fake.asked().iter().take(4).map(Call::body_json).collect();
    assert_eq!(
        bodies,
        [
            json!({ "ignoreDuration": 60_000 }),
            json!({ "ignoreInterval": "8:30-10:0" }),
            json!({ "type": "NONE" }),
            json!({ "type": "DEFAULT" }),
        ]
    );
}

#[tokio::test]
async fn what_was_never_set_is_none() {
    let (_fake, api) =
        saying(json!({ "data": { "ignoreDuration": 0, "ignoreInterval": "", "type": "LATER" } }));
    assert_eq!(api.silent_mode(None).await.unwrap(), SilentMode::default());
}
