// Callbacks: the emulator asks and tells an app's own server, which is this file.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { beforeEach } from 'node:test';

import { mirrorScenario, refusedWith } from '../lib/mirror.mjs';
import { Recorder } from '../web/lib/recorder.mjs';

const SECRET = 'sesame';

let letters;
/** What the server answers: status and body. */
let answer;

beforeEach(() => {
  letters = new Recorder('the app’s own server');
  answer = () => [200, { valid: true }];
});

const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const letter = JSON.parse(text);
  const [status, body] = answer(letter);
  letters.record(request.url, letter);
  // Without a status there is no answer at all.
  if (status) response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
server.unref();
const url = `http://127.0.0.1:${server.address().port}`;

const POST = { emulator: ['--post-send-url', `${url}/told`, '--callback-secret', SECRET] };
const POST_ALL = { emulator: [...POST.emulator, '--post-send-events', 'message,receipt,recall,edit,reaction,thread,group,contact,user-status'] };
const PRE = { emulator: ['--pre-send-url', `${url}/asked`, '--callback-secret', SECRET, '--pre-send-wait-ms', '5000'] };
const PRE_BLOCKS = { emulator: ['--pre-send-url', `${url}/asked`, '--pre-send-wait-ms', '1', '--pre-send-blocks'] };

function assertSigned({ callId, timestamp, security, securityVersion }) {
  assert.equal(security, createHash('md5').update(`${callId}${SECRET}${timestamp}`).digest('hex'));
  assert.equal(securityVersion, '1.0.0');
}

mirrorScenario('post-send callback: SDK, mirror and REST are told of, and who is offline', async ({ world, alice, mirror }) => {
  const { serverMsgId } = await alice.text('mirror', 'hi', { ext: { n: 1 } });
  const first = await letters.next('/told');
  assertSigned(first);
  const { callId, eventType, chat_type, content_type, group_id, from, to, msg_id, payload, appkey } = first;
  assert.deepEqual(
    { callId, eventType, chat_type, content_type, group_id, from, to, msg_id, appkey },
    { callId: `easebot#demo_${serverMsgId}`, eventType: 'chat', chat_type: 'chat', content_type: 'chat:user:text', group_id: '', from: 'alice', to: 'mirror', msg_id: serverMsgId, appkey: 'easebot#demo' },
  );
  assert.deepEqual([payload.type, payload.ext, payload.bodies], ['chat', { n: 1 }, [{ type: 'txt', msg: 'hi' }]]);

  // Bob is in the group and offline.
  const { message } = await mirror.text('group:1001', 'all here?');
  const [told, offline] = [await letters.next('/told'), await letters.next('/told')];
  assert.deepEqual([told.eventType, told.chat_type, told.group_id, told.to, told.msg_id], ['chat', 'groupchat', '1001', '1001', message]);
  assert.deepEqual([offline.eventType, offline.group_id, offline.to, offline.msg_id], ['chat_offline', '1001', 'bob', message]);
  assertSigned(offline);

  await world.rest('POST', '/messages/users', { from: 'admin', to: ['alice'], type: 'cmd', body: { action: 'refresh' } });
  const cmd = await letters.next('/told');
  assert.deepEqual([cmd.from, cmd.content_type, cmd.payload.bodies], ['admin', 'chat:user:command', [{ type: 'cmd', action: 'refresh' }]]);
}, POST);

mirrorScenario('post-send callback that is not taken: told once more, then dropped', async ({ alice }) => {
  answer = ({ payload }) => [payload.bodies[0].msg === 'one' ? 500 : 200, ''];
  await alice.text('mirror', 'one');
  await alice.text('mirror', 'two');
  await letters.next('/told', ({ payload }) => payload.bodies[0].msg === 'two');
  assert.deepEqual(letters.all('/told').map(({ payload }) => payload.bodies[0].msg), ['one', 'one', 'two']);
  assert.equal(letters.all('/told')[0].callId, letters.all('/told')[1].callId);
}, POST);

/** The next letter of this kind, whatever else was told before it. */
async function told(chat_type, fits = () => true) {
  const letter = await letters.next('/told', (letter) => letter.chat_type === chat_type && fits(letter));
  assertSigned(letter);
  assert.deepEqual([letter.callId, letter.appkey, letter.eventType], [`easebot#demo_${letter.msg_id}`, 'easebot#demo', 'chat']);
  return letter;
}

