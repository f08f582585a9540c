// Attachments: a page uploads them by itself (`file:`), which the mini-program build cannot.

import assert from 'node:assert/strict';

import { refusal } from '../lib/stage.mjs';
import { GIF, attachmentsOf, fetched, fingerprint, noise } from './lib/files.mjs';
import { webScenario } from './lib/stage.mjs';

/** Alice sends from a page. Bob is on the phone with the mini-program build, and has a page open as well. */
async function aliceAndBobTwice(stage, web, options, emulator = []) {
  await stage.open({ users: ['alice', 'bob'], groups: { 1001: ['alice', 'bob'] }, options: emulator });
  const [alice, page, phone] = await Promise.all([web.online('alice', options), web.online('bob'), stage.online('bob')]);
  return { alice, page, phone: attachmentsOf(phone) };
}

/** That Bob's phone and Bob's page get the bytes that Alice chose; gives the message as the page has it. */
async function assertReceived(stage, { page, phone }, event, bytes) {
  const [heard, seen] = await Promise.all([phone.next(event), page.next(event)]);
  const prefix = `${stage.server.restUrl}/easebot/demo/chatfiles/`;
  for (const message of [heard, seen]) {
    assert.equal(message.from, 'alice');
    assert.ok(message.url.startsWith(prefix), message.url);
    assert.ok(message.secret, 'the secret travels in the message');
    assert.equal(message.file_length, bytes.length);
  }
  assert.deepEqual(await fetched(heard.url), fingerprint(bytes));
  assert.deepEqual(await page.download(seen), fingerprint(bytes));
  return seen;
}

const FILES = [
  { type: 'file', event: 'onFileMessage', file: { name: '报告 (final) 2026.pdf', bytes: noise(300_000) } },
  { type: 'audio', event: 'onAudioMessage', file: { name: 'voice.amr', bytes: noise(20_001) }, length: 7.6 },
  { type: 'video', event: 'onVideoMessage', file: { name: 'party.mp4', bytes: noise(1_500_000) }, length: 12 },
];

for (const { type, event, file, length } of FILES) {
  for (const [sdk, name] of [['easemob', 'the web build'], ['agora', 'agora-chat']]) {
    webScenario(`${name} uploads and sends ${type}; the mini-program build and another page get the same bytes`, async (stage, web) => {
      const { alice, ...bob } = await aliceAndBobTwice(stage, web, { sdk });
      const sent = await alice.sendFile('bob', { type, length, filename: file.name }, file);
      const seen = await assertReceived(stage, bob, event, file.bytes);
      assert.equal(seen.id, sent.serverMsgId);
      assert.equal(seen.filename, file.name);
      if (length) assert.equal(seen.length, Math.trunc(length));
    });
  }
}

webScenario('a page sends a file into a group', async (stage, web) => {
  const { alice, ...bob } = await aliceAndBobTwice(stage, web);
  const bytes = noise(70_000);
  await alice.sendFile('1001', { type: 'file', chatType: 'groupChat' }, { name: 'minutes.txt', bytes });
  const { to, chatType } = await assertReceived(stage, bob, 'onFileMessage', bytes);
  assert.deepEqual({ to, chatType }, { to: '1001', chatType: 'groupChat' });
});

for (const format of ['jpeg', 'png', 'webp']) {
  webScenario(`a page sends a picture as ${format}, and its thumbnail fits into 170 pixels`, async (stage, web) => {
    const { alice, ...bob } = await aliceAndBobTwice(stage, web);
    const bytes = await alice.paint(340, 170, `image/${format}`);
    assert.ok(bytes.length > 10_240, `small images have no thumbnail, and this one has ${bytes.length} bytes`);
    await alice.sendFile('bob', { type: 'img', width: 340, height: 170 }, { name: `holiday.${format}`, bytes });
    const { url, thumb, width, height } = await assertReceived(stage, bob, 'onImageMessage', bytes);
    assert.deepEqual({ width, height }, { width: 340, height: 170 });
    assert.deepEqual(await bob.page.picture({ url }), { width: 340, height: 170 });
    assert.deepEqual(await bob.page.picture({ url: thumb }), { width: 170, height: 85 });
  });
}

