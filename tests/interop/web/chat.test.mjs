// The vendor's web SDKs in a browser: log in across origins, and chat with each other SDK and with our bot.

import assert from 'node:assert/strict';

import { botsToml } from '../lib/config.mjs';
import { passwordOf } from '../lib/sdk.mjs';
import { refusal } from '../lib/stage.mjs';
import { webScenario } from './lib/stage.mjs';

for (const [sdk, name] of [['easemob', 'the web build'], ['agora', 'agora-chat']]) {
  webScenario(`${name} logs in by password across origins, after a preflight`, async (stage, web) => {
    await stage.open({ users: ['alice'] });
    const alice = await web.online('alice', { sdk });
    await alice.next('onConnected');
    await alice.next('request', (request) => request === 'OPTIONS /easebot/demo/token for POST');
  });

  webScenario(`${name} logs in with a token`, async (stage, web) => {
    await stage.open({ users: ['alice'] });
    const accessToken = await stage.server.token('alice', passwordOf('alice'));
    const alice = await web.client('alice', { sdk });
    await alice.login({ accessToken });
    await alice.next('onConnected');
  });

  webScenario(`${name} is told that the password is wrong`, async (stage, web) => {
    await stage.open({ users: ['alice'] });
    const alice = await web.client('alice', { sdk });
    const { type, message } = await refusal(alice.login({ pwd: 'a-wrong-one' }));
    assert.deepEqual({ type, message }, { type: 1, message: 'invalid password' });
  });

  webScenario(`${name} chats with the mini-program build, both ways`, async (stage, web) => {
    await stage.open({ users: ['alice', 'bob'] });
    const alice = await web.online('alice', { sdk, delivery: true });
    const bob = await stage.online('bob');
    const ext = { mood: 'glad', n: 3, deep: { list: [1, 'two', null] } };

    const asked = await alice.text('bob', '你好 from a page 👋🏽', { ext });
    const heard = await bob.next('onTextMessage');
    assert.deepEqual(pick(heard), { id: asked.serverMsgId, from: 'alice', to: 'bob', msg: '你好 from a page 👋🏽', ext });

    const answered = await bob.text('alice', 'and back', { ext });
    const back = await alice.next('onTextMessage');
    assert.deepEqual(pick(back), { id: answered.serverMsgId, from: 'bob', to: 'alice', msg: 'and back', ext });
    await bob.next('onDeliveredMessage', ({ mid }) => mid === answered.serverMsgId);
  });

  webScenario(`${name} is answered by the bot`, async (stage, web) => {
    await stage.open({ users: ['alice', 'concierge'] });
    const config = await stage.config(botsToml(stage.server, { concierge: ECHO }));
    await stage.run(config, { CONCIERGE_PASSWORD: passwordOf('concierge') }).line('stderr', /bot concierge is online/);
    const alice = await web.online('alice', { sdk });
    await alice.text('concierge', 'echo 全部 of it');
    const { from, msg } = await alice.next('onTextMessage');
    assert.deepEqual({ from, msg }, { from: 'concierge', msg: '全部 of it' });
  });
}

webScenario('a page of the web build and a page of agora-chat chat with each other', async (stage, web) => {
  await stage.open({ users: ['alice', 'bob'], groups: { 1001: ['alice', 'bob'] } });
  const alice = await web.online('alice');
  const bob = await web.online('bob', { sdk: 'agora' });
  await alice.text('1001', 'to all', { chatType: 'groupChat' });
  const { from, to, msg, chatType } = await bob.next('onTextMessage');
  assert.deepEqual({ from, to, msg, chatType }, { from: 'alice', to: '1001', msg: 'to all', chatType: 'groupChat' });
  await bob.text('alice', 'to you');
  assert.equal((await alice.next('onTextMessage')).msg, 'to you');
});

const pick = ({ id, from, to, msg, ext }) => ({ id, from, to, msg, ext });

const ECHO = `
  [[bot.plugin]]
  kind = "auto-reply"
    [[bot.plugin.rule]]
    regex = '^echo (?<text>.+)$'
    reply = "{{ text }}"
`;
