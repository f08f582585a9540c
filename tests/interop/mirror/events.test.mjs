// Contacts, groups, rooms, presence, other devices: what one end does, the other end is told.

import assert from 'node:assert/strict';

import { mirrorScenario } from '../lib/mirror.mjs';

mirrorScenario('contact invited, agreed and deleted, SDK → mirror', async ({ alice, mirror }) => {
  await alice.call('addContact', 'mirror', 'please');
  assert.deepEqual(await mirror.next('contact'), { event: 'contact', peer: 'alice', change: 'invited', reason: 'please' });
  await mirror.call('accept_contact', { user: 'alice' });
  assert.equal((await mirror.next('contact')).change, 'added');
  const { from } = await alice.heard.next('onContactAgreed');
  assert.equal(from, 'mirror');
  await alice.call('deleteContact', 'mirror');
  assert.deepEqual(await mirror.next('contact'), { event: 'contact', peer: 'alice', change: 'deleted' });
});

mirrorScenario('contact invited, agreed and deleted, mirror → SDK', async ({ alice, mirror }) => {
  await mirror.call('request_contact', { user: 'alice', reason: 'please' });
  const { from, to, status } = await alice.heard.next('onContactInvited');
  assert.deepEqual({ from, to, status }, { from: 'mirror', to: 'alice', status: 'please' });
  await alice.call('acceptContactInvite', 'mirror');
  assert.deepEqual(await mirror.next('contact'), { event: 'contact', peer: 'alice', change: 'agreed' });
  await mirror.call('remove_contact', { user: 'alice' });
  assert.equal((await alice.heard.next('onContactDeleted')).from, 'mirror');
});

mirrorScenario('contact declined, SDK → mirror', async ({ alice, mirror }) => {
  await mirror.call('request_contact', { user: 'alice', reason: '' });
  await alice.heard.next('onContactInvited');
  await alice.call('declineContactInvite', 'mirror');
  assert.deepEqual(await mirror.next('contact'), { event: 'contact', peer: 'alice', change: 'refused' });
});

mirrorScenario('contact declined, mirror → SDK', async ({ alice, mirror }) => {
  await alice.call('addContact', 'mirror', '');
  await mirror.next('contact');
  await mirror.call('decline_contact', { user: 'alice' });
  assert.equal((await alice.heard.next('onContactRefuse')).from, 'mirror');
});

mirrorScenario('block list, mirror → SDK: the blocked one is refused', async ({ alice, mirror }) => {
  await mirror.call('block', { users: ['alice'] });
  await assert.rejects(alice.text('mirror', 'hello?'), { type: 603 });
  await mirror.call('unblock', { users: ['alice'] });
  await alice.text('mirror', 'hello!');
  assert.equal((await mirror.next('message')).body.text, 'hello!');
});

/** What Alice does in her group, and what the mirror is told: operation, and the fields beside it. */
const GROUP = [
  ['updateGroupAnnouncement', { announcement: 'be kind' }, 'announcement_updated', { change: { announcement: 'be kind' } }],
  ['modifyGroup', { groupName: 'new name', description: 'd' }, 'info_updated', {}],
  ['setGroupAdmin', { username: 'mirror' }, 'admin_added', { targets: ['mirror'] }],
  ['removeGroupAdmin', { username: 'mirror' }, 'admin_removed', { targets: ['mirror'] }],
  ['muteGroupMember', { username: 'mirror', muteDuration: 60_000 }, 'muted', { targets: ['mirror'] }],
  ['unmuteGroupMember', { username: 'mirror' }, 'unmuted', { targets: ['mirror'] }],
  ['disableSendGroupMsg', {}, 'all_muted', {}],
  ['enableSendGroupMsg', {}, 'all_unmuted', {}],
  ['addUsersToGroupAllowlist', { users: ['mirror'] }, 'allow_list_added', { targets: ['mirror'] }],
  ['removeGroupAllowlistMember', { userName: 'mirror' }, 'allow_list_removed', { targets: ['mirror'] }],
  ['inviteUsersToGroup', { users: ['carol'] }, 'members_present', { operator: 'carol', n_members: 4 }],
  ['removeGroupMember', { username: 'carol' }, 'members_absent', { operator: 'carol', n_members: 3 }],
  ['setGroupMemberAttributes', { userId: 'alice', memberAttributes: { role: 'host' } }, 'member_attributes_updated', { change: { user: 'alice', attributes: { role: 'host' } } }],
  ['changeGroupOwner', { newOwner: 'bob' }, 'owner_assigned', { targets: ['bob'] }],
  ['leaveGroup', {}, 'members_absent', { n_members: 2 }],
];