mirrorScenario('post-send callbacks of receipts, recalls and edits', async ({ alice, mirror }) => {
  const { serverMsgId: id } = await alice.text('mirror', 'at five', { ext: { old: 1 } });
  const modifiedMessage = alice.sdk.message.create({ type: 'txt', chatType: 'singleChat', to: 'mirror', msg: 'at six', ext: { n: 2 } });
  await alice.call('modifyMessage', { messageId: id, modifiedMessage });
  const edit = await told('edit');
  assert.deepEqual([edit.from, edit.to, edit.group_id], ['alice', 'mirror', undefined]);
  const { meta: { edit_msg: { edit_time, send_time, ...edit_msg } }, ...payload } = edit.payload;
  assert.deepEqual(payload, { type: 'edit', edit_message_id: id, bodies: [{ type: 'txt', msg: 'at six' }], ext: { n: 2 } });
  assert.deepEqual(edit_msg, { chat_type: 'chat:user', sender: 'alice', operator: 'alice', count: 1 });
  assert.equal(edit_time, edit.timestamp);
  assert.ok(send_time <= edit_time);

  await mirror.next('message');
  await mirror.send('user:alice', 'mark_read', { message: id });
  const read = await told('read_ack');
  assert.deepEqual([read.from, read.to, read.channel_channel], ['mirror', 'alice', 'easebot#demo_alice@conference.easemob.com']);
  assert.deepEqual(read.payload, { ack_message_id: id, ext: {}, bodies: [] });
  await alice.send({ type: 'channel', chatType: 'singleChat', to: 'mirror' });
  const all = await told('channel_ack');
  assert.deepEqual([all.from, all.to, all.payload.type], ['alice', 'mirror', 'channel_ack']);

  await alice.call('recallMessage', { mid: id, to: 'mirror', chatType: 'singleChat', ext: 'a typo' });
  const recall = await told('recall');
  assert.deepEqual([recall.from, recall.to, recall.recall_id], ['alice', 'mirror', id]);
  assert.notEqual(recall.msg_id, id, 'the recall has an id of its own');
  assert.deepEqual(recall.payload, { ack_message_id: id, ext: {}, bodies: [] });

  const { serverMsgId: asked } = await alice.groupText('1001', 'who is there?', { msgConfig: { allowGroupAck: true } });
  await mirror.next('message');
  await mirror.send('group:1001', 'mark_read', { message: asked, content: 'me' });
  const reader = await told('read_ack');
  assert.deepEqual([reader.from, reader.to, reader.group_id, reader.content_type], ['mirror', '1001', '1001', 'chat:ack:read']);
  assert.deepEqual([reader.channel_channel, reader.channel_user], ['easebot#demo_1001@conference.easemob.com', 'easebot#demo_mirror@easemob.com']);
  assert.deepEqual(reader.payload, { ack_message_id: asked, ext: {}, msg_config: { allow_group_ack: true }, type: 'read_ack' });
  await alice.call('addReaction', { messageId: asked, reaction: '👍' });
  const reaction = await told('notify');
  assert.deepEqual([reaction.from, reaction.to, reaction.payload.type], ['alice', '1001', 'reaction']);
  const [{ ts, ...reacted }] = reaction.payload.data;
  assert.deepEqual(reacted, {
    messageId: asked, from: 'alice', to: '1001', channel_type: 'groupchat',
    reactions: [{ reaction: '👍', count: 1, userList: ['alice'], op: [{ operator: 'alice', reactionType: 'create' }] }],
  });
  const { data: { chatThreadId } } = await alice.call('createChatThread', { parentId: '1001', name: 'who', messageId: asked });
  const thread = await told('notify');
  const { id: threadId, operation, muc_parent_id, msg_parent_id } = thread.payload.data;
  assert.deepEqual([thread.payload.type, threadId, operation, muc_parent_id, msg_parent_id], ['thread', chatThreadId, 'create', '1001', asked]);
  await alice.call('recallMessage', { mid: asked, to: '1001', chatType: 'groupChat' });
  const inGroup = await told('recall');
  assert.deepEqual([inGroup.to, inGroup.group_id, inGroup.recall_id], ['1001', '1001', asked]);
}, POST_ALL);

