use std::error::Error;

use super::*;
use crate::{
    EncodeError,
    schema::{RedirectInfo, Status},
};

fn refusal(code: i32, reason: &str) -> Refusal {
    match SendError::from_status(code, reason) {
        Some(SendError::Refused { refusal, code: kept, reason: words }) => {
            assert_eq!((kept, words.as_str()), (code, reason));
            refusal
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn login(code: i32, reason: &str) -> LoginRefusal {
    match LoginError::from_status(code, reason) {
        Some(LoginError::Refused { refusal, .. }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn code_0_is_no_refusal() {
    assert_eq!(SendError::from_status(0, "ignored"), None);
    assert_eq!(LoginError::from_status(0, "ignored"), None);
}

#[test]
fn every_answer_to_a_send_has_the_number_of_the_official_sdk() {
    let table = [
        (1, "blocked", 603),
        (1, "group not found", 605),
        (1, "not in group or chatroom", 602),
        (1, "not in group or chatroom white list", 506),
        (1, "exceed recall time limit", 504),
        (1, "message recall disabled", 505),
        (1, "nonroster", 221),
        (1, "group is disabled", 608),
        (1, "can not operate this group, reason: group is disabled", 608),
        (1, "limit directed users", 50),
        (1, "Sorry, edit limit reached", 50),
        (1, "Sorry, message does not exist", 1302),
        (1, "Sorry, You do not have permission", 603),
        (1, "Sorry, format is incorrect", 1303),
        (1, "Sorry, edit is not available", 505),
        (1, "Sorry, edit fail", 1304),
        (1, "grpID 42 does not exist!", 705),
        (1, "username zed doesn't exist!", 204),
        (1, "group member list is full!", 704),
        (1, "can not join this group, reason: user zed is in the blacklist", 603),
        (1, r#"{"error_type":"moderation"}"#, 508),
        (1, "bad: group ID illegal, please check it.", -3),
        (1, "user zed has create too many chatrooms", 50),
        (1, "user zed has joined too many chatrooms", 50),
        (1, "chatroom auto create failed", 500),
        (1, "group ack not open", 503),
        (1, "no permission to recall message", 503),
        (1, "Blocked", 503),
        (1, "grpID 42", 503),
        (1, "", 503),
        (7, "sensitive words", 501),
        (7, "blocked by mod_antispam", 501),
        (7, "user is mute", 219),
        (7, "traffic limit", 509),
        (7, "Sorry, data is too large", 511),
        (7, "blocked", 603),
        (15, "", 507),
        (19, "custom logic denied", 502),
        (2, "", 604),
        (20, "blocked", 604),
        (-1, "", 604),
    ];
    for (code, reason, sdk_type) in table {
        assert_eq!(refusal(code, reason).sdk_type(), sdk_type, "{code} {reason}");
    }
}

#[test]
fn every_refusal_is_understood_as_it_stands_on_the_wire() {
    for expected in Refusal::ALL {
        let (code, reason) = expected.wire();
        assert_eq!(refusal(code, reason), *expected);
        assert!(!expected.as_str().is_empty());
    }
    for expected in LoginRefusal::ALL {
        let (code, reason) = expected.wire();
        assert_eq!(login(code, reason), *expected);
        assert!(!expected.as_str().is_empty());
    }
}

#[test]
fn every_answer_to_a_login_is_understood() {
    let table = [
        (1, "Sorry, user register limit", 50, LoginRetry::Never),
        (1, "Sorry, user register rate limit", 50, LoginRetry::Later),
        (1, "Sorry, token expired", 56, LoginRetry::NewToken),
        (1, "Sorry, token or password does not match login info", 28, LoginRetry::NewToken),
        (1, "Sorry, user not found", 204, LoginRetry::Never),
        (1, "else", 2, LoginRetry::Later),
        (2, "", 2, LoginRetry::NewToken),
        (4, "", -3, LoginRetry::Never),
        (6, "", 56, LoginRetry::NewToken),
        (7, "Sorry, the app month live count limit", 50, LoginRetry::Later),
        (7, "Sorry, the app day live count limit", 50, LoginRetry::Later),
        (7, "Sorry, the app online count limit", 50, LoginRetry::Later),
        (7, "else", 2, LoginRetry::Never),
        (8, "", 2, LoginRetry::Later),
        (12, "", 57, LoginRetry::Never),
        (13, "", 214, LoginRetry::Never),
        (20, "", 220, LoginRetry::Never),
        (3, "", 2, LoginRetry::Later),
        (99, "", 2, LoginRetry::Later),
    ];
    for (code, reason, sdk_type, retry) in table {
        let refusal = login(code, reason);
        assert_eq!((refusal.sdk_type(), refusal.retry()), (sdk_type, retry), "{code} {reason}");
    }
}

#[test]
fn a_redirection_names_hosts() {
    let info = |host: &str, port: Option<u32>| RedirectInfo { host: Some(host.to_owned()), port };
    let status = |redirect_info| Status { error_code: Some(5), reason: None, redirect_info };
    let reply = LoginReply::from_status(Some(&status(vec![
        info("", Some(1)),
        info("a.example", Some(8443)),
        info("b.example", None),
        info("c.example", Some(0)),
        info("d.example", Some(70_000)),
    ])));
    let host = |host: &str, port| RedirectHost { host: host.to_owned(), port };
    let hosts =
        vec![host("a.example", Some(8443)), host("b.example", None), host("c.example", None)];
    assert_eq!(reply, LoginReply::Redirected { hosts });
    let nowhere = LoginReply::from_status(Some(&status(Vec::new())));
    assert!(matches!(nowhere, LoginReply::Refused(LoginError::Refused { code: 5, .. })));
}

#[test]
fn a_login_without_a_status_is_not_accepted() {
    assert_eq!(LoginReply::from_status(None), LoginReply::Refused(LoginError::NoStatus));
    assert_eq!(LoginReply::from_status(Some(&Status::default())), LoginReply::Accepted);
}

#[test]
fn what_is_in_doubt_is_not_what_was_refused() {
    let after = Duration::from_secs(15);
    let too_large = EncodeError::TooLarge { limit_bytes: 5120, n_bytes: 6000 };
    let later = |secs| Retry::Later { after: Duration::from_secs(secs) };
    let refused = |code, reason| SendError::from_status(code, reason).unwrap();
    let table = [
        (SendError::TimedOut { after }, Retry::InDoubt, 512),
        (SendError::LinkLost, Retry::InDoubt, 510),
        (SendError::NoStatus, Retry::InDoubt, -2),
        (SendError::NotOnline, later(1), 39),
        (too_large.into(), Retry::Never, 511),
        (EncodeError::TooManyReceivers { limit: 20, n_receivers: 21 }.into(), Retry::Never, 50),
        (EncodeError::NoRecipient.into(), Retry::Never, 205),
        (refused(7, "traffic limit"), later(1), 509),
        (refused(1, "auto create failed"), later(2), 500),
        (refused(1, "blocked"), Retry::Never, 603),
    ];
    for (error, retry, sdk_type) in table {
        assert_eq!((error.retry(), error.sdk_type()), (retry, sdk_type), "{error}");
    }
}

#[test]
fn errors_say_the_fact_and_leave_the_cause_to_the_chain() {
    let refused = SendError::from_status(19, "no links please").unwrap();
    assert_eq!(refused.to_string(), "the app's own server refused it (code 19: no links please)");
    let refused = SendError::from_status(15, "").unwrap();
    assert_eq!(refused.to_string(), "the sender is muted (code 15)");
    let error = SendError::from(EncodeError::NoRecipient);
    assert_eq!(error.to_string(), "the message cannot be sent as it is");
    assert_eq!(error.source().unwrap().to_string(), "the name of the receiver is empty");
    let error = SendError::TimedOut { after: Duration::from_secs(15) };
    assert_eq!(error.to_string(), "the server did not answer within 15 s");
    let refused = LoginError::from_status(13, "").unwrap();
    assert_eq!(refused.to_string(), "the account is online on too many devices (code 13)");
}

#[test]
fn a_reason_is_one_short_line() {
    assert_eq!(Reason::new("a\r\nb\u{1b}[31m").as_str(), "a  b [31m");
    let long = Reason::new(&"é".repeat(200));
    assert_eq!(long.as_str().len(), Reason::MAX_BYTES);
    let odd = Reason::new(&format!("x{}", "é".repeat(200)));
    assert_eq!(odd.as_str().len(), Reason::MAX_BYTES - 1);
    assert!(Reason::new("").is_empty());
}
