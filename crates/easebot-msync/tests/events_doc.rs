//! `docs/events.md` names every event, every operation on groups and rooms, and every callback of the official SDK.

use std::collections::BTreeSet;

use easebot_model::{BodyKind, EventKind, MucChange};

const PAGE: &str = include_str!("../../../docs/events.md");

/// The members of `EventHandlerType` and `ListenParameters` in the types of npm `easemob-websdk` 4.21.1, and
/// `onStreamMessage`, which its code has and its types lack.
const CALLBACKS: &str = "onOpened onClosed onPresence onMessage onTextMessage onCombineMessage onImageMessage
    onPictureMessage onAudioMessage onVideoMessage onFileMessage onLocationMessage onCmdMessage onCustomMessage
    onReceivedMessage onDeliveredMessage onReadMessage onRecallMessage onChannelMessage onModifiedMessage onError onOffline
    onOnline onStatisticMessage onContactAgreed onContactRefuse onContactDeleted onContactAdded onTokenWillExpire
    onTokenExpired onContactInvited onConnected onReconnecting onDisconnected onGroupChange onChatroomChange onContactChange
    onPresenceStatusChange onChatThreadChange onReactionChange onMultiDeviceEvent onGroupEvent onChatroomEvent
    onMessagePinEvent onOfflineMessageSyncStart onOfflineMessageSyncFinish onStreamMessage";

/// What stands between back ticks.
fn names() -> BTreeSet<&'static str> {
    PAGE.split('`').skip(1).step_by(2).collect()
}

/// The first cells of the table rows of the page.
fn first_cells() -> BTreeSet<&'static str> {
    let cells = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.collect()
}

#[test]
fn every_event_stands_on_the_page_with_both_names() {
    for kind in EventKind::ALL {
        let entry = format!("`Event::{kind:?}` (`{}`)", kind.as_str());
        assert!(PAGE.contains(&entry), "{entry} is missing in docs/events.md");
    }
}

#[test]
fn every_operation_on_groups_and_rooms_has_a_row() {
    let cells = first_cells();
    for operation in MucChange::OPERATIONS {
        assert!(cells.contains(operation), "{operation} has no row in docs/events.md");
    }
}

#[test]
fn every_kind_of_body_and_every_callback_of_the_sdk_is_named() {
    let names = names();
    let bodies = BodyKind::ALL.map(BodyKind::as_str);
    for name in bodies.into_iter().chain(CALLBACKS.split_whitespace()) {
        assert!(names.contains(name), "{name} is missing in docs/events.md");
    }
}
