//! A combined message that was opened.

use std::path::PathBuf;

use easebot_model::Message;

use super::Weighed;

/// A message in its place among others, with everything in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Node {
    /// The message.
    pub message: Message,
    /// How deep it stands: 0 for the one that was written.
    pub level: usize,
    /// What it names.
    pub content: Content,
}

/// What a message names, as far as it could be had.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Content {
    /// The file of an image, a recording, a video or a file.
    File {
        /// Where it is, until the whole is taken: whoever wants to keep it moves or copies it.
        path: PathBuf,
        /// What it is.
        weighed: Weighed,
    },
    /// It could not be had.
    Lost {
        /// Why, in words.
        reason: String,
    },
    /// The messages of a combined one.
    Messages {
        /// In their order.
        messages: Vec<Node>,
        /// How many more there were, above the limits.
        n_left_out: usize,
    },
    /// It names nothing, such as a text.
    Nothing,
}

impl Node {
    /// This message and all that stand in it, in the order in which they are read.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut left = vec![self];
        std::iter::from_fn(move || {
            let node = left.pop()?;
            if let Content::Messages { messages, .. } = &node.content {
                left.extend(messages.iter().rev());
            }
            Some(node)
        })
    }
}
