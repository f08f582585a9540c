use super::*;

#[tokio::test]
async fn pages_follow_the_cursor_to_the_end() {
    let fake = Script::new("bob", |asked, _| {
        let (users, cursor) = match asked.param("cursor") {
            None => (json!([{ "owner": "bob" }, { "member": "amy" }]), json!("c 1")),
            Some("c 1") => (json!([]), json!(2)),
            Some("2") => (json!([{ "admin": "cid", "joined_time": "5" }, { "x": 1 }]), Value::Null),
            Some(other) => panic!("{other}"),
        };
        Script::ok(&json!({ "data": users, "cursor": cursor }))
    });
    let mut pages = fake.api().group_members(&"77".into());
    let mut found = Vec::new();
    let mut cursors = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        found.push(page.len());
        cursors.push(pages.cursor().map(str::to_owned));
    }
    assert_eq!(found, [2, 0, 1]);
    assert_eq!(cursors, [Some("c 1".to_owned()), Some("2".to_owned()), None]);
    assert!(pages.next().await.unwrap().is_none(), "the end stays the end");
    assert_eq!(fake.asked().len(), 3);
    assert_eq!(fake.asked()[0].param("limit"), Some("100"));
}

#[tokio::test]
async fn pages_go_on_where_another_run_was() {
    let fake = Script::new("bob", |_, _| Script::ok(&json!({ "data": [{ "member": "amy" }] })));
    let mut pages = fake.api().group_members(&"77".into()).from_cursor("c9");
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 1);
    assert_eq!(fake.asked()[0].param("cursor"), Some("c9"));
}

#[tokio::test]
async fn a_cursor_that_stands_still_ends_the_list() {
    let fake = Script::new("bob", |_, _| {
        Script::ok(&json!({ "data": [{ "member": "amy" }], "cursor": "c" }))
    });
    let all = fake.api().group_members(&"77".into()).collect(1000).await.unwrap();
    assert_eq!((all.len(), fake.asked().len()), (2, 2));
}

#[tokio::test]
async fn a_list_is_cut_at_its_limit() {
    let fake = Script::new("bob", |_, n| {
        Script::ok(&json!({ "data": [{ "member": "a" }, { "member": "b" }], "cursor": n }))
    });
    let all = fake.api().group_members(&"77".into()).collect(3).await.unwrap();
    assert_eq!((all.len(), fake.asked().len()), (3, 2));
}

#[tokio::test]
async fn numbered_pages_end_with_one_that_is_not_full() {
    let fake = Script::new("bob", |asked, _| {
        let n_rooms = if asked.param("pagenum") == Some("2") { 3 } else { 50 };
        let rooms: Vec<_> = (0..n_rooms).map(|n| json!({ "id": n + 1, "name": "r" })).collect();
        Script::ok(&json!({ "data": rooms }))
    });
    let rooms = fake.api().rooms().collect(1000).await.unwrap();
    assert_eq!(rooms.len(), 53);
    let pages: Vec<_> =
        fake.asked().iter().map(|a| a.param("pagenum").unwrap().to_owned()).collect();
    assert_eq!(pages, ["1", "2"]);
    assert_eq!(fake.asked()[0].param("pagesize"), Some("50"));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_ends_no_list() {
    let fake = Script::new("bob", |asked, _| {
        let n_rooms = if asked.param("pagenum") == Some("2") { 3 } else { 50 };
        let mut rooms: Vec<_> = (0..n_rooms).map(|n| json!({ "id": n + 1, "name": "r" })).collect();
        rooms[0] = json!({ "name": "no id" });
        Script::ok(&json!({ "data": rooms }))
    });
    assert_eq!(fake.api().rooms().collect(1000).await.unwrap().len(), 51);
}

#[tokio::test]
async fn a_page_that_failed_is_asked_for_again() {
    let fake = Script::new("bob", |_, n| match n {
        0 => Script::ok(&json!({ "data": [{ "member": "amy" }], "cursor": "c" })),
        1 => Script::refusal(403, "forbidden_op", ""),
        _ => Script::ok(&json!({ "data": [{ "member": "cid" }] })),
    });
    let mut pages = fake.api().group_members(&"77".into());
    pages.next().await.unwrap();
    pages.next().await.unwrap_err();
    assert_eq!(pages.next().await.unwrap().unwrap()[0].user, "cid");
    assert_eq!(fake.asked()[2].param("cursor"), Some("c"));
}
