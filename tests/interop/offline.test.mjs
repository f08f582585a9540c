// What is sent while a user is away is there when he comes back: all of it, in order, once.

import assert from 'node:assert/strict';

import { scenario } from './lib/stage.mjs';

/** Bob hears one message, leaves, misses three and one in the group, and comes back on `device`. */
async function bobComesBack(stage, device) {
  await stage.open({ users: ['alice', 'bob'], groups: { 1001: ['alice', 'bob'] } });
  const alice = await stage.online('alice');
  const before = await stage.online('bob');
  await alice.text('bob', 'before');
  await before.next('onTextMessage');
  // Once Alice has this, the server has Bob's word that "before" arrived.
  await before.text('alice', 'bye');
  await alice.next('onTextMessage');
  await before.logout();

  const missed = [];
  for (const msg of ['one', 'two', 'three']) missed.push((await alice.text('bob', msg)).serverMsgId);
  const inGroup = (await alice.groupText('1001', 'in the group')).serverMsgId;
  const bob = await stage.online('bob', { device });
  return { alice, bob, missed, inGroup };
}

/** All texts in single chats, and all in groups, up to now. */
async function heard(alice, bob) {
  await alice.text('bob', 'the end');
  await alice.groupText('1001', 'the end');
  for (const kind of ['singleChat', 'groupChat']) {
    await bob.next('onTextMessage', ({ chatType, msg }) => chatType === kind && msg === 'the end');
  }
  const all = bob.all('onTextMessage').filter(({ msg }) => msg !== 'the end');
  const ids = (kind) => all.filter(({ chatType }) => chatType === kind).map(({ id }) => id);
  return { single: ids('singleChat'), group: ids('groupChat') };
}

scenario('the same device gets what it missed, and nothing that it had', async (stage) => {
  const { alice, bob, missed, inGroup } = await bobComesBack(stage, 'phone');
  await bob.next('onTextMessage', ({ id }) => id === missed.at(-1));
  await bob.next('onTextMessage', ({ id }) => id === inGroup);
  assert.deepEqual(await heard(alice, bob), { single: missed, group: [inGroup] });
});

scenario('a new device gets what no device has had yet', async (stage) => {
  const { alice, bob, missed, inGroup } = await bobComesBack(stage, 'tablet');
  await bob.next('onTextMessage', ({ id }) => id === missed.at(-1));
  await bob.next('onTextMessage', ({ id }) => id === inGroup);
  assert.deepEqual(await heard(alice, bob), { single: missed, group: [inGroup] });
});

scenario('the SDK says when it starts and ends to fetch what was missed', async (stage) => {
  const { bob, missed, inGroup } = await bobComesBack(stage, 'phone');
  await bob.next('onOfflineMessageSyncStart');
  await bob.next('onOfflineMessageSyncFinish');
  assert.deepEqual(bob.all('onTextMessage').map(({ id }) => id).sort(), [...missed, inGroup].sort());
});

scenario('the same login twice gets nothing twice', async (stage) => {
  const { alice, bob, missed } = await bobComesBack(stage, 'phone');
  await bob.next('onOfflineMessageSyncFinish');
  await bob.text('alice', 'got all');
  await alice.next('onTextMessage', ({ msg }) => msg === 'got all');
  await bob.logout();
  const again = await stage.online('bob');
  assert.deepEqual(await heard(alice, again), { single: [], group: [] });
  assert.equal(missed.length, 3);
});
