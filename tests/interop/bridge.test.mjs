// Two groups that a bridge joins, with a user of the vendor's SDK in each.

import assert from 'node:assert/strict';

import { botsToml } from './lib/config.mjs';
import { passwordOf } from './lib/sdk.mjs';
import { scenario } from './lib/stage.mjs';

const BRIDGE = `
  [[bot.plugin]]
  kind = "bridge"
    [[bot.plugin.side]]
    bot   = "east"
    group = "1001"
    [[bot.plugin.side]]
    bot   = "west"
    group = "2002"
`;

const SECRETS = { EAST_PASSWORD: passwordOf('east'), WEST_PASSWORD: passwordOf('west') };

/** Alice and the bot `east` are in group 1001, Bob and the bot `west` in group 2002. */
async function twoGroups(stage) {
  await stage.open({ users: ['alice', 'bob', 'east', 'west'], groups: { 1001: ['alice', 'east'], 2002: ['bob', 'west'] } });
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((user) => stage.online(user)));
  const bots = stage.run(await stage.config(botsToml(stage.server, { east: BRIDGE, west: BRIDGE })), SECRETS);
  await bots.line('stderr', /bot east is online/);
  await bots.line('stderr', /bot west is online/);
  return { alice, bob };
}

scenario('what is said in one group is said in the other, both ways, and nothing comes back', async (stage) => {
  const { alice, bob } = await twoGroups(stage);
  await alice.groupText('1001', '开饭了 🍜');
  const { msg, from, to, chatType } = await bob.next('onTextMessage');
  assert.deepEqual({ msg, from, to, chatType }, { msg: '[alice] 开饭了 🍜', from: 'west', to: '2002', chatType: 'groupChat' });
  await bob.groupText('2002', 'coming');
  const back = await alice.next('onTextMessage');
  assert.deepEqual([back.msg, back.from], ['[bob] coming', 'east']);
  await alice.groupText('1001', 'last');
  assert.equal((await bob.next('onTextMessage')).msg, '[alice] last');
  assert.equal(alice.all('onTextMessage').length, 1);
});

scenario('a quote of the copy names the original, and one of the original the copy', async (stage) => {
  const { alice, bob } = await twoGroups(stage);
  const quote = (msgID, msgSender) => ({ ext: { msgQuote: { msgID, msgPreview: 'lunch?', msgSender, msgType: 'txt' } } });
  const original = await alice.groupText('1001', 'lunch?');
  const copy = await bob.next('onTextMessage');
  await bob.groupText('2002', 'yes', quote(copy.id, 'west'));
  const answer = await alice.next('onTextMessage');
  assert.equal(answer.msg, '[bob] yes');
  assert.deepEqual(answer.ext.msgQuote, { msgID: original.serverMsgId, msgPreview: 'lunch?', msgSender: 'alice', msgType: 'txt' });
  await alice.groupText('1001', 'at noon', quote(original.serverMsgId, 'alice'));
  const more = await bob.next('onTextMessage');
  assert.deepEqual(more.ext.msgQuote, { msgID: copy.id, msgPreview: 'lunch?', msgSender: 'west', msgType: 'txt' });
});

scenario('an edit and a recall reach the copy', async (stage) => {
  const { alice, bob } = await twoGroups(stage);
  const sent = await alice.groupText('1001', 'at fvie');
  const copy = await bob.next('onTextMessage');
  const modifiedMessage = alice.sdk.message.create({ type: 'txt', chatType: 'groupChat', to: '1001', msg: 'at five' });
  await alice.call('modifyMessage', { messageId: sent.serverMsgId, modifiedMessage });
  const edited = await bob.next('onModifiedMessage');
  assert.deepEqual([edited.id, edited.msg], [copy.id, '[alice] at five']);
  await alice.call('recallMessage', { mid: sent.serverMsgId, to: '1001', chatType: 'groupChat' });
  assert.equal((await bob.next('onRecallMessage')).mid, copy.id);
});
