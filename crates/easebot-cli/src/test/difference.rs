//! What was expected and what was heard, side by side.

use easebot_config::Expected;
use easebot_model::{BodyKind, Conversation};

use super::ear::Heard;
use crate::dev::shown;

/// How what was heard at `home` and elsewhere differs from what was expected, in lines: `-` was not heard, `+` was not
/// expected, and what stands behind neither was both. None if all is as expected.
///
/// Order counts within a conversation: between two of them there is none.
pub(super) fn difference(
    expected: &[Expected],
    heard: &[Heard],
    home: &Conversation,
) -> Option<String> {
    let place_of = |reply: &Expected| reply.within.clone().unwrap_or_else(|| home.clone());
    let rank = |place: &Conversation| (place != home, place.to_string());
    let (mut expected, mut heard) = (expected.to_vec(), heard.to_vec());
    expected.sort_by_cached_key(|reply| rank(&place_of(reply)));
    heard.sort_by_cached_key(|reply| rank(&reply.place));
    let pairs = longest_common(&expected, &heard, home);
    if pairs.len() == expected.len() && pairs.len() == heard.len() {
        return None;
    }
    let mut lines = String::new();
    let (mut at_expected, mut at_heard) = (0, 0);
    for (of_expected, of_heard) in pairs.into_iter().chain([(expected.len(), heard.len())]) {
        let missing = expected.get(at_expected..of_expected).unwrap_or_default();
        let more = heard.get(at_heard..of_heard).unwrap_or_default();
        for reply in missing {
            line(&mut lines, '-', &wanted(reply, home));
        }
        for reply in more {
            line(&mut lines, '+', &said(reply, home));
        }
        if let ([wanted], [said]) = (missing, more) {
            lines.extend(caret(wanted, said, home));
        }
        if let Some(reply) = heard.get(of_heard) {
            line(&mut lines, ' ', &said(reply, home));
        }
        (at_expected, at_heard) = (of_expected + 1, of_heard + 1);
    }
    if heard.is_empty() {
        lines.push_str("    nothing was said\n");
    }
    Some(lines)
}

