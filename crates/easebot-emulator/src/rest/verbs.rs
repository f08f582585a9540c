//! Which verbs the paths know, to tell a wrong verb from a path that is not there.
//!
//! The handlers decide what is done; this is asked only when none of them knew a request.

use super::call::Call;

/// Whether there is the path of `call`, and not for its verb.
pub(super) fn is_wrong(call: &Call) -> bool {
    let [_, _, path @ ..] = call.path.as_slice() else { return false };
    let mut verbs = PATHS.iter().filter(|(pattern, _)| fits(pattern, path)).peekable();
    verbs.peek().is_some() && !verbs.any(|(_, verbs)| verbs.contains(&call.method.as_str()))
}

/// Whether `path` has the segments of `pattern`, of which `*` is any.
fn fits(pattern: &str, path: &[String]) -> bool {
    let segments = pattern.split('/');
    segments.clone().count() == path.len()
        && segments.zip(path).all(|(segment, one)| segment == "*" || segment == one)
}

/// The paths behind org and app. Those where every verb is taken, or where the handler says it itself, are left out.
const PATHS: &[(&str, &[&str])] = &[
    ("chatfiles", &["POST"]),
    ("chatfiles/*", &["GET", "HEAD"]),
    ("chatgroups", &["GET", "POST"]),
    ("chatgroups/*", &["DELETE", "GET", "PUT"]),
    ("chatgroups/*/acks/*", &["GET"]),
    ("chatgroups/*/admin", &["GET", "POST"]),
    ("chatgroups/*/admin/*", &["DELETE"]),
    ("chatgroups/*/announcement", &["GET", "POST"]),
    ("chatgroups/*/apply", &["POST"]),
    ("chatgroups/*/apply_verify", &["POST"]),
    ("chatgroups/*/ban", &["DELETE", "POST"]),
    ("chatgroups/*/blocks/users", &["GET", "POST"]),
    ("chatgroups/*/blocks/users/*", &["DELETE", "POST"]),
    ("chatgroups/*/disable", &["POST"]),
    ("chatgroups/*/enable", &["POST"]),
    ("chatgroups/*/invite", &["POST"]),
    ("chatgroups/*/invite_verify", &["POST"]),
    ("chatgroups/*/mute", &["GET", "POST"]),
    ("chatgroups/*/mute/*", &["DELETE"]),
    ("chatgroups/*/quit", &["DELETE"]),
    ("chatgroups/*/share_files", &["GET", "POST"]),
    ("chatgroups/*/share_files/*", &["DELETE", "GET"]),
    ("chatgroups/*/shield", &["DELETE", "POST"]),
    ("chatgroups/*/user/*/is_joined", &["GET"]),
    ("chatgroups/*/users", &["GET", "POST"]),
    ("chatgroups/*/users/*", &["DELETE", "POST"]),
    ("chatgroups/*/white/users", &["GET", "POST"]),
    ("chatgroups/*/white/users/*", &["DELETE", "GET", "POST"]),
    ("chatgroups/user/*", &["GET"]),
    ("chatgroups/user/*/joined_count", &["GET"]),
    ("chatrooms", &["GET", "POST"]),
    ("chatrooms/*", &["DELETE", "GET", "PUT"]),
    ("chatrooms/*/admin", &["GET", "POST"]),
    ("chatrooms/*/admin/*", &["DELETE"]),
    ("chatrooms/*/announcement", &["GET", "POST"]),
    ("chatrooms/*/ban", &["DELETE", "POST"]),
    ("chatrooms/*/blocks/users", &["GET", "POST"]),
    ("chatrooms/*/blocks/users/*", &["DELETE", "POST"]),
    ("chatrooms/*/mute", &["GET", "POST"]),
    ("chatrooms/*/mute/*", &["DELETE"]),
    ("chatrooms/*/share_files", &["GET", "POST"]),
    ("chatrooms/*/share_files/*", &["DELETE", "GET"]),
    ("chatrooms/*/user/*/is_joined", &["GET"]),
    ("chatrooms/*/users", &["GET", "POST"]),
    ("chatrooms/*/users/*", &["DELETE", "POST"]),
    ("chatrooms/*/white/users", &["GET", "POST"]),
    ("chatrooms/*/white/users/*", &["DELETE", "GET", "POST"]),
    ("chatrooms/super_admin", &["GET", "POST"]),
    ("chatrooms/super_admin/*", &["DELETE"]),
    ("metadata/chatgroup/*/get", &["POST"]),
    ("metadata/chatgroup/*/user/*", &["GET", "PUT"]),
    ("metadata/chatgroup/*/users/batch", &["PUT"]),
    ("metadata/chatroom/*", &["GET", "POST"]),
    ("metadata/chatroom/*/user/*", &["DELETE", "PUT"]),
    ("metadata/chatroom/*/user/*/forced", &["DELETE", "PUT"]),
    ("metadata/user/*", &["DELETE", "GET", "PUT"]),
    ("metadata/user/capacity", &["GET"]),
    ("metadata/user/get", &["POST"]),
    ("mutes", &["GET", "POST"]),
    ("mutes/*", &["GET"]),
    ("presence/online/*/type/0", &["GET"]),
    ("presence/online/*/type/1", &["GET"]),
    ("publicchatgroups", &["GET"]),
    ("reaction/user/*", &["DELETE", "GET", "POST"]),
    ("reaction/user/*/detail", &["GET"]),
    ("rest/message/roaming/chat/user/*", &["DELETE"]),
    ("rest/message/roaming/chatroom/user/*", &["DELETE"]),
    ("rest/message/roaming/group/user/*", &["DELETE"]),
    ("rest/message/roaming/user/*/delete/all", &["POST"]),
    ("sdk/chatgroups/*/mute/*", &["GET"]),
    ("sdk/chatrooms/*/mute/*", &["GET"]),
    ("sdk/message/roaming/chat/user/*", &["DELETE"]),
    ("sdk/message/roaming/chatroom/user/*", &["DELETE"]),
    ("sdk/message/roaming/group/user/*", &["DELETE"]),
    ("sdk/message/roaming/user/*/delete/all", &["POST"]),
    ("sdk/user/*/blocks", &["DELETE", "POST"]),
    ("sdk/user/*/user_channel", &["DELETE"]),
    ("sdk/user/*/user_channel/pin", &["DELETE", "GET", "POST"]),
    ("sdk/user/*/user_channel/top", &["DELETE", "POST"]),
    ("sdk/user/*/user_channels", &["GET"]),
    ("sdk/user/*/user_channels/list", &["GET"]),
    ("sdk/user/*/user_channels/mark", &["DELETE", "POST"]),
    ("sdk/user/*/user_channels/mark/search", &["GET"]),
    ("thread", &["POST"]),
    ("thread/*", &["DELETE", "GET", "PUT"]),
    ("thread/*/user/*/join", &["POST"]),
    ("thread/*/user/*/quit", &["DELETE"]),
    ("thread/*/users", &["GET"]),
    ("thread/*/users/*", &["DELETE"]),
    ("thread/message", &["POST"]),
    ("threads/chatgroups/*", &["GET"]),
    ("threads/chatgroups/*/user/*", &["GET"]),
    ("threads/user/*", &["GET"]),
    ("token", &["POST"]),
    ("translate", &["POST"]),
    ("translate/detect", &["POST"]),
    ("translate/support/language", &["GET"]),
    ("user/*/blocks/users", &["GET", "POST"]),
    ("user/*/blocks/users/*", &["DELETE"]),
    ("user/*/contacts", &["GET"]),
    ("user/*/contacts/users/*", &["DELETE", "POST", "PUT"]),
    ("users", &["DELETE", "GET", "POST"]),
    ("users/*", &["DELETE", "GET", "PUT"]),
    ("users/*/activate", &["POST"]),
    ("users/*/blocks/users", &["GET", "POST"]),
    ("users/*/blocks/users/*", &["DELETE"]),
    ("users/*/chatfiles/lifetime", &["PUT"]),
    ("users/*/contacts", &["GET"]),
    ("users/*/contacts/accept/users/*", &["POST"]),
    ("users/*/contacts/apply", &["POST"]),
    ("users/*/contacts/check", &["POST"]),
    ("users/*/contacts/decline/users/*", &["POST"]),
    ("users/*/contacts/import", &["POST"]),
    ("users/*/contacts/users", &["GET"]),
    ("users/*/contacts/users/*", &["DELETE", "POST", "PUT"]),
    ("users/*/deactivate", &["POST"]),
    ("users/*/disconnect", &["GET"]),
    ("users/*/disconnect/*", &["DELETE"]),
    ("users/*/joined_chatgroups", &["GET"]),
    ("users/*/joined_chatrooms", &["GET"]),
    ("users/*/messageroaming", &["POST"]),
    ("users/*/notification", &["GET"]),
    ("users/*/notification/chatgroup/*", &["GET", "PUT"]),
    ("users/*/notification/language", &["GET", "PUT"]),
    ("users/*/notification/mute/type", &["GET"]),
    ("users/*/notification/user/*", &["GET", "PUT"]),
    ("users/*/offline_msg_count", &["GET"]),
    ("users/*/offline_msg_status/*", &["GET"]),
    ("users/*/password", &["PUT"]),
    ("users/*/presence", &["DELETE", "POST"]),
    ("users/*/presence/*", &["POST"]),
    ("users/*/presence/*/*", &["POST"]),
    ("users/*/presence/sublist", &["GET"]),
    ("users/*/resources", &["GET"]),
    ("users/*/status", &["GET"]),
    ("users/*/translate", &["POST"]),
    ("users/*/translate/detect", &["POST"]),
    ("users/*/translate/support/language", &["GET"]),
    ("users/batch/status", &["POST"]),
];

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::Request;

    use super::*;

    fn check(method: &str, uri: &str, expected: bool) {
        let (head, ()) = Request::get(uri).body(()).unwrap().into_parts();
        let call = Call::new(method.to_owned(), &head, &Bytes::new());
        assert_eq!(is_wrong(&call), expected, "{method} {uri}");
    }

    #[test]
    fn a_verb_is_wrong_only_where_no_pattern_knows_it() {
        check("PUT", "/o/a/users", true);
        check("GET", "/o/a/users", false);
        check("PATCH", "/o/a/metadata/user/get", true);
        check("POST", "/o/a/metadata/user/bob", true);
        // `get` is also a name.
        check("DELETE", "/o/a/metadata/user/get", false);
        check("PUT", "/o/a/nonsense", false);
        check("PUT", "/o/a/users/bob/nonsense", false);
        check("PUT", "/o", false);
    }
}