mirrorScenario('group events, SDK → mirror', async ({ alice, mirror }) => {
  for (const [method, options, operation, { change = {}, ...fields }] of GROUP) {
    await alice.call(method, { groupId: '1001', ...options });
    const got = await mirror.next('group');
    assert.equal(got.change.operation, operation, method);
    assert.equal(got.conversation, 'group:1001');
    for (const [key, value] of Object.entries({ operator: 'alice', ...fields })) assert.deepEqual(got[key], value, `${method}: ${key}`);
    for (const [key, value] of Object.entries(change)) assert.deepEqual(got.change[key], value, `${method}: ${key}`);
    if (operation === 'muted') assert.ok(got.change.until > Date.now(), method);
    if (operation === 'info_updated') assert.equal(got.change.detail.name, 'new name');
  }
});

mirrorScenario('group created, joined, kicked and destroyed, SDK → mirror', async ({ alice, mirror }) => {
  const wish = { groupname: 'ops', desc: 'on call', members: ['mirror'], public: true, approval: false, allowinvites: false, inviteNeedConfirm: false };
  const { data: { groupid } } = await alice.call('createGroup', { data: wish });
  const conversation = `group:${groupid}`;
  const told = async () => {
    const { conversation: where, operator, change } = await mirror.next('group');
    assert.equal(where, conversation);
    return [operator, change.operation];
  };
  assert.deepEqual(await told(), ['alice', 'direct_joined']);
  await alice.call('removeGroupMember', { groupId: groupid, username: 'mirror' });
  assert.deepEqual(await told(), ['alice', 'kicked']);
  await mirror.call('join_group', { group: groupid, message: '' });
  await alice.heard.next('onGroupEvent', ({ operation, from }) => operation === 'memberPresence' && from === 'mirror');
  await alice.call('destroyGroup', { groupId: groupid });
  assert.deepEqual(await told(), ['alice', 'destroyed']);
});

mirrorScenario('group invitation, SDK → mirror', async ({ alice, mirror }) => {
  const wish = { groupname: 'ops', desc: '', members: ['mirror'], public: true, approval: true, allowinvites: false, inviteNeedConfirm: true };
  const { data: { groupid } } = await alice.call('createGroup', { data: wish });
  const { operator, targets, change, name } = await mirror.next('group');
  assert.deepEqual({ operator, targets, change, name }, { operator: 'alice', targets: ['mirror'], change: { operation: 'invited' }, name: 'ops' });
  await mirror.call('answer_invitation', { group: groupid, accepts: true });
  assert.equal((await alice.heard.next('onGroupEvent', ({ operation }) => operation === 'acceptInvite')).from, 'mirror');
});