/// The most pairs of what was expected and heard, in order.
fn longest_common(
    expected: &[Expected],
    heard: &[Heard],
    home: &Conversation,
) -> Vec<(usize, usize)> {
    // The length of the longest one behind each pair of places, from the end.
    let width = heard.len() + 1;
    let mut lengths = vec![0_usize; (expected.len() + 1) * width];
    let at =
        |lengths: &[usize], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    let fits = |i: usize, j: usize| {
        expected
            .get(i)
            .zip(heard.get(j))
            .is_some_and(|(expected, heard)| matches(expected, heard, home))
    };
    for i in (0..expected.len()).rev() {
        for j in (0..heard.len()).rev() {
            let best = if fits(i, j) {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(length) = lengths.get_mut(i * width + j) {
                *length = best;
            }
        }
    }
    let (mut pairs, mut i, mut j) = (Vec::new(), 0, 0);
    while i < expected.len() && j < heard.len() {
        if fits(i, j) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

fn matches(expected: &Expected, heard: &Heard, home: &Conversation) -> bool {
    let Expected { text, contains, regex, kind, within, from, .. } = expected;
    let (body, words) = (&heard.message.body, heard.message.text());
    let is_text = body.kind() == BodyKind::Text;
    text.as_ref().is_none_or(|text| is_text && words == text)
        && contains.as_ref().is_none_or(|part| is_text && words.contains(part.as_str()))
        && regex.as_ref().is_none_or(|regex| is_text && regex.is_match(words))
        && kind.is_none_or(|kind| body.kind() == kind)
        && heard.place == *within.as_ref().unwrap_or(home)
        && from.as_ref().is_none_or(|from| heard.bot == *from)
}

/// What was expected, in words.
fn wanted(expected: &Expected, home: &Conversation) -> String {
    let Expected { text, contains, regex, kind, within, from, .. } = expected;
    let mut parts = Vec::new();
    parts.extend(text.clone());
    parts.extend(kind.map(|kind| format!("<{}>", kind.as_str())));
    parts.extend(contains.as_ref().map(|part| format!("…{part}…")));
    parts.extend(regex.as_ref().map(|regex| format!("/{regex}/")));
    let place = within.as_ref().filter(|place| *place != home);
    format!("{}{}", origin(place, from.as_deref()), parts.join(" and "))
}

/// What was heard, in words.
fn said(heard: &Heard, home: &Conversation) -> String {
    let place = Some(&heard.place).filter(|place| *place != home);
    let bot = place.is_some().then_some(heard.bot.as_str());
    format!("{}{}", origin(place, bot), shown(&heard.message.body))
}

fn origin(place: Option<&Conversation>, bot: Option<&str>) -> String {
    match (place, bot) {
        (None, None) => String::new(),
        (None, Some(bot)) => format!("[{bot}] "),
        (Some(place), None) => format!("[in {place}] "),
        (Some(place), Some(bot)) => format!("[{bot} in {place}] "),
    }
}

fn line(lines: &mut String, mark: char, text: &str) {
    lines.push_str(&format!("    {mark} {}\n", text.replace('\n', "\n      ")));
}

/// A caret below the first character in which a text of one line differs from the one that was expected.
fn caret(expected: &Expected, heard: &Heard, home: &Conversation) -> Option<String> {
    let (wanted, said) = (expected.text.as_ref()?, heard.message.text());
    let is_elsewhere = expected.within.is_some() || heard.place != *home;
    if is_elsewhere || expected.from.is_some() || wanted.contains('\n') {
        return None;
    }
    let pairs = said.chars().zip(wanted.chars());
    let common: String = pairs.take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    // Below wide characters a caret of one column would be in a wrong place.
    let is_plain = !common.is_empty() && common.is_ascii() && !said.contains('\n');
    is_plain.then(|| format!("      {}^\n", " ".repeat(common.len())))
}

#[cfg(test)]
mod tests {
    use easebot_model::{Message, MessageId, Timestamp};

    use super::*;

    fn says(text: &str) -> Heard {
        let ann = Conversation::user("ann");
        let message =
            Message::new(MessageId(1), ann.clone(), "bot".into(), Timestamp(1), text.into());
        Heard { bot: "bot".to_owned(), place: ann, message }
    }

    fn exactly(text: &str) -> Expected {
        let mut expected = Expected::default();
        expected.text = Some(text.to_owned());
        expected
    }

    fn check(expected: &[Expected], heard: &[&str], lines: &str) {
        let heard: Vec<_> = heard.iter().map(|text| says(text)).collect();
        let found = difference(expected, &heard, &Conversation::user("ann"));
        assert_eq!(found.unwrap_or_default(), lines);
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
    fn what_is_missing_what_is_more_and_what_is_as_expected_stand_in_order() {
        check(
            &[exactly("a"), exactly("b"), exactly("c")],
            &["a", "x", "c", "d"],
            "      a\n    - b\n    + x\n      c\n    + d\n",
        );
        check(&[exactly("a")], &[], "    - a\n    nothing was said\n");
        check(&[], &["two\nlines"], "    + two\n      lines\n");
        check(&[exactly("b"), exactly("a")], &["a", "b"], "    - b\n      a\n    + b\n");
    }

    #[test]
    fn a_caret_stands_where_two_texts_part() {
        check(&[exactly("pong!")], &["pong?"], "    - pong!\n    + pong?\n          ^\n");
        check(&[exactly("你好!")], &["你好?"], "    - 你好!\n    + 你好?\n");
    }

    #[test]
    fn what_is_said_elsewhere_is_not_what_was_expected_here() {
        let mut elsewhere = says("hi");
        elsewhere.place = Conversation::group("ops");
        let home = Conversation::user("ann");
        let found = difference(&[exactly("hi")], std::slice::from_ref(&elsewhere), &home);
        assert_eq!(found.unwrap(), "    - hi\n    + [bot in group:ops] hi\n");
        let mut there = exactly("hi");
        there.within = Some(Conversation::group("ops"));
        assert_eq!(
            difference(std::slice::from_ref(&there), std::slice::from_ref(&elsewhere), &home),
            None
        );
        let (expected, heard) = ([exactly("yes"), there], [elsewhere, says("yes")]);
        assert_eq!(difference(&expected, &heard, &home), None, "no order between conversations");
    }
}