mirrorScenario('post-send callbacks of groups, contacts and devices', async ({ world, alice, mirror }) => {
  const isOf = (user) => (letter) => letter.eventType === 'userStatus' && letter.user.startsWith(`easebot#demo_${user}@easemob.com/`);
  for (const user of ['alice', 'mirror']) {
    const login = await letters.next('/told', isOf(user));
    assertSigned(login);
    assert.deepEqual([login.status, login.reason, login.appkey], ['online', 'login', 'easebot#demo']);
  }
  const bob = await world.sdk('bob');
  assert.equal((await letters.next('/told', isOf('bob'))).status, 'online');
  await world.rest('GET', '/users/bob/disconnect');
  const kicked = await letters.next('/told', isOf('bob'));
  assert.deepEqual([kicked.status, kicked.reason], ['offline', 'replaced']);
  await bob.next('onDisconnected');
  await mirror.stop();
  const gone = await letters.next('/told', isOf('mirror'));
  assert.deepEqual([gone.status, gone.reason], ['offline', 'logout']);

  const muc = (operation) => told('muc', ({ payload }) => payload.operation === operation);
  const from = 'easebot#demo_alice@easemob.com';
  const muc_id = 'easebot#demo_1001@conference.easemob.com';
  await alice.call('muteGroupMember', { groupId: '1001', username: 'bob', muteDuration: 60_000 });
  const mute = await muc('add_mute');
  assert.deepEqual([mute.group_id, mute.from, mute.to, mute.payload.muc_id, mute.payload.is_chatroom], ['1001', from, 'bob', muc_id, false]);
  assert.deepEqual(mute.payload.status, { description: '', error_code: 'ok' });
  await alice.call('changeGroupOwner', { groupId: '1001', newOwner: 'bob' });
  assert.equal((await muc('assing_owner')).to, 'bob');
  const room = await world.room();
  await alice.call('joinChatRoom', { roomId: room });
  const joined = await muc('presence');
  assert.deepEqual([joined.group_id, joined.payload.is_chatroom], [room, true]);

  await alice.call('addContact', 'bob', 'please');
  const asked = await told('roster');
  assert.deepEqual([asked.from, asked.to, asked.payload], [from, 'bob', { operation: 'add', reason: 'please', status: { error_code: 'ok' } }]);
  await alice.call('addUsersToBlocklist', { name: ['bob'] });
  const ban = await told('roster');
  assert.deepEqual([ban.from, ban.to, ban.payload.operation], [from, 'bob', 'ban']);
}, POST_ALL);

mirrorScenario('pre-send callback passes a message: SDK and mirror', async ({ alice, mirror }) => {
  await alice.text('mirror', 'may I?');
  assert.equal((await mirror.next('message')).body.text, 'may I?');
  const asked = await letters.next('/asked');
  assertSigned(asked);
  assert.deepEqual([asked.chat_type, asked.from, asked.to, asked.payload.bodies], ['chat', 'alice', 'mirror', [{ type: 'txt', msg: 'may I?' }]]);
  await mirror.text('group:1001', 'and I?');
  await alice.heard.next('onTextMessage');
  const second = await letters.next('/asked', ({ payload }) => payload.bodies[0].msg === 'and I?');
  assert.deepEqual([second.chat_type, second.group_id, second.from], ['groupchat', '1001', 'mirror']);
}, PRE);

mirrorScenario('pre-send callback blocks a message: SDK and mirror read why, and nothing comes', async ({ alice, mirror }) => {
  const reasons = [['not today', { code: 'not today' }], ['custom logic denied', {}], ['Message blocked by external logic', { code: '' }]];
  for (const [reason, more] of reasons) {
    answer = () => [200, { valid: false, ...more }];
    await assert.rejects(alice.text('mirror', 'x'), { type: 502, message: reason });
    const words = await refusedWith(mirror.text('user:alice', 'x'));
    assert.match(words, /the app's own server refused it/);
    assert.ok(words.includes(reason), words);
  }
  answer = () => [200, { valid: true }];
  await alice.text('mirror', 'at last');
  await mirror.next('message');
  assert.deepEqual(mirror.all('message').map(({ body }) => body.text), ['at last']);
}, PRE);

mirrorScenario('pre-send callback changes a message: SDK and mirror, sender and receiver', async ({ alice, mirror }) => {
  answer = () => [200, { valid: true, payload: { type: 'txt', msg: 'something else' } }];
  const { message } = await alice.text('mirror', 'x');
  assert.deepEqual([message.msg, message.isContentReplaced], ['something else', true]);
  const seen = await mirror.next('message');
  assert.deepEqual([seen.body.text, seen.is_content_replaced], ['something else', true]);
  const { replaced } = await mirror.text('user:alice', 'x');
  assert.deepEqual([replaced.body.text, replaced.is_content_replaced], ['something else', true]);
  const heard = await alice.heard.next('onTextMessage');
  assert.deepEqual([heard.msg, heard.isContentReplaced], ['something else', true]);
}, { ...PRE, sdk: { useReplacedMessageContents: true } });

mirrorScenario('pre-send callback that says nothing readable: the message goes out', async ({ alice, mirror }) => {
  for (const body of ['', 'yes', { valid: 'maybe' }]) {
    answer = () => [200, body];
    await alice.text('mirror', 'hi');
    await mirror.next('message');
  }
  answer = () => [500, { valid: false }];
  await alice.text('mirror', 'hi');
  await mirror.next('message');
}, PRE);

mirrorScenario('pre-send callback that does not answer: the message is refused if the rule says so', async ({ alice, mirror }) => {
  answer = () => [];
  await assert.rejects(alice.text('mirror', 'hi'), { type: 502, message: 'custom internal error' });
  assert.match(await refusedWith(mirror.text('user:alice', 'hi')), /custom internal error/);
}, PRE_BLOCKS);