mirrorScenario('group events, mirror → SDK', async ({ alice, mirror }) => {
  const group = await mirror.call('create_group', { name: 'ops', members: ['alice'], is_public: true, needs_approval: true });
  const told = async (expected) => {
    const { id, from, ...got } = await alice.heard.next('onGroupEvent');
    assert.equal(id, group);
    for (const [key, value] of Object.entries(expected)) assert.deepEqual({ from, ...got }[key], value, `${expected.operation}: ${key}`);
  };
  await told({ operation: 'directJoined', from: 'mirror', name: 'ops' });
  await mirror.call('set_announcement', { at: `group:${group}`, text: 'be kind' });
  await told({ operation: 'updateAnnouncement', from: 'mirror', announcement: 'be kind' });
  await mirror.call('mute_members', { at: `group:${group}`, users: ['alice'], secs: 60 });
  await told({ operation: 'muteMember', from: 'mirror', userId: 'alice' });
  await mirror.call('unmute_members', { at: `group:${group}`, users: ['alice'] });
  await told({ operation: 'unmuteMember', from: 'mirror', userId: 'alice' });
  await mirror.call('invite_members', { group, users: ['bob'] });
  await told({ operation: 'memberPresence', from: 'bob', memberCount: 3 });
  await mirror.call('kick_members', { at: `group:${group}`, users: ['alice'] });
  await told({ operation: 'removeMember', from: 'mirror' });
  await alice.call('joinGroup', { groupId: group, message: 'let me in' });
  const applied = await mirror.next('group', ({ change }) => change.operation === 'applied');
  assert.deepEqual([applied.operator, applied.reason], ['alice', 'let me in']);
  await mirror.call('approve_member', { group, applicant: 'alice' });
  await told({ operation: 'acceptRequest', from: 'mirror' });
});

/** What Alice does in her chat room, and what the mirror in it is told. */
const ROOM = [
  ['updateChatRoomAnnouncement', { announcement: 'be kind' }, 'announcement_updated'],
  ['setChatRoomAdmin', { username: 'mirror' }, 'admin_added'],
  ['removeChatRoomAdmin', { username: 'mirror' }, 'admin_removed'],
  ['muteChatRoomMember', { username: 'mirror', muteDuration: 60_000 }, 'muted'],
  ['unmuteChatRoomMember', { username: 'mirror' }, 'unmuted'],
  ['disableSendChatRoomMsg', {}, 'all_muted'],
  ['enableSendChatRoomMsg', {}, 'all_unmuted'],
  ['addUsersToChatRoomAllowlist', { users: ['mirror'] }, 'allow_list_added'],
  ['removeChatRoomAllowlistMember', { userName: 'mirror' }, 'allow_list_removed'],
  ['setChatRoomAttribute', { attributeKey: 'theme', attributeValue: 'dark', autoDelete: false, isForced: true }, 'attributes_set'],
  ['removeChatRoomAttribute', { attributeKey: 'theme', isForced: true }, 'attributes_deleted'],
  ['removeChatRoomMember', { username: 'mirror' }, 'kicked'],
];

mirrorScenario('chat room events, SDK → mirror', async ({ world, alice, mirror }) => {
  const id = await world.room();
  await alice.call('joinChatRoom', { roomId: id });
  await mirror.send(`room:${id}`, 'join_room', { ext: '', leave_others: false });
  await mirror.next('room', ({ change }) => change.operation === 'joined');
  for (const [method, options, operation] of ROOM) {
    await alice.call(method, { roomId: id, chatRoomId: id, ...options });
    const got = await mirror.next('room');
    assert.deepEqual([got.change.operation, got.conversation, got.operator], [operation, `room:${id}`, 'alice'], method);
  }
});

mirrorScenario('presence, SDK → mirror', async ({ alice, mirror }) => {
  const [now] = await mirror.call('subscribe_presence', { users: ['alice'], secs: 1000 });
  assert.deepEqual([now.user, now.devices.map(([, state]) => state)], ['alice', [1]]);
  await alice.call('publishPresence', { description: 'lunch' });
  const { users: [{ user, ext, expiry_secs }] } = await mirror.next('presence');
  assert.deepEqual({ user, ext }, { user: 'alice', ext: 'lunch' });
  assert.equal(expiry_secs, now.expiry_secs);
});

