import { Ack, type AckOwner, type Outcome } from '../../lib/model/ack.ts';

/** An ack whose owner writes down what it is told. */
export function recordedAck(): { ack: Ack; said: string[]; outcomes: Outcome[] } {
  const said: string[] = [];
  const outcomes: Outcome[] = [];
  const owner: AckOwner = {
    settled: (outcome) => {
      said.push(outcome.type);
      outcomes.push(outcome);
    },
    failedLate: (outcome) => {
      said.push(`late ${outcome.type}`);
      outcomes.push(outcome);
    },
    late: () => said.push('late word'),
  };
  return { ack: new Ack(owner), said, outcomes };
}
