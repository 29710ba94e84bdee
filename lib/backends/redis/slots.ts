import { DatasyncError } from '../../model/errors.ts';

/** How many slots a cluster has. */
export const slotCount = 16_384;

/** The slot of a cluster in which a key lies: of what stands between its first braces, if anything does, else of all of it. */
export function slotOf(key: Uint8Array): number {
  const open = key.indexOf(0x7b);
  const close = key.indexOf(0x7d, open + 1);
  const tag = open >= 0 && close > open + 1 ? key.subarray(open + 1, close) : key;
  let crc = 0;
  // CRC-16/XMODEM, bit by bit: keys are short, and few at a time.
  for (const byte of tag) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % slotCount;
}

/** @throws DatasyncError `UNSUPPORTED`, which names two keys that lie apart */
export function checkSameSlot(what: string, names: readonly string[], keys: readonly Uint8Array[]): void {
  const [first, ...rest] = keys;
  const other = rest.findIndex((key) => slotOf(key) !== slotOf(first!));
  if (other < 0) return;
  const [a, b] = [JSON.stringify(names[0]), JSON.stringify(names[other + 1])];
  const message = `${what}: ${a} (slot ${slotOf(first!)}) and ${b} (slot ${slotOf(rest[other]!)}) lie apart, and a cluster writes at once only what lies in one slot: give them a common {tag}`;
  throw new DatasyncError('UNSUPPORTED', message, { backend: 'redis' });
}
