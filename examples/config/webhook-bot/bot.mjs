// A bot as a web service, without a dependency. It checks the signature, and answers with replies.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const KEY = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64');

/** Whether we know who sent `body`, and that it is not an old request again (https://www.standardwebhooks.com). */
function isProven(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures = '' } = headers;
  const expected = createHmac('sha256', KEY).update(`${id}.${time}.`).update(body).digest();
  const isOurs = signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  return isOurs && Math.abs(Date.now() / 1000 - Number(time)) < 300;
}

/** What the bot says to an event. An event may be posted twice, under the same id: what it says is said once. */
function replies({ type, message }) {
  if (type === 'recalled') return [{ text: 'I did not see that.' }];
  if (/^hello/i.test(message.text)) return [{ text: `Hello, ${message.from}!` }];
  if (/remind/i.test(message.text)) return [{ text: 'Here is a list.' }, { file: { base64: btoa('milk\nbread\n'), name: 'list.txt' } }];
  return [{ text: `You said: ${message.text}`, ext: { length: message.text.length } }];
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (!isProven(request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ replies: replies(JSON.parse(body)) }));
});

server.listen(Number(process.env.PORT ?? 8321), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/chat`);
});
