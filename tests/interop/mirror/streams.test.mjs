// Stream messages that come as networks and servers bring them: whatever happens, the SDK and our client show the same.

import assert from 'node:assert/strict';

import { mirrorScenario } from '../lib/mirror.mjs';

const piece = (seq, status, text, more) => ({ seq, status, text, ...more });
const start = (seq, text) => piece(seq, 'start', text);
const middle = (seq, text) => piece(seq, 'in_progress', text);
const last = (seq, text) => piece(seq, 'completed', text);
const full = (seq, text, more) => piece(seq, 'full', text, more);

/** What comes, and the text that both show after each step. */
const SITUATIONS = [
  ['in order', [start(0, 'a'), middle(1, 'b'), last(2, 'c'), full(3, 'abc')], ['a', 'ab', 'abc']],
  ['out of order', [middle(2, 'c'), start(0, 'a'), last(3, 'd'), middle(1, 'b'), full(4, 'abcd')], ['a', 'ab', 'abc', 'abcd']],
  ['backwards', [last(2, 'c'), middle(1, 'b'), start(0, 'a'), full(3, 'abc')], ['a', 'ab', 'abc']],
  ['numbers that do not begin with 0', [start(5, 'a'), last(7, 'c'), middle(6, 'b'), full(8, 'abc')], ['a', 'ab', 'abc']],
  ['twice', [start(0, 'a'), start(0, 'a'), middle(1, 'b'), middle(1, 'b'), last(2, 'c'), full(3, 'abc')], ['a', 'ab', 'abc']],
  ['a gap that the whole text repairs', [start(0, 'a'), middle(2, 'c'), last(3, 'd'), full(4, 'abcd')], ['a', 'abcd']],
  ['the end is missing', [start(0, 'a'), middle(1, 'b'), full(3, 'abc')], ['a', 'ab', 'abc']],
  ['the beginning is missing', [middle(1, 'b'), last(2, 'c'), full(3, 'abc')], ['abc']],
  ['one piece is all', [piece(0, 'start_completed', 'abc'), full(1, 'abc')], ['abc']],
  ['the whole text alone', [full(4, 'abc')], ['abc']],
  ['the whole text overtakes a piece', [start(0, 'a'), full(2, 'ab'), middle(1, 'b')], ['a', 'ab']],
  ['given up after a pause', [start(0, 'a'), middle(1, 'b'), full(2, 'ab', { error: 512 })], ['a', 'ab', 'ab']],
  ['given up because it took too long', [start(0, 'a'), full(1, 'a', { error: 513 })], ['a', 'a']],
];

/** What the SDK calls `streamError`s of its own. */
const ERRORS = { 0: 0, 512: 513, 513: 514 };
/** What the SDK calls a piece: an end is an end, and an error an error. */
const STATUS = { start: 0, start_completed: 1, in_progress: 2, completed: 3, full: 3 };

/**
 * The SDK asks for each queue that is listed when it logs in, whether or not a NOTICE made it ask already, and pieces are no
 * duplicates to it: until it has read that list, it may show them twice. What comes from another queue comes behind the list.
 */
async function hasReadTheList(world, alice) {
  await world.rest('POST', '/messages/users', { from: 'carol', to: ['alice'], type: 'txt', body: { msg: 'ready?' } });
  await alice.heard.next('onTextMessage', ({ msg }) => msg === 'ready?');
}

for (const [name, pieces, shown] of SITUATIONS) {
  mirrorScenario(`stream message, ${name}: SDK and mirror show the same`, async ({ world, server, alice, mirror }) => {
    await hasReadTheList(world, alice);
    const { id } = await server.order('stream', { from: 'bob', group: '1001', pieces });
    await world.rest('POST', '/messages/chatgroups', { from: 'bob', to: ['1001'], type: 'txt', body: { msg: 'that was it' } });
    await alice.heard.next('onTextMessage', ({ msg }) => msg === 'that was it');
    await mirror.next('message', ({ body }) => body.text === 'that was it');

    const theirs = alice.heard.all('onStreamMessage');
    const ours = mirror.all('stream');
    assert.deepEqual(theirs.map(({ msg }) => msg), shown, 'the SDK');
    assert.deepEqual(ours.map(({ so_far }) => so_far), shown, 'our client');
    assert.ok([...theirs.map((shown) => shown.id), ...ours.map(({ message }) => message)].every((it) => it === id));
    assert.deepEqual(
      ours.map(({ text, status, error }) => [text, error ? 4 : STATUS[status], ERRORS[error]]),
      theirs.map(({ stream }) => [stream.text, stream.status, stream.errorType]),
    );
    assert.ok(theirs.every((shown) => shown.time === theirs[0].time) && ours.every(({ time }) => time === theirs[0].time));

    // Our client gives the whole text as a message as well, once.
    const whole = mirror.all('message').filter((message) => message.id === id);
    const end = pieces.find(({ status }) => status === 'full');
    assert.deepEqual(whole.map(({ body }) => body.text), end ? [end.text] : []);
  });
}

mirrorScenario('stream message, two at once: SDK and mirror keep them apart', async ({ world, server, alice, mirror }) => {
  const order = (id, pieces) => server.order('stream', { from: 'bob', group: '1001', id, pieces });
  const { id: one } = await order(undefined, [start(0, 'a')]);
  const { id: two } = await order(undefined, [start(0, 'x'), last(2, 'z')]);
  await order(one, [last(1, 'b'), full(2, 'ab')]);
  await order(two, [middle(1, 'y'), full(3, 'xyz')]);
  await world.rest('POST', '/messages/chatgroups', { from: 'bob', to: ['1001'], type: 'txt', body: { msg: 'that was it' } });
  await alice.heard.next('onTextMessage');
  await mirror.next('message', ({ body }) => body.text === 'that was it');
  for (const [id, text] of [[one, 'ab'], [two, 'xyz']]) {
    const theirs = alice.heard.all('onStreamMessage').filter((shown) => shown.id === id);
    const ours = mirror.all('stream').filter(({ message }) => message === id);
    assert.equal(theirs.at(-1).msg, text);
    assert.equal(ours.map(({ text }) => text).join(''), text);
  }
});

mirrorScenario('stream message, joined late: SDK and mirror show the whole text', async ({ world, server }) => {
  const order = (id, pieces) => server.order('stream', { from: 'alice', user: 'carol', id, pieces });
  const { id } = await order(undefined, [start(0, 'Once '), middle(1, 'upon ')]);
  const [sdk, mirror] = [await world.sdk('carol'), await world.mirror('carol')];
  await order(id, [middle(2, 'a '), last(3, 'time'), full(4, 'Once upon a time')]);
  const { id: theirs, msg, stream } = await sdk.heard.next('onStreamMessage');
  assert.deepEqual([theirs, msg, stream.text], [id, 'Once upon a time', 'Once upon a time']);
  const { message, so_far, text } = await mirror.next('stream');
  assert.deepEqual([message, so_far, text], [id, 'Once upon a time', 'Once upon a time']);
  assert.equal((await mirror.next('message')).body.text, 'Once upon a time');
});
