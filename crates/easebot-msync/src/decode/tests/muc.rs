//! Groups, rooms and threads.

use easebot_model::{
    GroupId, Muc, MucChange, MultiDevice, MultiDeviceChange, Thread, ThreadChange, Timestamp,
};
use serde_json::{Value, json};

use super::*;
use crate::schema::{MucBody, muc_body::EventInfo};

/// bob does `operation` to carol in the group 1.
fn body(operation: i32) -> MucBody {
    MucBody {
        muc_id: Some(jid("1")),
        operation: Some(operation),
        from: Some(jid("bob")),
        to: vec![jid("carol")],
        ..MucBody::default()
    }
}

fn room(operation: i32) -> MucBody {
    MucBody { is_chatroom: Some(true), ..body(operation) }
}

fn with_details(details: &Value, body: MucBody) -> MucBody {
    let ext = Some(details.to_string());
    MucBody { event_info: Some(EventInfo { ext, ..EventInfo::default() }), ..body }
}

fn muc_meta(body: &MucBody) -> Meta {
    meta(NameSpace::Muc, body.encode_to_vec())
}

fn muc(body: &MucBody) -> Muc {
    match event(&muc_meta(body)) {
        Event::Group(muc) => {
            assert_eq!(muc.conversation, Conversation::group("1"));
            *muc
        }
        Event::Room(muc) => {
            assert_eq!(muc.conversation, Conversation::room("1"));
            *muc
        }
        other => panic!("no change: {other:?}"),
    }
}

fn attributes() -> Value {
    json!({"result": {"successKeys": ["a"]}, "properties": {"a": "1", "b": "2"}})
}

