//! What was expected in a step and what was heard, side by side.

use easebot_config::Expected;
use easebot_model::{BodyKind, Conversation};
use easebot_testkit::parts::{self, Compare, Deed, Heard, shown};

/// How what was heard at `home` and elsewhere differs from what was expected, in lines. None if all is as expected.
///
/// Order counts within a conversation: between two of them there is none.
pub(super) fn difference(
    expected: &[Expected],
    mut heard: Vec<Heard>,
    home: &Conversation,
) -> Option<String> {
    let rank = |place: &Conversation| (place != home, place.to_string());
    let mut expected = expected.to_vec();
    expected.sort_by_cached_key(|reply| rank(reply.within.as_ref().unwrap_or(home)));
    heard.sort_by_cached_key(|reply| rank(&reply.place));
    parts::difference(&Home(home), &expected, &heard)
}

/// Where the step is.
struct Home<'a>(&'a Conversation);

impl Compare for Home<'_> {
    type Expected = Expected;
    type Heard = Heard;

    fn fits(&self, expected: &Expected, heard: &Heard) -> bool {
        let Expected { text, contains, regex, kind, edited, recalled, within, from, .. } = expected;
        let (body, words) = (&heard.message.body, heard.message.text());
        let is_text = body.kind() == BodyKind::Text;
        let (deed, changed) = match (edited, recalled) {
            (Some(_), _) => (Deed::Edited, edited),
            (_, Some(_)) => (Deed::Recalled, recalled),
            (None, None) => (Deed::Said, &None),
        };
        heard.deed == deed
            && changed.as_ref().is_none_or(|text| shown(body) == *text)
            && text.as_ref().is_none_or(|text| is_text && words == text)
            && contains.as_ref().is_none_or(|part| is_text && words.contains(part.as_str()))
            && regex.as_ref().is_none_or(|regex| is_text && regex.is_match(words))
            && kind.is_none_or(|kind| body.kind() == kind)
            && heard.place == *within.as_ref().unwrap_or(self.0)
            && from.as_ref().is_none_or(|from| heard.bot == *from)
    }

    fn wanted(&self, expected: &Expected) -> String {
        let Expected { text, contains, regex, kind, edited, recalled, within, from, .. } = expected;
        let mut parts = Vec::new();
        parts.extend(text.clone());
        parts.extend(kind.map(|kind| format!("<{}>", kind.as_str())));
        parts.extend(contains.as_ref().map(|part| format!("…{part}…")));
        parts.extend(regex.as_ref().map(|regex| format!("/{regex}/")));
        parts.extend(edited.as_ref().map(|text| format!("<edited> {text}")));
        parts.extend(recalled.as_ref().map(|text| format!("<recalled> {text}")));
        let place = within.as_ref().filter(|place| *place != self.0);
        format!("{}{}", origin(place, from.as_deref()), parts.join(" and "))
    }

    fn said(&self, heard: &Heard) -> String {
        let place = Some(&heard.place).filter(|place| *place != self.0);
        let bot = place.is_some().then_some(heard.bot.as_str());
        let deed = match heard.deed {
            Deed::Edited => "<edited> ",
            Deed::Recalled => "<recalled> ",
            _ => "",
        };
        format!("{}{deed}{}", origin(place, bot), shown(&heard.message.body))
    }

    fn is_exact(&self, expected: &Expected) -> bool {
        let Expected { text, contains, regex, kind, within, from, .. } = expected;
        let has_more = contains.is_some() || regex.is_some() || kind.is_some();
        text.is_some() && !has_more && within.is_none() && from.is_none()
    }
}

fn origin(place: Option<&Conversation>, bot: Option<&str>) -> String {
    match (place, bot) {
        (None, None) => String::new(),
        (None, Some(bot)) => format!("[{bot}] "),
        (Some(place), None) => format!("[in {place}] "),
        (Some(place), Some(bot)) => format!("[{bot} in {place}] "),
    }
}

