// Our bot, started from a `bots.toml`, as seen by a user of the vendor's SDK.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { botsToml } from './lib/config.mjs';
import { noisyPng } from './lib/pictures.mjs';
import { passwordOf } from './lib/sdk.mjs';
import { scenario } from './lib/stage.mjs';
import { GIF } from './web/lib/files.mjs';

const CONCIERGE = `
  [[bot.plugin]]
  kind   = "command"
  prefix = "/"
    [[bot.plugin.command]]
    name  = "ping"
    help  = "answers pong"
    reply = "pong"

  [[bot.plugin]]
  kind = "auto-reply"
    [[bot.plugin.rule]]
    regex = '^echo (?<text>.+)$'
    reply = "{{ text }}"
    [[bot.plugin.rule]]
    contains = ["你好", "hello"]
    reply    = "你好, {{ message.from }}!"
    [[bot.plugin.rule]]
    contains = ["who made this"]
    reply    = "a bot"
    ext      = { answered_by = "concierge", confidence = 0.5, tags = ["bot"] }
    [[bot.plugin.rule]]
    equals  = "the bill"
    in      = ["group"]
    mention = true
    quote   = true
    reply   = "at once"
`;

const SECRETS = { CONCIERGE_PASSWORD: passwordOf('concierge') };

/** The concierge is online, and so is Alice; both are in group 1001. */
async function conciergeAndAlice(stage, options = '') {
  await stage.open({ users: ['alice', 'concierge'], groups: { 1001: ['alice', 'concierge'] } });
  const config = await stage.config(botsToml(stage.server, { concierge: `${options}\n${CONCIERGE}` }));
  const start = async () => {
    const bots = stage.run(config, SECRETS);
    await bots.line('stderr', /bot concierge is online/);
    return bots;
  };
  return { start, bots: await start(), alice: await stage.online('alice') };
}

scenario('a command is answered, and the bot shows that it types before it answers', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  await alice.text('concierge', '/ping');
  const { msg, from, to } = await alice.next('onTextMessage');
  assert.deepEqual({ msg, from, to }, { msg: 'pong', from: 'concierge', to: 'alice' });
  const [typing] = alice.all('onCmdMessage');
  assert.equal(typing?.action, 'TypingBegin');
  assert.equal(typing.from, 'concierge');
});

scenario('a rule answers with what its expression captured', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  for (const text of ['all of this', '全部 👍🏽', '{{ 1 + 1 }}']) {
    await alice.text('concierge', `echo ${text}`);
    assert.equal((await alice.next('onTextMessage')).msg, text);
  }
});

scenario('a rule finds a Chinese word within a sentence and names the sender', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  await alice.text('concierge', '大家你好啊');
  assert.equal((await alice.next('onTextMessage')).msg, '你好, alice!');
});

scenario('a reply carries the ext of its rule', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  await alice.text('concierge', 'so who made this?');
  const { msg, ext } = await alice.next('onTextMessage');
  assert.equal(msg, 'a bot');
  assert.deepEqual(ext, { answered_by: 'concierge', confidence: 0.5, tags: ['bot'] });
});

scenario('what no plugin takes stays without an answer', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  await alice.text('concierge', 'just talking');
  await alice.text('concierge', '/ping');
  await alice.next('onTextMessage', ({ msg }) => msg === 'pong');
  assert.equal(alice.all('onTextMessage').length, 1);
});

scenario('in a group the bot answers into the group', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  await alice.groupText('1001', '/ping');
  const { msg, from, to, chatType } = await alice.next('onTextMessage');
  assert.deepEqual({ msg, from, to, chatType }, { msg: 'pong', from: 'concierge', to: '1001', chatType: 'groupChat' });
});

scenario('who names the bot with em_at_list in a group is answered with a quote, who names another is not', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  const naming = (list) => ({ ext: { em_at_list: list } });
  await alice.groupText('1001', 'the bill');
  await alice.groupText('1001', 'the bill', naming(['bob']));
  await alice.groupText('1001', 'the bill', naming('ALL'));
  const { serverMsgId } = await alice.groupText('1001', 'the bill', naming(['bob', 'concierge']));
  await alice.groupText('1001', '/ping');
  await alice.next('onTextMessage', ({ msg }) => msg === 'pong');
  const [answer, ...more] = alice.all('onTextMessage');
  assert.deepEqual([answer.msg, more.length], ['at once', 1]);
  assert.deepEqual(answer.ext.msgQuote, { msgID: serverMsgId, msgPreview: 'the bill', msgSender: 'alice', msgType: 'txt' });
});

