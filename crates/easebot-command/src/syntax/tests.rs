use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{ReadError, quote};

fn weather() -> Syntax {
    Syntax::new(vec![
        Arg::new("city", Kind::text()).about("where"),
        Arg::new("days", Kind::integer(Some(1), Some(7))).about("how far ahead").with_default("3"),
        Arg::new("note", Kind::rest()).optional(),
        Arg::new("unit", Kind::Choice(vec!["c".to_owned(), "f".to_owned()])).option().optional(),
        Arg::new("all", Kind::Switch).about("everything"),
    ])
    .unwrap()
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

/// City, days, note, unit and whether all.
type Weather = (Option<Value>, i64, Option<Value>, Option<Value>, bool);

fn read(rest: &str) -> Result<Weather, ArgError> {
    let syntax = weather();
    let args = syntax.read(rest)?;
    let Some(Value::Integer(days)) = args.get("days") else { panic!("{args:?}") };
    let Some(Value::Switch(all)) = args.get("all") else { panic!("{args:?}") };
    let get = |name| args.get(name).cloned();
    Ok((get("city"), *days, get("note"), get("unit"), *all))
}

#[test]
fn arguments_are_narrowed_within_their_type() {
    use crate::FromArg;
    let kind = |arg: Arg| arg.kind;
    let within = |arg: Arg| kind(arg.within(Some(0.5), Some(300.0)));
    assert_eq!(within(u8::arg("n")), Kind::integer(Some(1), Some(255)));
    assert_eq!(within(i64::arg("n")), Kind::integer(Some(1), Some(300)));
    assert_eq!(within(f64::arg("n")), Kind::Number { min: Some(0.5), max: Some(300.0) });
    assert_eq!(kind(String::arg("s").of_at_most(3)), Kind::Text { max_chars: Some(3) });
    let words = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(kind(String::arg("s").of_choices(&["a", "b"])), Kind::Choice(words));
    for misfit in [
        u8::arg("n").of_choices(&["1"]),
        u8::arg("n").of_at_most(1),
        String::arg("s").within(None, Some(1.0)),
    ] {
        assert_eq!(Syntax::new(vec![misfit]), Err(SyntaxError::Misfit { index: 0 }));
    }
}

#[test]
fn a_list_takes_the_words_that_are_left() {
    let number = || Arg::new("numbers", Kind::integer(None, None)).list();
    let all = Arg::new("all", Kind::Switch);
    let syntax = Syntax::new(vec![Arg::new("name", Kind::text()), number(), all]).unwrap();
    assert_eq!(syntax.usage(), "[--all] <name> <numbers…>");
    let list = |args: &Args<'_>| args.get("numbers").cloned();
    let of =
        |numbers: &[i64]| Some(Value::List(numbers.iter().copied().map(Value::Integer).collect()));
    assert_eq!(list(&syntax.read("a 1 --all 2 \"3\"").unwrap()), of(&[1, 2, 3]));
    assert!(matches!(syntax.read("a"), Err(ArgError::Missing { .. })));
    let error = syntax.read("a 1 x 3").unwrap_err();
    assert!(matches!(&error, ArgError::Unreadable { arg, .. } if arg == "numbers"), "{error:?}");
    assert_eq!(error.at(), 4..5);
    let syntax = Syntax::new(vec![number().optional()]).unwrap();
    assert_eq!(syntax.usage(), "[numbers…]");
    assert_eq!(list(&syntax.read("").unwrap()), of(&[]));
    for odd in [number().option(), number().with_default("1"), Arg::new("r", Kind::rest()).list()] {
        assert_eq!(Syntax::new(vec![odd]), Err(SyntaxError::NoOption { index: 0 }));
    }
    let behind = Syntax::new(vec![number(), Arg::new("more", Kind::text())]);
    assert_eq!(behind, Err(SyntaxError::BehindRest { index: 1 }));
}

#[test]
fn arguments_are_read_in_their_places_and_options_by_their_names() {
    for (rest, expected) in [
        ("Paris", (text("Paris"), 3, None, None, false)),
        ("\"New York\" 2", (text("New York"), 2, None, None, false)),
        (
            "Paris 2 as  \"soon\" as --all ",
            (text("Paris"), 2, text("as  \"soon\" as --all"), None, false),
        ),
        ("--all Paris", (text("Paris"), 3, None, None, true)),
        ("Paris --unit F 2 --ALL", (text("Paris"), 2, None, text("f"), true)),
        ("Paris --unit=c", (text("Paris"), 3, None, text("c"), false)),
        ("—unit c Paris", (text("Paris"), 3, None, text("c"), false)),
        ("-- --all", (text("--all"), 3, None, None, false)),
        ("\"--all\"", (text("--all"), 3, None, None, false)),
        ("--5", (text("--5"), 3, None, None, false)),
    ] {
        assert_eq!(read(rest), Ok(expected), "{rest:?}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let unreadable =
        |arg: &str, reason, at| ArgError::Unreadable { arg: arg.to_owned(), reason, at };
    let (c_f, options) =
        (vec!["c".to_owned(), "f".to_owned()], vec!["unit".to_owned(), "all".to_owned()]);
    for (rest, expected) in [
        ("", ArgError::Missing { arg: "city".to_owned(), at: 0..0 }),
        ("--all ", ArgError::Missing { arg: "city".to_owned(), at: 5..5 }),
        ("巴黎 soon", unreadable("days", ReadError::NoInteger, 7..11)),
        ("Paris 8", unreadable("days", ReadError::TooLarge { max: "7".to_owned() }, 6..7)),
        ("--unit=k Paris", unreadable("unit", ReadError::NotOneOf { choices: c_f.clone() }, 7..8)),
        ("--unit \"k\"", unreadable("unit", ReadError::NotOneOf { choices: c_f }, 7..10)),
        ("--all=yes", unreadable("all", ReadError::NoValue, 6..9)),
        ("Paris --unit", ArgError::NoValue { option: "unit".to_owned(), at: 6..12 }),
        ("--unti c", ArgError::NoSuchOption { options, at: 0..6 }),
        ("--all --all", ArgError::OptionTwice { option: "all".to_owned(), at: 6..11 }),
    ] {
        assert_eq!(read(rest), Err(expected), "{rest:?}");
    }
    let none = Syntax::new(Vec::new()).unwrap();
    assert_eq!(none.read(" x y").unwrap_err(), ArgError::Extra { at: 1..2 });
    assert!(none.read("  ").is_ok());
}

#[test]
fn without_options_two_dashes_are_a_word() {
    let syntax =
        Syntax::new(vec![Arg::new("a", Kind::text()), Arg::new("b", Kind::text())]).unwrap();
    let args = syntax.read("-- --all").unwrap();
    assert_eq!((args.get("a").cloned(), args.get("b").cloned()), (text("--"), text("--all")));
}

#[test]
fn usage_and_help_say_what_may_be_left_out() {
    let syntax = weather();
    assert_eq!(syntax.usage(), "[--unit <unit>] [--all] <city> [days] [note…]");
    let lines: Vec<String> = syntax.describe().collect();
    assert_eq!(
        lines,
        [
            "city – where",
            "days – how far ahead: whole number from 1 to 7; 3 if left out",
            "note – may be left out",
            "--unit – c or f; may be left out",
            "--all – everything",
        ]
    );
    let wait = Duration::from_secs(60);
    let syntax = Syntax::new(vec![
        Arg::new("who", Kind::User).option(),
        Arg::new("when", Kind::Duration { min: Some(wait), max: None }),
        Arg::new("what", Kind::rest()),
    ]);
    let syntax = syntax.unwrap();
    assert_eq!(syntax.usage(), "--who <who> <when> <what…>");
    assert_eq!(
        syntax.describe().nth(1).unwrap(),
        "when – time such as 10m or 1h30m of at least 1m"
    );
}

#[test]
fn what_could_be_read_in_two_ways_cannot_be_declared() {
    let word = |name: &str| Arg::new(name, Kind::text());
    let choice = |words: &[&str]| Kind::Choice(words.iter().map(|&word| word.to_owned()).collect());
    let number = Kind::Number { min: Some(2.0), max: Some(1.0) };
    for (args, expected) in [
        (vec![word("a"), word("a")], SyntaxError::Twice { index: 1, first: 0 }),
        (vec![word("")], SyntaxError::BadName { index: 0 }),
        (vec![word("a-b")], SyntaxError::BadName { index: 0 }),
        (vec![word("1a")], SyntaxError::BadName { index: 0 }),
        (vec![word("a").optional(), word("b")], SyntaxError::RequiredBehindOptional { index: 1 }),
        (vec![Arg::new("a", Kind::rest()), word("b")], SyntaxError::BehindRest { index: 1 }),
        (vec![Arg::new("a", Kind::rest()).option()], SyntaxError::NoOption { index: 0 }),
        (vec![Arg::new("a", Kind::Switch).with_default("x")], SyntaxError::NoOption { index: 0 }),
        (vec![Arg::new("a", choice(&[]))], SyntaxError::NoChoices { index: 0 }),
        (vec![Arg::new("a", choice(&["x", "X"]))], SyntaxError::NoChoices { index: 0 }),
        (vec![Arg::new("a", number)], SyntaxError::EmptyRange { index: 0 }),
        (
            vec![Arg::new("a", Kind::integer(None, None)).with_default("x")],
            SyntaxError::BadDefault { index: 0, reason: ReadError::NoInteger },
        ),
    ] {
        let error = Syntax::new(args).unwrap_err();
        assert_eq!((error.index(), &error), (expected.index(), &expected));
    }
    let behind_option = vec![word("a").optional().option(), word("b")];
    assert!(Syntax::new(behind_option).is_ok(), "an option is not in the way");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_a_mistake_is_within_it(rest in "[-—=\"“” a-f0-9é你]{0,30}") {
        let syntax = weather();
        if let Err(error) = syntax.read(&rest) {
            prop_assert!(rest.get(error.at()).is_some(), "{error:?}");
        }
    }

    #[test]
    fn whatever_is_quoted_is_read_back(city in any::<String>(), days in 1_i64..=7, note in any::<String>()) {
        let rest = format!("--all {} --unit f {days} {note}", quote(&city));
        let note = Some(note.trim()).filter(|note| !note.is_empty());
        // The first word of the rest is one of its place, unless it is an option.
        prop_assume!(note.is_none_or(|note| !note.starts_with(['-', '—'])));
        prop_assert_eq!(read(&rest), Ok((text(&city), days, note.and_then(text), text("f"), true)));
    }
}
