//! Which of many patterns match a text, in one pass over it.
//!
//! Trying a thousand regular expressions one after the other costs fifty times as much as looking once for the literal texts
//! that their matches must contain. Those texts are taken out of the patterns when the file is read; one automaton finds all
//! of them; and only the patterns behind the ones found are tried. A pattern without such a text is always tried.

mod literals;

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use regex::{Captures, Regex};

/// What a text has to be like. All conditions must hold; those that are not there do.
#[derive(Debug, Default)]
pub(crate) struct Pattern {
    /// One of these is in it.
    pub(crate) contains: Vec<String>,
    /// It is one of these, apart from white space around it.
    pub(crate) equals: Vec<String>,
    /// This is found in it.
    pub(crate) regex: Option<Regex>,
    /// `contains` and `equals` take `A` for `a`.
    pub(crate) ignore_case: bool,
}

/// What a pattern found in a text.
#[derive(Debug)]
pub(crate) struct Hit<'t> {
    /// Which pattern, from 0.
    pub(crate) pattern: usize,
    /// What the groups of its regular expression took, if it has some.
    pub(crate) captures: Option<Captures<'t>>,
}

impl Hit<'_> {
    /// Of a message that has no text.
    pub(crate) const fn without_text(pattern: usize) -> Self {
        Self { pattern, captures: None }
    }
}

/// Patterns with an index over the texts that they need.
#[derive(Debug)]
pub(crate) struct Matcher {
    patterns: Vec<Pattern>,
    /// Patterns by the whole text, in lower case.
    by_text: HashMap<String, Vec<usize>>,
    longest_text_bytes: usize,
    /// Finds the literals of `by_literal`, by index.
    literals: AhoCorasick,
    by_literal: Vec<Vec<usize>>,
    /// Patterns that need no literal.
    always: Vec<usize>,
}

/// Up to this many bytes of literals, those of more than a thousand rules, the automaton is a deterministic one: it is two to three
/// times as fast, but takes 130 to 256 bytes for each byte of them.
const MAX_DFA_BYTES: usize = 32 * 1024;

impl Matcher {
    pub(crate) fn new(patterns: Vec<Pattern>) -> Result<Self, BuildError> {
        let (mut by_text, mut by_literal) =
            (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        let mut always = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            if !pattern.equals.is_empty() {
                for text in &pattern.equals {
                    by_text.entry(text.trim().to_ascii_lowercase()).or_default().push(index);
                }
                continue;
            }
            match pattern.literals() {
                Some(literals) => {
                    for literal in literals {
                        by_literal.entry(literal).or_default().push(index);
                    }
                }
                None => always.push(index),
            }
        }
        let n_bytes: usize = by_literal.keys().map(Vec::len).sum();
        let (literals, by_literal): (Vec<_>, Vec<_>) = by_literal.into_iter().unzip();
        let literals = AhoCorasick::builder()
            .ascii_case_insensitive(patterns.iter().any(|pattern| pattern.ignore_case))
            .kind((n_bytes <= MAX_DFA_BYTES).then_some(AhoCorasickKind::DFA))
            .build(literals)?;
        let longest_text_bytes = by_text.keys().map(String::len).max().unwrap_or_default();
        Ok(Self { patterns, by_text, longest_text_bytes, literals, by_literal, always })
    }

    /// The patterns that match `text` and for which `may` says yes, in their order. Each is tried when the iterator comes to it.
    pub(crate) fn hits<'t>(
        &self,
        text: &'t str,
        may: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = Hit<'t>> {
        self.candidates(text).into_iter().filter_map(move |index| {
            let pattern = self.patterns.get(index).filter(|_| may(index))?;
            let captures = pattern.find(text).ok()?;
            Some(Hit { pattern: index, captures })
        })
    }

    /// What pattern number `index` finds in `text`, or why it does not match.
    pub(crate) fn hit<'t>(&self, index: usize, text: &'t str) -> Result<Hit<'t>, &'static str> {
        let pattern = self.patterns.get(index).ok_or("there is no such rule")?;
        pattern.find(text).map(|captures| Hit { pattern: index, captures })
    }

    /// Patterns that may match, in their order; no other one does.
    fn candidates(&self, text: &str) -> Vec<usize> {
        let mut candidates = self.always.clone();
        let whole = text.trim();
        if whole.len() <= self.longest_text_bytes
            && let Some(patterns) = self.by_text.get(&whole.to_ascii_lowercase())
        {
            candidates.extend(patterns);
        }
        if !self.by_literal.is_empty() {
            let mut is_seen = Vec::new();
            for found in self.literals.find_overlapping_iter(text) {
                // A literal that comes again and again in a long text counts once.
                is_seen.resize(self.by_literal.len(), false);
                let at = found.pattern().as_usize();
                if let (Some(seen), Some(patterns)) = (is_seen.get_mut(at), self.by_literal.get(at))
                    && !std::mem::replace(seen, true)
                {
                    candidates.extend(patterns);
                }
            }
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates
    }
}

impl Pattern {
    /// What its groups took if it matches `text`, none if it has no named ones; or why it does not match.
    fn find<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, &'static str> {
        let whole = text.trim();
        let equals = |word: &String| match self.ignore_case {
            true => word.trim().eq_ignore_ascii_case(whole),
            false => word.trim() == whole,
        };
        let contains = |word: &String| match self.ignore_case {
            true => contains_ignore_ascii_case(text, word),
            false => text.contains(word.as_str()),
        };
        if !self.equals.is_empty() && !self.equals.iter().any(equals) {
            return Err("the text is none of `equals`");
        }
        if !self.contains.is_empty() && !self.contains.iter().any(contains) {
            return Err("the text holds none of `contains`");
        }
        let found = match &self.regex {
            None => Some(None),
            // Whether there is a match costs less than what its groups are.
            Some(regex) if regex.captures_len() == 1 => regex.is_match(text).then_some(None),
            Some(regex) => regex.captures(text).map(Some),
        };
        found.ok_or("the `regex` is not found in the text")
    }

    /// Texts of which every match contains one, ASCII case left open; none if there are no good ones.
    fn literals(&self) -> Option<Vec<Vec<u8>>> {
        if !self.contains.is_empty() {
            return Some(self.contains.iter().map(|word| word.clone().into_bytes()).collect());
        }
        literals::required(self.regex.as_ref()?.as_str())
    }
}

fn contains_ignore_ascii_case(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    word.is_empty() || text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests;