webScenario('a page asks for the size of the thumbnail', async (stage, web) => {
  const { alice, ...bob } = await aliceAndBobTwice(stage, web);
  const bytes = await alice.paint(400, 800, 'image/jpeg');
  const message = { type: 'img', width: 400, height: 800, thumbnailWidth: 100, thumbnailHeight: 100 };
  await alice.sendFile('bob', message, { name: 'tower.jpg', bytes });
  const { thumb } = await assertReceived(stage, bob, 'onImageMessage', bytes);
  assert.deepEqual(await bob.page.picture({ url: thumb }), { width: 50, height: 100 });
});

webScenario('a small image is its own thumbnail, and a GIF says that it is one', async (stage, web) => {
  const { alice, ...bob } = await aliceAndBobTwice(stage, web);
  await alice.sendFile('bob', { type: 'img', isGif: true }, { name: 'dot.gif', bytes: GIF });
  const { thumb, isGif } = await assertReceived(stage, bob, 'onImageMessage', GIF);
  assert.equal(isGif, true);
  assert.deepEqual(await fetched(thumb), fingerprint(GIF));
});

webScenario('a video has a picture to show before it is played', async (stage, web) => {
  const { alice, ...bob } = await aliceAndBobTwice(stage, web);
  const bytes = noise(50_000);
  await alice.sendFile('bob', { type: 'video', length: 3 }, { name: 'party.mp4', bytes });
  const { thumb, thumb_secret: secret } = await assertReceived(stage, bob, 'onVideoMessage', bytes);
  const { width, height } = await bob.page.picture({ url: thumb, secret });
  assert.ok(width > 0 && height > 0);
});

webScenario('a file is for who has the secret', async (stage, web) => {
  const { alice, page } = await aliceAndBobTwice(stage, web);
  const bytes = noise(1000);
  await alice.sendFile('bob', { type: 'file' }, { name: 'secret.txt', bytes });
  const { url, secret } = await page.next('onFileMessage');
  const [bare] = url.split('?');
  assert.deepEqual(await page.download({ url: bare, secret }), fingerprint(bytes), 'in a header');
  assert.equal((await refusal(page.download({ url: bare }))).type, NO_PERMISSION);
  assert.equal((await refusal(page.download({ url: bare, secret: 'a-wrong-one' }))).type, NO_PERMISSION);
  assert.equal((await refusal(page.download({ url: `${bare.slice(0, -12)}000000000000`, secret }))).type, DOWNLOAD_FAILED);
});

webScenario('a file that is too old is refused as such', async (stage, web) => {
  const { alice, page } = await aliceAndBobTwice(stage, web, {}, ['--file-life-secs', '0']);
  await alice.sendFile('bob', { type: 'file' }, { name: 'old.txt', bytes: noise(100) });
  const message = await page.next('onFileMessage');
  assert.equal((await refusal(page.download(message))).type, EXPIRED);
});

webScenario('a file is downloaded from where the server sends the page', async (stage, web) => {
  const { alice, page } = await aliceAndBobTwice(stage, web, {}, ['--redirect-downloads']);
  await alice.sendFile('bob', { type: 'file' }, { name: 'far.txt', bytes: noise(100) });
  const message = await page.next('onFileMessage');
  assert.match(message.url, /em-redirect=true/);
  const { status } = await fetch(message.url, { redirect: 'manual' });
  assert.equal(status, 302);
  assert.deepEqual(await page.download(message), fingerprint(noise(100)));
});

webScenario('a page sees what the phone uploaded by the documented way', async (stage, web) => {
  await stage.open({ users: ['alice', 'bob'] });
  const [alice, bob] = await Promise.all([web.online('alice'), stage.online('bob')]);
  const bytes = await alice.paint(300, 200, 'image/jpeg');
  const form = new FormData();
  form.append('file', new Blob([bytes], { type: 'image/jpeg' }), 'tmp_1.jpg');
  const headers = { authorization: `Bearer ${bob.connection.token}` };
  const answer = await fetch(`${stage.server.restUrl}/easebot/demo/chatfiles`, { method: 'POST', headers, body: form });
  const { uri, entities: [{ uuid }] } = await answer.json();
  await bob.send({ type: 'img', chatType: 'singleChat', to: 'alice', url: `${uri}/${uuid}`, width: 300, height: 200 });
  const { url, thumb } = await alice.next('onImageMessage');
  assert.deepEqual(await alice.picture({ url }), { width: 300, height: 200 });
  assert.deepEqual(await alice.picture({ url: thumb }), { width: 170, height: 113 });
  assert.deepEqual(await alice.download({ url }), fingerprint(bytes));
});

const EXPIRED = 223;
const NO_PERMISSION = 222;
const DOWNLOAD_FAILED = 200;
