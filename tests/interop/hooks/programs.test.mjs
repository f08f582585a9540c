// Webhooks of programs that people run: Prometheus' Alertmanager, and apprise. What they bring is told to a user of the vendor's SDK.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findProgram, run, serve } from '../lib/program.mjs';
import { scenario } from '../lib/stage.mjs';
import { hookFor } from './lib/hook.mjs';

const TOKEN = 'correct horse';

scenario('an alert that Alertmanager fires is told, and that it is over', async (stage) => {
  const { alice, url } = await hookFor(stage, 'alertmanager', { keys: 'secret = { env = "HOOK_TOKEN" }', env: { HOOK_TOKEN: TOKEN } });
  const folder = await mkdtemp(join(tmpdir(), 'easebot-alertmanager-'));
  const config = join(folder, 'alertmanager.yml');
  await writeFile(config, `
route: { receiver: chat, group_by: [alertname], group_wait: 0s, group_interval: 100ms }
receivers:
  - name: chat
    webhook_configs:
      - url: ${url}
        http_config: { authorization: { credentials: ${TOKEN} } }
`);
  const alertmanager = findProgram('EASEBOT_ALERTMANAGER', ['prometheus-alertmanager', 'alertmanager']);
  const flags = [`--config.file=${config}`, `--storage.path=${folder}`, '--web.listen-address=127.0.0.1:0', '--cluster.listen-address='];
  const { match: [, address], stop } = await serve(alertmanager, flags, /Listening on"? address=(127\.0\.0\.1:\d+)/);
  try {
    const alert = {
      labels: { alertname: 'DiskFull', instance: 'db-1', severity: 'page' },
      annotations: { summary: '磁盘 is full', description: '3 % are left' },
      generatorURL: 'http://prometheus.example/graph',
    };
    const tell = async (more = {}) => {
      const body = JSON.stringify([{ ...alert, ...more }]);
      const response = await fetch(`http://${address}/api/v2/alerts`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      assert.equal(response.status, 200, await response.text());
    };
    const startsAt = new Date(Date.now() - 60_000).toISOString();
    await tell({ startsAt });
    const rest = 'instance=db-1, severity=page)\n3 % are left\nhttp://prometheus.example/graph';
    assert.equal((await alice.next('onTextMessage')).msg, `[FIRING:1] DiskFull\n🔥 磁盘 is full (${rest}`);
    await tell({ startsAt, endsAt: new Date().toISOString() });
    assert.equal((await alice.next('onTextMessage')).msg, `[RESOLVED:1] DiskFull\n✅ 磁盘 is full (${rest}`);
  } finally {
    await stop();
    await rm(folder, { recursive: true, force: true });
  }
});

scenario('what apprise sends to a JSON service is told with its file, and a wrong password is seen by it', async (stage) => {
  const { alice, url } = await hookFor(stage, 'generic', { keys: 'secret = { env = "HOOK_TOKEN" }', env: { HOOK_TOKEN: TOKEN } });
  const apprise = findProgram('EASEBOT_APPRISE', ['apprise']);
  const service = (password) => url.replace('http://', `json://apprise:${encodeURIComponent(password)}@`);
  const folder = await mkdtemp(join(tmpdir(), 'easebot-apprise-'));
  try {
    const file = join(folder, '报告.txt');
    await writeFile(file, 'all is well');
    const say = (password, body, ...more) => run(apprise, ['-v', '--title', 'Backup', '--body', body, ...more, service(password)]);
    const told = await say(TOKEN, '完成 in 3 min', '--attach', file);
    assert.equal(told.code, 0, told.said);
    assert.equal((await alice.next('onTextMessage')).msg, 'Backup\n完成 in 3 min');
    const sent = await alice.next('onFileMessage');
    assert.equal(sent.filename, '报告.txt');
    assert.equal(sent.file_length, 11);
    const refused = await say('guess', 'forged');
    assert.notEqual(refused.code, 0, refused.said);
    await say(TOKEN, 'the end');
    await alice.next('onTextMessage', ({ msg }) => msg.endsWith('the end'));
    assert.equal(alice.all('onTextMessage').length, 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
