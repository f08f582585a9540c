// Messages without a file: what one end sends is what the other end gets.

import assert from 'node:assert/strict';

import { mirrorScenario, refusedWith } from '../lib/mirror.mjs';

const toMirror = { chatType: 'singleChat', to: 'mirror' };
const toAlice = 'user:alice';

const TEXTS = ['see https://docs.easemob.com/?a=1&b=%20#c', '👩‍👩‍👧 👍🏽 é', '你好,世界 مرحبا', 'two\nlines\tand a tab', '"quotes" \\ {{ x }}', ' '];

mirrorScenario('text, SDK → mirror', async ({ alice, mirror }) => {
  for (const text of TEXTS) {
    const { serverMsgId, message } = await alice.text('mirror', text);
    const { id, time, from, to, conversation, body } = await mirror.next('message');
    assert.deepEqual(
      { id, time, from, to, conversation, body },
      { id: serverMsgId, time: message.time, from: 'alice', to: 'mirror', conversation: toAlice, body: { type: 'text', text } },
    );
  }
});

mirrorScenario('text, mirror → SDK', async ({ alice, mirror }) => {
  for (const text of TEXTS) {
    const receipt = await mirror.text(toAlice, text);
    const { id, time, from, to, chatType, msg } = await alice.heard.next('onTextMessage');
    assert.deepEqual(
      { id, time, from, to, chatType, msg },
      { id: receipt.message, time: receipt.time, from: 'mirror', to: 'alice', chatType: 'singleChat', msg: text },
    );
  }
});

const LARGEST = 5120;

mirrorScenario('text of more than 5 KB, SDK → mirror: refused by the server, and nothing comes', async ({ alice, mirror }) => {
  await assert.rejects(alice.text('mirror', 'x'.repeat(LARGEST + 1)), { type: 511 });
  const { serverMsgId } = await alice.text('mirror', 'short');
  assert.equal((await mirror.next('message')).id, serverMsgId);
});

mirrorScenario('text of more than 5 KB, mirror → SDK: comes in parts that make up the whole', async ({ alice, mirror }) => {
  const text = '一句话。And another one. '.repeat(500);
  await mirror.text(toAlice, text);
  const parts = [];
  while (parts.join('').length < text.length) parts.push((await alice.heard.next('onTextMessage')).msg);
  assert.equal(parts.join(''), text);
  for (const part of parts) assert.ok(Buffer.byteLength(part) <= LARGEST, `${Buffer.byteLength(part)} bytes`);
});

mirrorScenario('ext of more than 5 KB, mirror → SDK: refused before it is sent, naming limit and length', async ({ alice, mirror }) => {
  const words = await refusedWith(mirror.text(toAlice, 'hi', { ext: { long: 'x'.repeat(LARGEST) } }));
  assert.match(words, /5120/);
  const [length] = words.match(/\b5\d\d\d\b/g).filter((number) => number !== '5120');
  assert.ok(Number(length) > LARGEST, words);
  await mirror.text(toAlice, 'x'.repeat(4096));
  assert.equal((await alice.heard.next('onTextMessage')).msg.length, 4096);
});

const EXT = { s: '文', i: 1_700_000_000_123, negative: -3, half: 0.5, yes: true, no: false, list: [1, 'a', null, { x: [] }], o: { deep: { er: null } }, empty: '', nothing: null };

mirrorScenario('ext of each JSON type, SDK → mirror', async ({ alice, mirror }) => {
  await alice.text('mirror', 'hi', { ext: { ...EXT, big: 2 ** 60 } });
  const message = await mirror.next('message');
  assert.deepEqual(message.ext, { ...EXT, big: 2 ** 60 });
  assert.ok(mirror.lineOf(message).includes(`"big":${2n ** 60n}`), 'exact to the last digit');
});

mirrorScenario('ext of each JSON type, mirror → SDK', async ({ alice, mirror }) => {
  const big = 9_007_199_254_740_993n;
  await mirror.text(toAlice, 'hi', { ext: { ...EXT, big } });
  assert.deepEqual((await alice.heard.next('onTextMessage')).ext, { ...EXT, big: Number(big) });
  const kept = await mirror.order('history', { conversation: toAlice, n: 1 });
  assert.ok(mirror.lineOf(kept).includes(`"big":${big}`), 'beyond 2^53, where JavaScript rounds');
});

mirrorScenario('an ext that is null itself, SDK → mirror: none', async ({ alice, mirror }) => {
  await alice.text('mirror', 'hi', { ext: null });
  assert.equal('ext' in (await mirror.next('message')), false);
});

