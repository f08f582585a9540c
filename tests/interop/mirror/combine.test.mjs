// Combined messages: what one end puts together, the other end opens.

import assert from 'node:assert/strict';

import { mirrorScenario, refusedWith } from '../lib/mirror.mjs';

const toAlice = 'user:alice';
const WRAPPING = { title: 'What was said', summary: 'bob: 你好', compatibleText: 'too old an app' };
const COMBINE = { type: 'combine', attachment: { url: '' }, title: WRAPPING.title, summary: WRAPPING.summary, compatible_text: WRAPPING.compatibleText };

const combine = (mirror, messages) => mirror.message(toAlice, COMBINE, { attach: { messages } });
const wrap = (alice, messageList) => alice.send({ ...WRAPPING, type: 'combine', chatType: 'singleChat', to: 'mirror', messageList });
const open = (alice, { url, secret }) => alice.call('downloadAndParseCombineMessage', { url, secret });

/** A message of the mirror without what tells of its delivery, as which it does not survive being combined. */
function essence({ event, online_state, from_resource, ...message }) {
  return message;
}

/** The same for a message of the SDK. */
function sdkEssence({ onlineState, msgConfig, ...message }) {
  return JSON.parse(JSON.stringify(message));
}

const EXT = { mood: 'glad', n: -3, half: 0.5, yes: true, deep: { list: [1, '二', null] } };

/** Something of each kind that needs no upload, said by Bob to Alice and to the mirror; gives it as the two got it. */
async function said(world, alice, mirror) {
  const bob = await world.sdk('bob');
  const url = 'https://files.example.org/easebot/demo/chatfiles/0b7a1c80-0000-4000-8000-000000000001';
  for (const to of ['alice', 'mirror']) {
    const route = { chatType: 'singleChat', to };
    await bob.send({ ...route, type: 'txt', msg: '你好 👋🏽', ext: EXT });
    await bob.send({ ...route, type: 'custom', customEvent: 'order', customExts: { id: '17', state: 'open' } });
    await bob.send({ ...route, type: 'loc', addr: 'Street 1', buildingName: 'Tower', lat: 1.5, lng: -2.5 });
    await bob.send({ ...route, type: 'file', body: { url, secret: 's3', filename: 'plan.pdf', file_length: 12_345 } });
    await bob.send({ ...route, type: 'video', body: { url, secret: 's3', filename: 'v.mp4', file_length: 99, length: 4 } });
  }
  await alice.heard.next('onVideoMessage');
  await mirror.next('message', ({ body }) => body.type === 'video');
  const kinds = ['onTextMessage', 'onCustomMessage', 'onLocationMessage', 'onFileMessage', 'onVideoMessage'];
  return { atAlice: kinds.flatMap((kind) => alice.heard.all(kind)), atMirror: mirror.all('message') };
}

/** The part of each message that the SDK and the mirror both show. */
const atAlice = ({ id, type, from, to, time, msg, ext }) => ({ id, type, from, to, time, text: msg, ext });
const SDK_TYPES = { text: 'txt', custom: 'custom', location: 'loc', file: 'file', video: 'video', combine: 'combine' };
const atMirror = ({ id, body, from, to, time, ext }) => ({ id, type: SDK_TYPES[body.type], from, to, time, text: body.text, ext: ext ?? {} });

mirrorScenario('combine, mirror → SDK', async ({ world, alice, mirror }) => {
  const { atMirror: messages } = await said(world, alice, mirror);
  const receipt = await combine(mirror, messages);
  const got = await alice.heard.next('onCombineMessage');
  const { id, title, summary, compatibleText, combineLevel } = got;
  assert.deepEqual({ id, title, summary, compatibleText, combineLevel }, { id: receipt.message, ...WRAPPING, combineLevel: 1 });
  const inside = await open(alice, got);
  assert.deepEqual(inside.map(atAlice), messages.map(atMirror));
  const [, custom, place, file, video] = inside;
  assert.deepEqual({ event: custom.customEvent, exts: custom.customExts }, { event: 'order', exts: { id: '17', state: 'open' } });
  assert.deepEqual([place.addr, place.buildingName, place.lat, place.lng], ['Street 1', 'Tower', 1.5, -2.5]);
  assert.deepEqual([file.filename, file.secret, file.file_length], ['plan.pdf', 's3', 12_345]);
  assert.deepEqual([video.filename, video.secret, video.file_length, video.length], ['v.mp4', 's3', 99, 4]);
});

mirrorScenario('combine, SDK → mirror', async ({ world, alice, mirror }) => {
  const { atAlice: messages } = await said(world, alice, mirror);
  const { serverMsgId } = await wrap(alice, messages);
  const { id, body } = await mirror.next('message', ({ body }) => body.type === 'combine');
  assert.equal(id, serverMsgId);
  const { title, summary, compatible_text, level } = body;
  assert.deepEqual({ title, summary, compatible_text, level }, { title: WRAPPING.title, summary: WRAPPING.summary, compatible_text: WRAPPING.compatibleText, level: 1 });
  const inside = await mirror.order('open_combine', { attachment: body.attachment });
  assert.deepEqual(inside.map(atMirror), messages.map(atAlice));
  const [, custom, place, file, video] = inside.map(({ body }) => body);
  assert.deepEqual(custom.exts, { id: '17', state: 'open' });
  assert.deepEqual(place, { type: 'location', address: 'Street 1', building: 'Tower', latitude: 1.5, longitude: -2.5 });
  assert.deepEqual([file.attachment.name, file.attachment.secret, file.attachment.length_bytes], ['plan.pdf', 's3', 12_345]);
  assert.equal(video.duration_secs, 4);
});

