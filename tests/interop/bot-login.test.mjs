// What `easebot run` does when an account cannot be logged in.

import assert from 'node:assert/strict';

import { botsToml } from './lib/config.mjs';
import { passwordOf } from './lib/sdk.mjs';
import { scenario } from './lib/stage.mjs';

const PING = `
  [[bot.plugin]]
  kind   = "command"
  prefix = "/"
    [[bot.plugin.command]]
    name  = "ping"
    help  = "answers pong"
    reply = "pong"
`;

scenario('a wrong password ends the run with one error that names the bot and the cause', async (stage) => {
  await stage.open({ users: ['concierge'] });
  const config = await stage.config(botsToml(stage.server, { concierge: PING }));
  const bots = stage.run(config, { CONCIERGE_PASSWORD: 'a-wrong-one' });
  assert.equal(await bots.exited(), 1);
  const said = bots.said('stderr').split('\n').filter((line) => /concierge/.test(line) && /password/i.test(line));
  assert.equal(said.length, 1, bots.log());
  assert.equal(bots.said('stdout'), '');
  assert.ok(!bots.log().includes('a-wrong-one'), 'the password is nobody’s business');
});

scenario('a bot that cannot log in does not take the other one down', async (stage) => {
  await stage.open({ users: ['alice', 'concierge', 'porter'] });
  const config = await stage.config(botsToml(stage.server, { porter: PING, concierge: PING }));
  const bots = stage.run(config, { CONCIERGE_PASSWORD: passwordOf('concierge'), PORTER_PASSWORD: 'a-wrong-one' });
  await bots.line('stderr', /porter.*password/i);
  await bots.line('stderr', /bot concierge is online/);
  const alice = await stage.online('alice');
  await alice.text('concierge', '/ping');
  assert.equal((await alice.next('onTextMessage')).msg, 'pong');
});