scenario('answers come in the order of the questions', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  const texts = Array.from({ length: 20 }, (_, n) => `number ${n}`);
  for (const text of texts) await alice.text('concierge', `echo ${text}`);
  await alice.next('onTextMessage', ({ msg }) => msg === texts.at(-1));
  assert.deepEqual(alice.all('onTextMessage').map(({ msg }) => msg), texts);
});

scenario('a delivery receipt is given unless the account says otherwise, a read receipt is not', async (stage) => {
  const { alice } = await conciergeAndAlice(stage);
  const { serverMsgId } = await alice.text('concierge', '/ping');
  await alice.next('onDeliveredMessage', ({ mid }) => mid === serverMsgId);
  await alice.next('onTextMessage');
  await alice.text('concierge', 'echo the end');
  await alice.next('onTextMessage', ({ msg }) => msg === 'the end');
  assert.deepEqual(alice.all('onReadMessage'), []);
});

scenario('a read receipt is given if the account says so', async (stage) => {
  const { alice } = await conciergeAndAlice(stage, 'delivery_receipts = true\nread_receipts = true');
  const { serverMsgId } = await alice.text('concierge', '/ping');
  const { from } = await alice.next('onReadMessage', ({ mid }) => mid === serverMsgId);
  assert.equal(from, 'concierge');
  await alice.next('onDeliveredMessage', ({ mid }) => mid === serverMsgId);
});

scenario('a question asked while the bot is stopped is answered after it starts, and only that one', async (stage) => {
  const { alice, bots, start } = await conciergeAndAlice(stage);
  await alice.text('concierge', 'echo before');
  await alice.next('onTextMessage', ({ msg }) => msg === 'before');
  assert.equal(await bots.stop(), 0);
  await alice.text('concierge', 'echo meanwhile');
  await start();
  await alice.next('onTextMessage', ({ msg }) => msg === 'meanwhile');
  await alice.text('concierge', 'echo after');
  await alice.next('onTextMessage', ({ msg }) => msg === 'after');
  assert.deepEqual(alice.all('onTextMessage').map(({ msg }) => msg), ['before', 'meanwhile', 'after']);
});

scenario('the bot comes back after its connection was dropped', async (stage) => {
  const { alice, bots } = await conciergeAndAlice(stage);
  assert.deepEqual(await stage.server.order('drop', { user: 'concierge' }), { n: 1 });
  await alice.text('concierge', 'echo still there?');
  await bots.line('stderr', /bot concierge is online/);
  assert.equal((await alice.next('onTextMessage')).msg, 'still there?');
});

scenario('the bot comes into the chat rooms of its file, and again with every start', async (stage) => {
  await stage.open({ users: ['alice', 'concierge'], options: ['--room', '9=alice'] });
  const config = await stage.config(botsToml(stage.server, { concierge: `rooms = ["9"]\n${CONCIERGE}` }));
  const alice = await stage.online('alice');
  await alice.call('joinChatRoom', { roomId: '9' });
  const comes = ({ operation, id, from }) => operation === 'memberPresence' && id === '9' && from === 'concierge';
  for (const start of ['first', 'second']) {
    const bots = stage.run(config, SECRETS);
    await alice.next('onChatroomEvent', comes);
    await alice.text('9', `echo ${start}`, { chatType: 'chatRoom' });
    const { msg, from, to, chatType } = await alice.next('onTextMessage');
    assert.deepEqual({ msg, from, to, chatType }, { msg: start, from: 'concierge', to: '9', chatType: 'chatRoom' });
    await bots.stop();
    // Who goes offline stays in a room for a while.
    await alice.call('removeChatRoomMember', { chatRoomId: '9', username: 'concierge' });
  }
});

scenario('a picture that the bot sends has its size, and a GIF is marked', async (stage) => {
  await stage.open({ users: ['alice', 'concierge'] });
  const rules = `
  [[bot.plugin]]
  kind = "auto-reply"
    [[bot.plugin.rule]]
    equals = "photo"
    answer = [{ image = "photo.png" }]
    [[bot.plugin.rule]]
    equals = "moving"
    answer = [{ image = "moving.gif" }]`;
  const config = await stage.config(botsToml(stage.server, { concierge: rules }));
  await writeFile(join(config.folder, 'photo.png'), noisyPng(300, 200));
  await writeFile(join(config.folder, 'moving.gif'), GIF);
  await stage.run(config, SECRETS).line('stderr', /bot concierge is online/);
  const alice = await stage.online('alice');
  const sent = async (word) => {
    await alice.text('concierge', word);
    const { width, height, isGif } = await alice.next('onImageMessage');
    return { width, height, isGif };
  };
  assert.deepEqual(await sent('photo'), { width: 300, height: 200, isGif: undefined });
  const moving = { width: GIF.readUInt16LE(6), height: GIF.readUInt16LE(8), isGif: true };
  assert.deepEqual(await sent('moving'), moving);
});