mirrorScenario('presence, mirror → SDK', async ({ alice, mirror }) => {
  await alice.call('subscribePresence', { usernames: ['mirror'], expiry: 1000 });
  await mirror.call('publish_presence', { resource: 'desk', ext: 'busy' });
  const [{ userId, ext }] = await alice.heard.next('onPresenceStatusChange');
  assert.deepEqual({ userId, ext }, { userId: 'mirror', ext: 'busy' });
});

mirrorScenario('another device speaks, SDK → mirror: what the account says elsewhere', async ({ world, alice, mirror }) => {
  const phone = await world.sdk('mirror');
  const { serverMsgId } = await phone.text('alice', 'from my phone');
  const { id, from, to, conversation } = await mirror.next('message');
  assert.deepEqual({ id, from, to, conversation }, { id: serverMsgId, from: 'mirror', to: 'alice', conversation: 'user:alice' });
  assert.equal((await alice.heard.next('onTextMessage')).id, serverMsgId);
});

mirrorScenario('another device speaks, mirror → SDK: what the account says elsewhere', async ({ world, mirror }) => {
  const phone = await world.sdk('mirror');
  const { message } = await mirror.text('user:alice', 'from the bot');
  const { id, from, to } = await phone.heard.next('onTextMessage');
  assert.deepEqual({ id, from, to }, { id: message, from: 'mirror', to: 'alice' });
});

mirrorScenario('multi-device, SDK → mirror', async ({ world, alice, mirror }) => {
  const phone = await world.sdk('mirror');
  const { serverMsgId } = await alice.text('mirror', 'hi');
  await mirror.next('message');
  const told = async () => {
    const { resource, change } = await mirror.next('multi_device');
    return { resource, ...change };
  };
  const conversation = 'user:alice';
  await phone.call('pinConversation', { conversationId: 'alice', conversationType: 'singleChat', isPinned: true });
  const pinned = await told();
  assert.match(pinned.resource, /phone/);
  assert.deepEqual([pinned.conversation.conversation, pinned.conversation.operation], [conversation, 'top']);
  await phone.call('removeHistoryMessages', { targetId: 'alice', chatType: 'singleChat', messageIds: [serverMsgId] });
  assert.deepEqual((await told()).roaming_deleted, { conversation });
  await phone.call('deleteConversation', { channel: 'alice', chatType: 'singleChat', deleteRoam: false });
  assert.equal((await told()).conversation.operation, 'del');
  const { serverMsgId: root } = await alice.groupText('1001', 'the plan');
  const { data } = await phone.call('createChatThread', { parentId: '1001', name: 'details', messageId: root });
  assert.deepEqual((await told()).thread, { id: data.chatThreadId, name: 'details', parent: '1001', operation: 'create' });
  await phone.call('setSilentModeForConversation', { conversationId: 'alice', type: 'singleChat', options: { paramType: 0, remindType: 'NONE' } });
  assert.equal((await told()).silent_mode.conversation, conversation);
});

mirrorScenario('multi-device, mirror → SDK: what our client does is told on the second device', async ({ world, alice, mirror }) => {
  const phone = await world.sdk('mirror');
  const group = await mirror.call('create_group', { name: 'ops', members: ['alice'], is_public: true, needs_approval: true });
  const created = await phone.heard.next('onGroupEvent');
  assert.deepEqual([created.operation, created.id, created.from], ['create', group, 'mirror']);

  const { message: root } = await mirror.text(`group:${group}`, 'the plan');
  assert.equal((await phone.heard.next('onTextMessage')).id, root);
  const thread = await mirror.call('create_thread', { group, message: root, name: 'details' });
  const told = async (operation, name) => {
    const { chatThreadId, chatThreadName, parentId, ...event } = await phone.heard.next('onMultiDeviceEvent');
    assert.deepEqual([event.operation, chatThreadId, chatThreadName, parentId], [operation, thread, name, group]);
  };
  await told('chatThreadCreate', 'details');
  await mirror.call('rename_thread', { thread, name: 'all details' });
  await told('chatThreadNameUpdate', 'all details');
  await mirror.call('destroy_thread', { thread });
  await told('chatThreadDestroy', 'all details');

  await alice.call('addContact', 'mirror', 'please');
  await mirror.next('contact');
  await mirror.call('accept_contact', { user: 'alice' });
  assert.equal((await phone.heard.next('onContactAdded')).from, 'alice');
  await mirror.call('remove_contact', { user: 'alice' });
  assert.equal((await phone.heard.next('onContactDeleted')).from, 'alice');

  await mirror.send('user:alice', 'mark_conversation_read');
  assert.equal((await phone.heard.next('onChannelMessage')).from, 'mirror');
  await mirror.call('add_reaction', { message: root, reaction: '👍' });
  const { messageId, reactions } = await phone.heard.next('onReactionChange');
  assert.deepEqual([messageId, reactions[0].isAddedBySelf ?? reactions[0].state], [root, true]);
  await mirror.call('pin_message', { conversation: `group:${group}`, message: root });
  const pin = await phone.heard.next('onMessagePinEvent');
  assert.deepEqual([pin.messageId, pin.operation, pin.operatorId], [root, 'pin', 'mirror']);
});

