//! What is one in a process belongs to the process: in a file of its own, because it would see what other tests do.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use easebot::{
    Bot,
    runtime::{Runtime, RuntimeOptions},
    store::Database,
};
use easebot_it::{BOT, Stage};

/// What a process has once: the signals that it catches, ignores and blocks, its folder and its environment.
fn process() -> Vec<String> {
    // Of this thread: the first one of the process blocks all signals for as long as it makes another.
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let signals = status.lines().filter(|line| line.starts_with("Sig")).map(str::to_owned);
    let signals: Vec<_> = signals.filter(|line| !line.starts_with("SigQ")).collect();
    assert_eq!(signals.len(), 4, "pending, blocked, ignored, caught: {signals:?}");
    let folder = env::current_dir().unwrap().display().to_string();
    let variables = env::vars_os().map(|variable| format!("{variable:?}"));
    signals.into_iter().chain([folder]).chain(variables).collect()
}

#[tokio::test]
async fn bots_leave_signals_logs_metrics_tls_and_panics_to_the_program_that_they_run_in() {
    let is_told = Arc::new(AtomicBool::new(false));
    let of_the_program = Arc::clone(&is_told);
    panic::set_hook(Box::new(move |_| of_the_program.store(true, Ordering::Relaxed)));
    let before = process();

    let stage = Stage::set().await;
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let store = Arc::new(Database::open(stage.data().join("bots.sqlite")).unwrap());
    let options = RuntimeOptions::new(store).http(loopback).folder(stage.data().to_owned());
    let bot = Bot::login(stage.account(BOT)).on_text(|_, _| async { "pong" }).spec().unwrap();
    let runtime = Runtime::start(options, vec![bot]).await.unwrap();
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "ping").await;
    assert_eq!(alice.hears_text().await, "pong");
    runtime.shutdown(Duration::from_secs(5)).await;

    assert_eq!(process(), before);
    assert!(panic::catch_unwind(|| panic!("on purpose")).is_err());
    drop(panic::take_hook());
    assert!(is_told.load(Ordering::Relaxed), "the hook for panics is the program's own");
    // Each of these can be done once in a process, so nobody has done it.
    let subscriber = tracing::subscriber::NoSubscriber::default();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    metrics::set_global_recorder(metrics::NoopRecorder).unwrap();
    assert!(rustls::crypto::aws_lc_rs::default_provider().install_default().is_ok());
}
