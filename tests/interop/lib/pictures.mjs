// Pictures, made and measured without a library.

import { deflateSync } from 'node:zlib';

import { noise } from '../web/lib/files.mjs';

/** A PNG that cannot be compressed well: larger than what servers show as its own thumbnail. */
export function noisyPng(width, height) {
  const pixels = noise(height * (1 + width * 3));
  // Each row begins with its filter: none.
  for (let row = 0; row < height; row++) pixels[row * (1 + width * 3)] = 0;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  return Buffer.concat([PNG, chunk('IHDR', header), chunk('IDAT', deflateSync(pixels)), chunk('IEND', Buffer.alloc(0))]);
}

/** Width and height of a PNG or JPEG. */
export function sizeOf(picture) {
  if (picture.subarray(0, 8).equals(PNG)) return { width: picture.readUInt32BE(16), height: picture.readUInt32BE(20) };
  if (picture.readUInt16BE(0) !== 0xffd8) throw new Error(`neither PNG nor JPEG: ${picture.subarray(0, 80)}`);
  for (let at = 2; ; at += 2 + picture.readUInt16BE(at + 2)) {
    const marker = picture[at + 1];
    if (marker === 0xc0 || marker === 0xc2) return { width: picture.readUInt16BE(at + 7), height: picture.readUInt16BE(at + 5) };
  }
}

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
