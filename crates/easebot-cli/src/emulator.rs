//! `easebot emulator`.

use std::{io::ErrorKind, process::ExitCode, time::Duration};

use anyhow::Context;
use easebot_emulator::{
    Callback, CallbackEvent, Callbacks, Emulator, Lz4, OfflineLimits, Options, PreSend, StartError,
};
use easebot_model::Secret;

use crate::{
    args::EmulatorArgs,
    signals::StopSignals,
    speech::{self, Complaint},
};

pub(crate) async fn emulator(args: EmulatorArgs) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::new()?;
    let callbacks = callbacks(&args)?;
    let options = Options {
        callbacks,
        listen: args.listen,
        app_keys: args.app_keys,
        open_registration: !args.closed_registration,
        users: args.users,
        groups: args.groups,
        rooms: args.rooms,
        page_size: args.page_size.max(1),
        offline_limits: if args.real_offline_limits {
            OfflineLimits::real()
        } else {
            OfflineLimits::default()
        },
        lz4: match args.lz4.as_str() {
            "up" => Lz4::Up,
            "down" => Lz4::Down,
            "both" => Lz4::Both,
            _ => Lz4::Off,
        },
        max_file_bytes: args.max_file_bytes,
        file_life: Duration::from_secs(args.file_life_secs),
        file_store_bytes: args.file_store_bytes,
        part_upload: !args.no_part_upload,
        redirect_downloads: args.redirect_downloads,
        offline_life: Duration::from_secs(args.queue_life_secs),
        ..Options::default()
    };
    let emulator = Emulator::start(options).await.map_err(|error| {
        let message = "cannot start the emulator";
        let complaint = match &error {
            StartError::Bind { source, .. } if source.kind() == ErrorKind::AddrInUse => {
                Complaint::failure(message).hint("`--listen 127.0.0.1:0` takes any free port")
            }
            StartError::Bind { .. } => Complaint::failure(message),
            _ => Complaint::wrong_usage(message),
        };
        anyhow::Error::new(error).context(complaint)
    })?;
    if !emulator.addr().ip().is_loopback() {
        speech::notice("the emulator has no protection and can be reached from other machines");
    }
    speech::data(format_args!("listening on {}", emulator.rest_url()));
    signals.stop().await;
    emulator.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

fn callbacks(args: &EmulatorArgs) -> anyhow::Result<Callbacks> {
    let callback = |url: &Option<String>| {
        let Some(url) = url else { return Ok(None) };
        let url = url.parse().with_context(|| format!("{url} is no address"))?;
        anyhow::Ok(Some(Callback { url, secret: Secret::new(args.callback_secret.as_str()) }))
    };
    let pre_send = callback(&args.pre_send_url)?.map(|callback| PreSend {
        callback,
        wait: Duration::from_millis(args.pre_send_wait_ms),
        blocks_on_failure: args.pre_send_blocks,
    });
    let events = args.post_send_events.iter().map(|word| match word.as_str() {
        "contact" => CallbackEvent::Contact,
        "edit" => CallbackEvent::Edit,
        "group" => CallbackEvent::Group,
        "reaction" => CallbackEvent::Reaction,
        "receipt" => CallbackEvent::Receipt,
        "recall" => CallbackEvent::Recall,
        "thread" => CallbackEvent::Thread,
        "user-status" => CallbackEvent::UserStatus,
        _ => CallbackEvent::Message,
    });
    let post_send = callback(&args.post_send_url)?;
    Ok(Callbacks { post_send, post_send_events: events.collect(), pre_send })
}
