//! How a call is written.

use super::*;
use crate::Attributes;

#[tokio::test]
async fn bodies_are_written_with_their_type() {
    let fake = Fake::of(|_, _| Said::ok(json!({ "data": { "groupid": 77 } }))).await;
    let api = api_at(&fake.url());
    let own = Attributes::from([("nickname".to_owned(), "B & C=甲".to_owned())]);
    api.set_attributes(&own).await.unwrap();
    api.create_group(&NewGroup::new("ops")).await.unwrap();
    api.join_thread(&"5".into()).await.unwrap();
    let asked = fake.asked();
    assert_eq!(asked[0].line(), "PUT /org/app/metadata/user/bob");
    assert_eq!(asked[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(&asked[0].body[..], b"nickname=B+%26+C%3D%E7%94%B2");
    assert_eq!(asked[1].header("content-type"), Some("application/json"));
    assert_eq!(asked[1].json()["groupname"], "ops");
    assert_eq!(asked[2].line(), "POST /org/app/thread/5/user/bob/join");
    let about_body = (asked[2].header("content-type"), asked[2].header("content-length"));
    assert_eq!(about_body, (None, Some("0")));
}

#[tokio::test]
async fn parameters_are_written_into_the_address() {
    let fake = Fake::of(|_, _| Said::ok(json!({ "data": [] }))).await;
    let mut pages = api_at(&fake.url()).group_members(&"77".into()).from_cursor("a&b=c d");
    pages.next().await.unwrap();
    let asked = fake.asked().remove(0);
    assert_eq!(asked.line(), "GET /org/app/chatgroups/77/users");
    assert_eq!((asked.param("limit"), asked.param("cursor")), (Some("100"), Some("a&b=c d")));
}
