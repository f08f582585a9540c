// Our client as a test peer: the program in `tests/mirror`, which shows every event and follows orders, both as lines of JSON.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { Recorder } from '../web/lib/recorder.mjs';
import { within } from './deadline.mjs';
import { Easebot, Emulator } from './easebot.mjs';
import { passwordOf } from './sdk.mjs';
import { refusal, scenario } from './stage.mjs';

const BINARY = process.env.EASEBOT_MIRROR_BIN ?? fileURLToPath(new URL('../../../target/debug/easebot-mirror', import.meta.url));

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** One device of one user, on our client. */
export class Mirror {
  #answers = new Map();
  #lines = new WeakMap();
  #heard;

  /** Starts it, and waits until it is online. */
  static async start(server, user, options) {
    const mirror = new Mirror(server, user, options);
    await mirror.next('connected');
    return mirror;
  }

  constructor(server, user, { options = [], websocketUrl = server.websocketUrl } = {}) {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: cargo build -p easebot-mirror`);
    this.user = user;
    this.#heard = new Recorder(`${user}, a mirror`);
    const args = ['--rest', server.restUrl, '--websocket', websocketUrl, '--app-key', server.appKey];
    args.push('--user', user, '--password', passwordOf(user), ...options);
    const env = { ...process.env, RUST_BACKTRACE: '0' };
    this.child = spawn(BINARY, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(this.child);
    /** What it complained about. */
    this.complaints = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.complaints += text));
    // An order after its end fails for want of an answer, which says more.
    this.child.stdin.on('error', () => {});
    createInterface({ input: this.child.stdout }).on('line', (line) => this.#show(line));
    this.exit = once(this.child, 'close').then(([code]) => {
      running.delete(this.child);
      for (const { reject } of this.#answers.values()) reject(new Error(`the mirror has ended (${code}): ${this.complaints}`));
      return code;
    });
  }

  /** Has it do something; gives the answer, or fails with the mirror's own words. */
  order(order, more = {}) {
    const tag = String(this.#answers.size);
    const answer = new Promise((resolve, reject) => this.#answers.set(tag, { resolve, reject }));
    this.child.stdin.write(`${json({ order, tag, ...more })}\n`);
    return within(answer, () => `the answer to \`${order}\` of a mirror ${this.complaints}`);
  }

  /** Sends what the act says, whose fields are `more`; gives the receipt. */
  send(to, act, more = {}) {
    return this.order('send', { outgoing: { to, act: { act, ...more } } });
  }

  /** Sends a message; `more` are the other fields of a draft. */
  message(to, body, more) {
    return this.send(to, 'message', { body, ...more });
  }

  text(to, text, more) {
    return this.message(to, { type: 'text', text }, more);
  }

  /** A call of REST, under the name that it has in Rust. */
  call(call, more) {
    return this.order('call', { call, ...more });
  }

  /** Takes the oldest event of this kind that fits and was not taken before; waits for it if need be. */
  next(kind, fits) {
    return this.#heard.next(kind, fits);
  }

  /** All events of this kind so far, taken or not, in order. */
  all(kind) {
    return this.#heard.all(kind);
  }

  /** The event or answer as it was shown: JavaScript reads whole numbers beyond 2^53 inexactly. */
  lineOf(shown) {
    return this.#lines.get(shown);
  }

  async stop() {
    this.child.stdin.end();
    return within(this.exit, () => `the end of a mirror ${this.complaints}`);
  }

  #show(line) {
    const shown = JSON.parse(line);
    if (shown.tag === undefined) {
      this.#lines.set(shown, line);
      return this.#heard.record(shown.event, shown);
    }
    const { resolve, reject } = this.#answers.get(shown.tag);
    if ('error' in shown) return reject(new Error(shown.error));
    if (Object(shown.answer) === shown.answer) this.#lines.set(shown.answer, line);
    return resolve(shown.answer);
  }
}

/** JSON with whole numbers of any size: a BigInt is written digit by digit. */
function json(value) {
  const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `\u0001${part}\u0001` : part));
  return text.replace(/"\\u0001(-?\d+)\\u0001"/g, '$1');
}

/** What the mirror refused an order with; fails if it did not. */
export const refusedWith = async (promise) => (await refusal(promise)).message;

/** What the SDK tells its application, beyond what `sdk.mjs` records. */
const EVENTS = [
  'onTextMessage', 'onImageMessage', 'onAudioMessage', 'onVideoMessage', 'onFileMessage', 'onLocationMessage', 'onCmdMessage',
  'onCustomMessage', 'onCombineMessage', 'onStreamMessage',
  'onDeliveredMessage', 'onReadMessage', 'onChannelMessage', 'onRecallMessage', 'onModifiedMessage',
  'onContactInvited', 'onContactAgreed', 'onContactRefuse', 'onContactDeleted', 'onContactAdded',
  'onGroupEvent', 'onChatroomEvent', 'onChatThreadChange', 'onPresenceStatusChange', 'onReactionChange', 'onMessagePinEvent',
  'onMultiDeviceEvent',
];

