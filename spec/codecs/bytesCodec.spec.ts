import { describe, expect, it } from 'vitest';
import { bytesCodec } from '../../lib/codecs/bytesCodec.ts';

describe('bytesCodec', () => {
  it('passes every byte, both ways, without a copy', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(bytesCodec.decode(all, 'k')).toBe(all);
    expect(bytesCodec.encode(all, 'k')).toBe(all);
  });

  it('takes no bytes for a value', () => {
    const none = new Uint8Array();
    expect(bytesCodec.decode(none, 'k')).toBe(none);
  });
});
