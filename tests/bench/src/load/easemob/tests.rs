use easebot_msync::schema::{
    CommNotice, CommSyncDl, CommUnreadDl, MSync, Provision as Login, m_sync::Command,
};

use super::*;

const NOW: u64 = 1_790_000_000_000;

/// A client at the other end, with the schema's own types.
struct Client {
    server: Easemob,
    texts: Texts,
    drafts: Drafts,
}

impl Client {
    fn online(page: usize) -> Self {
        let texts = Texts::new();
        let drafts = Drafts::new(&texts);
        let mut client = Self { server: Easemob::new(page), texts, drafts };
        let login = MSync {
            guid: Some(Jid { name: Some(account(7)), ..Jid::default() }),
            command: Some(Command::Provision.into()),
            payload: Some(
                Login { resource: Some("phone".to_owned()), ..Login::default() }
                    .encode_to_vec()
                    .into(),
            ),
            ..MSync::default()
        };
        let answers = client.say(&login.encode_to_vec());
        let login = Login::decode(answers[0].1.as_slice()).unwrap();
        assert_eq!((answers[0].0, login.resource()), (3, "phone"));
        client
    }

    fn ask_unread(&mut self) -> CommUnreadDl {
        let unread = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
        let answers = self.say(&unread.encode_to_vec());
        CommUnreadDl::decode(answers[0].1.as_slice()).unwrap()
    }

    /// Says it, and gives the command and payload of each frame that is the answer.
    fn say(&mut self, bytes: &[u8]) -> Vec<(i32, Vec<u8>)> {
        let mut out = Vec::new();
        self.server.take(bytes, &mut out, NOW).unwrap();
        self.settle(out)
    }

    fn settle(&mut self, mut out: Vec<u8>) -> Vec<(i32, Vec<u8>)> {
        self.server.settle(&self.drafts, &mut out, NOW);
        let mut frames = Vec::new();
        let mut rest = out.as_slice();
        while let [0x82, short, ..] = rest {
            let (start, length) = match short {
                126 => (4, usize::from(u16::from_be_bytes([rest[2], rest[3]]))),
                short => (2, usize::from(*short)),
            };
            let frame = MSync::decode(&rest[start..start + length]).unwrap();
            frames.push((frame.command.unwrap(), frame.payload.unwrap().to_vec()));
            rest = &rest[start + length..];
        }
        assert!(rest.is_empty());
        frames
    }

    fn pull(&mut self, queue: &Jid, key: Option<u64>) -> CommSyncDl {
        let answers = self.say(&msync::pull(&queue.encode_to_vec(), key));
        assert_eq!(answers.len(), 1);
        CommSyncDl::decode(answers[0].1.as_slice()).unwrap()
    }
}

#[test]
fn a_queue_is_told_of_once_and_fetched_page_by_page_to_its_end() {
    let mut client = Client::online(2);
    assert!(client.ask_unread().unread.is_empty());
    for number in 0..3 {
        client.server.offer(5, number);
    }
    let told = client.settle(Vec::new());
    assert_eq!(told.len(), 1);
    let queue = CommNotice::decode(told[0].1.as_slice()).unwrap().queue.unwrap();
    assert_eq!((told[0].0, queue.name(), queue.client_resource()), (2, "user00005", "phone"));

    let first = client.pull(&queue, None);
    assert_eq!((first.metas.len(), first.is_last), (2, None));
    assert_eq!(first.next_key, first.metas[1].id);
    assert_eq!(first.queue.unwrap().name(), "user00005");
    let meta = &first.metas[1];
    assert_eq!((meta.timestamp, meta.ns), (Some(NOW), Some(1)));
    assert_eq!(meta.from.as_ref().unwrap().name(), "user00005");
    assert_eq!(meta.to.as_ref().unwrap().name(), "bot00007");
    let body = MessageBody::decode(meta.payload.clone().unwrap()).unwrap();
    assert_eq!((body.from.unwrap().name(), body.to.unwrap().name()), ("user00005", "bot00007"));
    assert_eq!(client.texts.number(body.contents[0].text().as_bytes()).unwrap(), 1);

    assert_eq!(client.pull(&queue, None), client_page(&first.metas), "given again");
    let second = client.pull(&queue, first.next_key);
    assert_eq!(second.metas.len(), 1);
    assert!(second.next_key > first.next_key);
    client.server.offer(5, 3);
    assert!(client.settle(Vec::new()).is_empty(), "the client is to ask for it anyway");
    let third = client.pull(&queue, second.next_key);
    assert_eq!(third.metas.len(), 1);
    assert!(!client.server.is_drained(), "the end is not said");
    let end = client.pull(&queue, third.next_key);
    assert!(client.server.is_drained());
    assert_eq!((end.metas.len(), end.next_key, end.is_last), (0, None, Some(true)));
    assert_eq!(end.queue.unwrap().name(), "user00005");
    client.server.offer(5, 4);
    assert_eq!(client.settle(Vec::new()).len(), 1, "told of anew");
}

/// A page with these metas, as the server has it.
fn client_page(metas: &[Meta]) -> CommSyncDl {
    let mut jid = Vec::new();
    put_bytes(&mut jid, 2, b"user00005");
    CommSyncDl {
        status: Some(easebot_msync::schema::Status {
            error_code: Some(0),
            ..easebot_msync::schema::Status::default()
        }),
        metas: metas.to_vec(),
        next_key: metas.last().and_then(|meta| meta.id),
        queue: Some(Jid::decode(jid.as_slice()).unwrap()),
        timestamp: Some(NOW),
        ..CommSyncDl::default()
    }
}

#[test]
fn what_waits_before_the_login_is_listed() {
    let mut client = Client::online(20);
    client.server.offer(0, 0);
    client.server.offer(1, 1);
    assert!(client.settle(Vec::new()).is_empty(), "nothing before UNREAD");
    let unread = client.ask_unread();
    let names: Vec<_> =
        unread.unread.iter().map(|entry| entry.queue.as_ref().unwrap().name()).collect();
    assert_eq!(names, ["user00000", "user00001"]);
}

#[test]
fn an_answer_is_acknowledged_and_handed_on() {
    let mut client = Client::online(20);
    client.ask_unread();
    client.server.offer(3, 0);
    let mut out = Vec::new();
    let said = msync::say(77, APP_KEY.as_bytes(), b"bot00007", b"user00003", b"hi");
    let heard = client.server.take(&said, &mut out, NOW).unwrap();
    assert_eq!(heard, Some((3, &b"hi"[..])));
    let answers = client.settle(out);
    let ack = CommSyncDl::decode(answers[0].1.as_slice()).unwrap();
    assert_eq!((ack.meta_id, ack.timestamp), (Some(77), Some(NOW)));
    assert!(ack.server_id > Some(FIRST_ID) && ack.status.unwrap().error_code == Some(0));
    let stray = msync::say(78, APP_KEY.as_bytes(), b"bot00007", b"user00999", b"hi");
    assert!(client.server.take(&stray, &mut Vec::new(), NOW).is_err());
}
