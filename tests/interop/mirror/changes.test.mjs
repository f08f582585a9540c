// What happens to a message after it was sent: receipts, recall, edit, reactions, pins, moderation.

import assert from 'node:assert/strict';

import { mirrorScenario, refusedWith } from '../lib/mirror.mjs';

const toMirror = { chatType: 'singleChat', to: 'mirror' };
const toAlice = 'user:alice';

/** A text of Alice's to the mirror, there; gives its id. */
async function saidToMirror({ alice, mirror }, text = 'said') {
  const { serverMsgId } = await alice.text('mirror', text);
  assert.equal((await mirror.next('message')).id, serverMsgId);
  return serverMsgId;
}

/** A text of the mirror's to Alice, there; gives its id. */
async function saidToAlice({ alice, mirror }, text = 'said') {
  const { message } = await mirror.text(toAlice, text);
  assert.equal((await alice.heard.next('onTextMessage')).id, message);
  return message;
}

mirrorScenario('delivery receipt, SDK → mirror', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToAlice(world);
  await alice.send({ type: 'delivery', to: 'mirror', ackId: id });
  const { message, from } = await mirror.next('delivered');
  assert.deepEqual({ message, from }, { message: id, from: 'alice' });
});

mirrorScenario('delivery receipt, mirror → SDK', async (world) => {
  const id = await saidToMirror(world);
  const { mid, from, to } = await world.alice.heard.next('onDeliveredMessage');
  assert.deepEqual({ mid, from, to }, { mid: id, from: 'mirror', to: 'alice' });
});

mirrorScenario('delivery receipts by themselves, SDK → mirror', async (world) => {
  const id = await saidToAlice(world);
  assert.equal((await world.mirror.next('delivered')).message, id);
}, { sdk: { delivery: true } });

mirrorScenario('read receipt, SDK → mirror', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToAlice(world);
  await alice.send({ ...toMirror, type: 'read', id });
  const { conversation, message, from } = await mirror.next('read');
  assert.deepEqual({ conversation, message, from }, { conversation: toAlice, message: id, from: 'alice' });
});

mirrorScenario('read receipt, mirror → SDK', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToMirror(world);
  await mirror.send(toAlice, 'mark_read', { message: id });
  const { mid, from, to } = await alice.heard.next('onReadMessage');
  assert.deepEqual({ mid, from, to }, { mid: id, from: 'mirror', to: 'alice' });
});

mirrorScenario('conversation read, SDK → mirror', async ({ alice, mirror }) => {
  await alice.send({ ...toMirror, type: 'channel' });
  const { conversation, from } = await mirror.next('conversation_read');
  assert.deepEqual({ conversation, from }, { conversation: toAlice, from: 'alice' });
});

mirrorScenario('conversation read, mirror → SDK', async ({ alice, mirror }) => {
  const receipt = await mirror.send(toAlice, 'mark_conversation_read');
  const { id, from, to, time } = await alice.heard.next('onChannelMessage');
  assert.deepEqual({ id, from, to, time }, { id: receipt.message, from: 'mirror', to: 'alice', time: receipt.time });
});

mirrorScenario('group read receipts, SDK → mirror', async ({ world, alice, mirror }) => {
  const bob = await world.sdk('bob');
  const { message: id } = await mirror.text('group:1001', 'who is there?', { wants_group_receipts: true });
  for (const [n, reader] of [alice, bob].entries()) {
    const { msgConfig } = await reader.heard.next('onTextMessage');
    assert.equal(msgConfig.allowGroupAck, true);
    await reader.send({ type: 'read', chatType: 'groupChat', to: '1001', id, ackContent: `I, ${reader.user}` });
    const { conversation, message, from, group } = await mirror.next('read');
    assert.deepEqual({ conversation, message, from }, { conversation: 'group:1001', message: id, from: reader.user });
    assert.deepEqual(group, { counts: { [id]: n + 1 }, content: `I, ${reader.user}` });
  }
});

