// Many accounts on one copy of the vendor's SDK, each with an echo: `node accounts.mjs N REST WEBSOCKET PASSWORD`.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';

import { makeWx } from '../../interop/lib/wx.mjs';

const bundle = createRequire(new URL('../../interop/lib/sdk.mjs', import.meta.url)).resolve(
  'easemob-websdk/miniProgram/Easemob-chat.js',
);
const module = { exports: {} };
const surroundings = { module, exports: module.exports, wx: makeWx() };
compileFunction(readFileSync(bundle, 'utf8'), Object.keys(surroundings), { filename: bundle }).call(
  {},
  ...Object.values(surroundings),
);
const sdk = module.exports;
sdk.logger.disableAll();

const [n, restUrl, websocketUrl, pwd] = process.argv.slice(2);
const begun = performance.now();
const accounts = [];
for (let number = 0; number < Number(n); number++) {
  const user = `user${String(number).padStart(5, '0')}`;
  const connection = new sdk.connection({
    appKey: 'easebot#demo',
    apiUrl: restUrl,
    url: websocketUrl,
    isHttpDNS: false,
    deviceId: user,
    isFixedDeviceId: false,
  });
  connection.addEventHandler('echo', {
    onTextMessage: ({ from, msg }) =>
      connection.send(sdk.message.create({ type: 'txt', chatType: 'singleChat', to: from, msg })),
  });
  await connection.open({ user, pwd });
  accounts.push(connection);
}
console.log(`online ${(performance.now() - begun) / 1000}`);
