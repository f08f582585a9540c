// Several devices of one user.

import assert from 'node:assert/strict';

import { scenario } from './lib/stage.mjs';

async function alicesDevicesAndBob(stage, world = {}) {
  await stage.open({ users: ['alice', 'bob'], ...world });
  return {
    phone: await stage.online('alice', { device: 'phone' }),
    tablet: await stage.online('alice', { device: 'tablet' }),
    bob: await stage.online('bob'),
  };
}

scenario('what one device sends, the other device of the same user shows', async (stage) => {
  const { phone, tablet, bob } = await alicesDevicesAndBob(stage);
  const { serverMsgId } = await phone.text('bob', 'from my phone');
  const { id, from, to, msg } = await tablet.next('onTextMessage');
  assert.deepEqual({ id, from, to, msg }, { id: serverMsgId, from: 'alice', to: 'bob', msg: 'from my phone' });
  assert.equal((await bob.next('onTextMessage')).id, serverMsgId);
});

scenario('the sending device does not get its own message', async (stage) => {
  const { phone, tablet, bob } = await alicesDevicesAndBob(stage);
  await phone.text('bob', 'from my phone');
  await tablet.next('onTextMessage');
  await bob.text('alice', 'an answer');
  await phone.next('onTextMessage', ({ msg }) => msg === 'an answer');
  assert.deepEqual(phone.all('onTextMessage').map(({ msg }) => msg), ['an answer']);
});

scenario('an answer reaches every device', async (stage) => {
  const { phone, tablet, bob } = await alicesDevicesAndBob(stage);
  const { serverMsgId } = await bob.text('alice', 'an answer');
  for (const device of [phone, tablet]) assert.equal((await device.next('onTextMessage')).id, serverMsgId);
});

scenario('a group message of one device shows on the other', async (stage) => {
  const { phone, tablet, bob } = await alicesDevicesAndBob(stage, { groups: { 1001: ['alice', 'bob'] } });
  const { serverMsgId } = await phone.groupText('1001', 'hello group');
  for (const device of [tablet, bob]) {
    const { id, from, to } = await device.next('onTextMessage');
    assert.deepEqual({ id, from, to }, { id: serverMsgId, from: 'alice', to: '1001' });
  }
});

scenario('a message to one of my own devices arrives there and names the device it is from', async (stage) => {
  const { phone, tablet } = await alicesDevicesAndBob(stage);
  const { serverMsgId } = await phone.text(`alice/${tablet.connection.clientResource}`, 'open this page');
  const { id, from, msg } = await tablet.next('onTextMessage');
  assert.deepEqual({ id, from, msg }, { id: serverMsgId, from: `alice/${phone.connection.clientResource}`, msg: 'open this page' });
});
