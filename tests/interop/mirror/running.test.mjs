// A bot that runs a group or a chat room by REST: what it orders, the official SDK is told; what it asks for, it gets.

import assert from 'node:assert/strict';

import { mirrorScenario } from '../lib/mirror.mjs';

const ALICE = ['alice'];

/** What the mirror orders in its group, and what Alice's SDK is told. */
const GROUP = [
  ['add_admin', { user: 'alice' }, { operation: 'setAdmin' }],
  ['remove_admin', { user: 'alice' }, { operation: 'removeAdmin' }],
  ['mute_members', { users: ALICE, secs: 60 }, { operation: 'muteMember', userId: 'alice' }],
  ['unmute_members', { users: ALICE }, { operation: 'unmuteMember', userId: 'alice' }],
  ['mute_all', {}, { operation: 'muteAllMembers' }],
  ['unmute_all', {}, { operation: 'unmuteAllMembers' }],
  ['add_to_allow_list', { users: ALICE }, { operation: 'addUserToAllowlist', userId: 'alice' }],
  ['remove_from_allow_list', { users: ALICE }, { operation: 'removeAllowlistMember', userId: 'alice' }],
];

mirrorScenario('group run by the bot, mirror → SDK', async ({ alice, mirror }) => {
  const group = await mirror.call('create_group', { name: 'ops', members: ['alice', 'bob'], is_public: true, needs_approval: false });
  const at = `group:${group}`;
  await alice.heard.next('onGroupEvent', ({ operation }) => operation === 'directJoined');
  const told = async ({ operation, ...expected }) => {
    const got = await alice.heard.next('onGroupEvent', (event) => event.operation === operation);
    for (const [key, value] of Object.entries({ id: group, from: 'mirror', ...expected })) assert.deepEqual(got[key], value, `${operation}: ${key}`);
    return got;
  };
  for (const [call, options, expected] of GROUP) {
    await mirror.call(call, { at, ...options });
    await told(expected);
  }
  await mirror.call('update_group', { group, name: 'night shift' });
  assert.equal((await told({ operation: 'updateInfo' })).detail.name, 'night shift');
  await mirror.call('block_members', { at, users: ['bob'] });
  await told({ operation: 'memberAbsence', from: 'bob' });
  await mirror.call('transfer_group', { group, new_owner: 'alice' });
  await told({ operation: 'changeOwner' });
  await assert.rejects(mirror.call('destroy_group', { group }), /this account has no right to do it/);
});

mirrorScenario('group destroyed by the bot, mirror → SDK', async ({ alice, mirror }) => {
  const group = await mirror.call('create_group', { name: 'ops', members: ['alice'], is_public: false, needs_approval: true });
  await mirror.call('destroy_group', { group });
  const { id, from } = await alice.heard.next('onGroupEvent', ({ operation }) => operation === 'destroy');
  assert.deepEqual({ id, from }, { id: group, from: 'mirror' });
});

mirrorScenario('lists of a group, SDK → mirror: what the owner ordered, the bot as an admin reads', async ({ alice, mirror }) => {
  const [groupId, at] = ['1001', 'group:1001'];
  await alice.call('setGroupAdmin', { groupId, username: 'mirror' });
  await alice.call('muteGroupMember', { groupId, username: 'bob', muteDuration: 60_000 });
  await alice.call('addUsersToGroupAllowlist', { groupId, users: ['bob'] });
  assert.deepEqual(await mirror.call('admins', { at }), ['mirror']);
  assert.deepEqual(await mirror.call('muted_members', { at }), ['bob']);
  assert.ok((await mirror.call('allow_list', { at })).includes('bob'));
  await alice.call('blockGroupMembers', { groupId, usernames: ['bob'] });
  assert.deepEqual(await mirror.call('blocked_members', { at }), ['bob']);
  await mirror.call('unblock_members', { at, users: ['bob'] });
  assert.deepEqual((await alice.call('getGroupBlocklist', { groupId })).data, []);
});

/** What the mirror orders in its chat room, and what Alice's SDK in it is told. */
const ROOM = [
  ['set_announcement', { text: 'be kind' }, { operation: 'updateAnnouncement' }],
  ['add_admin', { user: 'alice' }, { operation: 'setAdmin' }],
  ['remove_admin', { user: 'alice' }, { operation: 'removeAdmin' }],
  ['mute_members', { users: ALICE, secs: 60 }, { operation: 'muteMember' }],
  ['unmute_members', { users: ALICE }, { operation: 'unmuteMember' }],
  ['mute_all', {}, { operation: 'muteAllMembers' }],
  ['unmute_all', {}, { operation: 'unmuteAllMembers' }],
  ['add_to_allow_list', { users: ALICE }, { operation: 'addUserToAllowlist' }],
  ['remove_from_allow_list', { users: ALICE }, { operation: 'removeAllowlistMember' }],
];

mirrorScenario('chat room run by the bot, mirror → SDK', async ({ world, alice, mirror }) => {
  const { id: room } = await world.rest('POST', '/chatrooms', { name: 'lounge', description: '', owner: 'mirror' });
  const at = `room:${room}`;
  await mirror.send(at, 'join_room', { ext: '', leave_others: false });
  await alice.call('joinChatRoom', { roomId: room });
  const told = async (operation) => {
    const { id, from } = await alice.heard.next('onChatroomEvent', (event) => event.operation === operation);
    assert.deepEqual({ id, from }, { id: room, from: 'mirror' }, operation);
  };
  for (const [call, options, { operation }] of ROOM) {
    await mirror.call(call, { at, ...options });
    await told(operation);
  }
  assert.deepEqual(await mirror.call('set_room_attributes', { room, attributes: { theme: 'dark' } }), ['theme']);
  await told('updateChatRoomAttributes');
  assert.deepEqual(await mirror.call('room_attributes', { room }), { theme: 'dark' });
  assert.deepEqual(await mirror.call('remove_room_attributes', { room, keys: ['theme'] }), ['theme']);
  await told('removeChatRoomAttributes');
  await mirror.call('kick_members', { at, users: ALICE });
  await told('removeMember');
  await mirror.call('destroy_room', { room });
  await assert.rejects(mirror.call('destroy_room', { room }), /there is no such group or room/);
});

mirrorScenario('remark of a contact, mirror → SDK', async ({ alice, world, mirror }) => {
  await mirror.call('request_contact', { user: 'alice', reason: '' });
  await alice.heard.next('onContactInvited');
  await alice.call('acceptContactInvite', 'mirror');
  await mirror.next('contact');
  await mirror.call('set_remark', { user: 'alice', remark: 'the boss' });
  const phone = await world.sdk('mirror');
  assert.deepEqual((await phone.call('getAllContacts')).data, [{ userId: 'alice', remark: 'the boss' }]);
});
