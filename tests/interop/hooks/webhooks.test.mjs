// Webhooks sent by the clients that people use, told to a user of the vendor's SDK.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import { Webhooks } from '@octokit/webhooks';
import examples from '@octokit/webhooks-examples' with { type: 'json' };
import { IncomingWebhook } from '@slack/webhook';
import { CloudEvent, HTTP, emitterFor, httpTransport } from 'cloudevents';
import { Webhook } from 'standardwebhooks';

import { scenario } from '../lib/stage.mjs';
import { hookFor } from './lib/hook.mjs';

const GITHUB_KEY = "It's a Secret to Everybody";
const STANDARD_KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const TOKEN = 'T0/correct horse';

const KEYS = {
  slack: `secret = { env = "HOOK_TOKEN" }`,
  github: `secret = { env = "GITHUB_KEY" }\nper_minute = 1000`,
  cloudevents: `secret = { env = "HOOK_TOKEN" }`,
  'standard-webhooks': `secret = "${STANDARD_KEY}"`,
  generic: 'template = "{{ body.title }}: {{ body.state }}"',
};

/** A bot that tells Alice what comes to `/hooks/FORMAT`. */
const hookOf = (stage, format) => hookFor(stage, format, { keys: KEYS[format], env: { HOOK_TOKEN: TOKEN, GITHUB_KEY } });

async function post(url, body, headers = {}) {
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, body: await response.text() };
}

scenario('what @slack/webhook sends is told without markup, and it takes the answer for that of Slack', async (stage) => {
  const { alice, url } = await hookOf(stage, 'slack');
  const slack = new IncomingWebhook(`${url}/${encodeURIComponent(TOKEN)}`);
  assert.deepEqual(await slack.send({ text: '*部署* is <https://a.b/c|done>' }), { text: 'ok' });
  assert.equal((await alice.next('onTextMessage')).msg, '部署 is done (https://a.b/c)');
  await slack.send({ text: 'short', blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'in _blocks_' } }] });
  assert.equal((await alice.next('onTextMessage')).msg, 'in blocks');
  const stranger = new IncomingWebhook(`${url}/guess`);
  await assert.rejects(stranger.send('hi'), /403/);
  await assert.rejects(slack.send({}), /400/);
  await slack.send('the end');
  await alice.next('onTextMessage', ({ msg }) => msg === 'the end');
  assert.equal(alice.all('onTextMessage').length, 3);
});

scenario('every example of octokit, signed as GitHub does, is taken; what a delivery says is said once', async (stage) => {
  const { alice, url } = await hookOf(stage, 'github');
  const deliver = async (event, id, payload, key = GITHUB_KEY) => {
    const body = JSON.stringify(payload);
    const headers = {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': id,
      'x-hub-signature-256': await new Webhooks({ secret: key }).sign(body),
    };
    return post(url, body, headers);
  };
  const push = examples.find(({ name }) => name === 'push').examples[0];
  for (let n = 0; n < 2; n += 1) assert.equal((await deliver('push', 'push-1', push)).status, 202);
  const { msg } = await alice.next('onTextMessage');
  assert.ok(msg.startsWith(`[${push.repository.full_name}] ${push.sender.login} `), msg);
  assert.equal((await deliver('push', 'push-2', push, 'another key')).status, 401);
  let n_told = 0;
  for (const { name, examples: payloads } of examples) {
    const { status, body } = await deliver(name, `example-${name}`, payloads[0]);
    assert.equal(status, 202, `${name}: ${status} ${body}`);
    n_told += 1;
  }
  assert.ok(n_told > 50, `${n_told} kinds of events`);
  await deliver('ping', 'last', { zen: 'the end' });
  await alice.next('onTextMessage', ({ msg }) => msg.endsWith('the end'));
  assert.equal(alice.all('onTextMessage').length, n_told + 2);
});

scenario('what standardwebhooks signs is believed, once and for five minutes', async (stage) => {
  const { alice, url } = await hookOf(stage, 'standard-webhooks');
  const signer = new Webhook(STANDARD_KEY);
  const deliver = (id, text, { time = new Date(), key = signer } = {}) => {
    const body = JSON.stringify({ type: 'note', data: { text } });
    return post(url, body, {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
      'webhook-signature': key.sign(id, time, body),
    });
  };
  assert.deepEqual(await deliver('msg_1', 'signed 你好'), { status: 202, body: '{"id":"msg_1"}' });
  assert.equal((await deliver('msg_1', 'signed 你好')).status, 202);
  assert.equal((await deliver('msg_2', 'old', { time: new Date(Date.now() - 400_000) })).status, 401);
  assert.equal((await deliver('msg_3', 'forged', { key: new Webhook('whsec_AAAA') })).status, 401);
  assert.equal((await deliver('msg_4', 'the end')).status, 202);
  await alice.next('onTextMessage', ({ msg }) => msg === 'the end');
  assert.deepEqual(alice.all('onTextMessage').map(({ msg }) => msg), ['signed 你好', 'the end']);
});

