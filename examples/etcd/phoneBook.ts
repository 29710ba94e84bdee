import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import type { Codec } from 'rx-datasync';
import { protobufCodec } from 'rx-datasync/protobuf';

/** A contact of the phone book, as `contact.proto` has it. */
export interface Contact {
  readonly name: string;
  readonly company: string;
  readonly phone: string;
}

/** What the keys of the phone book begin with. */
export const prefix = '/phonebook/';

const { root } = protobuf.parse(readFileSync(new URL('contact.proto', import.meta.url), 'utf8'));

/** Contacts as protobuf messages: any language can read what is written here. */
export const contacts: Codec<Contact> = protobufCodec<Contact>(root.lookupType('phonebook.Contact'));

export function lineOf({ name, company, phone }: Contact): string {
  return `${name}: ${company}, ${phone}`;
}
