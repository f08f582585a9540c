use easebot_model::Conversation;
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::{cut::pieces, *};

fn split_text(outgoing: &Outgoing) -> Result<Option<Vec<Outgoing>>, CheckError> {
    split(outgoing, &"concierge".into(), &"easebot#demo".parse().unwrap())
}

fn texts(parts: &[Outgoing]) -> Vec<&str> {
    parts.iter().filter_map(|part| plain_text(&part.act)).collect()
}

/// Cuts `text` into pieces of at most `budget` bytes.
#[track_caller]
fn check_pieces(text: &str, budget: usize, expected: &[&str]) {
    assert_eq!(pieces(text, budget, budget), expected);
}

#[test]
fn a_text_is_cut_at_the_best_border_that_leaves_no_part_half_empty() {
    check_pieces("one two. three\n\nfour five", 20, &["one two. three\n\n", "four five"]);
    check_pieces("one, two. three\nfour five", 20, &["one, two. three\n", "four five"]);
    check_pieces("one two. three four five", 16, &["one two. ", "three four five"]);
    check_pieces("one two three, four five", 20, &["one two three, ", "four five"]);
    check_pieces("one two three four five", 20, &["one two three four ", "five"]);
    check_pieces("a.\n\nbcd efg hij klm nop", 20, &["a.\n\nbcd efg hij klm ", "nop"]);
}

#[test]
fn chinese_needs_no_spaces_and_keeps_closing_quotes() {
    check_pieces("他说：“好。”然后走了。", 24, &["他说：“好。”", "然后走了。"]);
    check_pieces("今天天气好！明天呢？", 24, &["今天天气好！", "明天呢？"]);
    check_pieces("今天好，明天也好吗", 18, &["今天好，", "明天也好吗"]);
    check_pieces("一二三四五六", 10, &["一二三", "四五六"]);
    check_pieces("等等……好吧是的", 16, &["等等……", "好吧是的"]);
}

#[test]
fn a_decimal_point_and_a_name_with_a_dot_end_no_sentence() {
    check_pieces("costs 3.14159 at easebot.rs ok", 20, &["costs 3.14159 at ", "easebot.rs ok"]);
}

#[test]
fn what_a_reader_sees_as_one_character_stays_whole() {
    let family = "👨‍👩‍👧‍👦";
    check_pieces(&family.repeat(3), 60, &[&family.repeat(2), family]);
    check_pieces("aaae\u{301}b", 5, &["aaa", "e\u{301}b"]);
    check_pieces("🇨🇳🇨🇳", 12, &["🇨🇳", "🇨🇳"]);
}

#[test]
fn an_address_stays_whole_if_it_has_room() {
    check_pieces("看https://example.com/abc好", 24, &["看", "https://example.com/abc", "好"]);
    check_pieces("看https://example.com/a/b/c好", 24, &["看https://example.com/a", "/b/c好"]);
}

#[test]
fn ext_goes_with_the_first_part_and_every_part_has_the_same_receivers() {
    let text = "A sentence of some length. ".repeat(400);
    let mut outgoing =
        Outgoing::text(Conversation::group("1"), text.clone()).ext("lang", "x".repeat(2_000));
    let Act::Message(draft) = &mut outgoing.act else { unreachable!() };
    draft.receivers.push("bob".into());
    let parts = split_text(&outgoing).unwrap().unwrap();
    assert_eq!(parts.len(), 3);
    assert_eq!(texts(&parts).concat(), text);
    for (n, part) in parts.iter().enumerate() {
        let Act::Message(draft) = &part.act else { unreachable!() };
        assert_eq!(draft.ext.is_empty(), n > 0);
        assert_eq!(draft.receivers, ["bob"]);
    }
    assert!(texts(&parts)[0].len() < 3_100 && texts(&parts)[1].len() > 4_800);
}

#[test]
fn what_cannot_be_helped_by_splitting_is_refused() {
    let bob = || Conversation::user("bob");
    let error = |outgoing: &Outgoing| split_text(outgoing).unwrap_err().to_string();
    assert_eq!(split_text(&Outgoing::text(bob(), "short")).unwrap(), None);
    let long = Outgoing::text(bob(), "x".repeat(200_000));
    assert_eq!(error(&long), "the text fills 40 messages, the limit is 20");
    let ext = Outgoing::text(bob(), "short").ext("key", "x".repeat(6_000));
    assert!(error(&ext).contains("the limit is 5120"), "{}", error(&ext));
    let translations = vec![easebot_model::Translation { code: "en".into(), ..Default::default() }];
    let text = easebot_model::Text { text: "x".repeat(6_000), translations };
    let translated = Outgoing::message(bob(), Body::Text(text));
    assert!(error(&translated).contains("the limit is 5120"), "{}", error(&translated));
}

/// Words, sentences, addresses and characters of many parts, in any order.
fn texts_of(n_pieces: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "word",
        " ",
        ", ",
        ". ",
        "\n",
        "\n\n",
        "你好",
        "。",
        "，",
        "”",
        "https://e.com/a/b?c=d",
        "👨‍👩‍👧",
        "e\u{301}",
    ];
    prop::collection::vec(prop::sample::select(PIECES), n_pieces).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_parts_are_the_text_and_each_can_be_sent(
        text in texts_of(500..3_000),
        n_ext in 0..3_000_usize,
    ) {
        let outgoing =
            Outgoing::text(Conversation::user("bob"), text.clone()).ext("x", "y".repeat(n_ext));
        if let Some(parts) = split_text(&outgoing).unwrap() {
            prop_assert_eq!(texts(&parts).concat(), text);
            for part in &parts {
                prop_assert_eq!(split_text(part).unwrap(), None);
            }
        }
    }

    #[test]
    fn pieces_keep_to_their_size_and_cut_no_character_that_has_room(
        text in "\\PC{0,300}",
        first in 32..200_usize,
        rest in 32..200_usize,
    ) {
        let pieces = pieces(&text, first, rest);
        prop_assert_eq!(pieces.concat(), text.as_str());
        let budgets = std::iter::once(first).chain(std::iter::repeat(rest));
        let mut end = 0;
        for (piece, budget) in pieces.iter().zip(budgets) {
            prop_assert!(!piece.is_empty() && piece.len() <= budget);
            end += piece.len();
            let inside = text
                .grapheme_indices(true)
                .find(|(at, grapheme)| *at < end && end < at + grapheme.len());
            prop_assert!(inside.is_none_or(|(_, grapheme)| grapheme.len() > first.min(rest) / 2));
        }
    }
}

#[test]
fn what_is_small_at_a_glance_has_room() {
    let (user, app_key) = (UserId::new("c".repeat(64)), "easebot#demo".parse().unwrap());
    let mut n_small = 0;
    for n_bytes in MAX_BODY_BYTES - 300..=MAX_BODY_BYTES {
        let to = Conversation::group("9".repeat(40));
        let mut outgoing = Outgoing::text(to, "x".repeat(n_bytes));
        let Act::Message(draft) = &mut outgoing.act else { unreachable!() };
        draft.wants_group_receipts = true;
        let is_small = is_surely_small(&outgoing, &user);
        n_small += usize::from(is_small);
        let fits = check(&outgoing, &user, &app_key).is_ok();
        assert!(fits || !is_small, "{n_bytes}");
    }
    assert!((1..300).contains(&n_small), "{n_small}");
    let nobody = Outgoing::text(Conversation::user(""), "hello");
    assert!(!is_surely_small(&nobody, &user));
}
