//! A process of its own, because what is shown holds for all of it.

use easebot_http::{CallError, Outgoing, Reach, Request, Rules, stay_inside};

#[tokio::test]
async fn a_process_that_stays_inside_asks_nobody() {
    stay_inside();
    let outgoing = Outgoing::new(Rules { reach: Reach::Any, ..Rules::default() });
    let request = Request::get("http://127.0.0.1:1/").unwrap();
    assert!(matches!(outgoing.call(request, 1).await, Err(CallError::Inside)));
}
