// Groups, chat rooms and threads: who gets what, and how.

import assert from 'node:assert/strict';

import { mirrorScenario, refusedWith } from '../lib/mirror.mjs';

const GROUP = 'group:1001';

/** What `client` was told as text so far. */
const texts = (client) => client.heard.all('onTextMessage').map(({ msg }) => msg);

mirrorScenario('group text, SDK → mirror', async ({ alice, mirror }) => {
  const { serverMsgId } = await alice.groupText('1001', 'disk full', { ext: { severity: 2 } });
  const { id, conversation, from, to, body, ext } = await mirror.next('message');
  assert.deepEqual(
    { id, conversation, from, to, text: body.text, ext },
    { id: serverMsgId, conversation: GROUP, from: 'alice', to: '1001', text: 'disk full', ext: { severity: 2 } },
  );
});

mirrorScenario('group text, mirror → SDK', async ({ world, alice, mirror }) => {
  const bob = await world.sdk('bob');
  const { message } = await mirror.text(GROUP, 'disk full', { ext: { severity: 2 } });
  for (const member of [alice, bob]) {
    const { id, from, to, chatType, msg, ext } = await member.heard.next('onTextMessage');
    assert.deepEqual({ id, from, to, chatType, msg, ext }, { id: message, from: 'mirror', to: '1001', chatType: 'groupChat', msg: 'disk full', ext: { severity: 2 } });
  }
});

mirrorScenario('directed, SDK → mirror', async ({ world, alice, mirror }) => {
  const bob = await world.mirror('bob');
  const { serverMsgId } = await alice.groupText('1001', 'for the mirror', { receiverList: ['mirror'] });
  const { id, conversation } = await mirror.next('message');
  assert.deepEqual({ id, conversation }, { id: serverMsgId, conversation: GROUP });
  await alice.groupText('1001', 'for all');
  await bob.next('message', ({ body }) => body.text === 'for all');
  assert.deepEqual(bob.all('message').map(({ body }) => body.text), ['for all']);
});

mirrorScenario('directed, mirror → SDK', async ({ world, alice, mirror }) => {
  const bob = await world.sdk('bob');
  const { message } = await mirror.text(GROUP, 'for Alice', { receivers: ['alice'] });
  assert.equal((await alice.heard.next('onTextMessage')).id, message);
  await mirror.text(GROUP, 'for all');
  await bob.heard.next('onTextMessage', ({ msg }) => msg === 'for all');
  assert.deepEqual(texts(bob), ['for all']);
});

mirrorScenario('directed to 21 receivers, or beside one user, mirror → SDK: refused before it is sent', async ({ alice, mirror }) => {
  const receivers = Array.from({ length: 21 }, (_, n) => `user-${n}`);
  assert.match(await refusedWith(mirror.text(GROUP, 'x', { receivers })), /the message names 21 receivers, the limit is 20/);
  assert.match(await refusedWith(mirror.text('user:alice', 'x', { receivers: ['bob'] })), /a message to one user cannot name 1 receivers of its own/);
  await mirror.text(GROUP, 'for all');
  await alice.heard.next('onTextMessage', ({ msg }) => msg === 'for all');
  assert.deepEqual(texts(alice), ['for all']);
});

mirrorScenario('directed to 21 receivers, SDK → mirror: refused by the server', async ({ alice, mirror }) => {
  const receiverList = ['mirror', ...Array.from({ length: 20 }, (_, n) => `user-${n}`)];
  await assert.rejects(alice.groupText('1001', 'x', { receiverList }), { type: 50 });
  await alice.groupText('1001', 'for all');
  await mirror.next('message');
  assert.deepEqual(mirror.all('message').map(({ body }) => body.text), ['for all']);
});

