// A web SDK of the vendor as a test peer: one user in one page, the bundle unmodified.

import { within } from '../../lib/deadline.mjs';
import { passwordOf } from '../../lib/sdk.mjs';
import { Recorder } from './recorder.mjs';
import { Visitor } from './visitor.mjs';

/** What the SDK tells its page, of all that the tests look at. */
const EVENTS = [
  'onConnected', 'onDisconnected', 'onError', 'onDeliveredMessage', 'onTextMessage', 'onCustomMessage', 'onCombineMessage',
  'onImageMessage', 'onAudioMessage', 'onVideoMessage', 'onFileMessage',
];

/** Its events are those of the SDK, those of its uploads, and what a `Visitor` tells. */
export class WebClient extends Recorder {
  /** @param {{ restUrl: string, websocketUrl: string, appKey: string }} server */
  static async open(server, user, { sdk = 'easemob', ...options } = {}) {
    const client = new WebClient(`${user} with ${sdk} in a page`);
    client.user = user;
    client.visitor = await Visitor.of(sdk, (event, detail) => client.record(event, detail));
    const target = { appKey: server.appKey, apiUrl: server.restUrl, url: server.websocketUrl, isHttpDNS: false };
    await client.visitor.do(([options, events]) => page.connect(options, events), [{ ...target, ...options }, EVENTS]);
    return client;
  }

  /** With the password that all test users have, unless `credentials` say something else. */
  login(credentials = { pwd: passwordOf(this.user) }) {
    return this.call('open', { user: this.user, ...credentials });
  }

  /** Calls a method of the SDK's connection; what it refuses is thrown as the SDK gave it. */
  call(method, ...args) {
    return this.#do(method, 'call', method, args);
  }

  /** Sends what the SDK's `message.create` makes of `message`. */
  send(message) {
    return this.#do(`the answer to a ${message.type} message`, 'send', message);
  }

  text(to, msg, more = {}) {
    return this.send({ type: 'txt', chatType: 'singleChat', to, msg, ...more });
  }

  /** Chooses a file in the page's file field and sends it, as `message` says. */
  async sendFile(to, message, file) {
    await this.visitor.choose(file);
    return this.#do(`the answer to a ${message.type} message`, 'sendChosen', { chatType: 'singleChat', to, ...message });
  }

  /** By the SDK, into the page's memory: `{ bytes, sha256 }`. */
  download({ url, secret }) {
    return this.#do('a download', 'download', { url, secret });
  }

  /** Width and height in pixels of the image at `url`: in an `<img>`, or if there is a secret, by the SDK first. */
  picture({ url, secret }) {
    return this.#do('an image', 'picture', { url, secret });
  }

  /** An image file of this size, by the browser's own encoder. */
  async paint(width, height, mimeType) {
    return Buffer.from(await this.#do('painting', 'paint', width, height, mimeType), 'base64');
  }

  async #do(what, action, ...args) {
    const work = this.visitor.do(([action, args]) => page[action](...args), [action, args]);
    const { value, refused } = await within(work, `${what} (${this.whose})`);
    if (refused !== undefined) throw refused;
    return value;
  }
}
