// What people forward to a bot with the vendor's SDK is kept with everything in it, and comes out of `easebot archive`.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { botsToml } from './lib/config.mjs';
import { Easebot } from './lib/easebot.mjs';
import { noisyPng } from './lib/pictures.mjs';
import { passwordOf } from './lib/sdk.mjs';
import { scenario } from './lib/stage.mjs';

const ARCHIVE = `
  [[bot.plugin]]
  kind     = "archive"
  messages = "all"
`;

const SECRETS = { KEEPER_PASSWORD: passwordOf('keeper') };

/** `easebot archive …` for `config`: what it prints; fails if it does not end with `code`. */
async function archive({ file, folder }, args, code = 0) {
  const command = new Easebot(['archive', ...args, '--config', file], { cwd: folder, env: SECRETS });
  assert.equal(await command.exited(), code, command.log());
  return command.said('stdout');
}

/** The messages of the archive as `export --format jsonl` has them. */
async function exported(config) {
  const lines = (await archive(config, ['export', '--format', 'jsonl'])).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

/** What `export` gives, once `is` holds of it. Each look is a process of its own, which takes its time. */
async function until(config, what, is) {
  for (let n = 0; n < 200; n++) {
    const entries = await exported(config);
    if (is(entries)) return entries;
  }
  assert.fail(`the archive does not have ${what}: ${JSON.stringify(await exported(config), null, 1)}`);
}

const flat = (entries) => entries.flatMap((entry) => [entry, ...flat(entry.messages ?? [])]);

/** Uploads a file as `client`'s app does; gives what its message needs to name it. */
async function uploaded(stage, client, name, bytes) {
  const form = new FormData();
  form.append('file', new Blob([bytes]), name);
  const url = `${stage.server.restUrl}/${stage.server.appKey.replace('#', '/')}/chatfiles`;
  const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${client.connection.token}` }, body: form });
  const { uri, entities: [{ uuid }] } = await response.json();
  return `${uri}/${uuid}`;
}

const wrap = (client, to, title, messageList) =>
  client.send({ type: 'combine', chatType: 'singleChat', to, title, summary: `${title}…`, compatibleText: 'too old', messageList });

scenario('a forwarded tree with a picture is archived and comes out, also after a kill', async (stage) => {
  await stage.open({ users: ['alice', 'bob', 'keeper'] });
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => stage.online(user)));
  const config = await stage.config(botsToml(stage.server, { keeper: ARCHIVE }));
  let bots = stage.run(config, SECRETS);
  await bots.line('stderr', /bot keeper is online/);

  const picture = noisyPng(40, 30);
  const url = await uploaded(stage, bob, 'photo.png', picture);
  await bob.text('alice', '会议记录 👋🏽');
  await bob.text('alice', 'See you on <b>Friday</b>');
  await bob.send({ type: 'img', chatType: 'singleChat', to: 'alice', url, width: 40, height: 30, file_length: picture.length });
  const inner = [await alice.next('onTextMessage'), await alice.next('onTextMessage'), await alice.next('onImageMessage')];
  await wrap(alice, 'bob', 'first', inner);
  await wrap(bob, 'alice', 'second', [await bob.next('onCombineMessage')]);
  const { serverMsgId } = await wrap(alice, 'keeper', '聊天 outer', [inner[0], await alice.next('onCombineMessage')]);

  const check = async (entries) => {
    const tree = ({ text, kind, messages = [] }) => [text.split('\n')[0] || kind, ...messages.map(tree)];
    const forwarded = entries.find(({ id }) => String(id) === serverMsgId);
    assert.deepEqual(tree(forwarded), [
      '聊天 outer', ['会议记录 👋🏽'],
      ['second', ['first', ['会议记录 👋🏽'], ['See you on <b>Friday</b>'], ['image']]],
    ]);
    for (const [words, n] of [['会', 2], ['议记', 2], ['fRIDAY', 1], ['👋🏽', 2]]) {
      const hits = (await archive(config, ['search', words, '--json'])).split('\n').filter(Boolean);
      assert.equal(hits.length, n, words);
    }
    assert.match(await archive(config, ['list']), /聊天 outer/);
    assert.match(await archive(config, ['show', serverMsgId]), /Friday/);
    const page = await archive(config, ['export', '--format', 'html']);
    assert.ok(page.includes('&lt;b&gt;Friday') && !page.includes('<b>Friday'));
    assert.ok(page.includes(`data:image/png;base64,${picture.toString('base64')}`), 'the picture is in the page');
    assert.match(await archive(config, ['export', '--format', 'markdown']), /会议记录/);
  };
  const hasPicture = (entries) =>
    flat(entries).some(({ kind, files = [] }) => kind === 'image' && files.some(({ state }) => state === 'here'));
  await check(await until(config, 'the picture', hasPicture));

  bots.child.kill('SIGKILL');
  await bots.exited();
  bots = stage.run(config, SECRETS);
  await bots.line('stderr', /bot keeper is online/);
  await check(await exported(config));
  const folder = join(config.folder, 'out');
  await archive(config, ['export', '--format', 'jsonl', '--out', folder]);
  const media = await readdir(join(folder, 'media'));
  const files = await Promise.all(media.map((name) => readFile(join(folder, 'media', name))));
  assert.ok(files.some((bytes) => bytes.equals(picture)), 'byte for byte');
});

scenario('edits and recalls of what was archived are marked', async (stage) => {
  await stage.open({ users: ['alice', 'keeper'] });
  const alice = await stage.online('alice');
  const config = await stage.config(botsToml(stage.server, { keeper: ARCHIVE }));
  const bots = stage.run(config, SECRETS);
  await bots.line('stderr', /bot keeper is online/);
  const edited = await alice.text('keeper', 'at fvie');
  const modifiedMessage = alice.sdk.message.create({ type: 'txt', chatType: 'singleChat', to: 'keeper', msg: 'at five' });
  await alice.call('modifyMessage', { messageId: edited.serverMsgId, modifiedMessage });
  const slip = await alice.text('keeper', '说漏嘴了');
  await alice.call('recallMessage', { mid: slip.serverMsgId, to: 'keeper', chatType: 'singleChat' });
  const entries = await until(config, 'the recall', (entries) => entries.some(({ recalled }) => recalled));
  const one = (id) => entries.find((entry) => String(entry.id) === id);
  assert.deepEqual([one(slip.serverMsgId).text, one(slip.serverMsgId).recalled.by], ['说漏嘴了', 'alice']);
  assert.equal(one(edited.serverMsgId).text, 'at five');
  assert.deepEqual(one(edited.serverMsgId).versions.map(({ text }) => text), ['at fvie']);
});

scenario('a whole conversation is archived, with what the bot says, also over kills', async (stage) => {
  await stage.open({ users: ['alice', 'keeper'] });
  const alice = await stage.online('alice');
  const answers = `${ARCHIVE}
  [[bot.plugin]]
  kind = "command"

    [[bot.plugin.command]]
    name  = "order"
    reply = "{{ rest }}: 好的 👌"
`;
  const config = await stage.config(botsToml(stage.server, { keeper: answers }));
  const said = [];
  for (const what of ['tea', 'cake']) {
    const bots = stage.run(config, SECRETS);
    await bots.line('stderr', /bot keeper is online/);
    const { serverMsgId } = await alice.text('keeper', `/order ${what}`);
    const answer = await alice.next('onTextMessage');
    assert.equal(answer.msg, `${what}: 好的 👌`);
    said.push([serverMsgId, 'alice', `/order ${what}`], [answer.id, 'keeper', answer.msg]);
    bots.child.kill('SIGKILL');
    await bots.exited();
  }
  const bots = stage.run(config, SECRETS);
  await bots.line('stderr', /bot keeper is online/);
  const entries = await until(config, 'both answers', (entries) => entries.length >= said.length);
  const byId = ([one], [other]) => (BigInt(one) < BigInt(other) ? -1 : 1);
  assert.deepEqual(entries.map(({ id, from, text }) => [String(id), from, text]).sort(byId), said);
  assert.match(await archive(config, ['show', said[3][0]]), /cake: 好的 👌/);
});
