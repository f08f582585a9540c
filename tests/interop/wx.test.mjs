// The stand-in for WeChat itself: what it does must be what the SDK expects of a phone.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { WebSocketServer } from 'ws';

import { within } from './lib/deadline.mjs';
import { makeWx } from './lib/wx.mjs';

/** A server that lives for one test; gives its address. */
async function serve(t, answer = (_, response) => response.end()) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return { server, host: `127.0.0.1:${server.address().port}` };
}

const called = (call, options) =>
  within(new Promise((success, fail) => call({ ...options, success, fail })), 'a callback');

test('a GET has its data in the URL, and JSON comes back as an object', async (t) => {
  const { host } = await serve(t, ({ url, method }, response) => response.writeHead(404).end(JSON.stringify({ url, method })));
  const { statusCode, data } = await called(makeWx().request, { url: `http://${host}/a?b=1`, method: 'get', data: { c: '#' } });
  assert.equal(statusCode, 404);
  assert.deepEqual(data, { url: '/a?b=1&c=%23', method: 'GET' });
});

test('a POST has its data as the body, whatever the status', async (t) => {
  const { host } = await serve(t, (request, response) => request.pipe(response.writeHead(200)));
  const answer = (data) => called(makeWx().request, { url: `http://${host}/`, method: 'POST', data });
  assert.deepEqual((await answer('{"a":1}')).data, { a: 1 });
  assert.deepEqual((await answer({ a: 1 })).data, { a: 1 });
  assert.equal((await answer('plain')).data, 'plain');
});

test('a server that is not there is a failure', async (t) => {
  const { server, host } = await serve(t);
  server.close();
  await assert.rejects(called(makeWx().request, { url: `http://${host}/` }), ({ errMsg }) => /^fail /.test(errMsg));
});

test('a file goes up as a form and comes down again', async (t) => {
  let form;
  const { host } = await serve(t, async (request, response) => {
    if (request.method === 'GET') return response.end('what is stored');
    form = await new Response(request, { headers: request.headers }).formData();
    response.end('{"entities":[]}');
  });
  const wx = makeWx();
  const files = wx.getFileSystemManager();
  const url = `http://${host}/`;
  await called(files.writeFile, { filePath: 'wxfile://usr/combine', data: new Uint8Array([1, 2, 255]).buffer, encoding: 'binary' });
  const header = { 'Content-Type': 'multipart/form-data' };
  const { statusCode, data } = await called(wx.uploadFile, { url, filePath: 'wxfile://usr/combine', name: 'file', header });
  assert.deepEqual({ statusCode, data }, { statusCode: 200, data: '{"entities":[]}' });
  assert.equal(form.get('file').name, 'combine');
  assert.deepEqual([...new Uint8Array(await form.get('file').arrayBuffer())], [1, 2, 255]);

  const { tempFilePath } = await called(wx.downloadFile, { url });
  assert.equal(Buffer.from(files.readFileSync(tempFilePath)).toString(), 'what is stored');
  await assert.rejects(called(wx.uploadFile, { url, filePath: 'wxfile://usr/other', name: 'file' }));
});

test('a socket carries binary messages both ways and says when it is closed', async (t) => {
  const { server, host } = await serve(t);
  new WebSocketServer({ server }).on('connection', (socket) =>
    socket.on('message', (data) => socket.send(data, () => socket.close(1000, 'enough'))),
  );
  const task = makeWx().connectSocket({ url: `ws://${host}/websocket` });
  const event = (listen) => within(new Promise((resolve) => listen(resolve)), 'an event of the socket');
  const [opened, got, closed] = [event(task.onOpen), event(task.onMessage), event(task.onClose)];
  await opened;
  await called(task.send, { data: new Uint8Array([8, 1]).buffer });
  assert.deepEqual([...new Uint8Array((await got).data)], [8, 1]);
  assert.deepEqual(await closed, { code: 1000, reason: 'enough' });
  await assert.rejects(called(task.send, { data: new ArrayBuffer(1) }), 'nothing can be sent after that');
});

test('each phone has a storage of its own, which it finds again', () => {
  const storage = new Map();
  makeWx(storage).setStorage({ key: 'localDeviceInfo', data: '{}' });
  assert.equal(makeWx(storage).getStorageSync('localDeviceInfo'), '{}');
  assert.equal(makeWx().getStorageSync('localDeviceInfo'), '');
});