mirrorScenario('group read receipts, mirror → SDK', async ({ alice, mirror }) => {
  const { serverMsgId } = await alice.groupText('1001', 'who is there?', { msgConfig: { allowGroupAck: true } });
  const { id, wants_group_receipts } = await mirror.next('message');
  assert.deepEqual({ id, wants_group_receipts }, { id: serverMsgId, wants_group_receipts: true });
  await mirror.send('group:1001', 'mark_read', { message: id, content: 'me' });
  const { mid, from, groupReadCount, ackContent } = await alice.heard.next('onReadMessage');
  assert.deepEqual({ mid, from, groupReadCount, ackContent }, { mid: id, from: 'mirror', groupReadCount: { [id]: 1 }, ackContent: 'me' });
});

mirrorScenario('recall, SDK → mirror', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToMirror(world, 'ops');
  await alice.call('recallMessage', { mid: id, to: 'mirror', chatType: 'singleChat', ext: 'a typo' });
  const { conversation, message, from, ext } = await mirror.next('recalled');
  assert.deepEqual({ conversation, message, from, ext }, { conversation: toAlice, message: id, from: 'alice', ext: 'a typo' });
});

mirrorScenario('recall, mirror → SDK', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToAlice(world, 'ops');
  await mirror.send(toAlice, 'recall', { message: id, ext: 'a typo' });
  const { mid, from, to, ext } = await alice.heard.next('onRecallMessage');
  assert.deepEqual({ mid, from, to, ext }, { mid: id, from: 'mirror', to: 'alice', ext: 'a typo' });
});

mirrorScenario('recall of a cmd, SDK → mirror: refused, nothing is taken back', async (world) => {
  const { alice, mirror } = world;
  const { serverMsgId: mid } = await alice.send({ ...toMirror, type: 'cmd', action: 'refresh' });
  await mirror.next('message');
  await assert.rejects(alice.call('recallMessage', { mid, to: 'mirror', chatType: 'singleChat' }));
  await saidToMirror(world);
  assert.deepEqual(mirror.all('recalled'), []);
});

mirrorScenario('recall of a cmd, mirror → SDK: refused, nothing is taken back', async (world) => {
  const { alice, mirror } = world;
  const { message } = await mirror.message(toAlice, { type: 'cmd', action: 'refresh' });
  await refusedWith(mirror.send(toAlice, 'recall', { message }));
  await saidToAlice(world);
  assert.deepEqual(alice.heard.all('onRecallMessage'), []);
});

mirrorScenario('recall of a message of somebody else, mirror → SDK: refused', async (world) => {
  const id = await saidToMirror(world);
  await refusedWith(world.mirror.send(toAlice, 'recall', { message: id }));
  await saidToAlice(world);
  assert.deepEqual(world.alice.heard.all('onRecallMessage'), []);
});

mirrorScenario('edit, SDK → mirror', async (world) => {
  const { alice, mirror } = world;
  const { serverMsgId: id, message: sent } = await alice.text('mirror', 'at five', { ext: { old: 1 } });
  await mirror.next('message');
  const modifiedMessage = alice.sdk.message.create({ ...toMirror, type: 'txt', msg: 'at six', ext: { n: 2 } });
  const { modifiedInfo } = await alice.call('modifyMessage', { messageId: id, modifiedMessage });
  const { message, replaces_ext } = await mirror.next('edited');
  assert.equal(replaces_ext, true);
  const { from, time, conversation, body, ext, edited } = message;
  assert.deepEqual(
    { id: message.id, from, time, conversation, body, ext },
    { id, from: 'alice', time: sent.time, conversation: toAlice, body: { type: 'text', text: 'at six' }, ext: { n: 2 } },
  );
  assert.deepEqual(edited, { time: modifiedInfo.operationTime, operator: 'alice', count: 1 });
});

