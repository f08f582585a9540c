//! What a parameter of a handler can be.

mod event;

use std::{
    any::{Any, TypeId, type_name},
    borrow::Cow,
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::Arc,
};

use easebot_model::{Conversation, Draft, Event, Message, UserId};
use easebot_plugin::{Context, Interest, PluginError};

use crate::{
    Steps,
    dialogue::{Dialogues, Kept},
    load::Load,
};

/// A type that a parameter of a handler can have: something of the event, or something that is at hand.
///
/// Of the model: [`Event`], [`Message`](easebot_model::Message), [`Conversation`], each body of a message
/// ([`Text`](easebot_model::Text), [`Image`](easebot_model::Image), [`Combine`](easebot_model::Combine), …) and what other
/// events hold ([`Recalled`](easebot_model::Recalled), [`ReactionChange`](easebot_model::ReactionChange), …). Besides:
/// [`Context`], [`Sender`], [`State`], [`Dialogue`](crate::Dialogue), [`Ask`](crate::Ask), and `Option<T>` for what may be
/// missing.
///
/// ```
/// use easebot_handler::{FromEvent, Skip, States};
/// use easebot_model::{Conversation, Event, GroupId};
/// use easebot_plugin::{Context, Interest};
///
/// /// The group of the event.
/// struct InGroup(GroupId);
///
/// impl FromEvent for InGroup {
///     fn interest() -> Interest {
///         Interest::all()
///     }
///
///     fn from_event(event: &Event, _cx: &Context, _states: &States) -> Result<Self, Skip> {
///         match event.conversation() {
///             Some(Conversation::Group(id)) => Ok(Self(id)),
///             _ => Err(Skip::NotThere),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a handler",
    label = "nothing of an event is a `{Self}`",
    note = "parameters can be `Event`, `Message`, bodies such as `Text`, `Image` and `Combine`, `Conversation`, `Sender`, `Context`, `State<T>` for what the builder was given with `.state(…)`, and `Option` of these",
    note = "references cannot: take the value"
)]
pub trait FromEvent: Sized + Send + 'static {
    /// The events of which it can be made. A handler is asked for those that fit all its parameters.
    fn interest() -> Interest;

    /// Says what has to be there when the handler is built, such as a state. Nothing by default.
    fn needs(needs: &mut Needs) {
        let _ = needs;
    }

    /// Itself.
    ///
    /// # Errors
    /// [`Skip`] if it cannot be made of this event: then the handler is not asked.
    fn from_event(event: &Event, cx: &Context, states: &States) -> Result<Self, Skip>;
}

/// What is there for [`State`] parameters, by type, and what was loaded for the event that is handled.
#[derive(Clone, Default)]
pub struct States {
    /// The same for all events.
    given: Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    /// Of one event.
    loaded: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl States {
    /// The value of the type `T`, if one was given.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let id = TypeId::of::<T>();
        let value = self.loaded.get(&id).or_else(|| self.given.get(&id))?;
        Arc::clone(value).downcast().ok()
    }

    /// Gives the value that stood there before.
    pub(crate) fn put<T: Send + Sync + 'static>(&mut self, value: Arc<T>) -> bool {
        Arc::make_mut(&mut self.given).insert(TypeId::of::<T>(), value).is_some()
    }

    /// What was loaded for the event that these are for.
    pub(crate) fn load<T: Send + Sync + 'static>(&mut self, value: Arc<T>) {
        self.loaded.insert(TypeId::of::<T>(), value);
    }

    fn has(&self, id: TypeId) -> bool {
        self.given.contains_key(&id)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").field("n", &self.given.len()).finish_non_exhaustive()
    }
}

/// Why a handler is not asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Skip {
    /// It is meant for the handler, but is not as it should be: this is said instead, and the event is taken.
    Answer(Box<Draft>),
    /// The event has it not: handlers behind this one are asked.
    NotThere,
}

/// What the parameters of a handler need, looked at when it is built.
#[derive(Default)]
pub struct Needs {
    given: Vec<(TypeId, &'static str)>,
    made: Vec<Make>,
    dialogues: Vec<fn() -> Box<dyn Kept>>,
    loaded: Vec<Box<dyn Load>>,
}

/// Puts a value of this type where handlers find it, or says why it cannot be made.
type Make = (TypeId, Box<dyn FnOnce(&mut States) -> Result<(), String> + Send + Sync>);

impl fmt::Debug for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.given.iter().map(|(_, name)| name);
        f.debug_list().entries(given).finish()
    }
}

