// A program of others beside ours: its lines, its end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

import { within } from './deadline.mjs';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** The file that `variable` names, or the first of `names` in the path. */
export function findProgram(variable, names) {
  const named = process.env[variable];
  if (named) return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
  if (!found) throw new Error(`${names[0]} is not there: install it, or name its file in ${variable} (\`cargo xtask test interop\` does it)`);
  return found;
}

/** Runs `file` until it ends; gives its exit code and what it said. */
export async function run(file, args, { input } = {}) {
  const child = start(file, args);
  child.stdin.end(input ?? '');
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  const [code] = await within(once(child, 'close'), () => `the end of ${file}:\n${Buffer.concat(said)}`);
  return { code, said: Buffer.concat(said).toString() };
}

/** Starts `file`, and waits until a line of its stderr, or stdout, fits `pattern`; gives the match, and what stops it. */
export async function serve(file, args, pattern, { env, from = 'stderr' } = {}) {
  const child = start(file, args, env);
  child.stdin.end();
  child[from === 'stderr' ? 'stdout' : 'stderr'].resume();
  const said = [];
  const ended = once(child, 'close');
  const heard = new Promise((resolve, reject) => {
    createInterface({ input: child[from] }).on('line', (line) => {
      said.push(line);
      const match = line.match(pattern);
      if (match) resolve(match);
    });
    ended.then(() => reject(new Error(`${file} ended:\n${said.join('\n')}`)));
  });
  const match = await within(heard, () => `${pattern} of ${file}:\n${said.join('\n')}`);
  const stop = async () => {
    child.kill('SIGTERM');
    await within(ended, `the end of ${file}`);
  };
  return { match, stop };
}

function start(file, args, env) {
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  child.on('close', () => running.delete(child));
  return child;
}
