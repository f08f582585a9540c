// Callbacks: the emulator asks and tells an app's own server, which is this file.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { beforeEach } from 'node:test';

import { mirrorScenario, refusedWith } from '../lib/mirror.mjs';
import { Recorder } from '../web/lib/recorder.mjs';

const SECRET = 'sesame';

let letters;
/** What the server answers: status and body. */
let answer;

beforeEach(() => {
  letters = new Recorder('the app’s own server');
  answer = () => [200, { valid: true }];
});

const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const letter = JSON.parse(text);
  const [status, body] = answer(letter);
  letters.record(request.url, letter);
  // Without a status there is no answer at all.
  if (status) response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
server.unref();
const url = `http://127.0.0.1:${server.address().port}`;

const POST = { emulator: ['--post-send-url', `${url}/told`, '--callback-secret', SECRET] };
const PRE = { emulator: ['--pre-send-url', `${url}/asked`, '--callback-secret', SECRET, '--pre-send-wait-ms', '5000'] };
const PRE_BLOCKS = { emulator: ['--pre-send-url', `${url}/asked`, '--pre-send-wait-ms', '1', '--pre-send-blocks'] };

function assertSigned({ callId, timestamp, security, securityVersion }) {
  assert.equal(security, createHash('md5').update(`${callId}${SECRET}${timestamp}`).digest('hex'));
  assert.equal(securityVersion, '1.0.0');
}

mirrorScenario('post-send callback: SDK, mirror and REST are told of, and who is offline', async ({ world, alice, mirror }) => {
  const { serverMsgId } = await alice.text('mirror', 'hi', { ext: { n: 1 } });
  const first = await letters.next('/told');
  assertSigned(first);
  const { callId, eventType, chat_type, content_type, group_id, from, to, msg_id, payload, appkey } = first;
  assert.deepEqual(
    { callId, eventType, chat_type, content_type, group_id, from, to, msg_id, appkey },
    { callId: `easebot#demo_${serverMsgId}`, eventType: 'chat', chat_type: 'chat', content_type: 'chat:user:text', group_id: '', from: 'alice', to: 'mirror', msg_id: serverMsgId, appkey: 'easebot#demo' },
  );
  assert.deepEqual([payload.type, payload.ext, payload.bodies], ['chat', { n: 1 }, [{ type: 'txt', msg: 'hi' }]]);

  // Bob is in the group and offline.
  const { message } = await mirror.text('group:1001', 'all here?');
  const [told, offline] = [await letters.next('/told'), await letters.next('/told')];
  assert.deepEqual([told.eventType, told.chat_type, told.group_id, told.to, told.msg_id], ['chat', 'groupchat', '1001', '1001', message]);
  assert.deepEqual([offline.eventType, offline.group_id, offline.to, offline.msg_id], ['chat_offline', '1001', 'bob', message]);
  assertSigned(offline);

  await world.rest('POST', '/messages/users', { from: 'admin', to: ['alice'], type: 'cmd', body: { action: 'refresh' } });
  const cmd = await letters.next('/told');
  assert.deepEqual([cmd.from, cmd.content_type, cmd.payload.bodies], ['admin', 'chat:user:command', [{ type: 'cmd', action: 'refresh' }]]);
}, POST);

mirrorScenario('post-send callback that is not taken: told once more, then dropped', async ({ alice }) => {
  answer = ({ payload }) => [payload.bodies[0].msg === 'one' ? 500 : 200, ''];
  await alice.text('mirror', 'one');
  await alice.text('mirror', 'two');
  await letters.next('/told', ({ payload }) => payload.bodies[0].msg === 'two');
  assert.deepEqual(letters.all('/told').map(({ payload }) => payload.bodies[0].msg), ['one', 'one', 'two']);
  assert.equal(letters.all('/told')[0].callId, letters.all('/told')[1].callId);
}, POST);

mirrorScenario('pre-send callback passes a message: SDK and mirror', async ({ alice, mirror }) => {
  await alice.text('mirror', 'may I?');
  assert.equal((await mirror.next('message')).body.text, 'may I?');
  const asked = await letters.next('/asked');
  assertSigned(asked);
  assert.deepEqual([asked.chat_type, asked.from, asked.to, asked.payload.bodies], ['chat', 'alice', 'mirror', [{ type: 'txt', msg: 'may I?' }]]);
  await mirror.text('group:1001', 'and I?');
  await alice.heard.next('onTextMessage');
  const second = await letters.next('/asked', ({ payload }) => payload.bodies[0].msg === 'and I?');
  assert.deepEqual([second.chat_type, second.group_id, second.from], ['groupchat', '1001', 'mirror']);
}, PRE);

mirrorScenario('pre-send callback blocks a message: SDK and mirror read why, and nothing comes', async ({ alice, mirror }) => {
  const reasons = [['not today', { code: 'not today' }], ['custom logic denied', {}], ['Message blocked by external logic', { code: '' }]];
  for (const [reason, more] of reasons) {
    answer = () => [200, { valid: false, ...more }];
    await assert.rejects(alice.text('mirror', 'x'), { type: 502, message: reason });
    const words = await refusedWith(mirror.text('user:alice', 'x'));
    assert.match(words, /the app's own server refused it/);
    assert.ok(words.includes(reason), words);
  }
  answer = () => [200, { valid: true }];
  await alice.text('mirror', 'at last');
  await mirror.next('message');
  assert.deepEqual(mirror.all('message').map(({ body }) => body.text), ['at last']);
}, PRE);

mirrorScenario('pre-send callback changes a message: SDK and mirror, sender and receiver', async ({ alice, mirror }) => {
  answer = () => [200, { valid: true, payload: { type: 'txt', msg: 'something else' } }];
  const { message } = await alice.text('mirror', 'x');
  assert.deepEqual([message.msg, message.isContentReplaced], ['something else', true]);
  const seen = await mirror.next('message');
  assert.deepEqual([seen.body.text, seen.is_content_replaced], ['something else', true]);
  const { replaced } = await mirror.text('user:alice', 'x');
  assert.deepEqual([replaced.body.text, replaced.is_content_replaced], ['something else', true]);
  const heard = await alice.heard.next('onTextMessage');
  assert.deepEqual([heard.msg, heard.isContentReplaced], ['something else', true]);
}, { ...PRE, sdk: { useReplacedMessageContents: true } });

mirrorScenario('pre-send callback that says nothing readable: the message goes out', async ({ alice, mirror }) => {
  for (const body of ['', 'yes', { valid: 'maybe' }]) {
    answer = () => [200, body];
    await alice.text('mirror', 'hi');
    await mirror.next('message');
  }
  answer = () => [500, { valid: false }];
  await alice.text('mirror', 'hi');
  await mirror.next('message');
}, PRE);

mirrorScenario('pre-send callback that does not answer: the message is refused if the rule says so', async ({ alice, mirror }) => {
  answer = () => [];
  await assert.rejects(alice.text('mirror', 'hi'), { type: 502, message: 'custom internal error' });
  assert.match(await refusedWith(mirror.text('user:alice', 'hi')), /custom internal error/);
}, PRE_BLOCKS);
