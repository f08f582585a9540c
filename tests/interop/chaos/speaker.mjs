// People with the vendor's SDK, unmodified, who do what they are told: JSON lines in, JSON lines out.
//
//   in   {"login": {"server": {appKey, restUrl, websocketUrl}, "user": …, "password": …}}
//        {"say": {"id": 1, "from": …, "to": …, "isGroup": false, "text": …}}
//   out  {"online": user}   {"taken": id}   {"refused": {"id": …, "why": …}}
//        {"heard": {"by": user, "from": …, "to": …, "text": …}}   {"trouble": …}
//
// Of a file its name is heard. It ends with its standard input.

import { createInterface } from 'node:readline';

import { Client } from '../lib/sdk.mjs';

const clients = new Map();
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const trouble = (what) => tell({ trouble: String(what?.message ?? what) });

async function login({ server, user, password }) {
  const client = new Client(server, user);
  clients.set(user, client);
  client.connection.addEventHandler('speaker', {
    onTextMessage: ({ from, to, msg }) => tell({ heard: { by: user, from, to, text: msg } }),
    onFileMessage: ({ from, to, filename }) => tell({ heard: { by: user, from, to, text: filename } }),
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
