//! What is said: texts of a chat, each with its number in front, so that an answer says what it answers.

use anyhow::{Context as _, ensure};

use crate::corpus::Corpus;

/// How many different texts there are; then they come again under other numbers.
const COUNT: usize = 1_024;
/// The same in every run.
const SEED: u64 = 7;
/// How many bytes stand before the text: a mark, ten digits, a blank.
const HEAD: usize = 12;

#[derive(Clone, Debug)]
pub(crate) struct Texts(Vec<String>);

impl Texts {
    pub(crate) fn new() -> Self {
        let mut corpus = Corpus::new(SEED);
        Self((0..COUNT).map(|_| corpus.chat()).collect())
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.0
    }

    /// Which of the texts the one with this number is.
    pub(crate) fn place(number: u64) -> usize {
        usize::try_from(number).unwrap_or_default() % COUNT
    }

    /// Text number `number`, head and all.
    pub(crate) fn get(&self, number: u64) -> ([u8; HEAD], &[u8]) {
        (head(number), self.0.get(Self::place(number)).map_or(&[][..], |text| text.as_bytes()))
    }

    /// The number of a text that came back.
    ///
    /// # Errors
    /// If it is not, byte by byte, what was said under that number.
    pub(crate) fn number(&self, text: &[u8]) -> anyhow::Result<u64> {
        let (head, rest) = text.split_first_chunk::<HEAD>().context("a text came back cut")?;
        let digits = head.get(1..HEAD - 1).unwrap_or_default();
        let number = digits.iter().try_fold(0, |number: u64, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
        });
        let number = number.context("a text came back without its number")?;
        ensure!(self.get(number) == (*head, rest), "text {number} came back as another");
        Ok(number)
    }
}

/// What stands before text number `number`.
pub(crate) fn head(mut number: u64) -> [u8; HEAD] {
    let mut head = *b"#0000000000 ";
    for digit in head.iter_mut().rev().skip(1).take(HEAD - 2) {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_its_number() {
        let texts = Texts::new();
        for number in [0, 7, 1_023, 1_024, 9_876_543_210] {
            let (head, rest) = texts.get(number);
            let text = [&head, rest].concat();
            assert_eq!(texts.number(&text).unwrap(), number);
            assert!(str::from_utf8(&text).is_ok());
        }
        assert_eq!(&head(1_234_567_890), b"#1234567890 ");
    }

    #[test]
    fn another_text_is_not_taken_for_it() {
        let texts = Texts::new();
        let (head, rest) = texts.get(5);
        let mut text = [&head, rest].concat();
        text.pop();
        assert!(texts.number(&text).is_err(), "cut at its end");
        assert!(texts.number(&text[..5]).is_err(), "cut in its number");
        assert!(texts.number(&[&self::head(6), rest].concat()).is_err(), "another number");
        assert!(texts.number(b"#00000x0000 hello").is_err(), "no number");
    }
}
