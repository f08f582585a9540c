// What webhook-out posts, verified by the library that receivers use, and what it says for them to a user of the vendor's SDK.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

import Ajv from 'ajv/dist/2020.js';
import { Webhook } from 'standardwebhooks';

import { botsToml } from '../lib/config.mjs';
import { within } from '../lib/deadline.mjs';
import { Easebot } from '../lib/easebot.mjs';
import { serve } from '../lib/program.mjs';
import { passwordOf } from '../lib/sdk.mjs';
import { scenario } from '../lib/stage.mjs';

const ROOT = new URL('../../../', import.meta.url);
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OLD_SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';

const schema = JSON.parse(readFileSync(new URL('docs/webhook-out.schema.json', ROOT), 'utf8'));
const isPosted = new Ajv({ strict: false, validateFormats: false }).compile(schema);

/** A receiver: what came is kept once standardwebhooks believes it, and answered with what `answer` gives. */
class Receiver {
  #posted = [];
  #waiting = new Set();

  static async start(answer, secrets = [SECRET]) {
    const receiver = new Receiver();
    receiver.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString();
      // Throws if the signature is wrong or the time is not ours.
      const [event] = secrets.map((secret) => new Webhook(secret).verify(body, request.headers));
      const n_before = receiver.#posted.length;
      receiver.#came({ event, headers: request.headers });
      const { status = 200, replies } = answer(event, n_before);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ replies }));
    });
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    // A test that failed does not wait for it.
    receiver.server.unref();
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}/chat`;
    return receiver;
  }

  /** The first `n` requests, once they are there. */
  async posted(n) {
    const there = new Promise((resolve) => {
      if (this.#posted.length >= n) resolve();
      else this.#waiting.add({ n, resolve });
    });
    await within(there, () => `request ${n}; there are ${this.#posted.length}`);
    return this.#posted.slice(0, n);
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }

  #came(request) {
    this.#posted.push(request);
    for (const { n, resolve } of this.#waiting) if (this.#posted.length >= n) resolve();
  }
}

/** A bot that posts to `receiver`; gives Alice, the running bot and its configuration. */
async function botFor(stage, receiver, keys = '') {
  await stage.open({ users: ['alice', 'clerk'] });
  const plugin = `
  [[bot.plugin]]
  kind          = "webhook-out"
  url           = "${receiver.url}"
  secret        = { env = "SECRET" }
  allow_private = true
  ${keys}
`;
  const config = await stage.config(botsToml(stage.server, { clerk: plugin }));
  const alice = await stage.online('alice');
  const env = { CLERK_PASSWORD: passwordOf('clerk'), SECRET, OLD_SECRET };
  const start = async () => {
    const bots = stage.run(config, env);
    await bots.line('stderr', /bot clerk is online/);
    return bots;
  };
  return { alice, config, start, bots: await start() };
}

/** What `easebot hooks …` says. */
async function hooks({ file, folder }, ...words) {
  const command = new Easebot(['hooks', ...words, '--config', file], { cwd: folder });
  assert.equal(await command.exited(), 0, command.log());
  return command;
}

scenario('standardwebhooks verifies what is posted, it fits the schema, and the person hears the reply', async (stage) => {
  const receiver = await Receiver.start(({ message }) => ({ replies: [{ text: `posted: ${message.text ?? message.kind}` }] }));
  const { alice } = await botFor(stage, receiver);
  const { serverMsgId } = await alice.text('clerk', '你好, clerk', { ext: { order: 7 } });
  assert.equal((await alice.next('onTextMessage')).msg, 'posted: 你好, clerk');
  await alice.send({ type: 'loc', chatType: 'singleChat', to: 'clerk', addr: 'Ku’damm', lat: 52.5, lng: 13.3 });
  assert.equal((await alice.next('onTextMessage')).msg, 'posted: location');
  const [{ event, headers }, { event: place }] = await receiver.posted(2);
  for (const one of [event, place]) assert.ok(isPosted(one), JSON.stringify(isPosted.errors));
  assert.equal(event.id, headers['webhook-id']);
  assert.deepEqual(
    { type: event.type, bot: event.bot, app: event.app, conversation: event.conversation },
    { type: 'message', bot: 'clerk', app: 'easebot#demo', conversation: 'user:alice' },
  );
  const { id, from, kind, text, ext } = event.message;
  assert.deepEqual({ id, from, kind, text, order: ext.order }, { id: serverMsgId, from: 'alice', kind: 'text', text: '你好, clerk', order: 7 });
  assert.deepEqual([place.message.location.latitude, place.message.location.address], [52.5, 'Ku’damm']);
  receiver.close();
});