mirrorScenario('edit, mirror → SDK', async (world) => {
  const { alice, mirror } = world;
  const { message: id, time } = await mirror.text(toAlice, 'at five', { ext: { old: 1 } });
  await alice.heard.next('onTextMessage');
  for (const count of [1, 2]) {
    const body = { type: 'text', text: `at six, or ${count}` };
    const { edited } = await mirror.send(toAlice, 'edit', { message: id, body, ext: { n: count } });
    assert.deepEqual({ operator: edited.operator, count: edited.count }, { operator: 'mirror', count });
    const got = await alice.heard.next('onModifiedMessage');
    assert.deepEqual([got.id, got.from, got.time, got.chatType, got.msg], [id, 'mirror', time, 'singleChat', body.text]);
    assert.deepEqual(got.ext, { n: count });
    assert.deepEqual(got.modifiedInfo, { operationTime: edited.time, operatorId: 'mirror', operationCount: count });
  }
});

mirrorScenario('edit of a custom message, mirror → SDK', async ({ alice, mirror }) => {
  const { message } = await mirror.message(toAlice, { type: 'custom', event: 'order', exts: { state: 'open' } });
  await mirror.send(toAlice, 'edit', { message, body: { type: 'custom', event: 'order', exts: { state: 'sent' } } });
  const { id, customEvent, customExts } = await alice.heard.next('onModifiedMessage');
  assert.deepEqual({ id, customEvent, customExts }, { id: message, customEvent: 'order', customExts: { state: 'sent' } });
});

mirrorScenario('edit of what is not there, mirror → SDK: refused in words', async ({ mirror }) => {
  const words = await refusedWith(mirror.send(toAlice, 'edit', { message: '42', body: { type: 'text', text: 'new' } }));
  assert.match(words, /the message to edit does not exist/);
});

mirrorScenario('reaction, SDK → mirror', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToAlice(world);
  await alice.call('addReaction', { messageId: id, reaction: '👍' });
  const added = await mirror.next('reaction');
  // As in the SDK, `from` is who wrote the message.
  assert.deepEqual([added.conversation, added.message, added.from], [toAlice, id, 'mirror']);
  assert.deepEqual(added.reactions, [{ reaction: '👍', count: 1, is_added_by_self: false, users: ['alice'] }]);
  assert.deepEqual(added.operations, [{ reaction: '👍', operator: 'alice', is_added: true, count: 1 }]);
  assert.deepEqual(added.raw[0].op, [{ operator: 'alice', reactionType: 'create' }]);
  await alice.call('deleteReaction', { messageId: id, reaction: '👍' });
  const removed = await mirror.next('reaction');
  assert.equal(removed.message, id);
  assert.deepEqual(removed.operations, [{ reaction: '👍', operator: 'alice', is_added: false, count: 0 }]);
  assert.equal(removed.reactions.reduce((sum, { count }) => sum + count, 0), 0);
});

mirrorScenario('reaction, mirror → SDK', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToMirror(world);
  await mirror.call('add_reaction', { message: id, reaction: '👍' });
  const { messageId, from, to, chatType, reactions } = await alice.heard.next('onReactionChange');
  assert.deepEqual({ messageId, from, to, chatType }, { messageId: id, from: 'alice', to: 'mirror', chatType: 'singleChat' });
  const [{ reaction, count, userList, op }] = reactions;
  assert.deepEqual({ reaction, count, userList, op }, { reaction: '👍', count: 1, userList: ['mirror'], op: [{ operator: 'mirror', reactionType: 'create' }] });
  await mirror.call('remove_reaction', { message: id, reaction: '👍' });
  const removed = await alice.heard.next('onReactionChange');
  assert.equal(removed.messageId, id);
  assert.deepEqual(removed.reactions[0].op, [{ operator: 'mirror', reactionType: 'delete' }]);
});

