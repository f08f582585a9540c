// People with the vendor's SDK, unmodified, who do what they are told: JSON lines in, JSON lines out.
//
//   in   {"login": {"server": {appKey, restUrl, websocketUrl}, "user": …, "password": …}}
//        {"say": {"id": 1, "from": …, "to": …, "isGroup": false, "text": …}}
//   out  {"online": user}   {"taken": id}   {"refused": {"id": …, "why": …}}
//        {"heard": {"by": user, "from": …, "to": …, "text": …}}   {"trouble": …}
//
// Of a file its name is heard. A message is heard once: after a reconnect the server gives again what the SDK had shown and not
// yet acknowledged, under the same id. Two messages with the same text have two ids and are heard twice.
// It ends with its standard input.

import { createInterface } from 'node:readline';

import { Client } from '../lib/sdk.mjs';

const clients = new Map();
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const trouble = (what) => tell({ trouble: String(what?.message ?? what) });

async function login({ server, user, password }) {
  const client = new Client(server, user);
  const known = new Set();
  const hear = (id, heard) => {
    if (known.has(id)) return;
    known.add(id);
    tell({ heard });
  };
  clients.set(user, client);
  client.connection.addEventHandler('speaker', {
    onTextMessage: ({ id, from, to, msg }) => hear(id, { by: user, from, to, text: msg }),
    onFileMessage: ({ id, from, to, filename }) => hear(id, { by: user, from, to, text: filename }),
    onDisconnected: () => trouble(`${user} was disconnected`),
  });
  await client.login({ pwd: password });
  tell({ online: user });
}

async function say({ id, from, to, isGroup, text }) {
  try {
    const message = { type: 'txt', chatType: isGroup ? 'groupChat' : 'singleChat', to, msg: text };
    await clients.get(from).connection.send(clients.get(from).sdk.message.create(message));
    tell({ taken: id });
  } catch (error) {
    tell({ refused: { id, why: String(error?.message ?? error) } });
  }
}

process.on('unhandledRejection', trouble);
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const order = JSON.parse(line);
  if (order.login) login(order.login).catch(trouble);
  if (order.say) say(order.say);
});
lines.on('close', () => process.exit(0));
