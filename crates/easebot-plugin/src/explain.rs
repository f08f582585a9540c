//! What a plugin would do with an event, in words for the operator.

use std::fmt;

/// What a plugin would do with an event, and why: what `easebot explain` prints.
///
/// It is said without doing anything: nothing is sent, saved or asked. What only a running bot knows stands in
/// [`depends_on`](Self::depends_on).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// What it would do.
    pub verdict: Verdict,
    /// Why, in one line: lower case, no full stop.
    pub reason: String,
    /// Those of its rules, commands or the like that have to do with it, in their order.
    pub rules: Vec<RuleExplanation>,
    /// What it would say, in order, as far as it is known: a text, or another message in words.
    pub says: Vec<String>,
    /// What else has to hold, such as `ann has not asked in the last 30 s`, in words.
    pub depends_on: Vec<String>,
}

/// What a plugin, or one rule of it, would do with an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// It would get the event; what it does then cannot be told beforehand.
    Asked,
    /// It would do nothing, and the next one sees the event.
    Leaves,
    /// It would take the event.
    Takes,
}

/// What one rule of a plugin would do with an event.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuleExplanation {
    /// How the operator knows it, such as `rule 3` or `/ping`.
    pub name: String,
    /// What it would do.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
}

impl Explanation {
    /// The plugin would take the event.
    pub fn takes(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Takes, reason)
    }

    /// The plugin would do nothing.
    pub fn leaves(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Leaves, reason)
    }

    /// The plugin would get the event.
    pub fn asked(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Asked, reason)
    }

    fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        let (rules, says, depends_on) = (Vec::new(), Vec::new(), Vec::new());
        Self { verdict, reason: reason.into(), rules, says, depends_on }
    }

    /// Adds what one of its rules would do.
    #[must_use]
    pub fn rule(
        mut self,
        name: impl Into<String>,
        verdict: Verdict,
        reason: impl Into<String>,
    ) -> Self {
        self.rules.push(RuleExplanation { name: name.into(), verdict, reason: reason.into() });
        self
    }

    /// Adds something that it would say.
    #[must_use]
    pub fn says(mut self, what: impl Into<String>) -> Self {
        self.says.push(what.into());
        self
    }

    /// Adds something that has to hold besides.
    #[must_use]
    pub fn depends_on(mut self, what: impl Into<String>) -> Self {
        self.depends_on.push(what.into());
        self
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "is asked",
            Self::Leaves => "leaves it",
            Self::Takes => "takes it",
        })
    }
}