pub(super) fn specimens() -> Vec<Meta> {
    let mute = MucBody { ext: Some(r#"{"user_mute_time":5}"#.to_owned()), ..body(23) };
    let member = json!({"username": "dave", "properties": {"k": "v"}});
    let thread = MucBody {
        is_thread: Some(true),
        muc_parent_id: Some(jid("2")),
        muc_name: Some("topic".to_owned()),
        ..body(37)
    };
    [
        with_details(&attributes(), room(43)),
        with_details(&attributes(), room(44)),
        with_details(&member, body(45)),
        MucBody { members: vec!["dave".to_owned()], muc_member_count: Some(2), ..body(17) },
        mute,
        MucBody { operation: Some(33), ..thread.clone() },
        thread,
    ]
    .iter()
    .map(muc_meta)
    .collect()
}

#[test]
fn every_operation_that_needs_no_details_is_read() {
    let changes = [
        (0, MucChange::Created),
        (1, MucChange::Destroyed),
        (2, MucChange::Joined),
        (3, MucChange::Left),
        (4, MucChange::Applied),
        (5, MucChange::ApplyAccepted),
        (6, MucChange::ApplyDeclined),
        (7, MucChange::Invited),
        (8, MucChange::InviteAccepted),
        (9, MucChange::InviteDeclined),
        (10, MucChange::Kicked),
        (11, MucChange::Unknown { number: 11 }),
        (12, MucChange::Banned),
        (13, MucChange::Allowed),
        (14, MucChange::InfoUpdated { detail: Value::Null }),
        (15, MucChange::Blocked),
        (16, MucChange::Unblocked),
        (17, MucChange::MembersPresent),
        (18, MucChange::MembersAbsent),
        (19, MucChange::DirectJoined),
        (20, MucChange::OwnerAssigned),
        (21, MucChange::AdminAdded),
        (22, MucChange::AdminRemoved),
        (23, MucChange::Muted { until: None }),
        (24, MucChange::Unmuted),
        (25, MucChange::AnnouncementUpdated { announcement: String::new() }),
        (26, MucChange::AnnouncementDeleted),
        (27, MucChange::FileUploaded),
        (28, MucChange::FileDeleted),
        (29, MucChange::AllowListAdded),
        (30, MucChange::AllowListRemoved),
        (31, MucChange::AllMuted),
        (32, MucChange::AllUnmuted),
        (33, MucChange::Unknown { number: 33 }),
        (40, MucChange::Unknown { number: 40 }),
        (41, MucChange::Disabled),
        (42, MucChange::Enabled),
        (46, MucChange::Unknown { number: 46 }),
        (-1, MucChange::Unknown { number: -1 }),
    ];
    for (operation, change) in changes {
        for body in [body(operation), room(operation)] {
            let muc = muc(&body);
            assert_eq!((&muc.change, muc.operator.as_str()), (&change, "bob"));
            let told = matches!(operation, 17 | 18);
            let targets = if told { Vec::new() } else { vec![UserId::new("carol")] };
            assert_eq!(muc.targets, targets, "operation {operation}");
        }
    }
}

#[test]
fn members_stand_in_a_list_of_their_own() {
    let members = vec!["dave".to_owned(), "Erin".to_owned()];
    let many = MucBody { members, muc_member_count: Some(12), ..body(17) };
    let change = muc(&many);
    assert_eq!(change.targets, [UserId::new("dave"), UserId::new("erin")]);
    assert_eq!(change.n_members, Some(12));
    assert_eq!(muc(&MucBody { muc_member_count: Some(-1), ..many }).n_members, None);
}

#[test]
fn reason_name_and_ext_are_kept_where_they_belong() {
    let full = |operation| MucBody {
        reason: Some("please".to_owned()),
        muc_name: Some("team".to_owned()),
        ext: Some("hi all".to_owned()),
        ..room(operation)
    };
    let applied = muc(&full(4));
    assert_eq!(applied.reason.as_deref(), Some("please"));
    assert_eq!((applied.name.as_deref(), applied.ext), (Some("team"), None));
    assert_eq!(muc(&full(17)).ext.as_deref(), Some("hi all"));
    let announced = muc(&full(25));
    let announcement = "please".to_owned();
    assert_eq!(announced.change, MucChange::AnnouncementUpdated { announcement });
    assert_eq!(announced.reason, None);
}

#[test]
fn a_mute_has_an_end() {
    let mute = |ext: &str| {
        let muc = muc(&MucBody { ext: Some(ext.to_owned()), ..body(23) });
        let MucChange::Muted { until } = muc.change else { panic!("not muted") };
        assert_eq!(muc.ext, None);
        until
    };
    assert_eq!(mute(r#"{"user_mute_time":1700000000123}"#), Some(Timestamp(1_700_000_000_123)));
    assert_eq!(mute(r#"{"user_mute_time":"5"}"#), Some(Timestamp(5)));
    assert_eq!(mute(r#"{"user_mute_time":-1}"#), None);
    assert_eq!(mute("{"), None);
}

#[test]
fn details_come_as_the_server_writes_them() {
    let detail = json!({"name": "new", "members_only": "true"});
    let update = muc(&with_details(&detail, body(14)));
    assert_eq!(update.change, MucChange::InfoUpdated { detail });
    let odd = EventInfo { ext: Some("{".to_owned()), ..EventInfo::default() };
    let update = muc(&MucBody { event_info: Some(odd), ..body(14) });
    assert_eq!(update.change, MucChange::InfoUpdated { detail: json!("{") });
}

#[test]
fn attributes_of_a_room_are_those_that_were_really_changed() {
    let set = muc(&with_details(&attributes(), room(43)));
    assert_eq!(set.change, MucChange::AttributesSet { attributes: json!({"a": "1"}) });
    let deleted = muc(&with_details(&attributes(), room(44)));
    assert_eq!(deleted.change, MucChange::AttributesDeleted { keys: vec!["a".to_owned()] });
    let all = json!({"properties": {"a": "1", "b": "2"}});
    let set = muc(&with_details(&all, room(43)));
    assert_eq!(set.change, MucChange::AttributesSet { attributes: json!({"a": "1", "b": "2"}) });
}

#[test]
fn attributes_without_details_are_unknown() {
    for operation in [43, 44, 45] {
        assert_eq!(unknown(&muc_meta(&room(operation))), "there is no list of attributes");
        let empty = with_details(&json!({}), room(operation));
        assert_eq!(unknown(&muc_meta(&empty)), "there is no list of attributes");
        let odd = with_details(&json!([]), room(operation));
        assert_eq!(unknown(&muc_meta(&odd)), "the list of attributes cannot be decoded");
    }
}

#[test]
fn attributes_of_a_member_may_be_set_on_another_device() {
    let details = json!({"username": "dave", "properties": {"k": "v"}});
    let (user, attributes) = (UserId::new("dave"), json!({"k": "v"}));
    let by = |user: &str, resource: &str| {
        let client_resource = Some(resource.to_owned());
        let from = Some(Jid { client_resource, ..jid(user) });
        with_details(&details, MucBody { from, ..body(45) })
    };
    let change =
        MucChange::MemberAttributesUpdated { user: user.clone(), attributes: attributes.clone() };
    assert_eq!(muc(&by("bob", "web")).change, change);
    assert_eq!(muc(&by("alice", "phone")).change, change);
    let group = GroupId::new("1");
    let expected = MultiDevice {
        resource: Some(Resource::new("web")),
        time: Some(Timestamp(1_700_000_000_123)),
        change: MultiDeviceChange::MemberAttributes { group, user, attributes },
    };
    assert_eq!(event(&muc_meta(&by("alice", "web"))), Event::MultiDevice(Box::new(expected)));
}

#[test]
fn threads_are_told_to_other_devices() {
    let thread = |operation| MucBody {
        is_thread: Some(true),
        muc_parent_id: Some(jid("2")),
        muc_name: Some("topic".to_owned()),
        ..body(operation)
    };
    let names = [(33, "create"), (34, "destroy"), (35, "join"), (36, "leave"), (38, "update")];
    for (operation, name) in names {
        let change = MultiDeviceChange::Thread {
            id: GroupId::new("1"),
            name: "topic".to_owned(),
            parent: GroupId::new("2"),
            operation: name.to_owned(),
        };
        let time = Some(Timestamp(1_700_000_000_123));
        let expected = Event::MultiDevice(Box::new(MultiDevice { resource: None, time, change }));
        assert_eq!(event(&muc_meta(&thread(operation))), expected);
    }
    let removed = Thread {
        id: GroupId::new("1"),
        parent: GroupId::new("2"),
        name: "topic".to_owned(),
        message: None,
        operator: UserId::new("bob"),
        time: Timestamp(1_700_000_000_123),
        change: ThreadChange::MemberRemoved { user: UserId::new("carol") },
    };
    assert_eq!(event(&muc_meta(&thread(37))), Event::Thread(Box::new(removed)));
    assert_eq!(unknown(&muc_meta(&thread(39))), "thread operation 39 is not known");
    let orphan = MucBody { muc_parent_id: None, ..thread(37) };
    assert_eq!(unknown(&muc_meta(&orphan)), "there is no thread id");
}

#[test]
fn a_change_of_no_group_is_unknown() {
    let nowhere = MucBody { muc_id: None, ..body(0) };
    assert_eq!(unknown(&muc_meta(&nowhere)), "there is no group id");
    assert_eq!(unknown(&meta(NameSpace::Muc, hex("0a"))), "the group change cannot be decoded");
}
