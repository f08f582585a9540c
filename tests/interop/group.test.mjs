// Groups: who hears what.

import assert from 'node:assert/strict';

import { refusal, scenario } from './lib/stage.mjs';

/** Alice and Bob and Carol are in group 1001, Dave is not. */
async function opsGroup(stage) {
  await stage.open({ users: ['alice', 'bob', 'carol', 'dave'], groups: { 1001: ['alice', 'bob', 'carol'] } });
  const [alice, bob, carol, dave] = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((user) => stage.online(user)));
  return { alice, bob, carol, dave };
}

const texts = (client) => client.all('onTextMessage').map(({ msg }) => msg);

scenario('a group made with the SDK tells its members and carries their messages', async (stage) => {
  await stage.open({ users: ['alice', 'bob'] });
  const [alice, bob] = [await stage.online('alice'), await stage.online('bob')];
  const wish = { groupname: 'ops', desc: 'on call', members: ['bob'], public: true, approval: false, allowinvites: false, inviteNeedConfirm: false };
  const { data } = await alice.call('createGroup', { data: wish });

  const joined = await bob.next('onGroupEvent', ({ operation }) => operation === 'directJoined');
  assert.equal(joined.id, data.groupid);
  assert.equal(joined.from, 'alice');

  await bob.groupText(data.groupid, 'here I am');
  const { from, to, chatType, msg } = await alice.next('onTextMessage');
  assert.deepEqual({ from, to, chatType, msg }, { from: 'bob', to: data.groupid, chatType: 'groupChat', msg: 'here I am' });
});

scenario('a group message reaches all members with one id', async (stage) => {
  const { alice, bob, carol } = await opsGroup(stage);
  const sent = await alice.groupText('1001', 'disk full on db-1', { ext: { severity: 2 } });
  for (const member of [bob, carol]) {
    const { id, from, to, chatType, msg, ext, time } = await member.next('onTextMessage');
    assert.deepEqual({ id, from, to, chatType, msg, ext, time }, {
      id: sent.serverMsgId, from: 'alice', to: '1001', chatType: 'groupChat', msg: 'disk full on db-1', ext: { severity: 2 }, time: sent.message.time,
    });
  }
});

scenario('an outsider hears nothing of the group', async (stage) => {
  const { alice, bob, dave } = await opsGroup(stage);
  await alice.groupText('1001', 'among us');
  await bob.next('onTextMessage');
  await alice.text('dave', 'hello Dave');
  await dave.next('onTextMessage', ({ msg }) => msg === 'hello Dave');
  assert.deepEqual(texts(dave), ['hello Dave']);
});

scenario('an outsider’s message to the group is refused and reaches nobody', async (stage) => {
  const { alice, bob, dave } = await opsGroup(stage);
  const { type } = await refusal(dave.groupText('1001', 'let me in'));
  assert.equal(type, 602);
  await alice.groupText('1001', 'among us');
  await bob.next('onTextMessage', ({ msg }) => msg === 'among us');
  assert.deepEqual(texts(bob), ['among us']);
});

scenario('a message to a group that does not exist is refused', async (stage) => {
  const { alice } = await opsGroup(stage);
  const { type } = await refusal(alice.groupText('4711', 'anybody?'));
  assert.equal(type, 605);
});

scenario('a directed message reaches only those it is for', async (stage) => {
  const { alice, bob, carol } = await opsGroup(stage);
  await alice.groupText('1001', 'for Bob', { receiverList: ['bob'] });
  await alice.groupText('1001', 'for all');
  for (const member of [bob, carol]) await member.next('onTextMessage', ({ msg }) => msg === 'for all');
  assert.deepEqual(texts(bob), ['for Bob', 'for all']);
  assert.deepEqual(texts(carol), ['for all']);
});
