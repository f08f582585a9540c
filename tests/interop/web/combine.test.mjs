// Combined messages: their file is uploaded by one build and opened by another.

import assert from 'node:assert/strict';

import { refusal } from '../lib/stage.mjs';
import { attachmentsOf, fetched, fingerprint, noise } from './lib/files.mjs';
import { webScenario } from './lib/stage.mjs';

const WRAPPING = { type: 'combine', chatType: 'singleChat', title: 'What was said', summary: 'bob: 你好', compatibleText: 'too old an app' };

/** Alice has a page open, Bob has a phone with the mini-program build. */
async function aliceAndBob(stage, web, options) {
  await stage.open({ users: ['alice', 'bob'] });
  const [alice, bob] = await Promise.all([web.online('alice', options), stage.online('bob')]);
  return { alice, bob };
}

const open = (client, { url, secret }) => client.call('downloadAndParseCombineMessage', { url, secret });

/** What must survive being combined: all but how it was delivered. */
function essence({ onlineState, msgConfig, ...message }) {
  return JSON.parse(JSON.stringify(message));
}

const essences = (messages) => messages.map(essence);

/** Bob says something of each kind that needs no upload; gives it as Alice got it. */
async function said(bob, alice) {
  const to = { chatType: 'singleChat', to: 'alice' };
  const ext = { mood: 'glad', n: -3, half: 0.5, yes: true, deep: { list: [1, '二'] } };
  await bob.send({ ...to, type: 'txt', msg: '你好 👋🏽', ext });
  await bob.send({ ...to, type: 'custom', customEvent: 'order', customExts: { id: '17', state: 'open' } });
  await bob.send({ ...to, type: 'txt', msg: '' });
  return [
    await alice.next('onTextMessage'),
    await alice.next('onCustomMessage'),
    await alice.next('onTextMessage'),
  ];
}

for (const [sdk, name] of [['easemob', 'the web build'], ['agora', 'agora-chat']]) {
  webScenario(`what ${name} combines, the mini-program build opens`, async (stage, web) => {
    const { alice, bob } = await aliceAndBob(stage, web, { sdk });
    const messageList = await said(bob, alice);
    const sent = await alice.send({ ...WRAPPING, to: 'bob', messageList, ext: { why: 'proof' } });
    const got = await bob.next('onCombineMessage');
    assert.equal(got.id, sent.serverMsgId);
    const { title, summary, compatibleText, combineLevel, ext } = got;
    assert.deepEqual({ title, summary, compatibleText }, { title: WRAPPING.title, summary: WRAPPING.summary, compatibleText: WRAPPING.compatibleText });
    assert.deepEqual({ combineLevel, ext }, { combineLevel: 1, ext: { why: 'proof' } });
    assert.deepEqual(essences(await open(bob, got)), essences(messageList));
  });

  webScenario(`what the mini-program build combines, ${name} opens`, async (stage, web) => {
    const { alice, bob } = await aliceAndBob(stage, web, { sdk });
    await alice.text('bob', 'one', { ext: { n: 1 } });
    await alice.text('bob', '二 👋🏽');
    const messageList = [await bob.next('onTextMessage'), await bob.next('onTextMessage')];
    await bob.send({ ...WRAPPING, to: 'alice', messageList });
    assert.deepEqual(essences(await open(alice, await alice.next('onCombineMessage'))), essences(messageList));
  });
}

webScenario('a file within a combined message can be downloaded by who opens it', async (stage, web) => {
  const { alice, bob } = await aliceAndBob(stage, web);
  const attachments = attachmentsOf(bob);
  const bytes = noise(12_345);
  await alice.sendFile('bob', { type: 'file' }, { name: 'plan.pdf', bytes });
  const messageList = [await attachments.next('onFileMessage')];
  await bob.send({ ...WRAPPING, to: 'alice', messageList });
  const [{ type, url, secret, filename, file_length }] = await open(alice, await alice.next('onCombineMessage'));
  assert.deepEqual({ type, filename, file_length }, { type: 'file', filename: 'plan.pdf', file_length: bytes.length });
  assert.deepEqual(await fetched(url), fingerprint(bytes));
  assert.deepEqual(await alice.download({ url, secret }), fingerprint(bytes));
});

webScenario('a combined message within a combined message is opened in turn', async (stage, web) => {
  const { alice, bob } = await aliceAndBob(stage, web);
  const messageList = await said(bob, alice);
  await alice.send({ ...WRAPPING, to: 'bob', messageList });
  const inner = await bob.next('onCombineMessage');
  await bob.send({ ...WRAPPING, to: 'alice', title: 'Outer', messageList: [inner] });
  const outer = await alice.next('onCombineMessage');
  assert.deepEqual({ title: outer.title, combineLevel: outer.combineLevel }, { title: 'Outer', combineLevel: 2 });
  const [within] = await open(alice, outer);
  assert.deepEqual(essence(within), essence(inner));
  assert.deepEqual(essences(await open(alice, within)), essences(messageList));
});

webScenario('a page is told when the file of a combined message cannot be uploaded', async (stage, web) => {
  const { alice, bob } = await aliceAndBob(stage, web);
  const messageList = await said(bob, alice);
  await stage.server.order('fail', { what: 'upload', status: 413, error: 'file exceeding maximum limit' });
  const { type } = await refusal(alice.send({ ...WRAPPING, to: 'bob', messageList }));
  assert.equal(type, 101);
});
