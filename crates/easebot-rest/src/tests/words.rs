//! What a refusal says, and what it does not.

use super::*;

#[tokio::test]
async fn a_refusal_has_its_meaning_and_repeats_no_text() {
    let script = Script::new("bob", |_, _| Script::refusal(403, "forbidden_op", "my secret text"));
    let error = script.api().blocked().await.unwrap_err();
    assert_eq!(error.meaning(), Some(Meaning::NoPermission));
    assert_eq!(
        error.to_string(),
        "this account has no right to do it (status 403, `forbidden_op`)"
    );
    assert!(!format!("{error:?}").contains("secret"));
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn a_name_that_is_none_is_not_sent() {
    let (script, api) = saying(json!({}));
    for name in ["", ".", ".."] {
        let error = api.remove_contact(&UserId::new(name)).await.unwrap_err();
        assert!(matches!(error, ApiError::BadName), "{name:?}");
    }
    let error =
        api.kick_members(&easebot_model::GroupId::new("1"), &["amy,bob".into()]).await.unwrap_err();
    assert!(matches!(error, ApiError::BadName), "{error:?}");
    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn a_call_without_a_method_here_can_be_made() {
    let (script, api) = saying(json!({ "data": 7 }));
    let call = Call::get(&["chatgroups", "user", "bob", "joined_count"]);
    let answer = api.call(&call).await.unwrap().json().unwrap();
    assert_eq!(Fields::of(&answer).uint("data"), Some(7));
    assert_eq!(script.asked(), [call]);
}
