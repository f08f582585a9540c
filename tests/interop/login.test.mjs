// Registration and login with the vendor's SDK, and what it says when the server refuses.

import assert from 'node:assert/strict';

import { passwordOf } from './lib/sdk.mjs';
import { refusal, scenario } from './lib/stage.mjs';

scenario('a new user registers and logs in', async (stage) => {
  await stage.open();
  const alice = stage.client('alice');
  const { entities } = await alice.register();
  assert.equal(entities[0].username, 'alice');
  const { accessToken } = await alice.login();
  assert.ok(accessToken);
  await alice.next('onConnected');
});

scenario('a name that is taken cannot be registered again', async (stage) => {
  await stage.open({ users: ['alice'] });
  const { message } = await refusal(stage.client('alice').register('another password'));
  assert.match(message, /username be unique/);
  await stage.online('alice');
});

scenario('a wrong password is refused with the words that the SDK knows', async (stage) => {
  await stage.open({ users: ['alice'] });
  const { type, message } = await refusal(stage.client('alice').login({ pwd: 'wrong' }));
  assert.deepEqual({ type, message }, { type: 1, message: 'invalid password' });
});

scenario('an unknown user is refused with the words that the SDK knows', async (stage) => {
  await stage.open({ users: ['alice'] });
  const { type, message } = await refusal(stage.client('nobody').login());
  assert.deepEqual({ type, message }, { type: 1, message: 'user not found' });
});

scenario('a token from REST logs in without the password', async (stage) => {
  await stage.open({ users: ['alice'] });
  const accessToken = await stage.server.token('alice', passwordOf('alice'));
  const alice = stage.client('alice');
  await alice.login({ accessToken });
  await alice.next('onConnected');
});

scenario('a made-up token is refused', async (stage) => {
  await stage.open({ users: ['alice'] });
  const { type } = await refusal(stage.client('alice').login({ accessToken: 'made-up' }));
  assert.equal(type, 28);
});

scenario("another user's token is refused", async (stage) => {
  await stage.open({ users: ['alice', 'bob'] });
  const accessToken = await stage.server.token('bob', passwordOf('bob'));
  const { type } = await refusal(stage.client('alice').login({ accessToken }));
  assert.equal(type, 28);
});
