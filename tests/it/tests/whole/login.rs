//! Who may log in, and for how long.

use std::sync::Arc;

use easebot_client::Credentials;
use easebot_emulator::{Whose, Wish};
use easebot_it::{BOT, Echo, Stage};
use easebot_model::{Kick, Secret, UserId};
use easebot_plugin::Plugin;
use easebot_runtime::BotSpec;

fn echo() -> [Arc<dyn Plugin>; 1] {
    [Arc::new(Echo)]
}

/// A bot that cannot log in ends with this cause.
async fn ends_with(stage: &Stage, bot: BotSpec, cause: &str) {
    let name = bot.name.clone();
    let bots = stage.begin([bot]).await;
    assert_eq!(bots.ended(&name).await, cause);
    bots.stop().await;
}

#[tokio::test]
async fn of_two_bots_the_one_with_the_right_password_works() {
    let stage = Stage::set().await;
    let mut wrong = stage.bot_named("bob", echo());
    wrong.account.credentials = Credentials::Password(Secret::new("wrong"));
    let bots = stage.begin([wrong, stage.bot(echo())]).await;
    assert_eq!(bots.ended("bob").await, "cannot log in: the server refused the password");
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "hi");
    bots.stop().await;
}

#[tokio::test]
async fn a_login_that_cannot_succeed_ends_with_the_reason() {
    let stage = Stage::set().await;
    let bot = stage.bot_named("nobody", echo());
    ends_with(&stage, bot, "cannot log in: the server does not know this user").await;

    let mut bot = stage.bot(echo());
    bot.account.app_key = "easebot#other".parse().unwrap();
    ends_with(&stage, bot, "cannot log in: the server does not know this app key").await;

    let mut bot = stage.bot(echo());
    bot.account.credentials = Credentials::Token(Secret::new("no token at all"));
    let bots = stage.begin([bot]).await;
    let cause = bots.ended(BOT).await;
    assert!(cause.contains("token"), "{cause}");
    bots.stop().await;
}

#[tokio::test]
async fn a_fixed_token_is_enough() {
    let stage = Stage::set().await;
    let token = stage.control().token(&BOT.into(), None).unwrap();
    let mut bot = stage.bot(echo());
    bot.account.credentials = Credentials::Token(token);
    let bots = stage.run([bot]).await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "hi");
    bots.stop().await;
}

#[tokio::test]
async fn a_kick_ends_the_bot_with_its_cause() {
    let stage = Stage::set().await;
    let kicks = [
        (Kick::KickedByOther, None, "another device or the operator ended this login"),
        (Kick::LoggedInElsewhere, Some("moved"), "the account logged in on another device (moved)"),
        (Kick::PasswordChanged, None, "the password was changed"),
        (Kick::UserRemoved, None, "the user was removed"),
    ];
    for (kick, reason, cause) in kicks {
        let bots = stage.run([stage.bot(echo())]).await;
        assert_eq!(stage.control().kick(&Whose::User(BOT.into()), kick, reason), 1);
        assert_eq!(bots.ended(BOT).await, cause);
        bots.stop().await;
    }
}

#[tokio::test]
async fn a_token_that_ends_is_replaced_by_means_of_the_password() {
    let stage = Stage::set().await;
    let bots = stage.run([stage.bot(echo())]).await;
    let mut alice = stage.person("alice").await;
    let bot = UserId::new(BOT);
    assert_eq!(stage.control().expire_tokens(Some(&bot)), 1);
    assert_eq!(stage.control().drop_links(&Whose::User(bot)), 1);
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "hi");
    bots.stop().await;
}

#[tokio::test]
async fn a_fixed_token_that_ends_ends_the_bot() {
    let stage = Stage::set().await;
    let bot_user = UserId::new(BOT);
    let token = stage.control().token(&bot_user, None).unwrap();
    let mut bot = stage.bot(echo());
    bot.account.credentials = Credentials::Token(token);
    let bots = stage.run([bot]).await;
    assert_eq!(stage.control().expire_tokens(Some(&bot_user)), 1);
    assert_eq!(stage.control().drop_links(&Whose::User(bot_user)), 1);
    let cause = bots.ended(BOT).await;
    assert!(cause.contains("token"), "{cause}");
    bots.stop().await;
}

#[tokio::test]
async fn a_login_that_is_refused_for_now_is_tried_again() {
    let stage = Stage::set().await;
    // Code 8: the server has no route for this user.
    stage.control().refuse(Wish::Login, Some(UserId::new(BOT)), 1, 8, "");
    let bots = stage.begin([stage.bot(echo())]).await;
    bots.offline(BOT).await;
    bots.online(BOT).await;
    bots.stop().await;
}
