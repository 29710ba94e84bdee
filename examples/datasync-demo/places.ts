import { type Codec, jsonCodec } from 'rx-datasync';

/** What is configured: an interface. */
export interface Interface {
  readonly mtu: number;
}

/** What the consumer says of the events up to a revision. */
export interface Word {
  readonly revision: number;
  readonly outcome: string;
}

export const interfaces: Codec<Interface> = jsonCodec<Interface>();
export const words: Codec<Word> = jsonCodec<Word>();

/** All of the demo, and in it the two places that are watched, and the consumer's word: outside of what it watches itself. */
export const prefix = '/datasync-demo/';
export const east: string = `${prefix}east/`;
export const west: string = `${prefix}west/`;
export const word = 'word';
