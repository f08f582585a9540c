// Attachments: the bytes that one end chose are the bytes that the other end gets.

import assert from 'node:assert/strict';

import { mirrorScenario, refusedWith } from '../lib/mirror.mjs';
import { noisyPng, sizeOf } from '../lib/pictures.mjs';
import { GIF, fetched, fingerprint, noise } from '../web/lib/files.mjs';

const toMirror = { chatType: 'singleChat', to: 'mirror' };
const toAlice = 'user:alice';
const empty = { url: '' };

/** The body that the SDK sends for a file that its app has uploaded. */
const bodyOf = ({ url, secret }, name, bytes, more) => ({ url, secret, filename: name, file_length: bytes.length, ...more });

mirrorScenario('image, mirror → SDK', async ({ world, alice, mirror }) => {
  const bytes = noisyPng(300, 200);
  const attach = await world.attach('图片 1.png', bytes);
  const receipt = await mirror.message(toAlice, { type: 'image', attachment: empty, size: { width: 300, height: 200 } }, { attach });
  const { id, url, thumb, secret, width, height, file_length, isGif } = await alice.heard.next('onImageMessage');
  assert.deepEqual({ id, width, height, file_length, isGif }, { id: receipt.message, width: 300, height: 200, file_length: bytes.length, isGif: undefined });
  assert.ok(secret, 'the secret travels in the message');
  assert.deepEqual(await fetched(url), fingerprint(bytes));
  const small = Buffer.from(await (await fetch(thumb)).arrayBuffer());
  assert.deepEqual(sizeOf(small), { width: 170, height: 113 });
});

mirrorScenario('image, SDK → mirror', async ({ world, alice, mirror }) => {
  const bytes = noisyPng(300, 200);
  const { url } = await world.uploaded(alice, 'tmp_1.png', bytes);
  const { serverMsgId } = await alice.send({ ...toMirror, type: 'img', url, width: 300, height: 200, file_length: bytes.length });
  const { id, body } = await mirror.next('message');
  assert.equal(id, serverMsgId);
  assert.deepEqual(body, { type: 'image', attachment: { url, length_bytes: bytes.length }, size: { width: 300, height: 200 }, is_gif: false });
  assert.deepEqual(fingerprint(await world.downloaded(mirror, body.attachment)), fingerprint(bytes));
  assert.deepEqual(sizeOf(await world.downloaded(mirror, body.attachment, 'thumbnail')), { width: 170, height: 113 });
});

mirrorScenario('gif, mirror → SDK', async ({ world, alice, mirror }) => {
  const attach = await world.attach('wave.gif', GIF);
  await mirror.message(toAlice, { type: 'image', attachment: empty, is_gif: true }, { attach });
  const { url, isGif } = await alice.heard.next('onImageMessage');
  assert.equal(isGif, true);
  assert.deepEqual(await fetched(url), fingerprint(GIF));
});

mirrorScenario('gif, SDK → mirror', async ({ world, alice, mirror }) => {
  const { url } = await world.uploaded(alice, 'wave.gif', GIF);
  await alice.send({ ...toMirror, type: 'img', isGif: true, url, width: 1, height: 1 });
  const { body } = await mirror.next('message');
  assert.deepEqual(body, { type: 'image', attachment: { url }, size: { width: 1, height: 1 }, is_gif: true });
  assert.deepEqual(await world.downloaded(mirror, body.attachment), GIF);
});

const KINDS = [
  { kind: 'audio', event: 'onAudioMessage', name: 'voice.amr', bytes: noise(20_001), duration_secs: 7 },
  { kind: 'video', event: 'onVideoMessage', name: 'party.mp4', bytes: noise(1_500_000), duration_secs: 12 },
  { kind: 'file', event: 'onFileMessage', name: '报告 (final) 2026.pdf', bytes: noise(300_000) },
];

