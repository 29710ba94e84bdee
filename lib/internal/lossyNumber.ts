import { keepsDigits } from './keepsDigits.ts';

/** Something is there that JavaScript would drop; the message says what a value "has". */
export class LossError extends TypeError {}

/** Stands for a number that JavaScript cannot hold; whoever writes it as JSON is told so. */
export class LossyNumber {
  /** As it was written. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** What is wrong with the value that it is in. */
  get reason(): string {
    return `has the number ${this.text}, which would lose digits: write it as a text`;
  }

  /** @throws LossError always */
  toJSON(): never {
    throw new LossError(this.reason);
  }
}

/** Whether a number loses digits: `0x`, `0o` and `0b` say that it is no decimal one. */
export function losesDigits(literal: string): boolean {
  // So few digits are kept by every number, of whatever base, that is neither very large nor very small.
  if (literal.length < 16 && !/e/i.test(literal)) return false;
  const [, sign, other] = /^([-+]?)(0[box][\da-f]+)$/i.exec(literal) ?? [];
  return !keepsDigits(other === undefined ? literal : `${sign}${BigInt(other)}`);
}
