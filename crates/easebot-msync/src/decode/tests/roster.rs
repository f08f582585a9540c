//! Contacts.

use easebot_model::{Contact, ContactChange};

use super::*;
use crate::schema::RosterBody;

fn roster(operation: i32, from: &str, to: &str) -> Meta {
    let body = RosterBody {
        operation: Some(operation),
        from: Some(jid(from)),
        to: vec![jid(to)],
        reason: Some("hello".to_owned()),
        ..RosterBody::default()
    };
    meta(NameSpace::Roster, body.encode_to_vec())
}

pub(super) fn specimens() -> Vec<Meta> {
    vec![roster(2, "bob", "alice")]
}

#[test]
fn every_operation_on_contacts_is_read() {
    let changes = [
        (2, ContactChange::Invited),
        (3, ContactChange::Deleted),
        (4, ContactChange::Added),
        (5, ContactChange::Refused),
        (6, ContactChange::Blocked),
        (7, ContactChange::Unblocked),
        (8, ContactChange::Agreed),
        (9, ContactChange::Refused),
    ];
    for (operation, change) in changes {
        let contact =
            Contact { peer: UserId::new("bob"), change, reason: Some("hello".to_owned()) };
        let expected = Event::Contact(contact);
        assert_eq!(event(&roster(operation, "bob", "alice")), expected);
        assert_eq!(event(&roster(operation, "alice", "bob")), expected, "from another device");
    }
}

#[test]
fn operations_without_a_meaning_are_unknown() {
    let why = "this contact operation has no meaning for a bot";
    assert_eq!(unknown(&roster(0, "bob", "alice")), why);
    assert_eq!(unknown(&roster(1, "bob", "alice")), why);
    assert_eq!(unknown(&roster(10, "bob", "alice")), "contact operation 10 is not known");
    assert_eq!(unknown(&roster(2, "", "alice")), "there is no contact");
    assert_eq!(
        unknown(&meta(NameSpace::Roster, hex("1a"))),
        "the contact change cannot be decoded"
    );
}
