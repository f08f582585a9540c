// Our bot over TLS as OpenSSL speaks it, which is Node's: the emulator has none, so a proxy with a certificate stands before it.

import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

import { botsToml } from './lib/config.mjs';
import { passwordOf } from './lib/sdk.mjs';
import { scenario } from './lib/stage.mjs';

const fixture = (name) => fileURLToPath(new URL(`../../crates/easebot-client/src/tls/testdata/${name}`, import.meta.url));

const ECHO = `
  ca_file = '${fixture('ca.pem')}'
  [[bot.plugin]]
  kind = "auto-reply"
    [[bot.plugin.rule]]
    regex = '(?s)^echo (?<text>.+)$'
    reply = "{{ text }}"
`;

/** A server with TLS of just this version before `server`; `cut()` ends its connections. */
async function secured(server, version) {
  const options = {
    key: readFileSync(fixture('server-key.pem')), cert: readFileSync(fixture('server.pem')),
    minVersion: version, maxVersion: version,
  };
  const { hostname, port } = new URL(server.restUrl);
  const spoken = [];
  const near = new Set();
  const proxy = tls.createServer(options, (socket) => {
    spoken.push(socket.getProtocol());
    near.add(socket.on('close', () => near.delete(socket)));
    const far = net.connect(Number(port), hostname);
    socket.pipe(far).pipe(socket);
    // How a side ends is its own matter; the other one ends with it.
    socket.on('error', () => far.destroy());
    far.on('error', () => socket.destroy());
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = `localhost:${proxy.address().port}`;
  return {
    spoken,
    cut: () => near.forEach((socket) => socket.destroy()),
    close: () => { near.forEach((socket) => socket.destroy()); proxy.close(); },
    seen: { appKey: server.appKey, restUrl: `https://${address}`, websocketUrl: `wss://${address}/websocket` },
  };
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  scenario(`a bot logs in and answers over ${version}, and again when the connection was cut`, async (stage) => {
    await stage.open({ users: ['alice', 'concierge'] });
    const proxy = await secured(stage.server, version);
    try {
      const config = await stage.config(botsToml(proxy.seen, { concierge: ECHO }));
      const bots = stage.run(config, { CONCIERGE_PASSWORD: passwordOf('concierge') });
      await bots.line('stderr', /bot concierge is online/);
      const alice = await stage.online('alice');
      // From less than a record of TLS to nearly the most that a text may have.
      for (const text of ['你', 'x'.repeat(300), '好'.repeat(1_500)]) {
        await alice.text('concierge', `echo ${text}`);
        assert.equal((await alice.next('onTextMessage')).msg, text);
      }
      proxy.cut();
      await alice.text('concierge', 'echo again');
      assert.equal((await alice.next('onTextMessage')).msg, 'again');
      assert.deepEqual([...new Set(proxy.spoken)], [version]);
    } finally {
      proxy.close();
    }
  });
}