#[cfg(test)]
mod tests {
    use easebot_model::{Message, MessageId, Timestamp};
    use easebot_plugin::BotInfo;

    use super::*;

    fn home() -> Conversation {
        Conversation::user("ann")
    }

    fn says(place: Conversation, text: &str) -> Heard {
        let ann = BotInfo {
            name: "ann".to_owned(),
            user: "ann".into(),
            app_key: "easebot#demo".parse().unwrap(),
        };
        let message = Message::new(MessageId(1), place, "bot".into(), Timestamp(1), text.into());
        Heard::new(&ann, "bot".to_owned(), message)
    }

    fn exactly(text: &str) -> Expected {
        let mut expected = Expected::default();
        expected.text = Some(text.to_owned());
        expected
    }

    fn check(expected: &[Expected], heard: &[&str], lines: &str) {
        // To a person a conversation with the bot alone is named by the bot.
        let heard = heard.iter().map(|text| says(Conversation::user("bot"), text)).collect();
        assert_eq!(difference(expected, heard, &home()).unwrap_or_default(), lines);
    }

    #[test]
    fn what_is_as_expected_has_no_difference() {
        check(&[], &[], "");
        let mut part = Expected::default();
        part.contains = Some("or".to_owned());
        let mut regex = Expected::default();
        regex.regex = Some("^l.st$".parse().unwrap());
        check(&[exactly("one"), part, regex], &["one", "more", "last"], "");
    }

    #[test]
    fn a_caret_stands_below_a_text_that_was_expected_and_nothing_else() {
        check(&[exactly("pong!")], &["pong?"], "    - pong!\n    + pong?\n          ^\n");
        let mut from = exactly("pong!");
        from.from = Some("bot".to_owned());
        check(&[from], &["pong?"], "    - [bot] pong!\n    + pong?\n");
        let mut more = exactly("pong!");
        more.contains = Some("p".to_owned());
        check(&[more], &["pong?"], "    - pong! and …p…\n    + pong?\n");
    }

    #[test]
    fn what_is_edited_or_taken_back_is_not_what_is_said() {
        let said = says(Conversation::user("bot"), "hi");
        let [edited, recalled] =
            [Deed::Edited, Deed::Recalled].map(|deed| said.clone().with_deed(deed));
        let (mut edit, mut recall) = (Expected::default(), Expected::default());
        edit.edited = Some("hi".to_owned());
        recall.recalled = Some("hi".to_owned());
        let all = [exactly("hi"), edit.clone(), recall.clone()];
        let heard = vec![said.clone(), edited.clone(), recalled.clone()];
        assert_eq!(difference(&all, heard, &home()), None);
        let lines = |expected: &Expected, heard: &Heard| {
            difference(std::slice::from_ref(expected), vec![heard.clone()], &home()).unwrap()
        };
        assert_eq!(lines(&exactly("hi"), &edited), "    - hi\n    + <edited> hi\n");
        assert_eq!(lines(&edit, &recalled), "    - <edited> hi\n    + <recalled> hi\n");
        recall.recalled = Some("ho".to_owned());
        assert_eq!(lines(&recall, &recalled), "    - <recalled> ho\n    + <recalled> hi\n");
    }

    #[test]
    fn what_is_said_elsewhere_is_not_what_was_expected_here() {
        let elsewhere = says(Conversation::group("ops"), "hi");
        let found = difference(&[exactly("hi")], vec![elsewhere.clone()], &home());
        assert_eq!(found.unwrap(), "    - hi\n    + [bot in group:ops] hi\n");
        let mut there = exactly("hi");
        there.within = Some(Conversation::group("ops"));
        let alone = std::slice::from_ref(&there);
        assert_eq!(difference(alone, vec![elsewhere.clone()], &home()), None);
        let here = says(Conversation::user("bot"), "yes");
        let (expected, heard) = ([exactly("yes"), there], vec![elsewhere, here]);
        assert_eq!(difference(&expected, heard, &home()), None, "no order between conversations");
    }
}
