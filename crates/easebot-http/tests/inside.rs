//! A process of its own, because what is shown holds for all of it.

use easebot_http::{CallError, Outgoing, Reach, Request, Rules, StandIn, stay_inside};

#[tokio::test]
async fn a_process_that_stays_inside_asks_nobody_and_is_answered_by_a_stand_in() {
    stay_inside(|request| {
        (request.url.path() == "/known").then(|| StandIn {
            status: 404,
            headers: vec![("x-a".to_owned(), "b".to_owned()), ("no\n".to_owned(), String::new())],
            body: "not here".to_owned(),
        })
    });
    let outgoing = Outgoing::new(Rules { reach: Reach::Any, ..Rules::default() });
    let request = Request::get("http://127.0.0.1:1/unknown").unwrap();
    assert!(matches!(outgoing.call(request, 1).await, Err(CallError::Inside)));
    let request = Request::get("http://127.0.0.1:1/known").unwrap();
    let answer = outgoing.call(request.clone(), 100).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (404, &b"not here"[..]));
    assert_eq!((answer.headers().len(), &answer.headers()["x-a"]), (1, &"b".parse().unwrap()));
    let short = outgoing.call(request, 5).await;
    assert!(matches!(short, Err(CallError::TooLong { limit_bytes: 5, .. })));
}