/** All that `client` is told from now on. */
function earsOf(client) {
  const recorder = new Recorder(`${client.user} on ${client.device}`);
  const record = (event) => [event, (detail) => recorder.record(event, detail)];
  client.connection.addEventHandler('ears', Object.fromEntries(EVENTS.map(record)));
  return recorder;
}

const USERS = ['alice', 'bob', 'carol', 'mirror'];
const GROUPS = { 1001: ['alice', 'mirror', 'bob'] };

/** What a scenario with mirrors plays on. */
class World {
  #mirrors = [];
  #emulator;
  #folder;

  constructor(stage) {
    this.stage = stage;
  }

  /** Starts the emulator, with further `options` of the command if need be. Alice owns group 1001, the mirror and Bob are members. */
  async open(options) {
    if (options.length === 0) {
      await this.stage.open({ users: USERS, groups: GROUPS });
    } else {
      const args = ['emulator', '--listen', '127.0.0.1:0', ...options];
      for (const user of USERS) args.push('--user', `${user}:${passwordOf(user)}`);
      for (const [group, members] of Object.entries(GROUPS)) args.push('--group', `${group}=${members.join(',')}`);
      this.#emulator = new Easebot(args);
      const [, address] = await this.#emulator.line('stdout', /^listening on http:\/\/(\S+)$/);
      this.stage.server = new Emulator(this.#emulator, 'easebot#demo', address);
    }
    this.server = this.stage.server;
  }

  /** A device with the official SDK; `heard` is what it was told. */
  async sdk(user, options) {
    const client = this.stage.client(user, options);
    client.heard = earsOf(client);
    await client.login();
    return client;
  }

  /** A device with our client. */
  async mirror(user = 'mirror', options) {
    const mirror = await Mirror.start(this.server, user, options);
    this.#mirrors.push(mirror);
    return mirror;
  }

  /** A request of the app's own server; fails unless the answer is 200. */
  async rest(method, path, body) {
    const wish = { grant_type: 'client_credentials', client_id: 'easebot-client', client_secret: 'easebot-secret' };
    this.appToken ??= (await this.server.rest('POST', '/token', { body: wish })).body.access_token;
    const { status, body: answer } = await this.server.rest(method, path, { body, token: this.appToken });
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer.data;
  }

  /** A chat room that Alice owns. */
  async room() {
    return (await this.rest('POST', '/chatrooms', { name: 'lounge', description: 'for all', owner: 'alice' })).id;
  }

  /** A path in a folder that is gone when the test is over. */
  async path(name) {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'easebot-interop-mirror-'));
    return join(this.#folder, name);
  }

  /** What a mirror's message takes along: a file of this name with these bytes. */
  async attach(name, bytes) {
    const path = await this.path(name);
    await writeFile(path, bytes);
    return { file: { path } };
  }

  /** What the mirror downloads: the file itself, or its `thumbnail` or `video_frame`. */
  async downloaded(mirror, attachment, which = 'original') {
    const to = await this.path(`${which}-${basename(attachment.url).slice(0, 36)}`);
    const { length_bytes: length } = await mirror.order('download', { attachment, to, which });
    const bytes = await readFile(to);
    if (bytes.length !== length) throw new Error(`${bytes.length} bytes came, the mirror says ${length}`);
    return bytes;
  }

  /** Uploads by the way that Easemob documents for mini programs; gives the URL and what the server says beside it. */
  async uploaded(client, name, bytes, headers = {}) {
    const form = new FormData();
    form.append('file', new Blob([bytes]), name);
    const url = `${this.server.restUrl}/${this.server.appKey.replace('#', '/')}/chatfiles`;
    const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${client.connection.token}`, ...headers }, body: form });
    const { uri, entities: [{ uuid, 'share-secret': secret }] } = await response.json();
    return { url: `${uri}/${uuid}`, secret };
  }

  log() {
    return this.#mirrors.map(({ user, complaints }) => `mirror ${user}: ${complaints}`).join('\n');
  }

  async close() {
    await Promise.all(this.#mirrors.map((mirror) => mirror.stop()));
    await this.#emulator?.stop();
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true });
  }
}

/**
 * A test with a {@link World} of its own, the mirror and Alice's SDK on it.
 * @param {{ emulator?: string[], sdk?: object }} options further options of `easebot emulator`, and of Alice's SDK.
 */
export function mirrorScenario(name, play, { emulator = [], sdk } = {}) {
  scenario(name, async (stage) => {
    const world = new World(stage);
    await world.open(emulator);
    try {
      const [alice, mirror] = await Promise.all([world.sdk('alice', sdk), world.mirror()]);
      await play({ world, server: world.server, alice, mirror });
    } catch (error) {
      console.error(world.log());
      throw error;
    } finally {
      // The SDK first: without a server it would try to reconnect.
      if (emulator.length > 0) await stage.clear();
      await world.close();
    }
  });
}
