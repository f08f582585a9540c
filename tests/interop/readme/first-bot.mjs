// The bot that README.md begins with, built as a newcomer builds it, and a user of the vendor's SDK. `cargo xtask test first-bot`
// makes the program; `node --test` does not find this file by itself, because it needs that program.

import assert from 'node:assert/strict';

import { passwordOf } from '../lib/sdk.mjs';
import { scenario } from '../lib/stage.mjs';

const FIRST_BOT = process.env.EASEBOT_FIRST_BOT_BIN;

scenario('the first bot of the README says what it hears', async (stage) => {
  await stage.open({ users: ['alice', 'parrot'] });
  const bot = stage.program(FIRST_BOT, {
    EASEBOT_APP_KEY: stage.server.appKey,
    EASEBOT_USER: 'parrot',
    EASEBOT_PASSWORD: passwordOf('parrot'),
    EASEBOT_ENDPOINT: stage.server.restUrl,
  });
  const alice = await stage.online('alice');
  for (const text of ['hello', '你好']) {
    await alice.text('parrot', text);
    const { from, to, msg, chatType } = await alice.next('onTextMessage');
    assert.deepEqual({ from, to, msg, chatType }, { from: 'parrot', to: 'alice', msg: text, chatType: 'singleChat' });
  }
  // It installs no handler for signals: it ends as any program does.
  assert.equal(await bot.stop(), null);
});

scenario('the first bot of the README names all that its environment lacks', async (stage) => {
  const nothing = Object.fromEntries(['APP_KEY', 'USER', 'PASSWORD', 'TOKEN', 'ENDPOINT'].map((name) => [`EASEBOT_${name}`, '']));
  const bot = stage.program(FIRST_BOT, nothing);
  assert.equal(await bot.exited(), 1);
  for (const name of ['EASEBOT_APP_KEY', 'EASEBOT_USER', 'EASEBOT_PASSWORD']) assert.ok(bot.said('stderr').includes(name), name);
});
