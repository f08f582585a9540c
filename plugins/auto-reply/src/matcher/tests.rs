use proptest::{collection::vec, prelude::*};

use super::*;

fn pattern(regex: &str) -> Pattern {
    Pattern { regex: Some(Regex::new(regex).unwrap()), ..Pattern::default() }
}

fn contains(words: &[&str]) -> Pattern {
    Pattern {
        contains: words.iter().map(|word| (*word).to_owned()).collect(),
        ..Pattern::default()
    }
}

fn equals(words: &[&str]) -> Pattern {
    Pattern { equals: words.iter().map(|word| (*word).to_owned()).collect(), ..Pattern::default() }
}

fn hits(matcher: &Matcher, text: &str) -> Vec<usize> {
    matcher.hits(text, |_| true).map(|hit| hit.pattern).collect()
}

#[test]
fn patterns_are_found_in_their_order_with_their_groups() {
    let matcher = Matcher::new(vec![
        pattern("(?<city>.+)天气"),
        contains(&["天气", "weather"]),
        equals(&["北京天气"]),
        pattern("."),
        pattern("(?i)beijing"),
    ])
    .unwrap();
    assert_eq!(hits(&matcher, "北京天气"), [0, 1, 2, 3]);
    assert_eq!(hits(&matcher, "weather in BEIJING"), [1, 3, 4]);
    assert_eq!(hits(&matcher, ""), [] as [usize; 0]);
    let hit = matcher.hits("北京天气", |_| true).next().unwrap();
    assert_eq!(&hit.captures.unwrap()["city"], "北京");
}

#[test]
fn a_pattern_that_may_not_match_is_passed_over() {
    let matcher = Matcher::new(vec![contains(&["a"]), contains(&["a"])]).unwrap();
    let hits = matcher.hits("a", |index| index != 0);
    assert_eq!(hits.map(|hit| hit.pattern).collect::<Vec<_>>(), [1]);
}

#[test]
fn why_a_pattern_does_not_match_can_be_told() {
    let all = Pattern { regex: Some(Regex::new("(?<n>\\d)").unwrap()), ..contains(&["a"]) };
    let matcher = Matcher::new(vec![all, equals(&["a"])]).unwrap();
    assert_eq!(&matcher.hit(0, "a 1").unwrap().captures.unwrap()["n"], "1");
    assert_eq!(matcher.hit(0, "1").unwrap_err(), "the text holds none of `contains`");
    assert_eq!(matcher.hit(0, "a").unwrap_err(), "the `regex` is not found in the text");
    assert_eq!(matcher.hit(1, "a 1").unwrap_err(), "the text is none of `equals`");
}

#[test]
fn all_conditions_of_a_pattern_must_hold() {
    let both =
        Pattern { regex: Some(Regex::new(r"\d").unwrap()), ..contains(&["price", "价格"]) };
    let matcher = Matcher::new(vec![both]).unwrap();
    assert_eq!(hits(&matcher, "价格 5"), [0]);
    assert_eq!(hits(&matcher, "价格"), [] as [usize; 0]);
    assert_eq!(hits(&matcher, "5"), [] as [usize; 0]);
}

#[test]
fn case_counts_unless_a_pattern_says_otherwise() {
    let matcher = Matcher::new(vec![
        contains(&["Hi"]),
        Pattern { ignore_case: true, ..contains(&["Hi"]) },
        equals(&["Hi"]),
        Pattern { ignore_case: true, ..equals(&["Hi"]) },
    ])
    .unwrap();
    assert_eq!(hits(&matcher, "Hi"), [0, 1, 2, 3]);
    assert_eq!(hits(&matcher, "hI"), [1, 3]);
    assert_eq!(
        hits(&matcher, " Hi\n"),
        [0, 1, 2, 3],
        "white space around a whole text does not count"
    );
    assert_eq!(hits(&matcher, "oh hi"), [1]);
}

#[test]
fn a_thousand_patterns_leave_few_candidates() {
    let patterns = (0..1_000).map(|n| match n % 3 {
        0 => contains(&[&format!("关键词{n}"), &format!("keyword{n}")]),
        1 => pattern(&format!(r"^命令{n}\s+(?<rest>.+)$")),
        _ => pattern(&format!(r"(?<rest>.+)\s+word{n}$")),
    });
    let matcher = Matcher::new(patterns.collect()).unwrap();
    assert!(matcher.always.is_empty());
    assert_eq!(matcher.candidates("今天天气很好, nothing to see here"), [] as [usize; 0]);
    assert_eq!(hits(&matcher, "命令1 x"), [1]);
    assert_eq!(hits(&matcher, "x word998"), [998]);
}

/// Texts over few characters, so that patterns and texts meet.
fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(prop::sample::select(vec!['a', 'b', 'A', 'k', '\u{212a}', '你', '好', ' ', '1']), length)
        .prop_map(|chars| chars.into_iter().collect())
}

/// Regular expressions of all shapes over the same characters.
fn regex() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => text(1..4).prop_map(|text| regex::escape(&text)),
        1 => prop::sample::select(vec![".", r"\d", r"\w", r"\s", "[ab]", "[^a]", "[你好]", "^", "$", r"\b", "(?i:ak)", "(?i:你B)"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            1 => (inner.clone(), prop::sample::select(vec!["?", "*", "+", "{2}", "{0,2}", "+?"]))
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
            1 => inner.prop_map(|part| format!("(?i)({part})")),
        ]
    })
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let words = || prop_oneof![2 => Just(Vec::new()), 1 => vec(text(1..4), 1..3)];
    (words(), words(), prop::option::weighted(0.7, regex()), any::<bool>()).prop_map(
        |(contains, equals, regex, ignore_case)| Pattern {
            contains,
            equals,
            regex: regex.map(|regex| Regex::new(&regex).unwrap()),
            ignore_case,
        },
    )
}

proptest! {
    #[test]
    fn the_index_never_changes_the_result(
        patterns in vec(any_pattern(), 0..12),
        texts in vec(text(0..8), 1..8),
    ) {
        let matcher = Matcher::new(patterns).unwrap();
        for text in texts {
            let naive: Vec<usize> = (0..matcher.patterns.len())
                .filter(|index| matcher.patterns[*index].find(&text).is_ok())
                .collect();
            prop_assert_eq!(hits(&matcher, &text), naive, "{:?}", text);
        }
    }
}
