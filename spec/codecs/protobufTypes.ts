import { readFileSync } from 'node:fs';
import protobuf8 from 'protobufjs';
import protobuf7 from 'protobufjs-7';
import type { ProtobufType } from '../../lib/codecs/protobufType.ts';
import { net as net7 } from './generated/interface7.js';
import { net as net8 } from './generated/interface8.js';

const text = readFileSync(new URL('./generated/interface.proto', import.meta.url), 'utf8');

/** `net.Interface` of `interface.proto`, in every way protobufjs makes types. */
export const interfaces: readonly [string, ProtobufType<object>][] = [
  ['version 8, reflected', protobuf8.parse(text).root.lookupType('net.Interface')],
  ['version 7, reflected', protobuf7.parse(text).root.lookupType('net.Interface')],
  ['version 8, static', net8.Interface],
  ['version 7, static', net7.Interface],
];

/** What the codec reads from no bytes at all. */
export const empty = {
  name: '',
  mtuSize: 0,
  counter: '0',
  mac: new Uint8Array(),
  state: 0,
  addresses: [],
  limits: {},
  load: 0,
  gateway: null,
};

/** A value with something in every field. */
export const full = {
  name: 'größer 😀',
  mtuSize: -1,
  counter: '18446744073709551615',
  mac: Uint8Array.of(0, 255, 1),
  state: 2,
  addresses: [
    { ip: '10.0.0.1', bits: 24 },
    { ip: '', bits: 0 },
  ],
  limits: { a: '-9223372036854775808', 'b c': '1' },
  vrf: '',
  tunnel: { ip: '10.0.0.2', bits: 0 },
  kind: 'tunnel',
  load: 0.5,
  gateway: { ip: '', bits: 32 },
};
