//! The side `backlog`: a server at which texts wait for whoever logs in.
//!
//! `backlog N CONVERSATIONS PAGE`; says `port P`, and for each client `drained SECONDS` when it has acknowledged all of them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};

use super::engine::unix_ms;
use super::peer::{Peer, Speech, Stock};
use crate::console::Console;

const READ_BYTES: usize = 64 * 1024;

/// How many texts wait, in how many conversations.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    texts: u64,
    conversations: u64,
}

/// The side.
///
/// # Errors
/// If the words are others, or nothing can be listened on.
pub(crate) fn backlog(words: &[String]) -> anyhow::Result<()> {
    let [texts, conversations, page] = words else { bail!("backlog N CONVERSATIONS PAGE") };
    let waiting = Waiting { texts: texts.parse()?, conversations: conversations.parse()? };
    ensure!(waiting.conversations > 0, "texts wait in a conversation");
    let stock = Arc::new(Stock::new(Speech::Easemob, page.parse()?));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
    Console.say(&format!("port {}", listener.local_addr()?.port()));
    for stream in listener.incoming() {
        let (stream, stock) = (stream?, Arc::clone(&stock));
        thread::spawn(move || {
            if let Err(error) = serve(stream, &stock, waiting) {
                Console.progress(&format!("backlog: {error:#}"));
            }
        });
    }
    Ok(())
}

fn serve(mut stream: TcpStream, stock: &Stock, waiting: Waiting) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut peer = Peer::new(Speech::Easemob);
    let mut buffer = vec![0; READ_BYTES];
    let (mut input, mut out, mut heard) = (Vec::new(), Vec::new(), Vec::new());
    let (mut is_offered, mut is_told, mut begun) = (false, false, None);
    loop {
        // However a client leaves, it is gone.
        let Ok(n_read @ 1..) = stream.read(&mut buffer) else { return Ok(()) };
        input.extend_from_slice(buffer.get(..n_read).unwrap_or_default());
        let taken = peer.take(stock, &mut input, unix_ms(), &mut out, &mut heard)?;
        input.drain(..taken);
        ensure!(heard.is_empty(), "somebody answers who has only to listen");
        if !is_offered && let Peer::Easemob(_) = peer {
            is_offered = true;
            for number in 0..waiting.texts {
                let conversation = usize::try_from(number % waiting.conversations)?;
                peer.offer(stock, conversation, number, &mut out);
            }
        }
        if begun.is_none() && peer.is_online() {
            begun = Some(Instant::now());
        }
        peer.settle(stock, &mut out, unix_ms());
        stream.write_all(&out).context("a client does not read")?;
        out.clear();
        if let Some(begun) = begun.filter(|_| !is_told && peer.is_drained()) {
            is_told = true;
            Console.say(&format!("drained {}", begun.elapsed().as_secs_f64()));
        }
    }
}