mirrorScenario('reaction in a group, SDK and mirror: both are told what the other gave', async ({ world, alice, mirror }) => {
  const bob = await world.sdk('bob');
  const { serverMsgId: id } = await bob.groupText('1001', 'lunch?');
  await alice.call('addReaction', { messageId: id, reaction: '👍' });
  const first = await mirror.next('reaction');
  assert.deepEqual([first.conversation, first.from], ['group:1001', 'bob']);
  assert.deepEqual(first.operations, [{ reaction: '👍', operator: 'alice', is_added: true, count: 1 }]);
  await mirror.call('add_reaction', { message: id, reaction: '👍' });
  const { reactions } = await alice.heard.next('onReactionChange', ({ reactions: [{ op }] }) => op[0].operator !== 'alice');
  assert.deepEqual(reactions[0].op, [{ operator: 'mirror', reactionType: 'create' }]);
  assert.deepEqual([reactions[0].count, reactions[0].userList], [2, ['alice', 'mirror']]);
});

mirrorScenario('pin, SDK → mirror', async (world) => {
  const { alice, mirror } = world;
  const { serverMsgId: id } = await alice.groupText('1001', 'the rules');
  const route = { conversationType: 'groupChat', conversationId: '1001', messageId: id };
  await alice.call('pinMessage', route);
  const pinned = await mirror.next('pin');
  assert.deepEqual([pinned.conversation, pinned.message, pinned.operator, pinned.is_pinned], ['group:1001', id, 'alice', true]);
  await alice.call('unpinMessage', route);
  assert.equal((await mirror.next('pin')).is_pinned, false);
});

mirrorScenario('pin, mirror → SDK', async (world) => {
  const { alice, mirror } = world;
  const { message } = await mirror.text('group:1001', 'the rules');
  await mirror.call('pin_message', { conversation: 'group:1001', message });
  const { messageId, conversationId, conversationType, operation, operatorId } = await alice.heard.next('onMessagePinEvent');
  assert.deepEqual(
    { messageId, conversationId, conversationType, operation, operatorId },
    { messageId: message, conversationId: '1001', conversationType: 'groupChat', operation: 'pin', operatorId: 'mirror' },
  );
  await mirror.call('unpin_message', { conversation: 'group:1001', message });
  assert.equal((await alice.heard.next('onMessagePinEvent')).operation, 'unpin');
});

mirrorScenario('pin, one to one, SDK → mirror', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToMirror(world, 'the rules');
  const route = { conversationType: 'singleChat', conversationId: 'mirror', messageId: id };
  for (const [method, is_pinned] of [['pinMessage', true], ['unpinMessage', false]]) {
    await alice.call(method, route);
    const pin = await mirror.next('pin');
    assert.deepEqual([pin.conversation, pin.message, pin.operator, pin.is_pinned], [toAlice, id, 'alice', is_pinned]);
  }
});

mirrorScenario('pin, one to one, mirror → SDK', async (world) => {
  const { alice, mirror } = world;
  const id = await saidToAlice(world, 'the rules');
  for (const [call, operation] of [['pin_message', 'pin'], ['unpin_message', 'unpin']]) {
    await mirror.call(call, { conversation: toAlice, message: id });
    const got = await alice.heard.next('onMessagePinEvent');
    assert.deepEqual(
      [got.messageId, got.conversationId, got.conversationType, got.operation, got.operatorId],
      [id, 'mirror', 'singleChat', operation, 'mirror'],
    );
  }
});

mirrorScenario('moderation replaces a word, SDK → mirror', async ({ server, alice, mirror }) => {
  await server.order('moderate', { word: 'damn', with: '****' });
  const { message } = await alice.text('mirror', 'damn it');
  assert.deepEqual({ msg: message.msg, isContentReplaced: message.isContentReplaced }, { msg: '**** it', isContentReplaced: true });
  const { body, is_content_replaced } = await mirror.next('message');
  assert.deepEqual({ text: body.text, is_content_replaced }, { text: '**** it', is_content_replaced: true });
}, { sdk: { useReplacedMessageContents: true } });

