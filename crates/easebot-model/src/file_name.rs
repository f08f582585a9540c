//! File names out of messages, made harmless.

/// Longest name that [`safe_file_name`] gives, in bytes. File systems take 255; the rest is for what a download adds.
pub const MAX_NAME_BYTES: usize = 200;

/// Longest ending that is kept when a name is cut, in bytes, dot included.
const MAX_ENDING_BYTES: usize = 16;

/// A name that somebody sent, as the name of one file in the folder where it is put, on any system. None if nothing is left.
///
/// Only what stands behind the last `/` or `\` is kept. Characters that control, hide or turn text around are dropped,
/// those that some system forbids become `_`, dots and spaces at both ends go, names of devices get a `_` in
/// front, and a name above [`MAX_NAME_BYTES`] loses its middle. Letters of all scripts stay.
///
/// ```
/// use easebot_model::safe_file_name;
/// assert_eq!(safe_file_name("../../etc/passwd").as_deref(), Some("passwd"));
/// assert_eq!(safe_file_name("报告 2025.pdf").as_deref(), Some("报告 2025.pdf"));
/// assert_eq!(safe_file_name(".."), None);
/// ```
#[must_use]
pub fn safe_file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !is_unseen(*c)).map(harmless).collect();
    let is_edge = |c: char| c == '.' || c.is_whitespace();
    let cut = cut(plain.trim_matches(is_edge));
    match cut.trim_end_matches(is_edge) {
        "" => None,
        name if is_device(name) => Some(format!("_{name}")),
        name => Some(name.to_owned()),
    }
}

/// Control characters, and those that are not shown or change the order of others.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

const fn harmless(c: char) -> char {
    if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c }
}

/// Whether Windows takes the name, with any ending, for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    match stem.as_str() {
        "AUX" | "CON" | "CONIN$" | "CONOUT$" | "NUL" | "PRN" => true,
        stem => ["COM", "LPT"].into_iter().any(|port| {
            let mut number = stem.strip_prefix(port).unwrap_or_default().chars();
            matches!(number.next(), Some('0'..='9' | '¹' | '²' | '³')) && number.next().is_none()
        }),
    }
}

/// `name` within its limit, with its ending if that is short.
fn cut(name: &str) -> String {
    // A device's name gets one byte more.
    let limit = MAX_NAME_BYTES - 1;
    if name.len() <= limit {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default();
    let ending = if ending.len() <= MAX_ENDING_BYTES { ending } else { "" };
    let end = name.floor_char_boundary(limit - ending.len());
    format!("{}{ending}", name.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_stays_in_its_folder_on_any_system() {
        let table = [
            ("report.pdf", "report.pdf"),
            ("报告 2025年.pdf", "报告 2025年.pdf"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("C:\\Windows\\system32\\x.dll", "x.dll"),
            ("/etc/", ""),
            ("..", ""),
            (".", ""),
            ("", ""),
            ("   ", ""),
            (".bashrc", "bashrc"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("\u{feff}\u{200b}", ""),
            ("a<b>:c|d?*.txt", "a_b__c_d__.txt"),
            ("stream.txt:hidden", "stream.txt_hidden"),
            ("name. . .", "name"),
            ("..\u{a0}con", "_con"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("Com1.tar.gz", "_Com1.tar.gz"),
            ("com¹", "_com¹"),
            ("com10", "com10"),
            ("console.log", "console.log"),
            ("👩‍👩‍👧.png", "👩👩👧.png"),
        ];
        for (name, expected) in table {
            let expected = Some(expected).filter(|expected| !expected.is_empty());
            assert_eq!(safe_file_name(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = safe_file_name(&format!("{}.tar.gz", "长".repeat(300))).unwrap();
        assert!(name.len() <= MAX_NAME_BYTES && name.len() > MAX_NAME_BYTES - 6, "{}", name.len());
        assert!(name.ends_with("长.gz"), "{name}");
        let name = safe_file_name(&format!("a.{}", "x".repeat(300))).unwrap();
        assert_eq!(name.len(), MAX_NAME_BYTES - 1);
    }

    proptest! {
        #[test]
        fn any_text_becomes_the_name_of_one_file(name in "(\\PC|[./\\\\\\x00-\\x1f]|con|\\.\\.){0,400}") {
            let Some(safe) = safe_file_name(&name) else { return Ok(()) };
            prop_assert!((1..=MAX_NAME_BYTES).contains(&safe.len()));
            prop_assert!(!safe.chars().any(is_unseen));
            let parts: Vec<_> = Path::new(&safe).components().collect();
            prop_assert!(matches!(parts.as_slice(), [Component::Normal(part)] if *part == safe.as_str()));
            prop_assert_eq!(safe_file_name(&safe), Some(safe.clone()), "a safe name is left as it is");
        }
    }
}