for (const { kind, event, name, bytes, duration_secs } of KINDS) {
  mirrorScenario(`${kind}, mirror → SDK`, async ({ world, server, alice, mirror }) => {
    const attach = await world.attach('any-name', bytes);
    const receipt = await mirror.message(toAlice, { type: kind, attachment: { url: '', name }, duration_secs }, { attach });
    const { id, url, secret, filename, file_length, length } = await alice.heard.next(event);
    assert.deepEqual({ id, filename, file_length }, { id: receipt.message, filename: name, file_length: bytes.length });
    if (duration_secs !== undefined) assert.equal(length, duration_secs);
    assert.ok(url.startsWith(`${server.restUrl}/easebot/demo/chatfiles/`), url);
    assert.ok(secret, 'the secret travels in the message');
    assert.deepEqual(await fetched(url), fingerprint(bytes));
    const [bare] = url.split('?');
    assert.equal((await fetch(bare)).status, 403, 'it is for who has the secret');
  });

  mirrorScenario(`${kind}, SDK → mirror`, async ({ world, alice, mirror }) => {
    const uploaded = await world.uploaded(alice, name, bytes, { 'restrict-access': 'true' });
    const length = duration_secs === undefined ? undefined : duration_secs + 0.6;
    const { serverMsgId } = await alice.send({ ...toMirror, type: kind, body: bodyOf(uploaded, name, bytes, { length }) });
    const { id, body } = await mirror.next('message');
    assert.equal(id, serverMsgId);
    const { url, secret } = uploaded;
    assert.deepEqual(body.attachment, { url, secret, name, length_bytes: bytes.length });
    assert.equal(body.duration_secs, duration_secs, 'whole seconds');
    assert.deepEqual(fingerprint(await world.downloaded(mirror, body.attachment)), fingerprint(bytes));
    const words = await refusedWith(mirror.order('download', { attachment: { url }, to: await world.path('without the secret') }));
    assert.match(words, /the server refuses the file/);
  });
}

mirrorScenario('first frame of a video, mirror → SDK', async ({ world, alice, mirror }) => {
  const attach = await world.attach('party.mp4', noise(50_000));
  await mirror.message(toAlice, { type: 'video', attachment: empty, duration_secs: 3 }, { attach });
  const { thumb, thumb_secret: secret } = await alice.heard.next('onVideoMessage');
  const response = await fetch(thumb, { headers: { 'share-secret': secret } });
  assert.deepEqual(sizeOf(Buffer.from(await response.arrayBuffer())), { width: 320, height: 180 });
});

mirrorScenario('first frame of a video, SDK → mirror', async ({ world, alice, mirror }) => {
  const bytes = noise(50_000);
  const uploaded = await world.uploaded(alice, 'party.mp4', bytes, { 'restrict-access': 'true' });
  await alice.send({ ...toMirror, type: 'video', body: bodyOf(uploaded, 'party.mp4', bytes, { length: 3 }) });
  const { body } = await mirror.next('message');
  assert.deepEqual(body.thumbnail, { url: `${uploaded.url}?vframe=true`, secret: uploaded.secret, name: 'party.mp4' });
  assert.deepEqual(sizeOf(await world.downloaded(mirror, body.attachment, 'video_frame')), { width: 320, height: 180 });
});

mirrorScenario('moderation of a file, mirror → SDK: refused as such, and nothing comes', async ({ world, server, alice, mirror }) => {
  await server.order('fail', { what: 'upload', status: 400, error: 'content improper' });
  const attach = await world.attach('bad.png', noise(1000));
  assert.match(await refusedWith(mirror.message(toAlice, { type: 'image', attachment: empty }, { attach })), /moderation refuses the content of the file/);
  await mirror.text(toAlice, 'sorry');
  await alice.heard.next('onTextMessage');
  assert.deepEqual(alice.heard.all('onImageMessage'), []);
});

mirrorScenario('a file that the server finds too large, mirror → SDK: refused, naming the length', async ({ world, alice, mirror }) => {
  const attach = await world.attach('large.bin', noise(2000));
  const words = await refusedWith(mirror.message(toAlice, { type: 'file', attachment: empty }, { attach }));
  assert.match(words, /the file has 2000 bytes/);
  await mirror.text(toAlice, 'sorry');
  await alice.heard.next('onTextMessage');
  assert.deepEqual(alice.heard.all('onFileMessage'), []);
}, { emulator: ['--max-file-bytes', '1999'] });