scenario('cloudevents are told, whichever way they are packed', async (stage) => {
  const { alice, url } = await hookOf(stage, 'cloudevents');
  const event = (id, text) => new CloudEvent({ id, source: '/shop', type: 'com.shop.order', data: { text } });
  const send = ({ headers, body }) => post(url, body, { ...headers, authorization: `Bearer ${TOKEN}` });
  assert.deepEqual(await send(HTTP.binary(event('1', 'binary'))), { status: 202, body: '{"ids":["5 /shop 1"]}' });
  assert.equal((await send(HTTP.structured(event('2', 'structured')))).status, 202);
  assert.equal((await send(HTTP.structured(event('2', 'structured')))).status, 202);
  const emit = emitterFor(httpTransport(`${url}/${encodeURIComponent(TOKEN)}`));
  const emitted = await emit(event('3', 'the end'));
  assert.match(emitted.body, /5 \/shop 3/);
  await alice.next('onTextMessage', ({ msg }) => msg === 'the end');
  assert.deepEqual(alice.all('onTextMessage').map(({ msg }) => msg), ['binary', 'structured', 'the end']);
});

scenario('callbacks of an emulator are told, each once, and none of what the bot itself said', async (stage) => {
  // The emulator has to know an address before the bot has one.
  let hook;
  const statuses = [];
  const way = createServer(async (request, response) => {
    const posted = post(hook, await text(request), { 'content-type': 'application/json' });
    // At the end the bot is gone before the emulator.
    const { status, body } = await posted.catch(() => ({ status: 503, body: '' }));
    statuses.push(status);
    response.writeHead(status).end(body);
  });
  await new Promise((resolve) => way.listen(0, '127.0.0.1', resolve));
  way.unref();
  const options = ['--callback-secret', 'sesame', '--post-send-events', 'message,recall,contact', '--post-send-url', `http://127.0.0.1:${way.address().port}`];
  const { alice, url } = await hookFor(stage, 'easemob', { keys: 'secret = "sesame"', users: ['bob', 'carol'], options });
  hook = url;
  const told = async () => (await alice.next('onTextMessage')).msg;
  const bob = await stage.online('bob');
  const { serverMsgId } = await bob.text('carol', '你好');
  assert.equal(await told(), 'bob to carol: 你好');
  await bob.call('recallMessage', { mid: serverMsgId, to: 'carol', chatType: 'singleChat' });
  assert.equal(await told(), `bob took back ${serverMsgId} to carol`);
  await bob.call('addContact', 'carol', 'please');
  assert.equal(await told(), 'bob add carol');
  await bob.send({ type: 'cmd', chatType: 'singleChat', to: 'carol', action: 'refresh' });
  assert.equal(await told(), 'bob to carol: (command: refresh)');
  // Of two letters about each message of Bob's, because Carol is offline, and those about what the bot told, all were taken.
  assert.ok(statuses.length > 4 && statuses.every((status) => status === 200), statuses.join());
  const forged = { callId: 'easebot#demo_1', timestamp: Date.now(), security: '0'.repeat(32), from: 'eve' };
  assert.equal((await post(url, JSON.stringify(forged))).status, 401);
});

scenario('any JSON is told by a template, a form with a picture brings it along, and a failing template says why', async (stage) => {
  const { alice, bots, url } = await hookOf(stage, 'generic');
  const json = { 'content-type': 'application/json' };
  const dry = await post(`${url}?dry_run=1`, JSON.stringify({ title: 'CI', state: 'green' }), json);
  assert.equal(JSON.parse(dry.body).messages[0].text, 'CI: green');
  const failed = await post(url, JSON.stringify({ title: 'CI' }), json);
  assert.equal(failed.status, 422);
  assert.match(failed.body, /`body\.state`/);
  await bots.line('stderr', /request refused.*body\.state/);
  const form = new FormData();
  form.set('title', 'graph');
  form.set('state', 'up');
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  form.set('file', new Blob([png], { type: 'image/png' }), 'graph.png');
  assert.equal((await post(url, form)).status, 202);
  assert.equal((await alice.next('onTextMessage')).msg, 'graph: up');
  const image = await alice.next('onImageMessage');
  assert.equal(image.file_length, png.length);
  assert.equal(alice.all('onTextMessage').length, 1);
});