mirrorScenario('moderation replaces a word, mirror → SDK: the receipt says so', async ({ server, alice, mirror }) => {
  await server.order('moderate', { word: 'damn', with: '****' });
  const { message, replaced } = await mirror.text(toAlice, 'damn it');
  assert.deepEqual([replaced.id, replaced.body.text, replaced.is_content_replaced], [message, '**** it', true]);
  const { id, msg, isContentReplaced } = await alice.heard.next('onTextMessage');
  assert.deepEqual({ id, msg, isContentReplaced }, { id: message, msg: '**** it', isContentReplaced: true });
}, { sdk: { useReplacedMessageContents: true } });

/** With this the server asks to wait. */
const TRAFFIC_LIMIT = 'traffic limit';

/** What servers refuse sends with, the number under which the SDK reports it, and what our client says. */
const REFUSALS = [
  [1, 'blocked', 603, /the receiver blocks the sender/],
  [1, 'group not found', 605, /there is no such group/],
  [1, 'not in group or chatroom', 602, /the sender is not in the group or chat room/],
  [1, 'not in group or chatroom white list', 506, /the sender is not on the allow list/],
  [1, 'exceed recall time limit', 504, /./],
  [1, 'message recall disabled', 505, /./],
  [1, 'nonroster', 221, /the receiver is no contact/],
  [1, 'group is disabled', 608, /the group is disabled/],
  [1, 'limit directed users', 50, /./],
  [1, 'Sorry, edit limit reached', 50, /the message was edited too often/],
  [1, 'Sorry, message does not exist', 1302, /the message to edit does not exist/],
  [1, 'Sorry, You do not have permission', 603, /the message may not be edited by this user/],
  [1, 'Sorry, format is incorrect', 1303, /the new content has the wrong form/],
  [1, 'Sorry, edit is not available', 505, /editing messages is not enabled/],
  [1, 'Sorry, edit fail', 1304, /the edit failed/],
  [1, 'refused by moderation', 508, /moderation blocked it/],
  [7, 'sensitive words', 501, /./],
  [7, 'user is mute', 219, /the operator of the app muted the sender/],
  [7, TRAFFIC_LIMIT, 509, /./],
  [7, 'Sorry, data is too large', 511, /./],
  [15, 'muted', 507, /the sender is muted/],
  [19, 'not on sundays', 502, /the app's own server refused it/],
];

mirrorScenario('refusals, mirror → SDK: each has its own words, which name code and reason', async ({ server, alice, mirror }) => {
  const said = new Map();
  const final = REFUSALS.filter(([, reason]) => reason !== TRAFFIC_LIMIT);
  for (const [code, reason, , meaning] of final) {
    await server.order('refuse', { user: 'mirror', code, reason });
    const words = await refusedWith(mirror.text(toAlice, `${code} ${reason}`));
    assert.match(words, meaning, reason);
    assert.ok(words.includes(`code ${code}`), words);
    assert.ok(words.includes(reason), words);
    said.set(words.split(' (code')[0], reason);
  }
  assert.equal(said.size, final.length, [...said.keys()].join('\n'));
  await mirror.text(toAlice, 'at last');
  await alice.heard.next('onTextMessage');
  assert.deepEqual(alice.heard.all('onTextMessage').map(({ msg }) => msg), ['at last']);
});

mirrorScenario('too much traffic, mirror → SDK: the message waits and comes', async ({ server, alice, mirror }) => {
  await server.order('refuse', { user: 'mirror', code: 7, reason: TRAFFIC_LIMIT });
  const { message } = await mirror.text(toAlice, 'patience');
  assert.equal((await alice.heard.next('onTextMessage')).id, message);
});

mirrorScenario('refusals, SDK → mirror: each has its number, and nothing comes', async ({ server, alice, mirror }) => {
  for (const [code, reason, type] of REFUSALS) {
    await server.order('refuse', { user: 'alice', code, reason });
    await assert.rejects(alice.text('mirror', reason), { type }, reason);
  }
  await alice.text('mirror', 'at last');
  await mirror.next('message');
  assert.deepEqual(mirror.all('message').map(({ body }) => body.text), ['at last']);
});
