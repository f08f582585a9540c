// What the server keeps or makes: history, stream messages, translations.

import assert from 'node:assert/strict';

import { mirrorScenario } from '../lib/mirror.mjs';

const toAlice = 'user:alice';

/** `[id, sender, text]` of messages as the mirror and as the SDK show them. */
const ours = (messages) => messages.map(({ id, from, body }) => [id, from, body.text]);
const theirs = (messages) => messages.map(({ id, from, msg }) => [id, from, msg]);

/** Something that both say, in turns; gives `[id, sender, text]` of each. */
async function talk({ alice, mirror }, target) {
  const said = [];
  for (let n = 0; n < 3; n++) {
    const { serverMsgId } = await alice.text(target.alice, `alice ${n}`, { chatType: target.chatType });
    const { message } = await mirror.text(target.mirror, `mirror ${n}`);
    said.push([serverMsgId, 'alice', `alice ${n}`], [message, 'mirror', `mirror ${n}`]);
  }
  return said;
}

const PLACES = [
  ['one to one', { alice: 'mirror', chatType: 'singleChat', mirror: toAlice }, 'alice'],
  ['group', { alice: '1001', chatType: 'groupChat', mirror: 'group:1001' }, '1001'],
];

for (const [name, target, peer] of PLACES) {
  mirrorScenario(`history, ${name}: mirror and SDK find what both said`, async ({ alice, mirror }) => {
    const said = await talk({ alice, mirror }, target);
    const kept = await mirror.order('history', { conversation: target.mirror, n: 100 });
    assert.deepEqual(ours(kept), [...said].reverse(), 'newest first');
    assert.ok(kept.every(({ conversation }) => conversation === target.mirror));
    const options = { targetId: target.alice, chatType: target.chatType, pageSize: 20, searchDirection: 'down' };
    const { messages } = await alice.call('getHistoryMessages', options);
    assert.deepEqual(theirs(messages), said, `with ${peer}, oldest first`);
  });
}

mirrorScenario('history of several pages: the mirror follows the cursor', async ({ alice, mirror }) => {
  const said = [];
  for (let n = 0; n < 60; n++) said.push([(await alice.text('mirror', `${n}`)).serverMsgId, 'alice', `${n}`]);
  const kept = await mirror.order('history', { conversation: toAlice, n: 100 });
  assert.deepEqual(ours(kept), said.reverse());
});

mirrorScenario('history says what was delivered and read, SDK → mirror', async ({ alice, mirror }) => {
  const ids = [];
  for (const text of ['sent', 'delivered', 'read']) {
    ids.push((await mirror.text(toAlice, text)).message);
    await alice.heard.next('onTextMessage');
  }
  await alice.send({ type: 'delivery', chatType: 'singleChat', to: 'mirror', ackId: ids[1] });
  await alice.send({ type: 'read', chatType: 'singleChat', to: 'mirror', id: ids[2] });
  const state = ({ body, is_delivered, is_read }) => [body.text, is_delivered, is_read];
  const kept = async () => (await mirror.order('history', { conversation: toAlice, n: 10 })).map(state).reverse();
  assert.deepEqual(await kept(), [['sent', false, false], ['delivered', true, false], ['read', true, true]]);
  await alice.send({ type: 'channel', chatType: 'singleChat', to: 'mirror' });
  assert.deepEqual(await kept(), [['sent', true, true], ['delivered', true, true], ['read', true, true]]);
});

mirrorScenario('history says what was delivered and read, mirror → SDK', async ({ alice, mirror }) => {
  await alice.text('carol', 'sent');
  const ids = [];
  for (const text of ['delivered', 'read']) ids.push((await alice.text('mirror', text)).serverMsgId);
  // The mirror says by itself what has arrived.
  for (const id of ids) await alice.heard.next('onDeliveredMessage', ({ mid }) => mid === id);
  await mirror.send(toAlice, 'mark_read', { message: ids[1] });
  const found = [];
  for (const targetId of ['carol', 'mirror']) {
    const options = { targetId, chatType: 'singleChat', pageSize: 20, searchDirection: 'down' };
    const { messages } = await alice.call('getHistoryMessages', options);
    found.push(...messages.map(({ msg, isDelivered, isRead }) => [msg, isDelivered, isRead]));
  }
  assert.deepEqual(found, [['sent', undefined, undefined], ['delivered', true, undefined], ['read', true, true]]);
});

