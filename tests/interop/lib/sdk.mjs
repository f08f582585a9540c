// The vendor's SDK as a test peer: `easemob-websdk`, its mini-program build, unmodified.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';

import { within } from './deadline.mjs';
import { makeWx } from './wx.mjs';

const BUNDLE = createRequire(import.meta.url).resolve('easemob-websdk/miniProgram/Easemob-chat.js');
const SOURCE = readFileSync(BUNDLE, 'utf8');

/** What the SDK told its application, of all that the tests look at. */
const EVENTS = [
  'onConnected', 'onDisconnected', 'onReconnecting', 'onError',
  'onTextMessage', 'onImageMessage', 'onFileMessage', 'onLocationMessage', 'onCmdMessage', 'onCustomMessage', 'onCombineMessage',
  'onDeliveredMessage', 'onReadMessage', 'onChannelMessage', 'onRecallMessage', 'onModifiedMessage',
  'onGroupEvent', 'onChatroomEvent', 'onMultiDeviceEvent',
  'onOfflineMessageSyncStart', 'onOfflineMessageSyncFinish',
];

/** Rejections that nobody handled: inside the SDK that is how a frame that it does not understand shows. */
const unhandled = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

/** Fails if the SDK choked on something since the last call. */
export function assertNothingUnhandled() {
  const reasons = unhandled.splice(0);
  if (reasons.length > 0) throw new AggregateError(reasons, `the SDK choked: ${reasons.map(String).join('; ')}`);
}

/** A copy of the bundle for each device, with a `wx` of its own. */
function loadSdk(wx) {
  const module = { exports: {} };
  // Its telemetry has a timer that is never stopped and would keep the test process alive.
  const surroundings = { module, exports: module.exports, wx, setInterval: (...args) => setInterval(...args).unref() };
  compileFunction(SOURCE, Object.keys(surroundings), { filename: BUNDLE }).call({}, ...Object.values(surroundings));
  module.exports.logger.disableAll();
  return module.exports;
}

/** One device of one user. */
export class Client {
  #seen = [];
  #waiting = new Set();

  /** @param {{ restUrl: string, websocketUrl: string, appKey: string }} server */
  constructor(server, user, { device = 'phone', route, ...options } = {}) {
    this.user = user;
    this.device = device;
    this.sdk = loadSdk(makeWx(undefined, route));
    this.connection = new this.sdk.connection({
      appKey: server.appKey,
      apiUrl: server.restUrl,
      url: server.websocketUrl,
      isHttpDNS: false,
      deviceId: device,
      ...options,
    });
    const record = (event) => [event, (detail) => this.#record(event, detail)];
    this.connection.addEventHandler('test', Object.fromEntries(EVENTS.map(record)));
  }

  register(password = passwordOf(this.user)) {
    return this.#within(this.connection.registerUser({ username: this.user, password, nickname: this.user }), 'registration');
  }

  /** With the password that all test users have, unless `credentials` say something else. */
  login(credentials = { pwd: passwordOf(this.user) }) {
    return this.#within(this.connection.open({ user: this.user, ...credentials }), 'login');
  }

  async logout() {
    const gone = this.next('onDisconnected');
    this.connection.close();
    await gone;
  }

  /** Sends what `sdk.message.create` makes of `message`; gives `{ localMsgId, serverMsgId, message }`. */
  send(message) {
    return this.#within(this.connection.send(this.sdk.message.create(message)), `the answer to a ${message.type} message`);
  }

  text(to, msg, more = {}) {
    return this.send({ type: 'txt', chatType: 'singleChat', to, msg, ...more });
  }

  groupText(to, msg, more = {}) {
    return this.text(to, msg, { chatType: 'groupChat', ...more });
  }

  /** Calls a method of the SDK's connection, with a deadline. */
  call(method, ...args) {
    return this.#within(this.connection[method](...args), method);
  }

  /** Takes the oldest event of this name that fits and was not taken before; waits for it if need be. */
  next(event, fits = () => true) {
    const index = this.#seen.findIndex((seen) => !seen.taken && seen.event === event && fits(seen.detail));
    if (index >= 0) {
      this.#seen[index].taken = true;
      return Promise.resolve(this.#seen[index].detail);
    }
    const arrival = new Promise((resolve) => this.#waiting.add({ event, fits, resolve }));
    return this.#within(arrival, () => `${event}; seen so far: ${this.#seen.map(({ event }) => event).join(', ') || 'nothing'}`);
  }

  /** All events of this name so far, taken or not, in order. */
  all(event) {
    return this.#seen.filter((seen) => seen.event === event).map(({ detail }) => detail);
  }

  #record(event, detail) {
    const waiting = [...this.#waiting].find((waiting) => waiting.event === event && waiting.fits(detail));
    this.#waiting.delete(waiting);
    this.#seen.push({ event, detail, taken: waiting !== undefined });
    waiting?.resolve(detail);
  }

  #within(promise, what) {
    return within(promise, () => `${typeof what === 'function' ? what() : what} (${this.user} on ${this.device})`);
  }
}

export const passwordOf = (user) => `${user}-secret`;
