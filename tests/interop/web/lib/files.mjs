// What is sent and received in the tests of attachments.

import { createCipheriv, createHash } from 'node:crypto';

import { Recorder } from './recorder.mjs';

/** Bytes that look like nothing in particular, and the same in each run. */
export function noise(length) {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** The smallest GIF there is: one pixel. */
export const GIF = Buffer.from('47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b', 'hex');

/** What a download of these bytes must be. */
export const fingerprint = (bytes) => ({ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });

/** Downloads as `wx.downloadFile` does: nothing but the URL. */
export async function fetched(url) {
  const response = await fetch(url);
  const body = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${response.status} ${body}`);
  return fingerprint(body);
}

const ATTACHMENTS = ['onImageMessage', 'onAudioMessage', 'onVideoMessage', 'onFileMessage'];

/** The attachments that a client of the mini-program build gets from now on. */
export function attachmentsOf(client) {
  const recorder = new Recorder(`${client.user} on ${client.device}`);
  const record = (event) => [event, (detail) => recorder.record(event, detail)];
  client.connection.addEventHandler('attachments', Object.fromEntries(ATTACHMENTS.map(record)));
  return recorder;
}
