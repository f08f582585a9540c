// From the start of Node to the moment the vendor's SDK is online: `node start.mjs ADDRESS USER PASSWORD`.

import { Client } from '../../interop/lib/sdk.mjs';

const [address, user, password] = process.argv.slice(2);
const server = { appKey: 'easebot#demo', restUrl: `http://${address}`, websocketUrl: `ws://${address}/websocket` };
const client = new Client(server, user);
await client.login({ pwd: password });
console.log('online');
