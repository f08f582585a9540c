//! Keeps what is forwarded to it as one message, with all that is nested in it, and finds it again by a word.
//!
//! `cargo run -p easebot-examples --example combine_archiver`; `> <combine: one | two>` forwards two messages as one.

use easebot::{
    Bot, Context, Draft, Env, Interest, Message, PluginError, async_trait,
    model::BodyKind,
    role::archive::{CombineArchiver, Fetcher, Gathered, Node},
};
use easebot_examples::{PlayError, play};

/// Keeps the lines of each combined message on its shelf.
#[derive(Default)]
struct Archive {
    fetcher: Fetcher,
}

#[async_trait]
impl CombineArchiver for Archive {
    type Backlog = Gathered;

    fn name(&self) -> &str {
        "archive"
    }

    fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    fn backlog(&self, env: &Env) -> Result<Gathered, PluginError> {
        Ok(Gathered::of(env)?)
    }

    fn interest(&self) -> Interest {
        Interest::messages().bodies([BodyKind::Combine, BodyKind::Text]).observing()
    }

    async fn on_message(&self, message: &Message, cx: &Context) -> Result<(), PluginError> {
        match message.text().strip_prefix("/find ") {
            Some(word) if !cx.is_onlooker() => find(word, cx).await,
            _ => Gathered::of(&cx.env())?.keep(message, &self.fetcher).await,
        }
    }

    async fn whole(&self, combined: &Node, env: &Env) -> Result<(), PluginError> {
        let lines: Vec<_> = combined
            .walk()
            .filter(|node| node.message.body.kind() == BodyKind::Text)
            .map(|node| format!("{}: {}", node.message.from, node.message.text()))
            .collect();
        let text = format!("{} messages are kept; /find WORD finds them", lines.len());
        let key = format!("{KEPT}{}", combined.message.id);
        env.shelf().save(&key, &lines).await?;
        // It may be called again after a crash; under a key it is said once.
        env.send_once(&key, Draft::new(text).to(combined.message.conversation.clone())).await?;
        Ok(())
    }
}

easebot::role::plugin!(Archive: CombineArchiver);

/// What the keys of what is kept begin with.
const KEPT: &str = "kept/";

async fn find(word: &str, cx: &Context) -> Result<(), PluginError> {
    let kept = cx.env().shelf::<Vec<String>>().list(KEPT, None, 1_000).await?;
    let lines = kept.into_iter().flat_map(|(_, lines)| lines);
    let found: Vec<_> = lines.filter(|line| line.contains(word)).collect();
    let answer = if found.is_empty() { "nothing is found".to_owned() } else { found.join("\n") };
    cx.reply(answer).await?;
    Ok(())
}

/// In a program of your own: `archiving(Bot::from_env()?).run().await`.
pub(crate) fn archiving(bot: Bot) -> Bot {
    bot.data_dir("data").plugin(Archive::default())
}

fn main() -> Result<(), PlayError> {
    play(archiving)
}
