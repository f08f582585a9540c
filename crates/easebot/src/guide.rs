//! The guide: each piece of Rust in it is a program, and is run as a test of the documentation.

macro_rules! pages {
    ($($name:ident $path:literal),* $(,)?) => {$(
        #[doc = include_str!(concat!("../../../docs/", $path))]
        mod $name {}
    )*};
}

pages! {
    commands "how-to/commands.md",
    delivery "concepts/delivery.md",
    dialogues "how-to/dialogues.md",
    embedding "how-to/embedding.md",
    errors "concepts/errors.md",
    events "concepts/events.md",
    files "how-to/files.md",
    from_javascript "from-javascript.md",
    groups "how-to/groups.md",
    own_kinds "how-to/own-kinds.md",
    production "how-to/production.md",
    roles "how-to/roles.md",
    schedules "how-to/schedules.md",
    sender "concepts/sender.md",
    start "start.md",
    start_zh "start.zh.md",
    state "concepts/state.md",
    tests "how-to/tests.md",
    webhooks "how-to/webhooks.md",
}