mirrorScenario('location, SDK → mirror', async ({ alice, mirror }) => {
  const { serverMsgId } = await alice.send({ ...toMirror, type: 'loc', addr: '北京市海淀区', buildingName: 'Tower C', lat: 39.98, lng: -116.31 });
  const { id, body } = await mirror.next('message');
  assert.equal(id, serverMsgId);
  assert.deepEqual(body, { type: 'location', address: '北京市海淀区', building: 'Tower C', latitude: 39.98, longitude: -116.31 });
});

mirrorScenario('location, mirror → SDK', async ({ alice, mirror }) => {
  const receipt = await mirror.message(toAlice, { type: 'location', address: '', building: 'Tower C', latitude: 0, longitude: -116.31 });
  const { id, addr, buildingName, lat, lng } = await alice.heard.next('onLocationMessage');
  assert.deepEqual({ id, addr, buildingName, lat, lng }, { id: receipt.message, addr: '', buildingName: 'Tower C', lat: 0, lng: -116.31 });
});

mirrorScenario('custom, SDK → mirror', async ({ alice, mirror }) => {
  const { serverMsgId } = await alice.send({ ...toMirror, type: 'custom', customEvent: 'gift', customExts: { name: '玫瑰', count: '3' }, ext: { a: 1 } });
  const { id, body, ext } = await mirror.next('message');
  assert.deepEqual({ id, body, ext }, { id: serverMsgId, body: { type: 'custom', event: 'gift', exts: { name: '玫瑰', count: '3' } }, ext: { a: 1 } });
});

mirrorScenario('custom, mirror → SDK', async ({ alice, mirror }) => {
  const receipt = await mirror.message(toAlice, { type: 'custom', event: 'gift', exts: { name: '玫瑰', count: '3' } });
  const { id, customEvent, customExts } = await alice.heard.next('onCustomMessage');
  assert.deepEqual({ id, customEvent, customExts }, { id: receipt.message, customEvent: 'gift', customExts: { name: '玫瑰', count: '3' } });
});

mirrorScenario('cmd, SDK → mirror', async ({ alice, mirror }) => {
  const { serverMsgId } = await alice.send({ ...toMirror, type: 'cmd', action: 'refresh', ext: { page: 2 } });
  const { id, body, ext } = await mirror.next('message');
  assert.deepEqual({ id, body, ext }, { id: serverMsgId, body: { type: 'cmd', action: 'refresh' }, ext: { page: 2 } });
});

mirrorScenario('cmd, mirror → SDK', async ({ alice, mirror }) => {
  const receipt = await mirror.message(toAlice, { type: 'cmd', action: 'refresh' }, { ext: { page: 2 } });
  const { id, action, ext } = await alice.heard.next('onCmdMessage');
  assert.deepEqual({ id, action, ext }, { id: receipt.message, action: 'refresh', ext: { page: 2 } });
});

mirrorScenario('typing, SDK → mirror', async ({ alice, mirror }) => {
  await alice.send({ ...toMirror, type: 'cmd', action: 'TypingBegin' });
  const began = { event: 'typing', conversation: toAlice, from: 'alice' };
  assert.deepEqual(await mirror.next('typing'), { ...began, is_typing: true });
  await alice.text('mirror', 'said');
  assert.deepEqual(await mirror.next('typing'), { ...began, is_typing: false });
  assert.equal((await mirror.next('message')).body.text, 'said');
});

mirrorScenario('typing, mirror → SDK', async ({ alice, mirror }) => {
  await mirror.send(toAlice, 'typing');
  const { action, from, to } = await alice.heard.next('onCmdMessage');
  assert.deepEqual({ action, from, to }, { action: 'TypingBegin', from: 'mirror', to: 'alice' });
});

mirrorScenario('image by its URL, SDK → mirror', async ({ alice, mirror }) => {
  const url = 'https://files.example.org/easebot/demo/chatfiles/0b7a1c80-0000-4000-8000-000000000001';
  const { serverMsgId } = await alice.send({ ...toMirror, type: 'img', url, width: 640, height: 480, file_length: 1234 });
  const { id, body } = await mirror.next('message');
  assert.equal(id, serverMsgId);
  assert.deepEqual(body, { type: 'image', attachment: { url, length_bytes: 1234 }, size: { width: 640, height: 480 }, is_gif: false });
});

mirrorScenario('image by its URL, mirror → SDK', async ({ server, alice, mirror }) => {
  const file = '/easebot/demo/chatfiles/0b7a1c80-0000-4000-8000-000000000001';
  const attachment = { url: `https://files.example.org${file}`, length_bytes: 1234 };
  const receipt = await mirror.message(toAlice, { type: 'image', attachment, size: { width: 640, height: 480 } });
  const { id, url, width, height, file_length } = await alice.heard.next('onImageMessage');
  assert.deepEqual(
    { id, url, width, height, file_length },
    { id: receipt.message, url: `${server.restUrl}${file}?em-redirect=true`, width: 640, height: 480, file_length: 1234 },
  );
});