mirrorScenario('nested combine, mirror → SDK', async ({ world, alice, mirror }) => {
  const { atMirror: messages } = await said(world, alice, mirror);
  await combine(mirror, messages.slice(0, 2));
  const inner = await alice.heard.next('onCombineMessage');
  await wrap(alice, [inner]);
  const level2 = await mirror.next('message', ({ body }) => body.type === 'combine');
  assert.equal(level2.body.level, 2);
  const receipt = await combine(mirror, [messages[0], level2]);
  const outer = await alice.heard.next('onCombineMessage', ({ id }) => id === receipt.message);
  assert.equal(outer.combineLevel, 3);
  const [text, second] = await open(alice, outer);
  assert.equal(text.msg, '你好 👋🏽');
  assert.deepEqual([second.id, second.combineLevel, second.title], [level2.id, 2, WRAPPING.title]);
  const [first] = await open(alice, second);
  assert.deepEqual(sdkEssence(first), sdkEssence(inner));
  assert.deepEqual((await open(alice, first)).map(atAlice), messages.slice(0, 2).map(atMirror));
});

mirrorScenario('nested combine, SDK → mirror', async ({ world, alice, mirror }) => {
  const { atAlice: messages } = await said(world, alice, mirror);
  await wrap(alice, messages.slice(0, 2));
  const inner = await mirror.next('message', ({ body }) => body.type === 'combine');
  await combine(mirror, [inner]);
  const level2 = await alice.heard.next('onCombineMessage');
  await wrap(alice, [messages[0], level2]);
  const outer = await mirror.next('message', ({ body }) => body.type === 'combine');
  assert.equal(outer.body.level, 3);
  const inside = ({ body }) => mirror.order('open_combine', { attachment: body.attachment });
  const [text, second] = await inside(outer);
  assert.equal(text.body.text, '你好 👋🏽');
  assert.deepEqual([second.id, second.body.level], [level2.id, 2]);
  const [first] = await inside(second);
  assert.deepEqual(essence(first), { ...essence(inner), body: { ...inner.body, attachment: { ...inner.body.attachment, url: first.body.attachment.url } } });
  assert.deepEqual((await inside(first)).map(atMirror), messages.slice(0, 2).map(atAlice));
});

/** That nothing of what was refused before reaches Alice. */
async function assertNothingCame(alice, mirror) {
  await mirror.text(toAlice, 'that was all');
  await alice.heard.next('onTextMessage', ({ msg }) => msg === 'that was all');
  assert.deepEqual(alice.heard.all('onCombineMessage'), []);
}

mirrorScenario('combine of more than 300 messages, mirror → SDK: refused before the upload', async ({ server, alice, mirror }) => {
  await alice.text('mirror', 'again and again');
  const message = await mirror.next('message');
  // Were it uploaded, the words would be others.
  await server.order('fail', { what: 'upload', status: 413, error: 'uploaded nevertheless' });
  assert.match(await refusedWith(combine(mirror, Array(301).fill(message))), /301 messages cannot be combined: it takes 1 to 300/);
  assert.match(await refusedWith(combine(mirror, [])), /0 messages cannot be combined/);
  await assertNothingCame(alice, mirror);
  await server.order('clear');
  await combine(mirror, Array(300).fill(message));
  assert.equal((await open(alice, await alice.heard.next('onCombineMessage'))).length, 300);
});

mirrorScenario('combine beyond level 10, mirror → SDK: refused before the upload', async ({ server, alice, mirror }) => {
  await alice.text('mirror', 'deep');
  const message = await mirror.next('message');
  const ofLevel = (level) => ({ ...message, body: { ...COMBINE, attachment: { url: `${server.restUrl}/easebot/demo/chatfiles/1` }, level } });
  await server.order('fail', { what: 'upload', status: 413, error: 'uploaded nevertheless' });
  assert.match(await refusedWith(combine(mirror, [message, ofLevel(10)])), /would have level 11, the limit is 10/);
  await assertNothingCame(alice, mirror);
  await server.order('clear');
  await combine(mirror, [message, ofLevel(9)]);
  assert.equal((await alice.heard.next('onCombineMessage')).combineLevel, 10);
});

mirrorScenario('combine whose file cannot be uploaded, mirror → SDK: an error, and no message', async ({ server, alice, mirror }) => {
  await alice.text('mirror', 'hi');
  const message = await mirror.next('message');
  await server.order('fail', { what: 'upload', status: 400, error: 'content improper' });
  assert.match(await refusedWith(combine(mirror, [message])), /moderation refuses the content of the file/);
  await assertNothingCame(alice, mirror);
});
