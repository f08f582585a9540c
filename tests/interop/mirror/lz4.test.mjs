// Compressed frames: more than 1 MiB each way, with what one frame holds said again in later ones.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

import { mirrorScenario } from '../lib/mirror.mjs';
import { noise } from '../web/lib/files.mjs';

const N_MESSAGES = 260;
const N_CHARS = 4200;

/** Texts of which each takes a third from the one before, and another third from the tenth before; the rest is new. */
const TEXTS = (() => {
  const fresh = noise(N_MESSAGES * N_CHARS).toString('base64');
  const texts = [];
  const third = N_CHARS / 3;
  for (let n = 0; n < N_MESSAGES; n++) {
    const again = [n - 1, n - 10].map((n) => texts[n]?.slice(-third) ?? '');
    texts.push(`${n} ${again.join('')}${fresh.slice(n * third, (n + 1) * third)}`);
  }
  return texts;
})();

/** Sends all of them with some on their way at a time. */
async function sendAll(send) {
  for (let n = 0; n < TEXTS.length; n += 20) await Promise.all(TEXTS.slice(n, n + 20).map(send));
}

const assertAll = (texts) => {
  assert.equal(texts.length, N_MESSAGES);
  const number = (text) => Number(text.split(' ', 1));
  assert.deepEqual(texts.toSorted((a, b) => number(a) - number(b)), TEXTS);
};

/** A way to the emulator that counts the bytes that go by. */
class Wire {
  up = 0;
  down = 0;
  #sockets = new Set();

  static async to({ restUrl }) {
    const wire = new Wire();
    const { hostname, port } = new URL(restUrl);
    wire.listener = createServer((client) => wire.#carry(client, connect(port, hostname))).listen(0, '127.0.0.1');
    await once(wire.listener, 'listening');
    wire.websocketUrl = `ws://127.0.0.1:${wire.listener.address().port}/websocket`;
    return wire;
  }

  #carry(client, server) {
    client.on('data', (bytes) => (this.up += bytes.length)).pipe(server);
    server.on('data', (bytes) => (this.down += bytes.length)).pipe(client);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      // A side that is gone takes the other with it.
      socket.on('error', () => {}).on('close', () => (client.destroy(), server.destroy()));
    }
  }

  close() {
    this.listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const N_CHARS_SENT = TEXTS.reduce((sum, text) => sum + text.length, 0);
assert.ok(N_CHARS_SENT > 1 << 20);

/** Bob has the SDK and Carol our client, each on a wire of its own. */
async function onWires(world, play) {
  const [bobs, carols] = [await Wire.to(world.server), await Wire.to(world.server)];
  try {
    const bob = await world.sdk('bob', { url: bobs.websocketUrl });
    const carol = await world.mirror('carol', { options: ['--lz4'], websocketUrl: carols.websocketUrl });
    await play({ bob, carol, bobs, carols });
    assert.deepEqual([bob.all('onReconnecting'), carol.all('reconnecting')], [[], []], 'nobody choked');
    // Once it has closed, the SDK cannot read compressed frames any more, and would choke on the answer to its farewell.
    for (const user of ['alice', 'bob']) await world.server.order('silence', { user });
  } finally {
    bobs.close();
    carols.close();
  }
}

function assertCounted(n_bytes, isCompressed, what) {
  if (isCompressed) assert.ok(n_bytes < 0.6 * N_CHARS_SENT, `${what}: ${n_bytes} bytes for ${N_CHARS_SENT}`);
  else assert.ok(n_bytes > N_CHARS_SENT, `${what}: ${n_bytes} bytes for ${N_CHARS_SENT}`);
}

for (const direction of ['up', 'down', 'both']) {
  const compressed = { up: direction !== 'down', down: direction !== 'up' };
  const options = { emulator: ['--lz4', direction] };

  mirrorScenario(`LZ4 ${direction}, SDK → mirror`, async ({ world }) => {
    await onWires(world, async ({ bob, carol, bobs, carols }) => {
      await sendAll((text) => bob.text('carol', text));
      const got = [];
      while (got.length < N_MESSAGES) got.push((await carol.next('message')).body.text);
      assertAll(got);
      assertCounted(bobs.up, compressed.up, 'what the SDK sent');
      assertCounted(carols.down, compressed.down, 'what the mirror received');
    });
  }, options);

  mirrorScenario(`LZ4 ${direction}, mirror → SDK`, async ({ world }) => {
    await onWires(world, async ({ bob, carol, bobs, carols }) => {
      await sendAll((text) => carol.text('user:bob', text));
      const got = [];
      while (got.length < N_MESSAGES) got.push((await bob.heard.next('onTextMessage')).msg);
      assertAll(got);
      assertCounted(carols.up, compressed.up, 'what the mirror sent');
      assertCounted(bobs.down, compressed.down, 'what the SDK received');
    });
  }, options);
}
