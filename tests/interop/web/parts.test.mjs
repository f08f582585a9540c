// Large attachments: the web build sends them in parts. And uploads that fail.

import assert from 'node:assert/strict';

import { refusal } from '../lib/stage.mjs';
import { attachmentsOf, fetched, fingerprint, noise } from './lib/files.mjs';
import { webScenario } from './lib/stage.mjs';

/** The web build sends more than one and a half of these in parts. */
const PART_BYTES = 5 << 20;
const LARGEST_IN_ONE_PIECE = PART_BYTES * 1.5;
const LIMIT_BYTES = 10 << 20;

async function aliceAndBob(stage, web) {
  await stage.open({ users: ['alice', 'bob'] });
  const [alice, bob] = await Promise.all([web.online('alice'), stage.online('bob')]);
  return { alice, bob: attachmentsOf(bob) };
}

const sendFile = (alice, bytes) => alice.sendFile('bob', { type: 'file' }, { name: 'big.bin', bytes });

/** How often the page uploaded like this. */
const uploads = (alice, method) => alice.all('request').filter((request) => request.startsWith(`${method} `) && request.includes('/chatfiles')).length;

webScenario('the largest file that a page uploads in one piece arrives', async (stage, web) => {
  const { alice, bob } = await aliceAndBob(stage, web);
  const bytes = noise(LARGEST_IN_ONE_PIECE);
  await sendFile(alice, bytes);
  const { url } = await bob.next('onFileMessage');
  assert.deepEqual(await fetched(url), fingerprint(bytes));
  assert.equal(uploads(alice, 'PUT'), 0);
  assert.equal(uploads(alice, 'POST'), 1);
});

webScenario('a file of one byte more is uploaded in two parts and arrives whole', async (stage, web) => {
  const { alice, bob } = await aliceAndBob(stage, web);
  const bytes = noise(LARGEST_IN_ONE_PIECE + 1);
  await sendFile(alice, bytes);
  const { url, file_length } = await bob.next('onFileMessage');
  assert.equal(file_length, bytes.length);
  assert.deepEqual(await fetched(url), fingerprint(bytes));
  assert.equal(uploads(alice, 'PUT'), 2);
  const { loaded, total } = alice.all('onFileUploadProgress').at(-1);
  assert.equal(loaded, total);
});

webScenario('the largest file is uploaded in parts; one byte more is refused before the first part', async (stage, web) => {
  const { alice, bob } = await aliceAndBob(stage, web);
  const bytes = noise(LIMIT_BYTES);
  await sendFile(alice, bytes);
  const { url } = await bob.next('onFileMessage');
  assert.deepEqual(await fetched(url), fingerprint(bytes));

  const parts = uploads(alice, 'PUT');
  const { type, message } = await refusal(sendFile(alice, Buffer.concat([bytes, noise(1)])));
  assert.deepEqual({ type, message }, { type: UPLOAD_FAILED, message: 'The file size exceeds the maximum limit' });
  await alice.next('onFileUploadError');
  assert.equal(uploads(alice, 'PUT'), parts);
});

webScenario('a file that is too large for one piece is refused with 413', async (stage, web) => {
  const { alice, bob } = await aliceAndBob(stage, web);
  await stage.server.order('fail', { path: 'sdk/chatfiles/part-upload', status: 503, error: 'overloaded' });
  const { type, data } = await refusal(sendFile(alice, noise(LIMIT_BYTES + 1)));
  assert.equal(type, UPLOAD_FAILED);
  assert.equal(data.error, 'file exceeding maximum limit');
  assert.deepEqual(bob.all('onFileMessage'), []);
});

webScenario('an image that moderation does not let pass is refused, and the next one arrives', async (stage, web) => {
  const { alice, bob } = await aliceAndBob(stage, web);
  const image = { name: 'holiday.png', bytes: await alice.paint(64, 64, 'image/png') };
  await stage.server.order('fail', { what: 'upload', status: 400, error: 'content improper' });
  const { type, message, data } = await refusal(alice.sendFile('bob', { type: 'img' }, image));
  assert.deepEqual({ type, message }, { type: UPLOAD_FAILED, message: 'Failed to upload the file' });
  assert.equal((await alice.next('onFileUploadError')).type, UPLOAD_FAILED);
  assert.match(JSON.stringify(data), /content improper/);

  await alice.sendFile('bob', { type: 'img' }, image);
  await bob.next('onImageMessage');
  assert.equal(bob.all('onImageMessage').length, 1);
});

const UPLOAD_FAILED = 101;
