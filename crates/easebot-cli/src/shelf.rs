//! `easebot inbox` and `easebot outbox`: what is not finished, seen and changed beside the bots.

pub(crate) mod place;
pub(crate) mod print;

use std::process::ExitCode;

use anyhow::Context;
use easebot_store::{EventRow, Item, ItemId, ItemState, Listing, OutgoingRow, Shelf, Which};

use self::place::Place;
use crate::{
    Program,
    args::{ListArgs, PickArgs, ShelfCommand, ShowArgs},
    speech::{self, Complaint},
};

pub(crate) async fn shelf(
    program: &Program,
    shelf: Shelf,
    command: &ShelfCommand,
) -> anyhow::Result<ExitCode> {
    let place = match command {
        ShelfCommand::Drop(args) | ShelfCommand::Retry(args) => &args.place,
        ShelfCommand::List(args) => &args.place,
        ShelfCommand::Show(args) => &args.place,
    };
    let place = match Place::find(program, place).await? {
        Ok(place) => place,
        Err(code) => return Ok(code),
    };
    match command {
        ShelfCommand::Drop(args) => change(&place, shelf, Change::Drop, args).await,
        ShelfCommand::List(args) => list(&place, shelf, args).await,
        ShelfCommand::Retry(args) => change(&place, shelf, Change::Retry, args).await,
        ShelfCommand::Show(args) => show(&place, shelf, args).await,
    }
}

async fn list(place: &Place, shelf: Shelf, args: &ListArgs) -> anyhow::Result<ExitCode> {
    let which = match (args.dead, args.waiting) {
        (true, _) => Which::Dead,
        (_, true) => Which::Waiting,
        (false, false) => Which::All,
    };
    // One more than is shown tells whether there are more.
    let (limit, after) = (args.limit.saturating_add(1), args.after);
    let listing = Listing { shelf, which, account: place.account.clone(), after, limit };
    let mut items = place.desk.items(listing).await.context("cannot list")?;
    let has_more = items.len() > args.limit;
    items.truncate(args.limit);
    if args.json {
        items.iter().for_each(|item| speech::data(print::json(item, place)));
    } else {
        print::table(&items, place).iter().for_each(speech::data);
    }
    match items.last() {
        None => speech::say("nothing"),
        Some(last) if has_more => {
            speech::say(format_args!("there are more: --after {}", last.id.number()));
        }
        Some(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(place: &Place, shelf: Shelf, args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let open = place.desk.item(name(shelf, args.id)).await.context("cannot read it")?;
    let open = open.filter(|open| place.covers(&open.item)).ok_or_else(|| missing(args.id))?;
    let text = print::open(&open, place, args.json);
    speech::data(text);
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone, Copy)]
enum Change {
    Drop,
    Retry,
}

async fn change(
    place: &Place,
    shelf: Shelf,
    change: Change,
    args: &PickArgs,
) -> anyhow::Result<ExitCode> {
    let n_changed = match args.id {
        Some(id) => {
            let open = place.desk.item(name(shelf, id)).await.context("cannot read it")?;
            let item = open.map(|open| open.item).filter(|item| place.covers(item));
            if !change_one(place, change, &item.ok_or_else(|| missing(id))?).await? {
                return Err(refused(id, change).into());
            }
            1
        }
        None => change_all(place, shelf, change).await?,
    };
    let what = match shelf {
        Shelf::Inbox => "event",
        Shelf::Outbox => "send",
    };
    let how = match change {
        Change::Drop => "dropped",
        Change::Retry => "to be tried again",
    };
    let plural = if n_changed == 1 { "" } else { "s" };
    speech::say(format_args!("{n_changed} {what}{plural} {how}"));
    Ok(ExitCode::SUCCESS)
}

/// Every dead one, page by page.
async fn change_all(place: &Place, shelf: Shelf, change: Change) -> anyhow::Result<usize> {
    const PAGE: usize = 500;
    let (mut n_changed, mut after) = (0, None);
    loop {
        let (which, account) = (Which::Dead, place.account.clone());
        let listing = Listing { shelf, which, account, after, limit: PAGE };
        let items = place.desk.items(listing).await.context("cannot list")?;
        let Some(last) = items.last() else { return Ok(n_changed) };
        after = Some(last.id.number());
        for item in &items {
            n_changed += usize::from(change_one(place, change, item).await?);
        }
    }
}

/// Whether it could be changed: a bot may have been faster.
async fn change_one(place: &Place, change: Change, item: &Item) -> anyhow::Result<bool> {
    let changed = match (change, &item.state, item.id) {
        (Change::Retry, ..) => place.desk.retry_dead(item.id).await,
        (Change::Drop, ItemState::Waiting, ItemId::Outgoing(row)) => {
            place.desk.drop_waiting(row).await
        }
        (Change::Drop, ..) => place.desk.drop_dead(item.id).await,
    };
    changed.context("nothing more was changed")
}

fn name(shelf: Shelf, id: i64) -> ItemId {
    match shelf {
        Shelf::Inbox => ItemId::Event(EventRow(id)),
        Shelf::Outbox => ItemId::Outgoing(OutgoingRow(id)),
    }
}

fn missing(id: i64) -> Complaint {
    Complaint::failure(format!("there is no {id} that is not finished"))
        .hint("`list` shows what there is")
}

fn refused(id: i64, change: Change) -> Complaint {
    let hint = match change {
        Change::Drop => "an event that waits for its handler cannot be dropped, only a dead one",
        Change::Retry => "it waits already: only a dead one is tried again",
    };
    Complaint::failure(format!("{id} is not dead")).hint(hint)
}