mirrorScenario('chat room: join and leave, SDK → mirror', async ({ world, mirror }) => {
  const room = `room:${await world.room()}`;
  const { room: state } = await mirror.send(room, 'join_room', { ext: '', leave_others: false });
  assert.deepEqual([state.is_all_muted, state.is_in_allow_list], [false, false]);
  const bob = await world.sdk('bob');
  await bob.call('joinChatRoom', { roomId: room.slice(5), ext: 'hello' });
  const came = await mirror.next('room', ({ operator }) => operator === 'bob');
  assert.deepEqual([came.conversation, came.change, came.ext], [room, { operation: 'members_present' }, 'hello']);
  await bob.call('leaveChatRoom', { roomId: room.slice(5) });
  const went = await mirror.next('room', ({ operator }) => operator === 'bob');
  assert.deepEqual([went.conversation, went.change], [room, { operation: 'members_absent' }]);
});

mirrorScenario('chat room: join and leave, mirror → SDK', async ({ world, alice, mirror }) => {
  const id = await world.room();
  await alice.call('joinChatRoom', { roomId: id });
  await mirror.send(`room:${id}`, 'join_room', { ext: 'hello', leave_others: false });
  const came = await alice.heard.next('onChatroomEvent', ({ from }) => from === 'mirror');
  assert.deepEqual([came.id, came.operation, came.ext], [id, 'memberPresence', 'hello']);
  await mirror.send(`room:${id}`, 'leave_room');
  const went = await alice.heard.next('onChatroomEvent', ({ from }) => from === 'mirror');
  assert.deepEqual([went.id, went.operation], [id, 'memberAbsence']);
  await refusedWith(mirror.text(`room:${id}`, 'still here?'));
});

const PRIORITIES = ['high', 'normal', 'low'];

mirrorScenario('chat room priority, SDK → mirror', async ({ world, alice, mirror }) => {
  const id = await world.room();
  await alice.call('joinChatRoom', { roomId: id });
  await mirror.send(`room:${id}`, 'join_room', { ext: '', leave_others: false });
  for (const priority of PRIORITIES) {
    const { serverMsgId } = await alice.text(id, 'hi', { chatType: 'chatRoom', priority });
    // The SDK's own result says `high` whatever it was; see below for where it reads it back.
    const got = await mirror.next('message');
    assert.deepEqual([got.id, got.conversation, got.priority, got.is_broadcast], [serverMsgId, `room:${id}`, priority, false]);
  }
});

mirrorScenario('chat room priority, mirror → SDK', async ({ world, alice, mirror }) => {
  const id = await world.room();
  await alice.call('joinChatRoom', { roomId: id });
  await mirror.send(`room:${id}`, 'join_room', { ext: '', leave_others: false });
  for (const priority of PRIORITIES) {
    const { message, priority: read } = await mirror.text(`room:${id}`, 'hi', { priority });
    assert.equal(read, priority, 'in the receipt');
    const got = await alice.heard.next('onTextMessage');
    assert.deepEqual([got.id, got.to, got.chatType, got.priority], [message, id, 'chatRoom', priority]);
  }
  assert.equal('priority' in (await mirror.text('user:alice', 'hi', { priority: 'high' })), false, 'outside of a room there is none');
});

mirrorScenario('chat room priority in what moderation answers: mirror and SDK', async ({ world, server, alice, mirror }) => {
  const id = await world.room();
  await alice.call('joinChatRoom', { roomId: id });
  await mirror.send(`room:${id}`, 'join_room', { ext: '', leave_others: false });
  await server.order('moderate', { word: 'damn', with: '****' });
  for (const priority of PRIORITIES) {
    const { message } = await alice.text(id, 'damn it', { chatType: 'chatRoom', priority });
    assert.deepEqual([message.msg, message.priority], ['**** it', priority]);
    const receipt = await mirror.text(`room:${id}`, 'damn it', { priority });
    assert.deepEqual([receipt.replaced.body.text, receipt.replaced.priority, receipt.priority], ['**** it', priority, priority]);
  }
}, { sdk: { useReplacedMessageContents: true } });

