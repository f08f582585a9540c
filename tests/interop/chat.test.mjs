// Two users of the vendor's SDK in a single chat: what one end sends is what the other end gets.

import assert from 'node:assert/strict';

import { scenario } from './lib/stage.mjs';

async function aliceAndBob(stage) {
  await stage.open({ users: ['alice', 'bob'] });
  return { alice: await stage.online('alice'), bob: await stage.online('bob') };
}

const toBob = { chatType: 'singleChat', to: 'bob' };

scenario('a text arrives with the id and the time that its sender was told', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const sent = await alice.text('bob', 'good morning');
  const got = await bob.next('onTextMessage');
  assert.match(sent.serverMsgId, /^\d{19}$/);
  assert.equal(got.id, sent.serverMsgId);
  assert.equal(got.time, sent.message.time);
  assert.ok(Math.abs(got.time - Date.now()) < 60_000, `${got.time} is about now`);
  const { from, to, chatType, msg } = got;
  assert.deepEqual({ from, to, chatType, msg }, { from: 'alice', to: 'bob', chatType: 'singleChat', msg: 'good morning' });
});

scenario('ids grow with time', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const ids = [];
  for (const msg of ['one', 'two', 'three']) ids.push(BigInt((await alice.text('bob', msg)).serverMsgId));
  ids.push(BigInt((await bob.text('alice', 'four')).serverMsgId));
  assert.deepEqual(ids, [...ids].sort((a, b) => (a < b ? -1 : 1)));
  assert.equal(new Set(ids).size, 4);
});

scenario('text in any script arrives unchanged', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  for (const msg of ['你好,世界', '👩‍👩‍👧 👍🏽 é', 'مرحبا', 'two\nlines\tand a tab', '"quotes" \\ {{ braces }}', ' ']) {
    const { message } = await alice.text('bob', msg);
    assert.equal(message.msg, msg);
    assert.equal((await bob.next('onTextMessage')).msg, msg);
  }
});

scenario('ext carries every kind of JSON value', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const ext = {
    text: 'a string', empty: '', chinese: '扩展', beyond_doubles: '9007199254740993',
    int: 7, negative: -7, zero: 0, millis: 1_764_000_000_123, float: 1.5, tiny: 1e-9,
    yes: true, no: false,
    nested: { list: [1, 'two', null, { deep: true }], text: '{"not":"parsed"}' }, list: [], object: {}, nothing: null,
  };
  const { message } = await alice.text('bob', 'with ext', { ext });
  assert.deepEqual(message.ext, ext);
  assert.deepEqual((await bob.next('onTextMessage')).ext, ext);
});

scenario('a delivery receipt comes back to the sender', async (stage) => {
  await stage.open({ users: ['alice', 'bob'] });
  const alice = await stage.online('alice');
  await stage.online('bob', { delivery: true });
  const { serverMsgId } = await alice.text('bob', 'did you get this?');
  const { mid, from, to } = await alice.next('onDeliveredMessage');
  assert.deepEqual({ mid, from, to }, { mid: serverMsgId, from: 'bob', to: 'alice' });
});

scenario('a read receipt comes back to the sender', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const { serverMsgId } = await alice.text('bob', 'did you read this?');
  const { id } = await bob.next('onTextMessage');
  await bob.send({ type: 'read', chatType: 'singleChat', to: 'alice', id });
  const { mid, from, to } = await alice.next('onReadMessage');
  assert.deepEqual({ mid, from, to }, { mid: serverMsgId, from: 'bob', to: 'alice' });
});

scenario('the acknowledgement of a whole conversation comes back', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const { serverMsgId } = await bob.send({ type: 'channel', chatType: 'singleChat', to: 'alice' });
  const { id, from, to } = await alice.next('onChannelMessage');
  assert.deepEqual({ id, from, to }, { id: serverMsgId, from: 'bob', to: 'alice' });
});

scenario('a command shows that somebody types', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const { serverMsgId } = await alice.send({ ...toBob, type: 'cmd', action: 'TypingBegin' });
  const { id, action, from } = await bob.next('onCmdMessage');
  assert.deepEqual({ id, action, from }, { id: serverMsgId, action: 'TypingBegin', from: 'alice' });
});

scenario('a custom message arrives with its event and its values', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const customExts = { name: '玫瑰', count: '3' };
  const { serverMsgId } = await alice.send({ ...toBob, type: 'custom', customEvent: 'gift', customExts });
  const got = await bob.next('onCustomMessage');
  assert.equal(got.id, serverMsgId);
  assert.equal(got.customEvent, 'gift');
  assert.deepEqual(got.customExts, customExts);
});

scenario('a location arrives with its coordinates and names', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const place = { addr: '北京市海淀区', buildingName: 'Tower C', lat: 39.98, lng: -116.31 };
  const { serverMsgId } = await alice.send({ ...toBob, type: 'loc', ...place });
  const { id, addr, buildingName, lat, lng } = await bob.next('onLocationMessage');
  assert.deepEqual({ id, addr, buildingName, lat, lng }, { id: serverMsgId, ...place });
});

scenario('an image by its URL arrives, to be fetched from the receiver’s own server', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const file = '/easebot/demo/chatfiles/0b7a1c80-0000-4000-8000-000000000001';
  await alice.send({ ...toBob, type: 'img', url: `https://files.example.org${file}`, width: 640, height: 480 });
  const { url, width, height } = await bob.next('onImageMessage');
  assert.deepEqual({ url, width, height }, { url: `${stage.server.restUrl}${file}?em-redirect=true`, width: 640, height: 480 });
});

scenario('a recalled message is taken back at the other end, with the reason', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const { serverMsgId } = await alice.text('bob', 'ops');
  await bob.next('onTextMessage');
  await alice.call('recallMessage', { mid: serverMsgId, to: 'bob', chatType: 'singleChat', ext: 'a typo' });
  const { mid, from, to, ext } = await bob.next('onRecallMessage');
  assert.deepEqual({ mid, from, to, ext }, { mid: serverMsgId, from: 'alice', to: 'bob', ext: 'a typo' });
});

scenario('an edited text changes at the other end, and the editor is told so', async (stage) => {
  const { alice, bob } = await aliceAndBob(stage);
  const sent = await alice.text('bob', 'at five');
  await bob.next('onTextMessage');

  const modifiedMessage = alice.sdk.message.create({ ...toBob, type: 'txt', msg: 'at six' });
  const edited = await alice.call('modifyMessage', { messageId: sent.serverMsgId, modifiedMessage });
  assert.equal(edited.message.id, sent.serverMsgId);
  assert.equal(edited.message.msg, 'at six');
  assert.equal(edited.modifiedInfo.operatorId, 'alice');
  assert.equal(edited.modifiedInfo.operationCount, 1);

  const got = await bob.next('onModifiedMessage');
  const { id, from, time, chatType, msg } = got;
  assert.deepEqual(
    { id, from, time, chatType, msg },
    { id: sent.serverMsgId, from: 'alice', time: sent.message.time, chatType: 'singleChat', msg: 'at six' },
  );
  assert.deepEqual(got.modifiedInfo, edited.modifiedInfo);
});