scenario('what a receiver could not take is posted again under the same id, and its reply is heard once', async (stage) => {
  const receiver = await Receiver.start((_, n) => (n === 0 ? { status: 503 } : { replies: [{ text: 'now' }] }));
  const { alice } = await botFor(stage, receiver, 'retry_secs = [1]');
  await alice.text('clerk', 'first');
  await alice.text('clerk', 'second');
  const posted = await receiver.posted(3);
  assert.deepEqual(posted.map(({ event }) => event.message.text), ['first', 'first', 'second']);
  assert.equal(posted[0].event.id, posted[1].event.id);
  assert.deepEqual(posted[0].event, posted[1].event);
  await alice.next('onTextMessage');
  await alice.next('onTextMessage');
  assert.equal(alice.all('onTextMessage').length, 2);
  receiver.close();
});

scenario('what waits survives the end of the process, and is posted by the next one', async (stage) => {
  let isUp = false;
  const receiver = await Receiver.start(() => (isUp ? { replies: [{ text: 'back' }] } : { status: 500 }));
  const { alice, bots, start } = await botFor(stage, receiver, 'retry_secs = [2, 2, 2, 2, 2]');
  await alice.text('clerk', 'are you there?');
  const [before] = await receiver.posted(1);
  bots.child.kill('SIGKILL');
  await bots.exited();
  isUp = true;
  await start();
  assert.equal((await alice.next('onTextMessage')).msg, 'back');
  const posted = await receiver.posted(2);
  assert.equal(posted[1].event.id, before.event.id);
  receiver.close();
});

scenario('a dead letter is listed, posted again while the bot runs, and gone', async (stage) => {
  let isUp = false;
  const receiver = await Receiver.start(() => (isUp ? { replies: [{ text: 'better late' }] } : { status: 422 }));
  const { alice, bots, config } = await botFor(stage, receiver);
  await alice.text('clerk', 'hm?');
  await bots.line('stderr', /an event is given up/);
  const [{ event }] = await receiver.posted(1);
  const listed = await hooks(config, 'list', '--json');
  const { id, state, status, conversation } = JSON.parse(listed.said('stdout'));
  assert.deepEqual({ id, state, status, conversation }, { id: event.id, state: 'dead', status: 422, conversation: 'user:alice' });
  isUp = true;
  await hooks(config, 'retry', id);
  assert.equal((await alice.next('onTextMessage')).msg, 'better late');
  const posted = await receiver.posted(2);
  assert.equal(posted[1].event.id, id);
  await alice.text('clerk', 'the end');
  await alice.next('onTextMessage');
  assert.match((await hooks(config, 'list', '--dead')).said('stderr'), /nothing/);
  receiver.close();
});

scenario('while a key is changed, receivers with the old one and with the new one believe', async (stage) => {
  const receiver = await Receiver.start(() => ({ replies: [{ text: 'believed' }] }), [SECRET, OLD_SECRET]);
  const { alice } = await botFor(stage, receiver, 'old_secret = { env = "OLD_SECRET" }');
  await alice.text('clerk', 'who are you?');
  assert.equal((await alice.next('onTextMessage')).msg, 'believed');
  receiver.close();
});

scenario('the example: a bot in Node answers with texts and a file, and sees a recall', async (stage) => {
  await stage.open({ users: ['alice', 'concierge'] });
  const example = (name) => fileURLToPath(new URL(`examples/config/webhook-bot/${name}`, ROOT));
  const env = { ...process.env, WEBHOOK_SECRET: SECRET, PORT: '0' };
  const { match: [, url], stop } = await serve(process.execPath, [example('bot.mjs')], /listening on (\S+)/, { env, from: 'stdout' });
  try {
    const { restUrl, websocketUrl } = stage.server;
    const text = readFileSync(example('bots.toml'), 'utf8')
      .replace('"emulator"', `{ rest = "${restUrl}", websocket = "${websocketUrl}" }`)
      .replace(/"http:.*?\/chat"/, `"${url}"`);
    const alice = await stage.online('alice');
    const bots = stage.run(await stage.config(text), { CONCIERGE_PASSWORD: passwordOf('concierge'), WEBHOOK_SECRET: SECRET });
    await bots.line('stderr', /bot concierge is online/);
    await alice.text('concierge', 'hello there');
    assert.equal((await alice.next('onTextMessage')).msg, 'Hello, alice!');
    await alice.text('concierge', 'remind me');
    assert.equal((await alice.next('onTextMessage')).msg, 'Here is a list.');
    assert.equal((await alice.next('onFileMessage')).filename, 'list.txt');
    const { serverMsgId } = await alice.text('concierge', '再见');
    const echo = await alice.next('onTextMessage');
    assert.deepEqual([echo.msg, echo.ext.length], ['You said: 再见', 2]);
    await alice.call('recallMessage', { mid: serverMsgId, to: 'concierge', chatType: 'singleChat' });
    assert.equal((await alice.next('onTextMessage')).msg, 'I did not see that.');
  } finally {
    await stop();
  }
});
