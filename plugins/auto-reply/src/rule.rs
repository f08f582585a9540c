//! One rule.

use std::time::Duration;

use easebot_model::{Draft, Ext, Message};
use easebot_plugin::{BotInfo, RenderError, Templates, Values};

use crate::{
    answer::{Answer, Filling},
    conditions::Conditions,
    matcher::Hit,
};

/// A rule without the texts that it looks for, which are the matcher's.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Under what it is saved when it last answered.
    pub(crate) saved_as: String,
    pub(crate) conditions: Conditions,
    /// Names of the groups in its regular expression.
    pub(crate) groups: Vec<String>,
    /// How long it does not hold in a conversation after it has answered there.
    pub(crate) cooldown: Option<Duration>,
    /// How long the bot seems to write.
    pub(crate) delay: Duration,
    pub(crate) quotes: bool,
    pub(crate) ext: Ext,
    /// One of these is said.
    pub(crate) answers: Vec<Answer>,
}

impl Rule {
    /// What to say to `message`, in which the rule was found with `hit`.
    pub(crate) fn drafts(
        &self,
        hit: &Hit<'_>,
        templates: &Templates,
        message: &Message,
        bot: &BotInfo,
    ) -> Result<Vec<Draft>, RenderError> {
        let mut values = Values::of(message, bot);
        for group in &self.groups {
            let taken = hit.captures.as_ref().and_then(|captures| captures.name(group));
            values = values.text(group, taken.map_or("", |taken| taken.as_str()));
        }
        let chosen = choose(message, hit.pattern, self.answers.len());
        let Some(answer) = self.answers.get(chosen) else { return Ok(Vec::new()) };
        let mut drafts = answer.drafts(Filling { templates, values: &values, message, bot })?;
        for draft in &mut drafts {
            draft.ext = self.ext.clone();
        }
        if self.quotes && !drafts.is_empty() {
            let first = drafts.remove(0);
            drafts.insert(0, first.quoting(message));
        }
        Ok(drafts)
    }
}

/// Which of `n` answers rule number `rule` gives to `message`. By chance, but to the same message always the same: if its
/// handler has to run again, it is to say the same things.
fn choose(message: &Message, rule: usize, n: usize) -> usize {
    let (rule, n) = (u64::try_from(rule).unwrap_or_default(), u64::try_from(n).unwrap_or(1));
    let seed = message.id.0 ^ message.time.0.rotate_left(32) ^ rule.rotate_right(16);
    usize::try_from(mix(seed) % n.max(1)).unwrap_or_default()
}

/// One step of SplitMix64: every bit of `seed` changes about half of the result's.
const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use easebot_model::{Conversation, MessageId, Timestamp};

    use super::*;

    #[test]
    fn every_answer_has_its_turn_and_a_message_keeps_its_own() {
        let (bob, time) = (Conversation::user("bob"), Timestamp(1_800_000_000_000));
        let mut counts = [0; 3];
        for id in 0..3_000 {
            let message =
                Message::new(MessageId(id), bob.clone(), "bob".into(), time, "hello".into());
            let chosen = choose(&message, 0, 3);
            assert_eq!(choose(&message, 0, 3), chosen);
            counts[chosen] += 1;
        }
        assert!(counts.iter().all(|n| (900..1_100).contains(n)), "{counts:?}");
    }
}
