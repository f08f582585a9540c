// The binary under test: `easebot emulator` and `easebot run`, as a user starts them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

import { within } from './deadline.mjs';

const BINARY = process.env.EASEBOT_BIN ?? fileURLToPath(new URL('../../../target/debug/easebot', import.meta.url));

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A running `easebot …`, or another `program`; what it says is kept line by line. */
export class Easebot {
  #waiting = new Set();

  constructor(args, { env = {}, cwd, program = BINARY } = {}) {
    if (!existsSync(program)) throw new Error(`${program} is not there: cargo build`);
    this.args = args;
    this.name = [basename(program), ...args.slice(0, 1)].join(' ');
    /** What it said: `{ from: 'stdout' | 'stderr', text }`. */
    this.lines = [];
    this.child = spawn(program, args, { cwd, env: { ...process.env, NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.exit = once(this.child, 'close').then(([code, signal]) => {
      running.delete(this.child);
      this.ended = `\`${this.name}\` ended (${signal ?? code}):\n${this.log()}`;
      for (const { reject } of this.#waiting) reject(new Error(this.ended));
      return code;
    });
    for (const from of ['stdout', 'stderr']) eachLine(this.child[from], (text) => this.#heard(from, text));
  }

  /** The match of the oldest line that fits `pattern` and was not given before; waits for it if need be. */
  line(from, pattern) {
    const said = this.lines.find((line) => !line.taken && line.from === from && pattern.test(line.text));
    if (said) {
      said.taken = true;
      return Promise.resolve(said.text.match(pattern));
    }
    if (this.ended) return Promise.reject(new Error(this.ended));
    const heard = new Promise((resolve, reject) => this.#waiting.add({ from, pattern, resolve, reject }));
    return within(heard, () => `${pattern} on ${from} of \`${this.name}\`:\n${this.log()}`);
  }

  /** Asks it to end, as Ctrl-C or a service manager does, and gives the exit code. */
  async stop() {
    this.child.kill('SIGTERM');
    return this.exited();
  }

  exited() {
    return within(this.exit, () => `the end of \`${this.name}\`:\n${this.log()}`);
  }

  said(from) {
    return this.lines.filter((line) => line.from === from).map(({ text }) => text).join('\n');
  }

  log() {
    return this.lines.map(({ from, text }) => `  ${from} | ${text}`).join('\n');
  }

  #heard(from, text) {
    const waiting = [...this.#waiting].find((waiting) => waiting.from === from && waiting.pattern.test(text));
    this.#waiting.delete(waiting);
    this.lines.push({ from, text, taken: waiting !== undefined });
    waiting?.resolve(text.match(waiting.pattern));
  }
}

function eachLine(stream, call) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop();
    lines.forEach(call);
  });
  stream.on('end', () => rest && call(rest));
}

/** The emulator, listening: REST, WebSocket and its `/_emulator/` orders. */
export class Emulator {
  /** @param {{ users?: Record<string, string>, groups?: Record<string, string[]>, options?: string[] }} world groups name the owner first */
  static async start({ appKey = 'easebot#demo', users = {}, groups = {}, options = [] }) {
    const args = ['emulator', '--listen', '127.0.0.1:0', '--app-key', appKey, ...options];
    for (const [user, password] of Object.entries(users)) args.push('--user', `${user}:${password}`);
    for (const [group, members] of Object.entries(groups)) args.push('--group', `${group}=${members.join(',')}`);
    const emulator = new Easebot(args);
    const [, address] = await emulator.line('stdout', /^listening on http:\/\/(\S+)$/);
    return new Emulator(emulator, appKey, address);
  }

  constructor(process, appKey, address) {
    this.process = process;
    this.appKey = appKey;
    this.restUrl = `http://${address}`;
    this.websocketUrl = `ws://${address}/websocket`;
  }

  /** A request below `/{org}/{app}`; gives `{ status, body }`. */
  rest(method, path, { body, token } = {}) {
    return this.#fetch(method, `/${this.appKey.replace('#', '/')}${path}`, body, token);
  }

  /** A user's token, as an app server would fetch it. */
  async token(user, password) {
    const { status, body } = await this.rest('POST', '/token', { body: { grant_type: 'password', username: user, password } });
    if (status !== 200) throw new Error(`no token for ${user}: ${status} ${JSON.stringify(body)}`);
    return body.access_token;
  }

  /** An order to the emulator, such as `drop`. */
  async order(name, body) {
    const { status, body: answer } = await this.#fetch('POST', `/_emulator/${name}`, body);
    if (status !== 200) throw new Error(`the emulator refused ${name}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async #fetch(method, path, body, token) {
    const headers = { 'content-type': 'application/json' };
    if (token) headers.authorization = `Bearer ${token}`;
    const request = fetch(`${this.restUrl}${path}`, { method, headers, body: body && JSON.stringify(body) });
    const response = await within(request, `${method} ${path}`);
    return { status: response.status, body: await response.json().catch(() => undefined) };
  }
}