mirrorScenario('own leave of a chat room, SDK → mirror: the answer alone, and the others are told', async ({ world, alice, mirror }) => {
  const id = await world.room();
  await mirror.send(`room:${id}`, 'join_room', { ext: '', leave_others: false });
  const bob = await world.sdk('bob');
  await bob.call('joinChatRoom', { roomId: id });
  const { data } = await bob.call('leaveChatRoom', { roomId: id });
  assert.equal(data.result, true);
  const went = await mirror.next('room', ({ change }) => change.operation === 'members_absent');
  assert.equal(went.operator, 'bob');
  await mirror.text(`room:${id}`, 'gone');
  await alice.text('bob', 'and you?');
  await bob.heard.next('onTextMessage', ({ msg }) => msg === 'and you?');
  assert.deepEqual(bob.heard.all('onChatroomEvent'), []);
  assert.deepEqual(texts(bob), ['and you?']);
});

mirrorScenario('own leave of a chat room, mirror → SDK: the answer alone, and it stays out', async ({ world, server, alice, mirror }) => {
  const id = await world.room();
  const room = `room:${id}`;
  await alice.call('joinChatRoom', { roomId: id });
  await mirror.send(room, 'join_room', { ext: '', leave_others: false });
  await mirror.next('room', ({ change }) => change.operation === 'joined');
  const receipt = await mirror.send(room, 'leave_room');
  assert.ok(receipt.message !== '0' && !receipt.room, 'an acknowledgement, and nothing about the room');
  await alice.heard.next('onChatroomEvent', ({ operation, from }) => operation === 'memberAbsence' && from === 'mirror');
  await alice.text(id, 'gone', { chatType: 'chatRoom' });
  // After a reconnect it would be there again, had the client not understood.
  await server.order('drop', { user: 'mirror' });
  await mirror.next('disconnected');
  await mirror.next('connected');
  await alice.text(id, 'still gone', { chatType: 'chatRoom' });
  await alice.text('mirror', 'and you?');
  await mirror.next('message', ({ body }) => body.text === 'and you?');
  assert.deepEqual(mirror.all('message').map(({ body }) => body.text), ['and you?']);
  assert.deepEqual(mirror.all('room').map(({ change }) => change.operation), ['joined']);
});

mirrorScenario('chat room broadcast of the app’s server → mirror and SDK', async ({ world, alice, mirror }) => {
  const id = await world.room();
  await alice.call('joinChatRoom', { roomId: id });
  await mirror.send(`room:${id}`, 'join_room', { ext: '', leave_others: false });
  await world.rest('POST', '/messages/chatrooms/broadcast', { from: 'admin', chatroom_msg_level: 'low', msg: { type: 'txt', msg: 'closing' } });
  const [heard, seen] = [await alice.heard.next('onTextMessage'), await mirror.next('message')];
  assert.deepEqual([heard.msg, heard.broadcast, heard.priority], ['closing', true, 'low']);
  assert.deepEqual([seen.id, seen.body.text, seen.is_broadcast, seen.priority], [heard.id, 'closing', true, 'low']);
});

mirrorScenario('online only, SDK → mirror: who is away never gets it', async ({ world, alice, mirror }) => {
  await alice.text('mirror', 'you are here', { deliverOnlineOnly: true });
  assert.equal((await mirror.next('message')).body.text, 'you are here');
  await alice.text('carol', 'now or never', { deliverOnlineOnly: true });
  await alice.text('carol', 'later');
  const carol = await world.mirror('carol');
  await carol.next('message', ({ body }) => body.text === 'later');
  assert.deepEqual(carol.all('message').map(({ body }) => body.text), ['later']);
});

mirrorScenario('online only, mirror → SDK: who is away never gets it', async ({ world, alice, mirror }) => {
  await mirror.text('user:alice', 'you are here', { online_only: true });
  assert.equal((await alice.heard.next('onTextMessage')).msg, 'you are here');
  await mirror.text('user:carol', 'now or never', { online_only: true });
  await mirror.text('user:carol', 'later');
  const carol = await world.sdk('carol');
  await carol.heard.next('onTextMessage', ({ msg }) => msg === 'later');
  assert.deepEqual(texts(carol), ['later']);
});

