import { describe, it } from 'node:test';
import { describeSource } from 'rx-datasync/testing';
import { subject } from './subject.ts';

describeSource(subject, {
  describe,
  it,
  report: ({ invariants, skipped }) => {
    console.log(`shown: ${invariants.join(' ')}`);
    for (const { invariant, reason } of skipped) console.log(`${invariant}: ${reason}`);
  },
});
