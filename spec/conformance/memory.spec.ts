import { describe, it } from 'vitest';
import { describeSource } from '../../lib/testing/index.ts';
import { memorySubject } from '../support/memorySubject.ts';
import { recordBackend } from '../support/recordBackend.ts';

for (const handOver of ['pinned', 'windowed', 'diffed'] as const) {
  describeSource(memorySubject(handOver), { describe, it, report: recordBackend });
}