impl Needs {
    /// A state of the type `T` has to be there.
    pub fn state<T: Send + Sync + 'static>(&mut self) {
        self.given.push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// A value of the type `T` is made once for all handlers, and found in [`States`].
    pub fn made<T: Send + Sync + 'static, E: std::error::Error>(
        &mut self,
        make: impl FnOnce() -> Result<T, E> + Send + Sync + 'static,
    ) {
        let make = |states: &mut States| {
            let made = make().map_err(|error| easebot_model::chain(&error))?;
            states.put(Arc::new(made));
            Ok(())
        };
        self.made.push((TypeId::of::<T>(), Box::new(make)));
    }

    /// This has to be found out before the handler is asked.
    pub(crate) fn loaded(&mut self, load: impl Load + 'static) {
        self.loaded.push(Box::new(load));
    }

    /// Finds out what is needed of `message`.
    pub(crate) async fn load(
        &self,
        message: &Message,
        cx: &Context,
        states: &mut Cow<'_, States>,
    ) -> Result<(), PluginError> {
        for load in &self.loaded {
            load.load(message, cx, states.to_mut()).await?;
        }
        Ok(())
    }

    /// The dialogue of the steps `S` of who wrote the message has to be loaded before the handler is asked.
    pub(crate) fn dialogue<S: Steps>(&mut self) {
        self.dialogues.push(|| Box::new(Dialogues::<S>::new()));
    }

    /// The dialogues that are to be loaded, as they are unless the builder was told otherwise.
    pub(crate) fn dialogues(&self) -> impl Iterator<Item = Box<dyn Kept>> {
        self.dialogues.iter().map(|make| make())
    }

    /// Makes what is to be made and not there yet. Gives why what cannot be made cannot.
    pub(crate) fn make(&mut self, states: &mut States) -> Vec<String> {
        let made = std::mem::take(&mut self.made).into_iter();
        let missing =
            made.filter_map(|(id, make)| if states.has(id) { None } else { make(states).err() });
        missing.collect()
    }

    /// Names of the types of which there is no state.
    pub(crate) fn missing_in<'n>(
        &'n self,
        states: &'n States,
    ) -> impl Iterator<Item = &'static str> + use<'n> {
        self.given.iter().filter(|(id, _)| !states.has(*id)).map(|(_, name)| *name)
    }
}

/// Who caused the event: who wrote the message, edited or recalled it, reacted, or changed the group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sender(
    /// The user.
    pub UserId,
);

/// A value that the builder was given with [`Handlers::state`](crate::Handlers::state), shared by all handlers. Where it
/// changes, it is a `Mutex` or the like; what is to outlive the process belongs in the store ([`Context::state`]).
#[derive(Debug)]
pub struct State<T>(
    /// The value.
    pub Arc<T>,
);

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromEvent for State<T> {
    fn interest() -> Interest {
        Interest::all()
    }

    fn needs(needs: &mut Needs) {
        needs.state::<T>();
    }

    fn from_event(_event: &Event, _cx: &Context, states: &States) -> Result<Self, Skip> {
        states.get().map(Self).ok_or(Skip::NotThere)
    }
}

impl FromEvent for Context {
    fn interest() -> Interest {
        Interest::all()
    }

    fn from_event(_event: &Event, cx: &Context, _states: &States) -> Result<Self, Skip> {
        Ok(cx.clone())
    }
}

impl FromEvent for Conversation {
    fn interest() -> Interest {
        Interest::all()
    }

    fn from_event(event: &Event, _cx: &Context, _states: &States) -> Result<Self, Skip> {
        event.conversation().ok_or(Skip::NotThere)
    }
}

/// There whether or not the event has it. What it needs besides has to be there all the same.
impl<T: FromEvent> FromEvent for Option<T> {
    fn interest() -> Interest {
        Interest::all()
    }

    fn needs(needs: &mut Needs) {
        T::needs(needs);
    }

    fn from_event(event: &Event, cx: &Context, states: &States) -> Result<Self, Skip> {
        match T::from_event(event, cx, states) {
            Ok(it) => Ok(Some(it)),
            Err(Skip::NotThere) => Ok(None),
            Err(skip @ Skip::Answer(_)) => Err(skip),
        }
    }
}