mirrorScenario('thread, SDK → mirror', async ({ alice, mirror }) => {
  const { serverMsgId: root } = await alice.groupText('1001', 'the plan');
  const { data } = await alice.call('createChatThread', { parentId: '1001', name: 'details', messageId: root });
  const created = await mirror.next('thread');
  const { id: threadId, parent, name, message, operator, change } = created;
  assert.deepEqual([threadId, parent, name, message, operator, change], [data.chatThreadId, '1001', 'details', root, 'alice', 'created']);
  await mirror.call('join_thread', { thread: created.id });
  const { serverMsgId } = await alice.groupText(created.id, 'step one', { isChatThread: true });
  const { id, conversation, thread, body } = await mirror.next('message', ({ id }) => id === serverMsgId);
  assert.deepEqual([id, conversation, body.text], [serverMsgId, `group:${created.id}`, 'step one']);
  assert.deepEqual(thread, { message: root, parent: '1001', name: 'details' });
  await alice.call('changeChatThreadName', { chatThreadId: created.id, name: 'all details' });
  assert.equal((await mirror.next('thread', ({ change }) => change.updated)).name, 'all details');
  await alice.call('destroyChatThread', { chatThreadId: created.id });
  await mirror.next('thread', ({ change }) => change === 'destroyed');
});

mirrorScenario('thread, mirror → SDK', async ({ alice, mirror }) => {
  // Who owns the group may remove its threads.
  const group = await mirror.call('create_group', { name: 'ops', members: ['alice'], is_public: false, needs_approval: true });
  await alice.heard.next('onGroupEvent', ({ operation }) => operation === 'directJoined');
  const { message: root } = await mirror.text(`group:${group}`, 'the plan');
  const thread = await mirror.call('create_thread', { group, message: root, name: 'details' });
  const created = await alice.heard.next('onChatThreadChange');
  const { id, parentId, name, messageId, operator, operation } = created;
  assert.deepEqual([id, parentId, name, messageId, operator, operation], [thread, group, 'details', root, 'mirror', 'create']);
  await alice.call('joinChatThread', { chatThreadId: thread });
  const { message } = await mirror.text(`group:${thread}`, 'step one', { is_thread: true });
  const { chatThread } = await alice.heard.next('onTextMessage', ({ id }) => id === message);
  assert.deepEqual({ ...chatThread }, { messageId: root, parentId: group, chatThreadName: 'details' });
  await mirror.call('rename_thread', { thread, name: 'all details' });
  await alice.heard.next('onChatThreadChange', ({ operation, name }) => operation === 'update' && name === 'all details');
  await mirror.call('destroy_thread', { thread });
  await alice.heard.next('onChatThreadChange', ({ operation }) => operation === 'destroy');
});

mirrorScenario('muted in a group, mirror → SDK: 507', async ({ alice, mirror }) => {
  const group = await mirror.call('create_group', { name: 'ops', members: ['alice'], is_public: true, needs_approval: false });
  await alice.heard.next('onGroupEvent', ({ operation }) => operation === 'directJoined');
  await mirror.call('mute_members', { at: `group:${group}`, users: ['alice'], secs: 60 });
  await assert.rejects(alice.groupText(group, 'hmpf'), { type: 507 });
});

mirrorScenario('muted in a group, SDK → mirror: refused as such, and not as one whom the operator muted', async ({ world, alice, mirror }) => {
  await alice.call('muteGroupMember', { groupId: '1001', username: 'mirror', muteDuration: 60_000 });
  assert.match(await refusedWith(mirror.text(GROUP, 'hmpf')), /the sender is muted/);
  await world.rest('POST', '/mutes', { username: 'mirror', groupchat: 60 });
  await alice.call('unmuteGroupMember', { groupId: '1001', username: 'mirror' });
  assert.match(await refusedWith(mirror.text(GROUP, 'hmpf')), /the operator of the app muted the sender/);
});

mirrorScenario('muted throughout the app, SDK: 219', async ({ world, alice }) => {
  await world.rest('POST', '/mutes', { username: 'alice', groupchat: 60 });
  await assert.rejects(alice.groupText('1001', 'hmpf'), { type: 219 });
});
