//! Functions that handle events.

use std::{future::Future, pin::Pin};

use easebot_model::{Draft, Event};
use easebot_plugin::{Context, Flow, Interest, PluginError};
use futures_util::FutureExt;

use crate::{FromEvent, Needs, Outcome, Skip, States};

/// What runs when a handler is asked; its parameters are made.
pub(crate) type Running<'c> = Pin<Box<dyn Future<Output = Result<Flow, PluginError>> + Send + 'c>>;

/// An async function, or a closure that returns a future, whose parameters (up to eight) each are a [`FromEvent`] and whose
/// output is an [`Outcome`]. Implement neither by hand.
#[diagnostic::on_unimplemented(
    message = "this is no handler",
    label = "not an async function of things that an event has",
    note = "a handler is `async fn(A, B, …) -> R`, or a closure `|a: A, b: B| async move {{ … }}`, with at most eight parameters",
    note = "each parameter has to be `FromEvent`, such as `Text`, `Sender` or `Context`, by value",
    note = "what it returns has to be an `Outcome`: nothing, a `Flow`, a text to reply, or a `Result` of these",
    note = "its future has to be `Send`: hold no `Rc` and no lock of `std` over an `.await`"
)]
pub trait Handler<Args>: Send + Sync + 'static {
    /// The events that have what the parameters need.
    fn interest() -> Interest;

    /// What has to be there when it is built.
    fn needs(needs: &mut Needs);

    /// Calls it, unless the event lacks something.
    fn call<'c>(&self, event: &Event, cx: &'c Context, states: &States) -> Option<Running<'c>>;
}

/// Says what a parameter says instead of the handler.
fn answer(draft: Draft, cx: &Context) -> Running<'_> {
    Box::pin(async move {
        cx.reply(draft).await?;
        Ok(Flow::Stop)
    })
}

macro_rules! handlers {
    ($(($($arg:ident),*))*) => {$(
        impl<Fun, Fut, Out, $($arg,)*> Handler<($($arg,)*)> for Fun
        where
            Fun: Fn($($arg),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Out> + Send + 'static,
            Out: Outcome,
            $($arg: FromEvent,)*
        {
            fn interest() -> Interest {
                Interest::all()$(.intersection($arg::interest()))*
            }

            fn needs(needs: &mut Needs) {
                $($arg::needs(needs);)*
                let _ = needs;
            }

            #[allow(non_snake_case, reason = "each value is named as its type")]
            fn call<'c>(
                &self,
                event: &Event,
                cx: &'c Context,
                states: &States,
            ) -> Option<Running<'c>> {
                // The room first: a future that is made before it is there is copied into it.
                let room = Box::new_uninit();
                $(let $arg = match $arg::from_event(event, cx, states) {
                    Ok(it) => it,
                    Err(Skip::NotThere) => return None,
                    Err(Skip::Answer(draft)) => return Some(answer(*draft, cx)),
                };)*
                let _ = (event, states);
                // Not an async block, which would move the future once more when it is first polled.
                let running = Box::write(
                    room,
                    self($($arg),*).then(|outcome| outcome.settle(cx)),
                );
                Some(Box::into_pin(running))
            }
        }
    )*};
}

handlers! {
    ()
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
    (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}
