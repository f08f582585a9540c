//! Slack's markup as plain text: a message of this chat has none.

/// `text` without Slack's markup: links keep their address, names their name, emphasis goes.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Code is as it is; an odd number of fences leaves the rest as code, as Slack shows it.
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 1 {
            out.push_str(&unescape(part));
            continue;
        }
        for (index, part) in part.split('`').enumerate() {
            let is_code = index % 2 == 1;
            let part = if is_code { part.to_owned() } else { without_emphasis(part) };
            out.push_str(&references(&part));
        }
    }
    out
}

/// The three characters that Slack has its senders escape.
pub(crate) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Replaces each `<…>`.
fn references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(&unescape(before));
        // No further than to what cannot stand in it: a text of nothing but `<` is looked at once.
        let end = behind.find(['<', '>', '\n']).and_then(|at| behind.split_at_checked(at));
        match end.and_then(|(inner, tail)| Some((inner, tail.strip_prefix('>')?))) {
            Some((inner, behind)) if !inner.starts_with([' ', '=', '-']) => {
                out.push_str(&reference(inner));
                rest = behind;
            }
            _ => {
                out.push('<');
                rest = behind;
            }
        }
    }
    out.push_str(&unescape(rest));
    out
}

fn reference(inner: &str) -> String {
    let (target, label) = match inner.split_once('|') {
        Some((target, label)) => (target, Some(label).filter(|label| !label.is_empty())),
        None => (inner, None),
    };
    let (target, label) = (unescape(target), label.map(unescape));
    let named = |sign: char, id: &str| {
        let name = label.as_deref().unwrap_or(id);
        format!("{sign}{}", name.strip_prefix(sign).unwrap_or(name))
    };
    if let Some(id) = target.strip_prefix('@') {
        return named('@', id);
    }
    if let Some(id) = target.strip_prefix('#') {
        return named('#', id);
    }
    if let Some(special) = target.strip_prefix('!') {
        return match label {
            Some(label) => label,
            None => format!("@{}", special.split('^').next().unwrap_or(special)),
        };
    }
    let bare = target.strip_prefix("mailto:").unwrap_or(&target);
    match label {
        Some(label) if label != bare && label != target => format!("{label} ({bare})"),
        Some(_) | None => bare.to_owned(),
    }
}

/// Drops each pair of `*`, `_` or `~` that stands around words within a line, and outside of addresses.
fn without_emphasis(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut dropped = vec![false; chars.len()];
    for mark in ['*', '_', '~'] {
        let (mut opened, mut n_open) = (None, 0_usize);
        for (index, &c) in chars.iter().enumerate() {
            n_open = match c {
                '<' => n_open + 1,
                '>' => n_open.saturating_sub(1),
                _ => n_open,
            };
            if c == '\n' {
                (opened, n_open) = (None, 0);
            }
            if c != mark || n_open > 0 {
                continue;
            }
            let before = index.checked_sub(1).and_then(|before| chars.get(before)).copied();
            let behind = chars.get(index + 1).copied();
            match opened {
                Some(start) if is_end(before, behind, mark) && index > start + 1 => {
                    for at in [start, index] {
                        if let Some(dropped) = dropped.get_mut(at) {
                            *dropped = true;
                        }
                    }
                    opened = None;
                }
                // The same seen from the other side.
                _ if is_end(behind, before, mark) => opened = Some(index),
                _ => {}
            }
        }
    }
    chars.into_iter().zip(dropped).filter_map(|(c, dropped)| (!dropped).then_some(c)).collect()
}

/// Whether a mark with these neighbours touches words on its inside and none on its outside.
fn is_end(inside: Option<char>, outside: Option<char>, mark: char) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == mark || "/=?&#%".contains(c);
    inside.is_some_and(|c| !c.is_whitespace() && c != mark) && !outside.is_some_and(is_word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(slack: &str, expected: &str) {
        assert_eq!(plain(slack), expected);
    }

    #[test]
    fn links_keep_their_address() {
        check("see <http://a.b/c?d=1&amp;e=2|the log>", "see the log (http://a.b/c?d=1&e=2)");
        check("<https://a.b>", "https://a.b");
        check("<https://a.b|https://a.b>", "https://a.b");
        check("<mailto:ops@a.b|ops@a.b>", "ops@a.b");
        check("<mailto:ops@a.b|the ops>", "the ops (ops@a.b)");
        check(
            "<https://a.b/_y_|the *x*> https://a.b/_y_/z",
            "the *x* (https://a.b/_y_) https://a.b/_y_/z",
        );
        check("*<https://a.b|up>*", "up (https://a.b)");
    }

    #[test]
    fn people_channels_and_the_rest_have_names() {
        check("<@U024BE7LH> <@U1|bob> <#C1|general> <#C2>", "@U024BE7LH @bob #general #C2");
        check("<!here> <!subteam^S1|@ops> <!subteam^S1>", "@here @ops @subteam");
        check("<!date^1392734382^{date}|18 Feb>", "18 Feb");
    }

    #[test]
    fn emphasis_goes_where_it_is_some() {
        check("*bold* _italic_ ~gone~ *_both_*", "bold italic gone both");
        check("snake_case_name 2*3*4 a * b * c", "snake_case_name 2*3*4 a * b * c");
        check("*not\nclosed*", "*not\nclosed*");
        check("(*x*), *y*!", "(x), y!");
        check("** __ ~~", "** __ ~~");
        check("*两个字*", "两个字");
    }

    #[test]
    fn code_is_as_it_is() {
        check("run `a_b *x*` now", "run a_b *x* now");
        check("```\n*a* &lt;b&gt;\n```", "\n*a* <b>\n");
    }

    #[test]
    fn escapes_are_resolved_once() {
        check("&lt;@U1&gt; &amp;lt;", "<@U1> &lt;");
        check("1 < 2 and *3* > 2\n*so*", "1 < 2 and *3* > 2\nso");
        check("a <- b -> c", "a <- b -> c");
    }

    #[test]
    fn a_text_of_nothing_but_brackets_takes_no_longer_than_another() {
        // As many steps as its length squared would be a minute and more.
        let text = "<".repeat(1 << 20);
        assert_eq!(references(&text), text);
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_and_plain_words_stay(text in ".{0,60}", words in "[a-z0-9 .,!]{0,60}") {
            plain(&text);
            prop_assert_eq!(plain(&words), words);
        }
    }
}
