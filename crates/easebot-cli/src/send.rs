//! `easebot send`: one message from a script, and the id that the server gave it.

use std::{cell::Cell, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use easebot_model::{Act, Body, Conversation, Custom, Draft, Outgoing};
use easebot_runtime::{BotOptions, BotSpec, BotStatus, Handle, Runtime, RuntimeOptions};
use easebot_store::MemoryStore;
use tokio::time::{Instant, timeout_at};

use crate::{
    Program,
    args::SendArgs,
    bots::Maker,
    check::{self, environment},
    explain::find,
    speech::{self, Complaint},
};

/// How long the logout may take.
const FAREWELL: Duration = Duration::from_secs(2);

pub(crate) async fn send(program: &Program, args: SendArgs) -> anyhow::Result<ExitCode> {
    let mut config = match check::read(program, &args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let name = find(&config, args.bot.as_deref())?.name.clone();
    config.bots.retain(|bot| bot.name == name);
    // Its plugins do not run here, and neither are their secrets needed.
    config.bots.iter_mut().for_each(|bot| bot.plugins.clear());
    if let Err(code) = check::check_secrets(&config) {
        return Ok(code);
    }
    let draft = draft(&args)?;
    let mut maker = Maker::new(config.folder());
    let bot = config.bots.pop().context("there is no bot in the configuration")?;
    let spec = alone(maker.make(bot)?);
    let end = Instant::now() + Duration::from_secs(args.wait_secs);
    let store = Arc::new(MemoryStore::new());
    let options = RuntimeOptions::new(store).variables(environment);
    let runtime = Runtime::start(options, vec![spec]).await.context("nothing was started")?;
    let is_said = Cell::new(false);
    let sent = timeout_at(end, say(&runtime.handle(), &name, &args.to, draft, &is_said)).await;
    let sent = sent.unwrap_or_else(|_| {
        let secs = args.wait_secs;
        let status = runtime.handle().watch(&name).map(|status| status.borrow().clone());
        let cause = match status {
            Some(BotStatus::Waiting { cause, .. }) => format!(": {cause}"),
            _ => String::new(),
        };
        Err(if is_said.get() {
            anyhow::anyhow!(
                "no answer of the server within {secs} s{cause}; the message may be there all the same"
            )
        } else {
            anyhow::anyhow!("bot `{name}` did not come online within {secs} s{cause}")
        })
    });
    runtime.shutdown(FAREWELL).await;
    speech::data(sent?);
    Ok(ExitCode::SUCCESS)
}

/// The bot as an account that says one thing: a device of its own, beside those of the bot that may run.
fn alone(spec: BotSpec) -> BotSpec {
    let options = BotOptions {
        delivery_receipts: false,
        read_receipts: false,
        fill_gaps_after: None,
        // The one that it is to say something in is entered then.
        rooms: Vec::new(),
        durability: easebot_store::Durability::Memory,
        ..spec.options
    };
    BotSpec { plugins: Vec::new(), options, ..spec }
}

/// Says `draft` and gives the id of the message. It `is_said` once it is with the bot, which may have sent it.
async fn say(
    handle: &Handle,
    bot: &str,
    to: &Conversation,
    draft: Draft,
    is_said: &Cell<bool>,
) -> anyhow::Result<easebot_model::MessageId> {
    let mut status = handle.watch(bot).context("the bot has ended")?;
    let known =
        |status: &BotStatus| matches!(status, BotStatus::Online { .. } | BotStatus::Ended { .. });
    if let BotStatus::Ended { cause } = status.wait_for(known).await?.clone() {
        bail!("bot `{bot}`: {}", cause.unwrap_or_default());
    }
    if matches!(to, Conversation::Room(_)) {
        let act = Act::JoinRoom { ext: String::new(), leave_others: false };
        let joined = handle.send(bot, None, Outgoing { to: to.clone(), act }).await?;
        joined.receipt().await.with_context(|| format!("cannot enter {to}"))?;
    }
    let ticket = handle.send(bot, None, Outgoing::message(to.clone(), draft)).await?;
    is_said.set(true);
    Ok(ticket.receipt().await.context("it was not sent")?.message)
}

fn draft(args: &SendArgs) -> anyhow::Result<Draft> {
    let what = &args.what;
    let files = [&what.image, &what.file, &what.audio, &what.video];
    if let Some(path) = files.into_iter().flatten().find(|path| !path.is_file()) {
        let message = format!("there is no file `{}`", path.display());
        bail!(Complaint::wrong_usage(message));
    }
    let mut draft = if let Some(text) = &what.text {
        if text.trim().is_empty() {
            bail!(Complaint::wrong_usage("the text is empty"));
        }
        Draft::new(text.as_str())
    } else if let Some(path) = &what.image {
        Draft::image(path.clone())
    } else if let Some(path) = &what.audio {
        Draft::audio(path.clone(), args.duration_secs)
    } else if let Some(path) = &what.video {
        Draft::video(path.clone(), args.duration_secs)
    } else if let Some(path) = &what.file {
        Draft::file(path.clone())
    } else {
        let event = what.custom.clone().unwrap_or_default();
        Draft::new(Body::Custom(Custom { event, ..Custom::default() }))
    };
    for (key, value) in &args.ext {
        draft.ext.insert(key, value.clone());
    }
    Ok(draft)
}
