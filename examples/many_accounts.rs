//! A hundred accounts in one process: each is a desk of its own, and all share what is saved, the pace of their app and a task
//! each. With no account to be had they meet an emulator here; the first desk is the one that you write to.
//!
//! `cargo run -p easebot-examples --example many_accounts`

use std::error::Error;

use easebot::{
    Bot, Conversation, Outgoing,
    client::Account,
    handler::BuildError,
    runtime::{BotSpec, Handle, SendOutsideError},
    testkit::{Testbed, account},
};

/// The accounts of all desks. In a program of your own: those of your own list, with their passwords.
pub(crate) fn accounts() -> impl Iterator<Item = Account> {
    (1..=100).map(|number| account(&format!("desk-{number}")))
}

/// A bot for each account, named as its user. In a program of your own: `Runtime::start(options, desks(accounts)?).await?`.
pub(crate) fn desks(
    accounts: impl IntoIterator<Item = Account>,
) -> Result<Vec<BotSpec>, BuildError> {
    accounts.into_iter().map(|account| desk(account).spec()).collect()
}

fn desk(account: Account) -> Bot {
    let name = account.user.to_string();
    Bot::login(account).on_text(move |message, _| {
        let answer = format!("This is {name}, {}.", message.from);
        async move { answer }
    })
}

/// Says `text` to `to` through each desk that is there now, as bulk: people's answers go before it.
pub(crate) async fn announce(
    desks: &Handle,
    to: &Conversation,
    text: &str,
) -> Result<(), SendOutsideError> {
    for desk in desks.names() {
        desks.send_bulk(&desk, None, Outgoing::text(to.clone(), text)).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let bed = Testbed::of(desks(accounts())?).await;
    let _alice = bed.user("alice").await;
    announce(&bed.handle(), &Conversation::user("alice"), "We are open.").await?;
    Ok(bed.talk().await?)
}