const PIECES = ['Once ', 'upon ', '一次 ', 'a time.'];

/** A stream message of the app's server, piece by piece. */
async function stream(world, path, to) {
  let msgId;
  for (const [seq, msg] of PIECES.entries()) {
    const finish = seq === PIECES.length - 1;
    const body = { msg, seq, msgId, type: 'markdown', ...(finish && { finish, finishReason: 7 }) };
    ({ msgId } = await world.rest('POST', `/stream_message/${path}`, { from: 'bob', to, body }));
  }
  return msgId;
}

mirrorScenario('stream message, server → mirror and SDK', async ({ world, alice, mirror }) => {
  const id = await stream(world, 'chatgroup', '1001');
  const { body, conversation, from, stream: end } = await mirror.next('message', (message) => message.id === id);
  const text = PIECES.join('');
  assert.deepEqual({ body, conversation, from }, { body: { type: 'text', text }, conversation: 'group:1001', from: 'bob' });
  assert.deepEqual([end.stream_type, end.error, end.finish_reason], ['markdown', 0, 7]);
  const chunks = mirror.all('stream');
  assert.ok(chunks.every(({ message, stream_type }) => message === id && stream_type === 'markdown'));
  assert.equal(chunks.map(({ text }) => text).join(''), text);
  assert.deepEqual(chunks.slice(0, PIECES.length).map(({ text, status, seq }) => [seq, text, status]), [
    [0, PIECES[0], 'start'], [1, PIECES[1], 'in_progress'], [2, PIECES[2], 'in_progress'], [3, PIECES[3], 'completed'],
  ]);
  assert.deepEqual(chunks.slice(0, 2).map(({ so_far }) => so_far), [PIECES[0], PIECES[0] + PIECES[1]]);

  const shown = [];
  for (const piece of PIECES) {
    const { id: theirId, msg, stream } = await alice.heard.next('onStreamMessage');
    assert.deepEqual([theirId, stream.text, stream.customType], [id, piece, 'markdown']);
    shown.push(msg);
  }
  assert.equal(shown.at(-1), text, 'the SDK sees the same text');
});

mirrorScenario('stream message that was missed, server → mirror: the whole text', async ({ world }) => {
  const id = await stream(world, 'user', 'carol');
  const carol = await world.mirror('carol');
  const { body, from } = await carol.next('message', (message) => message.id === id);
  assert.deepEqual({ text: body.text, from }, { text: PIECES.join(''), from: 'bob' });
});

mirrorScenario('translations, SDK → mirror', async ({ alice, mirror }) => {
  const { message } = await alice.text('mirror', 'hello', { msgConfig: { languages: ['de', 'zh-Hans'] } });
  const { body } = await mirror.next('message');
  assert.equal(body.text, 'hello');
  assert.deepEqual(body.translations.map(({ code }) => code), ['de', 'zh-Hans']);
  assert.deepEqual(body.translations, JSON.parse(JSON.stringify(message.translations)));
});

mirrorScenario('translations, mirror → SDK', async ({ alice, mirror }) => {
  const translations = await mirror.call('translate', { text: 'hello', to: ['de', 'zh-Hans'] });
  assert.equal(translations.length, 2);
  await mirror.message(toAlice, { type: 'text', text: 'hello', translations });
  const { msg, translations: got } = await alice.heard.next('onTextMessage');
  assert.deepEqual([msg, JSON.parse(JSON.stringify(got))], ['hello', translations]);
});
