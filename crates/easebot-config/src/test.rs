//! What `[[test]]` tables say once they are known to be right.

use std::{path::PathBuf, time::Duration};

use easebot_model::{BodyKind, Conversation, Ext, GroupId, Timestamp, UserId};
use regex::Regex;
use url::Url;

/// A conversation that has to go as it is written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestConfig {
    /// What it shows, unique in the configuration.
    pub name: String,
    /// Where it stands: file and line.
    pub place: String,
    /// When it begins.
    pub at: Timestamp,
    /// Everybody in it who is no bot.
    pub people: Vec<UserId>,
    /// Its groups. The people and the bots are in all of them.
    pub groups: Vec<TestGroup>,
    /// What stands in for the servers that plugins ask; the first one that fits answers.
    pub servers: Vec<TestServer>,
    /// What happens, in order. At least one.
    pub steps: Vec<TestStep>,
}

/// A group of a test.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestGroup {
    /// Its id.
    pub id: GroupId,
    /// Whose it is.
    pub owner: UserId,
    /// Who helps the owner.
    pub admins: Vec<UserId>,
}

/// What stands in for a server in a test.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestServer {
    /// The address that is asked.
    pub url: Url,
    /// Only requests with this method.
    pub method: Option<String>,
    /// Only requests with this in their body.
    pub when: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl TestServer {
    /// Whether it answers a request with `method` and `body` to `url`.
    #[must_use]
    pub fn answers(&self, method: &str, url: &Url, body: &[u8]) -> bool {
        let is_asked = match self.url.query() {
            Some(_) => *url == self.url,
            None => {
                let mut url = url.clone();
                url.set_query(None);
                url == self.url
            }
        };
        is_asked
            && self.method.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(method))
            && self
                .when
                .as_ref()
                .is_none_or(|part| String::from_utf8_lossy(body).contains(part.as_str()))
    }
}

/// Something that somebody writes, and what the bots shall say to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestStep {
    /// Where it stands: file and line.
    pub place: String,
    /// How long nothing happens before.
    pub wait: Duration,
    /// Who writes.
    pub by: UserId,
    /// The bot that is written to, by its name.
    pub bot: String,
    /// The group or room; none if the bot is written to alone.
    pub within: Option<Conversation>,
    /// What is written; nothing if it only waits, or posts.
    pub says: Option<Writing>,
    /// What is posted to a plugin in place of that.
    pub posts: Option<Post>,
    /// Pairs that go along.
    pub ext: Ext,
    /// All that the bots shall say, in order; none if it does not matter.
    pub expects: Option<Vec<Expected>>,
}

/// What somebody writes, or does with what was written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Writing {
    /// A voice message, from a file.
    Audio(PathBuf),
    /// A custom message with this event.
    Custom(String),
    /// Another text for a message of the same person.
    Edit {
        /// The new one.
        text: String,
        /// The text of the message; the last one that the person wrote there if none.
        of: Option<String>,
    },
    /// Any file.
    File(PathBuf),
    /// An image, from a file.
    Image(PathBuf),
    /// A reaction to a message.
    React {
        /// The reaction.
        reaction: String,
        /// The text of the message; what a bot said there last if none.
        of: Option<String>,
    },
    /// A message of the same person is taken back.
    Recall {
        /// The text of the message; the last one that the person wrote there if none.
        of: Option<String>,
    },
    /// A text.
    Text(String),
    /// A video, from a file.
    Video(PathBuf),
}

/// A request to a plugin. `{secret}` in its path and headers is what stands in for each secret in a test, which reads none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Post {
    /// Where to, from the `/` on.
    pub path: String,
    /// Names and values, without control characters.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
    /// How it has to be answered; with any status that begins with 2 if none.
    pub status: Option<u16>,
}

/// What a bot shall say. All that is there has to hold.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Expected {
    /// Exactly this text.
    pub text: Option<String>,
    /// This is in the text.
    pub contains: Option<String>,
    /// This is found in the text.
    pub regex: Option<Regex>,
    /// A message of this kind.
    pub kind: Option<BodyKind>,
    /// In place of all of these: a message of the bot is changed to this text.
    pub edited: Option<String>,
    /// In place of all of these: the bot takes back the message with this text.
    pub recalled: Option<String>,
    /// Where, as the bot sees it; without it, where the step is.
    pub within: Option<Conversation>,
    /// The name of the bot.
    pub from: Option<String>,
}

impl TestStep {
    /// Where the bot is written to, as it sees it.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        self.within.clone().unwrap_or_else(|| Conversation::User(self.by.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_what_fits() {
        let server = TestServer {
            url: "http://h/a".parse().unwrap(),
            method: None,
            when: None,
            status: 200,
            headers: Vec::new(),
            body: String::new(),
        };
        let url = |text: &str| text.parse::<Url>().unwrap();
        assert!(server.answers("GET", &url("http://h/a"), b""));
        assert!(server.answers("POST", &url("http://h/a?b=c"), b"d"));
        assert!(!server.answers("GET", &url("http://h/a/b"), b""));
        let exact = TestServer { url: url("http://h/a?b=c"), ..server.clone() };
        assert!(exact.answers("GET", &url("http://h/a?b=c"), b""));
        assert!(!exact.answers("GET", &url("http://h/a?b=d"), b""));
        let post = TestServer {
            method: Some("post".to_owned()),
            when: Some("hello".to_owned()),
            ..server
        };
        assert!(post.answers("POST", &url("http://h/a"), b"say hello"));
        assert!(!post.answers("POST", &url("http://h/a"), b"say bye"));
        assert!(!post.answers("GET", &url("http://h/a"), b"say hello"));
    }
}