mirrorScenario('multi-device, mirror → SDK: conversations that our client pins, marks, silences and removes', async ({ world, alice, mirror }) => {
  const phone = await world.sdk('mirror');
  await alice.text('mirror', 'hi');
  await phone.heard.next('onTextMessage');
  const conversation = 'user:alice';
  const told = async (operation, more) => {
    const event = await phone.heard.next('onMultiDeviceEvent');
    const { conversationId, conversationType, conversationMark } = event;
    assert.deepEqual([event.operation, conversationId, conversationType, conversationMark], [operation, 'alice', 'singleChat', more]);
  };
  await mirror.call('pin_conversation', { conversation });
  await told('pinnedConversation');
  const { data: pinned } = await phone.call('getServerPinnedConversations', { pageSize: 10 });
  assert.deepEqual(pinned.conversations.map(({ conversationId, isPinned }) => [conversationId, isPinned]), [['alice', true]]);
  await mirror.call('unpin_conversation', { conversation });
  await told('unpinnedConversation');
  await mirror.call('mark_conversations', { conversations: [conversation], mark: 3 });
  await told('markConversation', 3);
  await mirror.call('unmark_conversations', { conversations: [conversation], mark: 3 });
  await told('unMarkConversation', 3);
  await mirror.call('silence', { conversation });
  assert.equal((await phone.heard.next('onMultiDeviceEvent')).operation, 'setSilentModeForConversation');
  const { data } = await phone.call('getSilentModeForConversation', { conversationId: 'alice', type: 'singleChat' });
  assert.equal(data.type, 'NONE');
  await mirror.call('reset_silent', { conversation });
  assert.equal((await phone.heard.next('onMultiDeviceEvent')).operation, 'removeSilentModeForConversation');
  await mirror.call('silence', { minutes: 5 });
  assert.equal((await phone.heard.next('onMultiDeviceEvent')).operation, 'setSilentModeForUser');
  await mirror.call('remove_conversation', { conversation, with_messages: false });
  await told('deleteConversation');
});

mirrorScenario('kicked by the operator, server → mirror', async ({ server, mirror }) => {
  await server.order('kick', { user: 'mirror', operation: 4, reason: 'maintenance' });
  const { cause } = await mirror.next('disconnected');
  assert.deepEqual(cause, { kicked: { kick: 'kicked_by_other', reason: 'maintenance' } });
});

mirrorScenario('a lost connection, server → mirror: it comes back and misses nothing', async ({ server, alice, mirror }) => {
  await server.order('drop', { user: 'mirror' });
  await alice.text('mirror', 'meanwhile');
  assert.ok('lost' in (await mirror.next('disconnected')).cause);
  assert.equal((await mirror.next('reconnecting')).attempt, 1);
  await mirror.next('connected');
  assert.equal((await mirror.next('message')).body.text, 'meanwhile');
});
