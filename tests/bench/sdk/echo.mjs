// Easemob's own SDK, its mini-program build, unmodified, as a bot that says what it hears: `node echo.mjs PORT COUNT`.

import { createRequire } from 'node:module';

import { makeWx } from '../../interop/lib/wx.mjs';

const [port, count] = process.argv.slice(2).map(Number);

globalThis.wx = makeWx();
const sdk = createRequire(new URL('../../interop/package.json', import.meta.url))('easemob-websdk/miniProgram/Easemob-chat.js');
// By default it writes a line for each frame, which costs it half as much again.
sdk.logger.disableAll();

/** Whatever goes wrong ends the process: half a measurement is none. */
function fail(what) {
  return (error) => {
    console.error(`${what}:`, error);
    process.exit(1);
  };
}
process.on('unhandledRejection', fail('a rejection that nobody handled'));

for (let number = 0; number < count; number += 1) {
  const connection = new sdk.connection({
    appKey: 'easebot#bench',
    apiUrl: `http://127.0.0.1:${port}`,
    url: `ws://127.0.0.1:${port}/websocket`,
    isHttpDNS: false,
    deviceId: `bench-${number}`,
  });
  connection.addEventHandler('echo', {
    onTextMessage({ from, msg }) {
      const answer = sdk.message.create({ type: 'txt', chatType: 'singleChat', to: from, msg });
      connection.send(answer).catch(fail('an answer was refused'));
    },
    onError: fail('an error of the SDK'),
  });
  connection.open({ user: `bot${String(number).padStart(5, '0')}`, pwd: 'a-password' }).catch(fail('no login'));
}
