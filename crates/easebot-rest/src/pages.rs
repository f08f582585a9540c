//! Lists that come page by page.

use std::fmt;

use serde_json::Value;

use crate::{Api, ApiError, Call, Fields};

/// A list that comes page by page: ask [`next`](Self::next) until it gives `None`.
///
/// Nothing is asked before that, and a page that nobody asks for costs nothing. The list is not a snapshot: what changes
/// on the server meanwhile may be missed or seen twice.
#[must_use = "nothing is asked before `next`"]
pub struct Pages<T> {
    api: Api,
    call: Call,
    read: fn(Fields<'_>) -> Vec<T>,
    paging: Paging,
    place: Place,
}

/// How the service names pages.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paging {
    /// `limit` and `cursor`: the last page has no cursor.
    Cursor { n_items: u32 },
    /// Page number from `first`, and page size: a page that is not full is the last one.
    Number { number: &'static str, size: &'static str, first: u32, n_items: u32 },
}

/// Which page is next.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    Cursor(String),
    End,
    Number(u32),
    Start,
}

impl<T> Pages<T> {
    pub(crate) const fn new(
        api: Api,
        call: Call,
        paging: Paging,
        read: fn(Fields<'_>) -> Vec<T>,
    ) -> Self {
        Self { api, call, read, paging, place: Place::Start }
    }

    /// The next page; `None` after the last one. A page may be empty. Cancel-safe: a page that was not given is given next.
    ///
    /// # Errors
    /// [`ApiError`]; the same page is asked for next time.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, ApiError> {
        let Some(call) = self.next_call() else { return Ok(None) };
        let value = self.api.json(&call).await?;
        let fields = Fields::of(&value);
        let items = (self.read)(fields);
        // One that cannot be read is there all the same.
        self.advance(fields, items.len().max(n_listed(&value)));
        Ok(Some(items))
    }

    /// All pages that are left, as one list of at most `limit` items.
    ///
    /// # Errors
    /// [`ApiError`] of the first page that fails.
    pub async fn collect(mut self, limit: usize) -> Result<Vec<T>, ApiError> {
        let mut all = Vec::new();
        while all.len() < limit {
            let Some(page) = self.next().await? else { break };
            all.extend(page);
        }
        all.truncate(limit);
        Ok(all)
    }

    /// Where the next page begins, in the server's words; `None` before the first page, after the last one, and for lists
    /// whose pages are numbered.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        match &self.place {
            Place::Cursor(cursor) => Some(cursor),
            _ => None,
        }
    }

    /// Goes on where another run [was](Self::cursor). No effect on lists whose pages are numbered.
    pub fn from_cursor(mut self, cursor: impl Into<String>) -> Self {
        if let Paging::Cursor { .. } = self.paging {
            self.place = Place::Cursor(cursor.into());
        }
        self
    }

    fn next_call(&self) -> Option<Call> {
        let call = self.call.clone();
        let call = match self.paging {
            Paging::Cursor { n_items } => call.query("limit", n_items.to_string()),
            Paging::Number { number, size, first, n_items } => {
                call.query(number, first.to_string()).query(size, n_items.to_string())
            }
        };
        match (&self.place, self.paging) {
            (Place::Cursor(cursor), _) => Some(call.query("cursor", cursor.as_str())),
            (Place::End, _) => None,
            (Place::Number(at), Paging::Number { number, .. }) => {
                Some(call.query(number, at.to_string()))
            }
            (Place::Number(_) | Place::Start, _) => Some(call),
        }
    }

    fn advance(&mut self, fields: Fields<'_>, n_found: usize) {
        self.place = match (self.paging, &self.place) {
            (Paging::Cursor { .. }, place) => match cursor_of(fields).map(Place::Cursor) {
                // The same page for ever is no list.
                Some(next) if next != *place => next,
                _ => Place::End,
            },
            (Paging::Number { n_items, .. }, _) if n_found < n_items as usize => Place::End,
            (Paging::Number { .. }, Place::Number(at)) => Place::Number(at.saturating_add(1)),
            (Paging::Number { first, .. }, _) => Place::Number(first + 1),
        };
    }
}

/// How many things the answer lists, in the longest of its lists: at the top, or one below.
fn n_listed(answer: &Value) -> usize {
    let len = |value: &Value| value.as_array().map_or(0, Vec::len);
    let below = |value: &Value| {
        let fields = value.as_object().into_iter().flatten();
        fields.map(|(_, value)| len(value)).max().unwrap_or_default()
    };
    let fields = answer.as_object().into_iter().flatten();
    fields.map(|(_, value)| len(value).max(below(value))).max().unwrap_or_default()
}

/// Services put it in different places.
fn cursor_of(fields: Fields<'_>) -> Option<String> {
    let places = [fields, fields.at("data"), fields.at("properties")];
    // The text `undefined` is what a client of this service would send for none.
    places.into_iter().find_map(|place| place.text("cursor")).filter(|text| text != "undefined")
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("place", &self.place).finish_non_exhaustive()
    }
}
