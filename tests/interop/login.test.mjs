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

scenario('the servers are found by server.json', async (stage) => {
  await stage.open({ users: ['alice', 'bob'] });
  const asked = [];
  // The names of the vendor's servers lead to the emulator. A mini program drops the port of REST, because phones allow 443 alone.
  const route = (url) => {
    asked.push(new URL(url));
    const { pathname, search } = new URL(url);
    return `${stage.server.restUrl}${pathname}${search}`;
  };
  const alice = stage.client('alice', { isHttpDNS: true, https: false, url: undefined, apiUrl: undefined, route });
  await alice.login();
  assert.equal(asked[0].pathname, '/easemob/server.json');
  assert.ok(asked.slice(1).every(({ hostname }) => hostname === '127.0.0.1'), `${asked}`);
  const bob = await stage.online('bob');
  await alice.text('bob', 'found you');
  assert.equal((await bob.next('onTextMessage')).msg, 'found you');
});

scenario('a device that is kicked is told why, and does not come back by itself', async (stage) => {
  await stage.open({ users: ['alice', 'bob'] });
  for (const [operation, type] of [[1, 207], [2, 206], [3, 216], [4, 217]]) {
    const alice = await stage.online('alice');
    // Behind what a login sends: a send that meets the closed socket makes the SDK try again, kicked or not.
    await alice.text('bob', 'I am here');
    assert.deepEqual(await stage.server.order('kick', { user: 'alice', operation, reason: 'tv' }), { n: 1 });
    const error = await alice.next('onError');
    assert.equal(error.type, type);
    if (type === 206) assert.equal(error.data.loginInfoCustomExt, 'tv');
    await alice.next('onDisconnected');
    assert.deepEqual(alice.all('onReconnecting'), []);
  }
});
